"""Virtual time: months of schedules, waits and timeouts in milliseconds.

Give an engine a `VirtualClock` and its time stands still until you move it. Moving it rings every
timer on the way in order, each at its own time, and in between waits until what that set off has
settled: commits are on disk, functions have answered, runs have moved on.

    >>> import asyncio, tempfile
    >>> import batuta
    >>> from batuta.testing.clock import VirtualClock
    >>> REPORT = '''
    ... document: { dsl: '1.0.3', namespace: office, name: report, version: '1.0.0' }
    ... schedule: { cron: '0 6 * * MON-FRI' }
    ... do:
    ...   - write: { set: { written: true } }
    ... '''
    >>> async def june() -> int:
    ...     clock = VirtualClock("2026-06-01T00:00:00Z")
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         async with batuta.open(f"sqlite:///{folder}/office.db", clock=clock) as engine:
    ...             await engine.deploy(REPORT)
    ...             serving = asyncio.create_task(engine.serve())
    ...             await clock.advance(days=30)
    ...             serving.cancel()
    ...             return len(engine.runs())
    >>> asyncio.run(june())
    22

Only what asks the engine's clock follows it: a function that sleeps for a second still takes one.
"""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START = "2026-01-01T00:00:00Z"
TURNS = 10
"""Turns of the event loop left to whoever waits for a run in a task of their own."""


class VirtualClock:
    """A clock whose time you set. The contract is `batuta.ports.clock.Clock`."""

    def __init__(self, start: str | datetime | int = START, *, patience: float = 10.0) -> None:
        """Make a clock.

        Args:
            start: what time it is: RFC 3339 text, a datetime with a time zone, or epoch
                milliseconds.
            patience: how many real seconds to wait, before each move of the time, for what is under
                way; a function that takes longer answers later in virtual time.
        """
        self._now = start if isinstance(start, int) else _milliseconds(start)
        self._patience = patience
        self._set = 0
        self._timers: list[tuple[int, int, VirtualTimer]] = []
        self._heeded: list[Callable[[], Awaitable[None]]] = []

    def now(self) -> int:
        """Return the time in epoch milliseconds. See the port."""
        return self._now

    def call_at(self, when: int, callback: Callable[[], None]) -> VirtualTimer:
        """Call back when the time has been moved there. See the port."""
        timer = VirtualTimer(callback)
        if when <= self._now:
            asyncio.get_running_loop().call_soon(timer.ring)
            return timer
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, timer))
        return timer

    def heed(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Await `settled` before the time moves on; `batuta.open` gives its own. See the port."""
        self._heeded.append(settled)

    def ignore(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Await it no more. See the port."""
        self._heeded.remove(settled)

    async def advance(self, milliseconds: int = 0, **spans: float) -> None:
        """Move the time on, and let everything happen that is due on the way, in order.

        Args:
            milliseconds: by how much.
            spans: or, and added: `days`, `hours`, `minutes`, `seconds`, as of a timedelta.
        """
        end = self._now + milliseconds + round(timedelta(**spans) / timedelta(milliseconds=1))
        await self.settle()
        while self._timers and self._timers[0][0] <= end:
            self._now = max(self._now, self._timers[0][0])
            self._ring_due()
            await self.settle()
        self._now = max(self._now, end)

    def _ring_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._now:
            heapq.heappop(self._timers)[2].ring()

    async def settle(self) -> None:
        """Wait until nothing is on its way, without moving the time."""
        try:
            async with asyncio.timeout(self._patience):
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                # As often as there are engines: what one wrote may be news to another.
                for settled in tuple(self._heeded) * len(self._heeded):
                    await settled()
        except TimeoutError:
            return
        for _ in range(TURNS):
            await asyncio.sleep(0)


class VirtualTimer:
    """A call that was asked for. The contract is `batuta.ports.clock.Timer`."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Take it back. See the port."""
        self._callback = None

    def ring(self) -> None:
        """Make the call, unless it was made or taken back."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


def _milliseconds(moment: str | datetime) -> int:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} says no time zone; expected, for example, a Z")
    return round((moment - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1))
