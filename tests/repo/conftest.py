"""The project as the tidy tests see it: its files, its Python sources, its pages.

What git tracks or would track is the project; what it ignores is not read.
"""

import ast
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
