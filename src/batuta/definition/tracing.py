"""From an offset inside a text value back to the place in the file.

Owns undoing YAML's quoting: an expression is checked as a value, and its mistake is shown where it
was written. Exact for plain, quoted and literal (`|`) values; a value that YAML folds (`>`, or
quoted over several lines) loses the correspondence, so its first character is named.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from batuta.definition.problems import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.definition.nodes import Node

_DOUBLE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|[^\\\"]"
)
_SINGLE = re.compile(r"''|[^']")


def trace(node: Node, offset: int, text: str) -> Position:
    """Return where the character at `offset` of a string value stands in the file."""
    raw = text[node.start : node.end]
    if node.style in {"|", ">"}:
        return _in_block(node, offset, raw) if node.style == "|" else node.position
    begin = _after_properties(node, raw)
    if "\n" in raw:
        return node.position
    before = sum(islice(_steps(node.style, raw[begin:]), offset))
    return Position(node.line, node.column + begin + before)


def _after_properties(node: Node, raw: str) -> int:
    """Return where the text itself begins, past an anchor, a tag and the opening quote."""
    if node.style:
        return raw.index(node.style) + 1
    return raw.rfind(node.plain) if node.plain in raw else 0


def _steps(style: str, raw: str) -> Iterator[int]:
    """Yield how many characters of the file each character of the value takes."""
    pattern = _DOUBLE if style == '"' else _SINGLE if style == "'" else re.compile(".")
    return (len(found[0]) for found in pattern.finditer(raw))


def _in_block(node: Node, offset: int, raw: str) -> Position:
    """Trace into a literal block: its lines stand below the `|`, indented alike."""
    before = node.plain[:offset].split("\n")
    lines = raw.split("\n")
    row = len(before)
    shown = node.plain.split("\n")[row - 1]
    written = lines[row] if row < len(lines) else ""
    return Position(node.line + row, max(written.find(shown), 0) + len(before[-1]) + 1)
