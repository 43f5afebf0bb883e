"""Whose workflows hear which types of events: in listens, and to start a run.

Owns asking that of the versions that are deployed now, each text once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batuta.choreography.hearing import heard_types
from batuta.errors import BatutaError

if TYPE_CHECKING:
    from batuta.app.engine import Engine


class Heard(NamedTuple):
    """Namespaces by the types that their workflows name, and those that hear any type."""

    named: dict[str, frozenset[str]]
    of_any: frozenset[str]


class Hearers:
    """Knows who hears what, among the workflows of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._types: dict[str, frozenset[str] | None] = {}
        """By the digest of a workflow; None for any type."""

    def namespaces(self) -> Heard:
        """Return which namespaces hear what."""
        named: dict[str, set[str]] = {}
        of_any: set[str] = set()
        for identity in self._engine.workflows():
            namespace = identity.partition("/")[0]
            types = self._heard(identity)
            if types is None:
                of_any.add(namespace)
            else:
                for one in types:
                    named.setdefault(one, set()).add(namespace)
        return Heard({type_: frozenset(one) for type_, one in named.items()}, frozenset(of_any))

    def _heard(self, identity: str) -> frozenset[str] | None:
        digest = self._engine.store.digest(identity) or ""
        if digest not in self._types:
            try:
                program = self._engine.programs.of(identity, digest)
            except BatutaError:
                return frozenset()
            self._types[digest] = heard_types(program.workflow)
        return self._types[digest]
