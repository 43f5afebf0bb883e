"""Prose is tested: every path, module and link that a page or a docstring names exists.

Looked at are the code spans of pages, docstrings and comments, and the shell lines of pages. Words
in capitals (`tests/adapters/NAME/`) stand for something of the reader's.
"""

import importlib
import os
import re
from pathlib import PurePosixPath

import pytest

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)
PATH = re.compile(r"[\w.@*-]+(/[\w.@*-]+)*/?")
PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_-]*$")
MODULE = re.compile(r"batuta(\.(?!toml$|yaml$|json$|db$)[A-Za-z_]\w*)+")
TOP_LEVEL_PAGE = re.compile(r"[A-Z]{4,}\.md$|(Makefile|LICENSE|pyproject\.toml)$")


def slug(heading):
    """Give the anchor that a page's renderer makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def resolve(name):
    """Whether `batuta.a.b.C.d` can be reached: the longest module, then attributes."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            fields = getattr(thing, "__annotations__", {})
            if not hasattr(thing, part) and part not in fields:
                return False
            thing = getattr(thing, part, None)
        return True
    return False


@pytest.fixture(scope="module")
def is_ours(root, paths):
    """Decide whether a path that prose names exists: from the root, the package, or its page."""
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    packages = {p.split("/")[2] for p in paths if re.match(r"src/batuta/\w+/", p)}
    existing = {str(up) for p in paths for up in [PurePosixPath(p), *PurePosixPath(p).parents]}
    made = (root / ".gitignore").read_text(encoding="utf-8").split()

    def exists(candidate):
        pattern = candidate.removesuffix("/")
        if pattern in existing:
            return True
        pattern = "/".join("*" if PLACEHOLDER.match(p) else p for p in pattern.split("/"))
        return "*" in pattern and any(PurePosixPath(path).match(pattern) for path in existing)

    def verdict(word, page):
        """None when it is no path of ours, else whether it exists."""
        word = re.sub(r"(::\w+|:\d+)$", "", word)
        if not PATH.fullmatch(word) or word.startswith(tuple(made)):
            return None
        first, slash, _ = word.partition("/")
        beside = str(PurePosixPath(page).parent / word)
        if not slash:
            return exists(word) or exists(beside) if TOP_LEVEL_PAGE.match(word) else None
        if first in folders or word.startswith(("ui/", "docs/", ".ci/")):
            return exists(word) or exists(beside)
        if first in packages and (word.endswith((".py", "/"))):
            return exists(f"src/batuta/{word}") or exists(beside)
        return None

    return verdict


def test_every_path_that_prose_names_exists(prose, is_ours):
    found = [
        f"{path}: {word}"
        for path, spans in prose
        for span in spans
        for word in span.split()
        if is_ours(word, path) is False
    ]

    assert not found, "\n".join(found)


def test_every_module_that_prose_names_exists(prose, product):
    # A dotted name that the code holds as a string is a name of something else: a logger, an event.
    code = "".join(source.text for source in product)
    found = {
        f"{path}: {span}"
        for path, spans in prose
        for span in spans
        if MODULE.fullmatch(span) and f'"{span}"' not in code and not resolve(span)
    }

    assert not found, "\n".join(sorted(found))


def link_problem(root, page, link, existing, anchors):
    """What is wrong with a relative link of a page, or None."""
    target, _, anchor = link.partition("#")
    aim = (root / page.path).parent / target if target else root / page.path
    name = os.path.relpath(aim.resolve(), root)
    if name not in existing:
        return "no such file"
    if anchor and name.endswith(".md") and anchor not in anchors[name]:
        return "no such heading"
    return None


def test_every_relative_link_leads_somewhere(root, pages, paths):
    existing = {str(up) for p in paths for up in [PurePosixPath(p), *PurePosixPath(p).parents]}
    anchors = {page.path: {slug(h) for h in HEADING.findall(page.prose)} for page in pages}
    found = [
        f"{page.path}: {link}: {problem}"
        for page in pages
        for link in LINK.findall(page.prose)
        if not re.match(r"[a-z]+:", link)
        if (problem := link_problem(root, page, link, existing, anchors))
    ]

    assert not found, "\n".join(found)
