"""Problems of a document, shown as compilers do: the line it is in, and a mark under the place.

Owns the layout only. What is wrong, where and what to do was found by `batuta.definition`.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.cli.paper import clean, styled, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.definition import Problem

WIDEST = 100
_WORD = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\s,\[\]{}#:]+")


def tell_problems(problems: Iterable[object]) -> None:
    """Show problems on stderr, with the lines of their files that can be read."""
    texts: dict[str, list[str]] = {}
    for problem in problems:
        tell(rendered(problem, texts) + "\n")  # pyright: ignore[reportArgumentType] -- errors.py may not name the class


def rendered(problem: Problem, texts: dict[str, list[str]], *, err: bool = True) -> str:
    """Return one problem as text of several lines.

    Args:
        problem: what is wrong.
        texts: lines of files that were read before; what has to be read is added.
        err: it is written to stderr.
    """
    tone = "bad" if problem.severity == "error" else "warn"
    head = styled(f"{problem.severity}[{problem.code}]:", tone, err=err)
    place = styled(f"{problem.file}:{problem.line}:{problem.column}", "strong", err=err)
    if problem.reference:
        place += styled(f"  ({clean(problem.reference)})", "dim", err=err)
    lines = [f"{head} {clean(problem.message)}", f"  --> {place}"]
    lines += _excerpt(problem, _lines_of(problem.file, texts), tone, err=err)
    for name, text in (("expected", problem.expected), ("hint", problem.hint)):
        if text:
            lines.append(f"  {styled(f'{name}:', 'dim', err=err)} {clean(text)}")
    return "\n".join(lines)


def _lines_of(file: str, texts: dict[str, list[str]]) -> list[str]:
    if file not in texts:
        try:
            texts[file] = Path(file).read_text("utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError):
            texts[file] = []
    return texts[file]


def _excerpt(problem: Problem, lines: list[str], tone: str, *, err: bool) -> list[str]:
    if not 0 < problem.line <= len(lines):
        return []
    line, column = lines[problem.line - 1].rstrip("\r"), problem.column - 1
    mark = _mark(line, column)
    line, column = _window(line, column)
    line = clean(line.replace("\t", " "))
    gutter = str(problem.line)
    space = " " * len(gutter)
    under = " " * _cells(line[:column]) + styled("^" * min(mark, WIDEST), tone, err=err)
    shown = [f"{space} |", f"{gutter} | {line}", f"{space} | {under}"]
    edge = len(gutter) + 2
    return [styled(row[:edge], "dim", err=err) + row[edge:] for row in shown]


def _mark(line: str, column: int) -> int:
    """Return how wide the word at the problem's place is; 1 where there is none."""
    found = _WORD.match(line, column)
    return _cells(found[0]) if found else 1


def _window(line: str, column: int) -> tuple[str, int]:
    """Return the part of a long line that the column is in, and the column in that."""
    if len(line) <= WIDEST:
        return line, column
    start = max(0, column - WIDEST // 3)
    part = line[start : start + WIDEST]
    if start:
        part = "…" + part[1:]
    if start + WIDEST < len(line):
        part = part[:-1] + "…"
    return part, column - start


def _cells(text: str) -> int:
    """Return how wide a text is on a terminal; East Asian wide characters take two cells."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
