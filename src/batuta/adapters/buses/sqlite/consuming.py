"""Durable consumers as this process knows them, and its own parts in them.

Owns what the consuming code calls (`Part`), which only notes what is asked for: the next turn
(`turn.py`) brings it to the file.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from batuta.adapters.buses.sqlite.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from batuta.adapters.buses.sqlite.tail import Page
    from batuta.ports.bus import Delivered

_log = logging.getLogger("batuta.bus")


class Consumer:
    """A durable consumer that this process has at least one part in.

    `place` is what the file had at `revision`, with what the turn under way has changed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.types: frozenset[str] | None = frozenset()
        self.place = Place()
        self.revision: int | None = None
        self.parts: list[Part] = []
        self.joining: list[Part] = []
        self.leaving: list[Part] = []
        self.acknowledged: list[int] = []
        self.refused: list[tuple[int, int]] = []
        """(number, when it may come again)."""
        self.page: Page | None = None
        """What a consumer that lies behind the tail has read of its own."""
        self.reading = False


class Part:
    """This process's part in a consumer. The contract is `batuta.ports.bus.Consumption`."""

    def __init__(
        self,
        consumer: Consumer,
        replica: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int,
        ack_wait_ms: int,
        now: Callable[[], int],
        noted: Callable[[bool], None],
    ) -> None:
        """Prepare; the bus makes it known to the file.

        Args:
            consumer: what it is a part in.
            replica: its name among all parts of all processes.
            types: what it wants.
            take: what is given messages.
            window: how many it may hold.
            ack_wait_ms: for how long.
            now: tells the time.
            noted: called when something is to be brought to the file; True if at once.
        """
        self.consumer = consumer
        self.replica = replica
        self.types = types
        self.window = window
        self.ack_wait_ms = ack_wait_ms
        self.delivered: dict[int, int] = {}
        """Number -> attempt of what was handed over here and is not done with."""
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[None] = loop.create_future()
        self.left: asyncio.Future[None] = loop.create_future()
        self._take = take
        self._now = now
        self._noted = noted
        self._stopped = False

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Be done with messages. See the port."""
        noted = self.consumer.acknowledged
        for number in numbers:
            noted.append(number)
            self.delivered.pop(number, None)
        self._noted(len(noted) * 4 >= self.window)

    def refuse(self, number: int, delay_ms: int) -> None:
        """Ask for a message again. See the port."""
        if self.delivered.pop(number, 0):
            self.consumer.refused.append((number, self._now() + delay_ms))
            self._noted(delay_ms <= 0)

    async def stop(self) -> None:
        """Take no more. See the port."""
        self.stop_taking()
        await self.left

    def stop_taking(self) -> None:
        """Take no more from now on, and let the file know."""
        if not self._stopped:
            self._stopped = True
            self.consumer.leaving.append(self)
            self._noted(True)

    def hand_over(self, rows: list[Delivered]) -> None:
        """Give messages to who consumes."""
        if self._stopped:
            return
        self.delivered.update((row.number, row.attempt) for row in rows)
        try:
            self._take(rows)
        except Exception:  # noqa: BLE001 -- the contract forbids it; other consumers must not suffer
            _log.exception("what consumes as %s failed to take messages", self.consumer.name)
