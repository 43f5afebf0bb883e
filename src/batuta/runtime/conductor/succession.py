"""Taking over: the runs of owners that no longer live go on here.

Whether an owner lives is a question that can be answered (`is_alive`; of processes on this machine,
by the locks they hold), so nothing is taken from one that is merely slow. What an orphaned run had
under way is asked for again; what was published since its owner's last moment is offered again.

Hidden runs (triggers of schedules) are taken over only by an engine that serves schedules: another
one would let them start runs that it may not have the functions for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.runtime.conductor.conductor import Conductor

_log = logging.getLogger("batuta.runtime")


class Succession:
    """Finds orphaned owners, and takes their runs."""

    def __init__(self, conductor: Conductor, is_alive: Callable[[str], bool]) -> None:
        self._conductor = conductor
        self._is_alive = is_alive

    def lives(self, owner: str) -> bool:
        """Say whether an owner is this conductor, or another that lives."""
        return owner == self._conductor.owner or self._is_alive(owner)

    def gone(self) -> list[str]:
        """Return the owners of runs that have not ended, and that live no longer."""
        return self._orphaned(hidden=False)

    async def take_over(self, *, hidden: bool = False) -> int:
        """Take the runs of owners that no longer live; returns how many.

        Before the conductor has started they are only adopted: its start takes them up.
        """
        orphaned = self._orphaned(hidden=hidden)
        if not orphaned:
            return 0
        # A commit under way may move our place in the events on; adopting moves it back, and has to
        # be the later of the two.
        await self._conductor.committer.drain()
        return sum(self._adopt(owner, hidden=hidden) for owner in orphaned)

    def _orphaned(self, *, hidden: bool) -> list[str]:
        conductor = self._conductor
        return [
            owner
            for owner in conductor.store.owners(hidden=hidden)
            if owner != conductor.owner and not self._is_alive(owner)
        ]

    def _adopt(self, orphaned: str, *, hidden: bool) -> int:
        conductor = self._conductor
        rows = conductor.store.adopt(conductor.owner, orphaned, hidden=hidden)
        if rows:
            _log.info("took over %d runs of %s, which is gone", len(rows), orphaned)
            place = conductor.store.cursor(conductor.owner)
            if place is not None:
                conductor.hearing.go_back(place)
            conductor.take_up([row for row in rows if row.status == "running"])
        return len(rows)
