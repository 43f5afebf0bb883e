"""The system's clock, on the event loop. The contract is `batuta.ports.clock.Clock`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S = 3_600.0
"""Timers are set again after this long, so that a corrected system clock is noticed."""


class SystemClock:
    """Tells the system's time, never backwards."""

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> int:
        """Return the time in epoch milliseconds. See the port."""
        now = time.time_ns() // 1_000_000
        self._latest = max(self._latest, now)
        return self._latest

    def call_at(self, when: int, callback: Callable[[], None]) -> Alarm:
        """Call back on the event loop. See the port."""
        return Alarm(self, when, callback)


class Alarm:
    """A timer that looks at the system's clock before it rings, as that may have been corrected."""

    def __init__(self, clock: SystemClock, when: int, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._when = when
        self._callback = callback
        self._set()

    def _set(self) -> None:
        seconds = max(0.0, (self._when - self._clock.now()) / 1000)
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(min(seconds, LONGEST_S), self._ring)

    def cancel(self) -> None:
        """Ring no more. See the port."""
        self._handle.cancel()

    def _ring(self) -> None:
        if self._clock.now() >= self._when:
            self._callback()
        else:
            self._set()
