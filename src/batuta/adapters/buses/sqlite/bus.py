"""The embedded bus: one SQLite file, one machine, any number of processes.

The contract is `batuta.ports.bus.Bus`. What a message goes through: `publish` asks for a turn
(`driver.py`); the turn writes it and lends it to consumers in one transaction (`turn.py`,
`place.py`); it is delivered, and the other processes' bells are rung (`bells.py`); a sync of the
log, shared by all who publish meanwhile, makes it durable, and `publish` returns. Why delivery may
come first is said in `file.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from batuta.adapters.buses.sqlite.consuming import Consumer, Part
from batuta.adapters.buses.sqlite.driver import Driver
from batuta.adapters.buses.sqlite.file import BusFile
from batuta.adapters.buses.sqlite.turn import replica_name
from batuta.errors import NotFoundError, UnavailableError
from batuta.ports.bus import ACK_WAIT_MS, WINDOW, check, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from batuta.ports.bus import Delivered, Message
    from batuta.ports.clock import Clock

PURGED_AT_ONCE = 500
"""Messages dropped in one transaction, so that others need not wait long."""


class SqliteBus:
    """A bus in one file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Prepare; `start` opens the file, and creates it when absent.

        Args:
            path: the file; its log, index and a folder of sockets lie beside it.
            clock: numbers messages, and tells when something is due.
        """
        self._path = path
        self._clock = clock
        self._running: Driver | None = None
        self._parts = 0

    @property
    def _driver(self) -> Driver:
        if self._running is None:
            raise UnavailableError(
                f"the bus at {self._path} is not open", hint="start it, and close it last"
            )
        return self._running

    async def start(self) -> None:
        """Open the file. See the port."""
        driver = Driver(self._path, self._clock)
        await asyncio.to_thread(driver.open)
        driver.start()
        self._running = driver

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages. See the port."""
        check(messages)
        if messages:
            await self._driver.publish(messages)

    async def consume(
        self,
        name: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int = WINDOW,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> Part:
        """Become a part of a durable consumer. See the port."""
        check_name("a consumer's name", name)
        driver = self._driver
        self._parts += 1
        part = Part(
            driver.turns.consumers.get(name) or Consumer(name),
            replica_name(driver.bells.name, self._parts),
            types,
            take,
            window=window,
            ack_wait_ms=ack_wait_ms,
            now=self._clock.now,
            noted=driver.noted,
        )
        driver.join(part)
        await part.joined
        return part

    async def history(
        self, *, after: int = 0, types: frozenset[str] | None = None, limit: int = 1000
    ) -> list[Delivered]:
        """Read without consuming. See the port."""
        found: list[Delivered] = []
        while len(found) < limit:
            most = limit - len(found)
            page = await self._driver.read(
                lambda file, at=after, n=most: file.page(at, types, n, 0)
            )
            found += page.rows()
            if page.is_last:
                break
            after = page.upto
        return found

    async def newest(self) -> int:
        """Return the newest message's number. See the port."""
        return await self._driver.read(BusFile.newest)

    async def lag(self, name: str) -> int:
        """Return what a consumer has not acknowledged. See the port."""
        lag = await self._driver.read(lambda file: file.lag(name))
        if lag is None:
            raise NotFoundError(f"the bus has no consumer {name!r}")
        return lag

    async def claim(self, name: str, holder: str, *, take_over: bool = False) -> None:
        """Claim a name. See the port."""
        check_name("a consumer's name", name)
        await self._driver.read(lambda file: file.claim(name, holder, take_over=take_over))

    async def forget(self, name: str) -> None:
        """Drop a consumer. See the port."""
        await self._driver.forget(name)

    async def purge(self, before_ms: int) -> int:
        """Drop old messages. See the port."""
        dropped = 0
        while True:
            now = await self._driver.read(lambda file: file.purge(before_ms * 1000, PURGED_AT_ONCE))
            dropped += now
            if now < PURGED_AT_ONCE:
                return dropped

    async def close(self) -> None:
        """Write and sync what is left. See the port."""
        running, self._running = self._running, None
        if running is not None:
            await running.close()
