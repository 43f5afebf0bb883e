"""Where in a text the things of a document stand.

Owns looking a place up by its JSON Pointer in a text that was read before; what is wrong with the
text is no matter here (`reading` has said it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.definition.problems import Findings, Position
from batuta.definition.reading import read

if TYPE_CHECKING:
    from batuta.definition.nodes import Node


class Places:
    """The places of one text; a text that cannot be read has only its beginning."""

    def __init__(self, text: str) -> None:
        self._root, _ = read(text, Findings(""))

    def of(self, reference: str) -> Position:
        """Return where the key or item that a JSON Pointer (RFC 6901) names begins.

        Where the text does not go so deep, that is the place of the last thing that it has.
        """
        found = Position(1, 1)
        node = self._root
        for token in reference.split("/")[1:]:
            if node is None:
                break
            token = token.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901 -- as it is written there
            place, node = _inside(node, token)
            found = place or found
        return found


def _inside(node: Node, token: str) -> tuple[Position | None, Node | None]:
    if node.kind == "object" and token in node.fields:
        inner = node.fields[token]
        return node.keys.get(token, inner.position), inner
    if node.kind == "array" and token.isdigit() and int(token) < len(node.items):
        inner = node.items[int(token)]
        return inner.position, inner
    return None, None
