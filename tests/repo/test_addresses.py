"""No file knows where it was made or where its parts were fetched from.

A registry is whatever the reader's machine is set up for, so its address in a file would be wrong
for somebody; a path of one machine is wrong for everybody else.
"""

import re
import tomllib

import pytest

# In parts, so that this file does not name what no file may name.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs.org",
    "registry." + "yarnpkg.com",
    "deb." + "debian.org",
    "proxy." + "golang.org",
]
MACHINE_FOLDERS = ["/wo" + "rk/", "/ro" + "ot/", "/tmp/" + "spec"]

PINNED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==[^\s;]+( ; [^\\]+)? \\$")
HASH_OR_REMARK = re.compile(r"    (--hash=sha256:[0-9a-f]{64}( \\)?|#.*)$")


def normal(name):
    """Give a distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0]).lower()


@pytest.fixture(scope="module")
def texts(root, paths):
    """The text of every file that is text: (path, text)."""
    found = []
    for path in paths:
        try:
            found.append((path, (root / path).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


@pytest.fixture(scope="module", params=["run", "dev"])
def lock(request, root):
    """One lock file: (what it is for, its lines)."""
    text = (root / "requirements" / f"{request.param}.txt").read_text(encoding="utf-8")
    return request.param, text.splitlines()


def test_no_file_names_a_package_registry(texts):
    found = [(path, host) for path, text in texts for host in REGISTRIES if host in text]

    assert not found


def test_no_file_names_a_path_of_this_machine(root, texts):
    folders = [re.compile(rf"(?<![\w.~-]){re.escape(folder)}") for folder in MACHINE_FOLDERS]
    folders.append(re.compile(re.escape(f"{root}/")))
    found = [(path, f.pattern) for path, text in texts for f in folders if f.search(text)]

    assert not found


def test_a_lock_holds_exact_versions_hashes_and_no_options(lock):
    _, lines = lock
    odd = [
        line
        for line in lines
        if not (
            PINNED.match(line) or re.match(r"    (--hash=sha256:[0-9a-f]{64}( \\)?|#.*)$", line)
        )
    ]

    assert not odd
    assert sum("==" in line for line in lines) > 0
    assert not [line for line in lines if "://" in line or re.search(r"\s/\w", line)]


def test_a_lock_holds_every_dependency_that_the_project_declares(lock, root):
    purpose, lines = lock
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    declared = set(settings["project"]["dependencies"])
    declared |= set(settings["dependency-groups"]["dev"]) if purpose == "dev" else set()
    pinned = {normal(match[1]) for line in lines if (match := PINNED.match(line))}

    assert {normal(name) for name in declared} <= pinned, "run `make lock`"
