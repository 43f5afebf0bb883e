"""The project as the tidy tests see it: its files, its Python sources, its pages.

What git tracks or would track is the project; what it ignores is not read.
"""

import ast
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^\s*(```|~~~)\s*(\w*)")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SHELLS = {"", "sh", "bash", "shell", "console"}


@dataclass(frozen=True)
class Source:
    """A Python file: its path below the root, and what it says."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def is_below(self, *folders: str) -> bool:
        return self.path.startswith(tuple(f"{folder}/" for folder in folders))


@dataclass(frozen=True)
class Page:
    """A Markdown file: its path below the root, and what it says."""

    path: str
    text: str

    @cached_property
    def prose(self) -> str:
        """What stands outside fenced blocks."""
        return fenced(self.text)[0]


def fenced(text):
    """Split a page: (its prose without fenced blocks, [(language, line), ...] of the blocks)."""
    prose, lines, language = [], [], None
    for line in text.splitlines():
        if match := FENCE.match(line):
            language = match[2] if language is None else None
        elif language is None:
            prose.append(line)
        else:
            lines.append((language, line))
    return "\n".join(prose), lines


def joined(lines):
    """Yield the command lines of shell blocks, each continuation with what it continues."""
    held = ""
    for language, line in lines:
        if language not in SHELLS:
            continue
        held += line.strip().removeprefix("$ ")
        if held.endswith("\\"):
            held = held[:-1]
        else:
            yield held
            held = ""


def told(page_or_source):
    """What a file tells its reader: the code spans, and of a page also the shell lines."""
    if isinstance(page_or_source, Source):
        return SPAN.findall(page_or_source.text)
    _, lines = fenced(page_or_source.text)
    return [*SPAN.findall(page_or_source.prose), *joined(lines)]


@pytest.fixture(scope="session")
def root():
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def paths():
    """Every file of the project, as a path below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({path for path in listed.stdout.split("\0") if (ROOT / path).is_file()})


@pytest.fixture(scope="session")
def sources(paths):
    """Every Python file of the project."""
    return [
        Source(path, (ROOT / path).read_text(encoding="utf-8"))
        for path in paths
        if path.endswith(".py")
    ]


@pytest.fixture(scope="session")
def product(sources):
    """Every Python file of the package."""
    return [source for source in sources if source.is_below("src")]


@pytest.fixture(scope="session")
def pages(paths):
    """Every Markdown file of the project."""
    return [
        Page(path, (ROOT / path).read_text(encoding="utf-8"))
        for path in paths
        if path.endswith(".md")
    ]


@pytest.fixture(scope="session")
def prose(pages, sources):
    """(path, what it tells) of every page, and of every Python file but these tests' own."""
    written = [*pages, *(source for source in sources if not source.is_below("tests/repo"))]
    return [(one.path, told(one)) for one in written]
