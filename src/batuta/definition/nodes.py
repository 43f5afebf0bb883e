"""The document as values that know where they stand.

Owns the tree between text and checks. A `Node` holds its value twice: as plain JSON (`plain`), for
whoever only wants the data, and as child nodes with positions, for whoever must point at a place.
An alias is the same `Node` met again, so the tree is a graph without cycles; `weight` and `height`
say how large it is when written out.
"""

from __future__ import annotations

from typing import Any

from batuta.definition.problems import Position


class Node:
    """One value of the document.

    `kind` is a JSON type: string, integer, number, boolean, null, object or array. `start` and
    `end` delimit a scalar in the text, in characters, and `style` is its YAML quoting (`'`, `"`,
    `|`, `>` or empty): with them an offset inside the value can be traced to the text.
    """

    __slots__ = (
        "column",
        "end",
        "fields",
        "height",
        "items",
        "keys",
        "kind",
        "line",
        "plain",
        "start",
        "style",
        "weight",
    )  # fmt: skip -- one line per slot would hide the class

    def __init__(self, kind: str, plain: Any, line: int, column: int) -> None:
        self.kind = kind
        self.plain = plain
        self.line = line
        self.column = column
        self.start = 0
        self.end = 0
        self.style = ""
        # Most nodes are scalars: they share what stays empty.
        self.fields: dict[str, Node] = {} if kind == "object" else _NO_FIELDS
        self.keys: dict[str, Position] = {} if kind == "object" else _NO_KEYS
        self.items: list[Node] = [] if kind == "array" else _NO_ITEMS
        self.weight = 1
        self.height = 1

    @property
    def position(self) -> Position:
        """Where the value begins."""
        return Position(self.line, self.column)


_NO_FIELDS: dict[str, Node] = {}
_NO_KEYS: dict[str, Position] = {}
_NO_ITEMS: list[Node] = []
