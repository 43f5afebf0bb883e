"""Who tells whom what, and how often: the edges of a live map.

Owns what a message on the bus means for the map, and how counts age. Edges are *declared* where the
workflows say that somebody hears what somebody publishes, and *seen* where messages went; one that
is seen and not declared is worth a look, and so is one that is declared and never seen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from batuta.runtime.shared.envelope import Envelope, decode_envelope, decode_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from batuta.choreography.projection import Projection
    from batuta.ports.bus import Delivered

WORLD, CONDUCTOR = "world", "conductor"
KEEP_MINUTES = 60
MINUTE_MS = 60_000


class Edge(NamedTuple):
    """Somebody tells somebody something: `type` is the event's, "task" what a conductor asks."""

    start: str
    end: str
    type: str


class Count:
    """How often something happened, per minute of the last hour."""

    __slots__ = ("_minutes", "last_at")

    def __init__(self) -> None:
        self._minutes: dict[int, list[int]] = {}
        self.last_at: int | None = None

    def add(self, at: int, *, is_error: bool) -> None:
        """Count something that happened at a time (epoch milliseconds)."""
        minute = at // MINUTE_MS
        counted = self._minutes.setdefault(minute, [0, 0])
        counted[0] += 1
        counted[1] += is_error
        self.last_at = at if self.last_at is None else max(at, self.last_at)
        if len(self._minutes) > KEEP_MINUTES:
            del self._minutes[min(self._minutes)]

    def since(self, at: int) -> tuple[int, int]:
        """Return how often it happened since a time, and how many of those were errors."""
        first = at // MINUTE_MS
        found = [counted for minute, counted in self._minutes.items() if minute > first]
        return sum(one[0] for one in found), sum(one[1] for one in found)


class Seen:
    """What was seen on a bus."""

    def __init__(self, projection: Callable[[Envelope], Projection | None]) -> None:
        """Begin with nothing.

        Args:
            projection: returns the rules of the workflow that an event is about, if they are known.
        """
        self._projection = projection
        self.edges: defaultdict[Edge, Count] = defaultdict(Count)

    def note(self, message: Delivered, at: Callable[[Envelope], int]) -> None:
        """Count a message; what is no event tells nothing."""
        try:
            envelope = decode_envelope(message.body)
            receivers = self._receivers(envelope)
        except (msgspec.DecodeError, ValueError):
            return
        sender = envelope.batutafrom or WORLD
        is_error = envelope.type.endswith(".faulted")
        for receiver in receivers:
            if receiver != sender:
                self.edges[Edge(sender, receiver, envelope.type)].add(
                    at(envelope), is_error=is_error
                )

    def _receivers(self, envelope: Envelope) -> set[str]:
        """Return whom an event is for: who control goes to, else who listens, else the world."""
        projection = self._projection(envelope)
        if projection is None:
            return {WORLD}
        types = projection.types
        if envelope.type in {types.control, types.progress}:
            return set()
        if envelope.type == types.ended:
            return {WORLD}
        if envelope.type == types.start:
            return {projection.first}
        if envelope.batutahand is None:
            hearing = {
                name
                for name, part in projection.parts.items()
                if part.hears is None or envelope.type in part.hears
            }
            return hearing or {WORLD}
        hand = decode_hand(envelope.batutahand)
        owners: set[str] = set(hand.keepers)
        for one in hand.tokens:
            owners |= projection.performers.get(one.token.entering or "", frozenset())
        return owners


def declared(projections: Iterable[Projection]) -> set[Edge]:
    """Return who hears what somebody else publishes, as the workflows say."""
    found: set[Edge] = set()
    for projection in projections:
        rules = {name: part.rules for name, part in projection.parts.items()}
        for sender, sent in rules.items():
            types = {type_ for rule in sent for type_ in rule.publish}
            for receiver, heard in rules.items():
                if receiver != sender:
                    shared = {type_ for rule in heard for type_ in rule.on} & types
                    found.update(Edge(sender, receiver, type_) for type_ in shared)
        found.add(Edge(WORLD, projection.first, projection.types.start))
    return found


def of_all(projection: Projection) -> set[str]:
    """Return the types that any participant may publish, and all hear, whatever its rules."""
    return {projection.types.ended, projection.types.handover}
