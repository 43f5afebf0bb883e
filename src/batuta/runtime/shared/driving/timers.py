"""Waking runs in time: one timer for all of them.

Runs in memory that have something due soon lie in a heap; waiting runs lie in the store, sorted by
when they are due, and are read from it in time. Only the earliest of both is a timer of the clock.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.clock import Clock, Timer


class Timers:
    """Calls back when something may be due."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._heap: list[tuple[int, str]] = []
        self._timer: Timer | None = None
        self._set_for: int | None = None

    def remember(self, when: int, run_id: str) -> None:
        """A run in memory is due then; a later correction simply rings once for nothing."""
        heapq.heappush(self._heap, (when, run_id))
        self.ring_at(when)

    def due(self) -> list[str]:
        """Take out the runs in memory that may be due now."""
        now = self._clock.now()
        found: list[str] = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[1])
        return found

    def ring_at(self, when: int) -> None:
        """Make sure that the bell rings then, or earlier."""
        if self._set_for is not None and self._set_for <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._set_for = when
        self._timer = self._clock.call_at(when, self._rung)

    def rest(self) -> None:
        """After ringing: set the timer for what is left in memory."""
        if self._heap:
            self.ring_at(self._heap[0][0])

    def stop(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._set_for = None, None

    def _rung(self) -> None:
        self._timer, self._set_for = None, None
        self._ring()
