"""What tests of buses are made of: messages, somebody who takes them, and waiting for a thing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from batuta.adapters.clock import SystemClock
from batuta.ports.bus import Bus, Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from batuta.ports.bus import Consumption, Delivered

PATIENCE_S = 30.0
LOOK_S = 0.002


def expect(actual: Any, wanted: Any, promise: str) -> None:
    """Compare, and say which promise was not kept.

    Raises:
        AssertionError: they are not equal.
    """
    if actual != wanted:
        raise AssertionError(f"{promise}\n  expected: {wanted!r}\n  found:    {actual!r}")


def message(identity: str, kind: str = "t.one", body: bytes | None = None) -> Message:
    """Return a message whose body, unless given, tells its id."""
    return Message(identity, kind, f'{{"id":"{identity}"}}'.encode() if body is None else body)


def messages(*identities: str, kind: str = "t.one") -> list[Message]:
    """Return messages of one type."""
    return [message(one, kind) for one in identities]


class Taker:
    """Takes what a consumer is given, and keeps it."""

    def __init__(self) -> None:
        self.rows: list[Delivered] = []
        self.times: list[int] = []
        self.consumption: Consumption | None = None
        self.acknowledges = False
        self._now: Callable[[], int] = int

    def __call__(self, rows: list[Delivered]) -> None:
        """Take messages; acknowledge them at once if that was asked for."""
        self.rows += rows
        self.times += [self._now()] * len(rows)
        if self.acknowledges:
            self.part.acknowledge(row.number for row in rows)

    def timed_by(self, now: Callable[[], int]) -> Taker:
        """Note the time of each delivery."""
        self._now = now
        return self

    @property
    def part(self) -> Consumption:
        """The consumption."""
        if self.consumption is None:
            raise AssertionError("`take` was called before `consume` had returned")
        return self.consumption

    @property
    def ids(self) -> list[str]:
        """The ids in the order in which they came."""
        return [row.id for row in self.rows]

    @property
    def attempts(self) -> list[tuple[str, int]]:
        """Ids and attempts in the order in which they came."""
        return [(row.id, row.attempt) for row in self.rows]

    def number(self, identity: str) -> int:
        """Return a message's number."""
        return next(row.number for row in self.rows if row.id == identity)

    def acknowledge(self, *identities: str) -> None:
        """Acknowledge by id; without one, everything."""
        numbers = {row.number for row in self.rows if not identities or row.id in identities}
        self.part.acknowledge(sorted(numbers))


class BusCase:
    """What the suite's tests do to a bus; which one it is, the inheriting class says."""

    ack_wait_ms = 400
    """Long enough for a slow machine not to miss, short enough to wait for."""

    _clock = SystemClock()

    def make(self) -> Bus:
        """Return the bus under test, not started; each time on the same place."""
        raise NotImplementedError

    def now(self) -> int:
        """Return the time that the bus goes by, in milliseconds."""
        return self._clock.now()

    async def until(self, condition: Callable[[], bool], promise: str) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: it does not become so.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():  # noqa: ASYNC110 -- buses have no event to wait for
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"{promise}: not within {PATIENCE_S} s") from None

    async def takes(self, taker: Taker, count: int, promise: str) -> None:
        """Wait until somebody has taken so many messages."""
        await self.until(lambda: len(taker.rows) >= count, promise)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Bus]:
        """Start the bus, and close it after the block."""
        bus = self.make()
        await bus.start()
        try:
            yield bus
        finally:
            await bus.close()

    async def taking(
        self,
        bus: Bus,
        name: str = "c",
        types: Iterable[str] | None = None,
        *,
        acknowledges: bool = False,
        **options: Any,
    ) -> Taker:
        """Consume, and return who takes."""
        taker = Taker().timed_by(self.now)
        taker.acknowledges = acknowledges
        wanted = None if types is None else frozenset(types)
        held: list[list[Delivered]] = []

        def take(rows: list[Delivered]) -> None:
            # A bus may deliver before `consume` has returned what to acknowledge with.
            if taker.consumption is None:
                held.append(rows)
            else:
                taker(rows)

        taker.consumption = await bus.consume(name, wanted, take, **options)
        for rows in held:
            taker(rows)
        return taker

    async def acknowledged(self, bus: Bus, name: str = "c") -> None:
        """Wait until the bus knows of every acknowledgement."""
        async with asyncio.timeout(PATIENCE_S):
            while await bus.lag(name):
                await self.moment()

    async def moment(self) -> None:
        """Let a little time pass."""
        await asyncio.sleep(LOOK_S)
