"""Which places of its input an expression reads, as far as its text tells.

Owns following `.a.b` through pipes. Where an expression looks at what is not plainly a place of its
input (a variable, the result of a function), only the names that it asks for are known.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.definition.expression_language import parse, syntax
from batuta.definition.marks import ANY
from batuta.errors import ExpressionSyntaxError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from batuta.expressions.syntax import Node

Place = tuple[str, ...]
_OF_ALL = (syntax.Call, syntax.Format, syntax.Descend, syntax.Assign, syntax.Function)
"""What reads its whole input, whatever it is given besides."""


class Reads(NamedTuple):
    """What is read: places of the input as paths (`()` is all of it), and names from anywhere."""

    places: frozenset[Place]
    names: frozenset[str]

    def touches(self, paths: Collection[Place], *, exactly: bool = True) -> bool:
        """Say whether one of some places is read, a part of it, or something that it is a part of.

        Args:
            paths: places, with `ANY` for items and names that are not known.
            exactly: the paths are of the same input; else only their last names are compared.
        """
        names = {one for path in paths for one in path[-1:]} - {ANY}
        asked = self.names
        if not exactly:
            asked |= {one for place in self.places for one in place}
        elif any(_meet(place, path) for place in self.places for path in paths):
            return True
        return not names.isdisjoint(asked)


def reads_of(program: str) -> Reads:
    """Return what an expression reads; nothing for what is none."""
    try:
        tree = parse(program).tree
    except ExpressionSyntaxError:
        return Reads(frozenset(), frozenset())
    reader = _Reader()
    reader.use(reader.place(tree, ()))
    return Reads(frozenset(reader.places), frozenset(reader.names))


def _meet(place: Place, path: Place) -> bool:
    """Say whether one of two places lies in the other."""
    return all(a == b or ANY in {a, b} for a, b in zip(place, path, strict=False))


class _Reader:
    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.names: set[str] = set()

    def use(self, place: Place | None) -> None:
        """Note that a place is read."""
        if place is not None:
            self.places.add(place)

    def place(self, node: Node, base: Place | None) -> Place | None:
        """Return the place that a node means, None for what is computed; notes what that reads."""
        match node:
            case syntax.Identity():
                return base
            case syntax.Pipe(parts):
                for part in parts:
                    base = self.place(part, base)
                return base
            case syntax.Iterate(target):
                return _inside(self.place(target, base), ANY)
            case syntax.Index(target, key):
                return self._indexed(target, key, base)
            case syntax.Try(body, None):
                return self.place(body, base)
            case _:
                self._compute(node, base)
                return None

    def _compute(self, node: Node, base: Place | None) -> None:
        """Note what a node reads whose result is no place of the input."""
        if isinstance(node, syntax.Reduce | syntax.Foreach):
            inner = [(node.source, base), (node.start, base), (node.update, None)]
            if isinstance(node, syntax.Foreach) and node.extract is not None:
                inner.append((node.extract, None))
        else:
            if isinstance(node, _OF_ALL):
                self.use(base)
            inner = [(one, base) for one in _children(node)]
        for one, at in inner:
            self.use(self.place(one, at))

    def _indexed(self, target: Node, key: Node, base: Place | None) -> Place | None:
        place = self.place(target, base)
        match key:
            case syntax.Text("text", (str(name),)):
                if place is None:
                    self.names.add(name)
                return _inside(place, name)
            case _:
                self.use(self.place(key, base))
                return _inside(place, ANY)


def _inside(place: Place | None, name: str) -> Place | None:
    return None if place is None else (*place, name)


def _children(node: Any) -> Iterator[Any]:
    """Yield the nodes directly inside of a node."""
    waiting = [getattr(node, one.name) for one in fields(node)]
    while waiting:
        one = waiting.pop()
        if is_dataclass(one):
            yield one
        elif isinstance(one, tuple):
            waiting += one
