"""What JSON Schemas mark as secret, found in values.

Owns which words of a schema are marks, and following a schema and a value side by side. A subschema
is marked when it has `writeOnly: true` (JSON Schema Validation 2020-12, section 9.4),
`format: password` (the format registry of OpenAPI), or `x-secret: true`; all of a value that it is
for is then secret. Does not own what is done to such values.

Where a schema leaves open which of its parts is meant (`anyOf`, `oneOf`, `if`, `not`, `contains`),
all of them count: rather too much is secret than too little. References are followed within the
schema, and into those that are given with it; a value that is nested deeper than anybody would look
is secret as a whole. A place is what a value may be held against: some subschemas. As places are
made from sets of subschemas, once each, a schema that refers to itself needs no bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEEPEST = 100
"""How deep a value is looked into."""
MOST_PLACES = 1_000
"""How many places of a schema are listed; `Marks.paths`."""
ANY = "*"
"""Stands in a path for every item, and for names that the schema does not give."""

_ALL_OF = ("allOf", "anyOf", "oneOf")
_ONE = ("if", "then", "else", "not")
_OTHERS = ("additionalProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_BY_NAME = ("dependentSchemas", "dependencies")
_NOTHING: Mapping[str, Any] = {}


def is_marked(schema: Any) -> bool:
    """Say whether a subschema says of itself that its values are secret."""
    return isinstance(schema, dict) and (
        schema.get("writeOnly") is True
        or schema.get("x-secret") is True
        or schema.get("format") == "password"
    )


def marks_of(document: Any, elsewhere: Mapping[str, Any] = _NOTHING) -> Marks | None:
    """Return what a schema marks, None when nothing in it, or in what it refers to, is marked.

    Args:
        document: the schema.
        elsewhere: further schemas by their URI, without fragment.
    """
    schema = _Schema(document, elsewhere)
    if not any(is_marked(one) for one in schema.everything()):
        return None
    return Marks(schema, schema.place([(document, document)]))


class Marks:
    """A place in a schema; get one from `marks_of`."""

    def __init__(self, schema: _Schema, place: _Place) -> None:
        self._schema = schema
        self._place = place

    def item(self) -> Marks:
        """Return what is marked in each item of a list that this is for."""
        return Marks(self._schema, self._schema.at_item(self._place, None))

    def member(self, name: str) -> Marks:
        """Return what is marked in a member of an object that this is for."""
        return Marks(self._schema, self._schema.at_name(self._place, name))

    def covered(self, value: Any, cover: Callable[[str, Any], Any]) -> Any:
        """Return a value in which whatever is marked was replaced; null stays null.

        Args:
            value: JSON.
            cover: given the name of the innermost property around, "" without one, and what is
                marked; returns what takes its place.
        """
        return self._covered(self._place, value, "", cover, DEEPEST)

    def _covered(
        self, place: _Place, value: Any, name: str, cover: Callable[[str, Any], Any], left: int
    ) -> Any:
        if value is None:
            return None
        if place.is_secret or left == 0:
            return cover(name, value)
        if not place.parts:
            return value
        schema = self._schema
        if isinstance(value, dict):
            return {
                key: self._covered(schema.at_name(place, key), one, key, cover, left - 1)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [
                self._covered(schema.at_item(place, at), one, name, cover, left - 1)
                for at, one in enumerate(value)
            ]
        return value

    def paths(self) -> set[tuple[str, ...]]:
        """Return where values are secret: names of properties from the root on, or `ANY`.

        A schema that refers to itself has endless ones; those through no place twice are returned,
        of the first thousand places.
        """
        found: set[tuple[str, ...]] = set()
        seen: set[int] = set()
        waiting: list[tuple[_Place, tuple[str, ...]]] = [(self._place, ())]
        while waiting and len(seen) < MOST_PLACES:
            place, path = waiting.pop()
            if place.is_secret:
                found.add(path)
            elif id(place) not in seen:
                seen.add(id(place))
                waiting += ((after, (*path, name)) for name, after in self._schema.following(place))
        return found


class _Place:
    """Subschemas that a value is for, each with the document that it stands in."""

    __slots__ = ("is_secret", "parts")

    def __init__(self, parts: tuple[tuple[dict[str, Any], Any], ...]) -> None:
        self.parts = parts
        self.is_secret = any(is_marked(part) for part, _ in parts)


class _Schema:
    """A schema with what it refers to. Knows its places."""

    def __init__(self, document: Any, elsewhere: Mapping[str, Any]) -> None:
        self._document = document
        self._elsewhere = {uri.partition("#")[0]: one for uri, one in elsewhere.items()}
        self._places: dict[tuple[int, ...], _Place] = {}
        self._patterns: dict[str, Any] = {}
        self._anchors: dict[int, dict[str, Any]] = {}

    def everything(self) -> Iterator[Any]:
        """Yield every object in the schema, and in the others if it refers to any."""
        waiting = [self._document, *self._elsewhere.values()]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                yield one
                waiting += one.values()
            elif isinstance(one, list):
                waiting += one

    # -- places ------------------------------------------------------------------------------------

    def place(self, schemas: list[tuple[Any, Any]]) -> _Place:
        """Return the place where some subschemas hold, and all that hold with them."""
        parts: dict[int, tuple[dict[str, Any], Any]] = {}
        waiting = [*reversed(schemas)]
        while waiting:
            schema, document = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in parts:
                continue
            parts[id(schema)] = (schema, document)
            for name in _ALL_OF:
                waiting += ((one, document) for one in _list(schema.get(name)))
            waiting += ((schema.get(name), document) for name in _ONE)
            for name in _BY_NAME:
                waiting += ((one, document) for one in _dict(schema.get(name)).values())
            for name in ("$ref", "$dynamicRef"):
                if isinstance(schema.get(name), str):
                    waiting.append(self._referred(schema[name], document))
            if "$recursiveRef" in schema:
                waiting.append((document, document))
        key = tuple(sorted(parts))
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = _Place(tuple(parts.values()))
        return known

    def at_name(self, place: _Place, name: str) -> _Place:
        """Return the place of a property."""
        found: list[tuple[Any, Any]] = []
        for part, document in place.parts:
            own = _dict(part.get("properties"))
            here = [own[name]] if name in own else []
            here += (
                one
                for pattern, one in _dict(part.get("patternProperties")).items()
                if self._matches(pattern, name)
            )
            if not here:
                here = [part.get(other) for other in _OTHERS]
            found += ((one, document) for one in here)
        return self.place(found)

    def at_item(self, place: _Place, at: int | None) -> _Place:
        """Return the place of an item by its index, None for any item."""
        found: list[tuple[Any, Any]] = []
        for part, document in place.parts:
            for name in ("prefixItems", "items"):
                ordered = _list(part.get(name))
                chosen = ordered if at is None else ordered[at : at + 1]
                found += ((one, document) for one in chosen)
            found += ((part.get(name), document) for name in _ITEMS)
        return self.place(found)

    def following(self, place: _Place) -> Iterator[tuple[str, _Place]]:
        """Yield the places directly inside of one, by name or `ANY`."""
        names = {name for part, _ in place.parts for name in _dict(part.get("properties"))}
        for name in sorted(names):
            yield name, self.at_name(place, name)
        others: list[tuple[Any, Any]] = []
        for part, document in place.parts:
            others += ((part.get(name), document) for name in _OTHERS)
            others += ((one, document) for one in _dict(part.get("patternProperties")).values())
        for after in (self.place(others), self.at_item(place, None)):
            if after.parts:
                yield ANY, after

    def _matches(self, pattern: str, name: str) -> bool:
        """Say whether a name fits a pattern; one that cannot be read fits every name."""
        if pattern not in self._patterns:
            try:
                self._patterns[pattern] = jsonschema_rs.validator_for({"pattern": pattern})
            except (ValueError, jsonschema_rs.ValidationError):
                self._patterns[pattern] = None
        known = self._patterns[pattern]
        return known is None or known.is_valid(name)

    # -- references --------------------------------------------------------------------------------

    def _referred(self, reference: str, document: Any) -> tuple[Any, Any]:
        """Return the subschema that a reference means, and its document; None for what is none."""
        uri, _, fragment = reference.partition("#")
        if uri:
            document = self._elsewhere.get(uri)
        fragment = unquote(fragment)
        if not fragment:
            return document, document
        if fragment.startswith("/"):
            return _at(document, fragment), document
        return self._anchored(document).get(fragment), document

    def _anchored(self, document: Any) -> dict[str, Any]:
        if id(document) not in self._anchors:
            within = _Schema(document, {}).everything()
            self._anchors[id(document)] = {
                one[word].removeprefix("#"): one
                for one in within
                for word in ("$anchor", "$dynamicAnchor", "$id", "id")
                if isinstance(one.get(word), str)
            }
        return self._anchors[id(document)]


def _at(document: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) means in a document, None when there is nothing."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            document = _dict(document).get(name)
    return document


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
