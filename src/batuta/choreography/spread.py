"""A graph through which it spreads who may hold control, and what was last told of it.

Owns a small data-flow analysis: vertices, edges, and for every vertex the set of *causes* with
which control may get there. It knows nothing of workflows; `flow` builds the graph.

A vertex passes on the causes that reach it, or changes them: one that `tells` something replaces
what was told and keeps who holds control; one that also has a `holder` replaces both. Sets are
integers, one bit per cause: in a workflow of n tasks n causes may reach n vertices, and unions of
Python sets would then take minutes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


class Told(NamedTuple):
    """What an event tells: that the task at `reference` ended, or what else it is about.

    `what` is start, completed, faulted, control or handover; of those only completed and faulted
    have a reference.
    """

    what: str
    reference: str = ""


class Cause(NamedTuple):
    """How control comes: who held it, and what that participant tells when it goes elsewhere.

    The holder is empty where nobody takes part at all.
    """

    told: Told
    holder: str


class Graph:
    """Vertices are numbers, as `vertex` returns them."""

    def __init__(self) -> None:
        self.edges: list[list[int]] = []
        self._tells: dict[int, tuple[Told, str | None]] = {}
        self._sources: list[tuple[int, Cause]] = []
        self._delays: dict[int, tuple[Told, Collection[Told]]] = {}
        self._reaching: list[int] = []
        self._causes: list[Cause] = []
        self._bits: dict[Cause, int] = {}
        self._held: dict[str, int] = {}

    def vertex(self, told: Told | None = None, holder: str | None = None) -> int:
        """Return a new vertex, which may change causes as the module says."""
        self.edges.append([])
        number = len(self.edges) - 1
        if told is not None:
            self._tells[number] = (told, holder)
        return number

    def delay(self, later: Told, once: Collection[Told]) -> int:
        """Return a new vertex behind which `later` is told instead of what is told `once` only."""
        number = self.vertex()
        self._delays[number] = later, once
        return number

    def edge(self, *path: int) -> None:
        """Let control go from each of the vertices to the next."""
        for start, end in pairwise(path):
            self.edges[start].append(end)

    def source(self, vertex: int, cause: Cause) -> None:
        """Let control begin at a vertex."""
        self._sources.append((vertex, cause))

    def is_telling(self, vertex: int) -> bool:
        """Say whether a vertex changes the causes that reach it."""
        return vertex in self._tells or vertex in self._delays

    def told(self, vertex: int) -> Told | None:
        """Return what a vertex tells, if it tells anything."""
        change = self._tells.get(vertex) or self._delays.get(vertex)
        return None if change is None else change[0]

    def spread(self) -> None:
        """Find out which causes reach which vertices."""
        begun: dict[int, int] = {}
        for vertex, cause in self._sources:
            begun[vertex] = begun.get(vertex, 0) | self._bit(cause)
        self._reaching = _flooded(self.edges, begun, self._changed)

    def behind(self, marks: dict[int, int], also: list[tuple[int, int]]) -> list[int]:
        """Return which marks control may have passed, on its way to each vertex or at it.

        Args:
            marks: vertex to the bits it sets.
            also: further edges, along which marks go and control does not.
        """
        edges = [list(ends) for ends in self.edges]
        for start, end in also:
            edges[start].append(end)
        return _flooded(edges, marks, lambda _, mask: mask)

    def told_at(self) -> Iterator[tuple[int, int]]:
        """Yield every vertex that tells something, with the set of causes that leave it."""
        for vertex in (*self._tells, *self._delays):
            yield vertex, self._changed(vertex, self._reaching[vertex])

    def mask(self, vertex: int) -> int:
        """Return the set of causes that reach a vertex."""
        return self._reaching[vertex]

    def _changed(self, vertex: int, causes: int) -> int:
        delay = self._delays.get(vertex)
        if delay is not None:
            return self._delayed(causes, *delay)
        change = self._tells.get(vertex)
        if change is None or not causes:
            return causes
        told, holder = change
        if holder is not None:
            return self._bit(Cause(told, holder))
        changed = 0
        for held_by, mask in list(self._held.items()):
            if causes & mask:
                changed |= self._bit(Cause(told, held_by))
        return changed

    def _delayed(self, causes: int, later: Told, once: Collection[Told]) -> int:
        changed = causes
        for position, cause in enumerate(list(self._causes)):
            if causes >> position & 1 and cause.told in once:
                changed = changed & ~(1 << position) | self._bit(Cause(later, cause.holder))
        return changed

    def _bit(self, cause: Cause) -> int:
        bit = self._bits.get(cause)
        if bit is None:
            bit = self._bits[cause] = 1 << len(self._causes)
            self._causes.append(cause)
            self._held[cause.holder] = self._held.get(cause.holder, 0) | bit
        return bit

    def reaching(self, vertex: int, among: int = -1) -> Iterator[Cause]:
        """Yield the causes that reach a vertex, in the order in which they were first met.

        `among` is a set of causes that count.
        """
        rest = self._reaching[vertex] & among
        while rest:
            low = rest & -rest
            yield self._causes[low.bit_length() - 1]
            rest ^= low

    def is_reached(self, vertex: int) -> bool:
        """Say whether control ever gets there."""
        return self._reaching[vertex] != 0

    def holders(self, vertex: int) -> frozenset[str]:
        """Return who may hold control at a vertex."""
        reaching = self._reaching[vertex]
        return frozenset(holder for holder, mask in self._held.items() if reaching & mask)


def _flooded(
    edges: list[list[int]], begun: dict[int, int], changed: Callable[[int, int], int]
) -> list[int]:
    """Return the least sets, one per vertex, that hold what begins there and what flows in.

    `changed` gives what leaves a vertex that a set has reached; it may only grow with the set.
    """
    reaching = [0] * len(edges)
    for vertex, mask in begun.items():
        reaching[vertex] = mask
    waiting = list(begun)
    queued = set(waiting)
    while waiting:
        vertex = waiting.pop()
        queued.discard(vertex)
        leaving = changed(vertex, reaching[vertex])
        for end in edges[vertex]:
            if leaving & ~reaching[end]:
                reaching[end] |= leaving
                if end not in queued:
                    queued.add(end)
                    waiting.append(end)
    return reaching
