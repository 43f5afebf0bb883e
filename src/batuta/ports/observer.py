"""Watching runs live: what a process tells, while it drives them, to whoever wants to know.

Telemetry and pages stand on it. A run's timeline does not: it is derived from what is stored, also
for runs that nobody watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from batuta.kernel.lifecycle import Happened

if TYPE_CHECKING:
    from collections.abc import Iterable


class Sight(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One durable step of a run, as its driver saw it.

    `participant` is who took it, None for a conductor: then the run is orchestrated. `is_first`
    marks the step that began the run (not its other parts elsewhere). Times are epoch milliseconds.
    What `reports` tell as inputs and outputs holds placeholders where secrets are.
    """

    run: str
    workflow: str
    participant: str | None
    status: str
    at: int
    started_at: int
    ended_at: int | None = None
    parent: str | None = None
    is_first: bool = False
    reports: tuple[Happened, ...] = ()


class Observer(Protocol):
    """Sees the steps of runs.

    Promises: returns at once, and raises nothing.
    Failure: none; what it cannot pass on it drops.
    Cancellation: not applicable.
    Order: the steps of one run come in their order, each after its commit, on the loop's thread.
    Repetition: each step once per process; what a crash cut off is not seen again.
    """

    def saw(self, sight: Sight) -> None:
        """A step of a run is durable."""
        ...


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def saw(self, sight: Sight) -> None:
        """Tell each of them. See the port."""
        for one in self._observers:
            one.saw(sight)
