"""The bus of a simulation: everything that a bus may do to messages happens here.

A broker keeps messages in one order and delivers them to consumers, at least once: late, in any
order, twice, or not before they have been asked for again. It forgets ids after a while, so that
what is published again then is a new message. Its promises are those of `batuta.ports.bus`, and no
more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.types import RESERVED
from batuta.errors import UnavailableError
from batuta.ports.bus import ACK_WAIT_MS, WINDOW, Delivered, check, check_name, claimed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from batuta.ports.bus import Message
    from batuta.testing.simulation.faults import Faults
    from batuta.testing.simulation.loop import Handle, Process, SimulatedLoop

REMEMBERED_MS = 120_000
"""How long the broker knows an id."""

MOST_ATTEMPTS = 100
"""Deliveries of a message after which it will never be acknowledged."""

PROGRESS = ".progress"

QUICK_MS, SLOW_MS = 3, 20_000
LATER_MS = 400_000_000_000


class Durable:
    """A durable consumer."""

    def __init__(self, name: str, types: frozenset[str] | None) -> None:
        self.name = name
        self.types = types
        self.part: SimulatedPart | None = None
        self.open: dict[int, Delivered] = {}
        """Messages that are not acknowledged."""
        self.due: dict[int, Handle] = {}
        self.waiting: list[int] = []
        """Messages that nobody was there to take."""


class Broker:
    """What all buses of a simulation are opened on."""

    def __init__(self, loop: SimulatedLoop, faults: Faults) -> None:
        self.loop = loop
        self.faults = faults
        self.messages: list[Delivered] = []
        self.consumers: dict[str, Durable] = {}
        self.bodies: dict[str, bytes] = {}
        self.violations: list[str] = []
        self.claims: dict[str, str] = {}
        self._known: dict[str, int] = {}
        self._attempts: dict[str, int] = {}

    # -- publishing --------------------------------------------------------------------------------

    def write(self, messages: Sequence[Message]) -> None:
        """Keep messages, and deliver them."""
        now = self.loop.now
        for message in messages:
            # What viewers are told is told again after a crash, and perhaps more at once.
            is_meant = not (message.type.startswith(RESERVED) and message.type.endswith(PROGRESS))
            if self.bodies.setdefault(message.id, message.body) != message.body and is_meant:
                self.violations.append(f"two messages are called {message.id}")
            known = self._known.get(message.id)
            if known is not None and (
                now - known < REMEMBERED_MS or not self.faults.fires("forgotten id", message.id)
            ):
                continue
            self._known[message.id] = now
            row = Delivered(len(self.messages) + 1, message.id, message.type, message.body)
            self.messages.append(row)
            for durable in self.consumers.values():
                if durable.types is None or row.type in durable.types:
                    self._accept(durable, row)

    def attempt(self, message: str) -> int:
        """Count how often a message was the first of those to be published."""
        count = self._attempts[message] = self._attempts.get(message, 0) + 1
        return count

    # -- delivering --------------------------------------------------------------------------------

    def durable(self, name: str, types: frozenset[str] | None) -> Durable:
        """Return a consumer; a new one begins with the oldest message."""
        durable = self.consumers.get(name)
        if durable is None:
            durable = self.consumers[name] = Durable(name, types)
            for row in self.messages:
                if types is None or row.type in types:
                    self._accept(durable, row)
        durable.types = types
        return durable

    def _accept(self, durable: Durable, row: Delivered) -> None:
        durable.open[row.number] = row
        where = f"{durable.name} {row.id}"
        self.deliver_in(durable, row.number, self._delay(where))
        for kind, most in (("again", 2 * ACK_WAIT_MS), ("again much later", LATER_MS)):
            if self.faults.fires(kind, where):
                later = self.loop.now + self.faults.amount(f"{kind} {where}", 0, most)
                again = msgspec.structs.replace(row, attempt=2)
                self.loop.at_in(self.loop.world, later, self._give, durable, again)

    def _delay(self, where: str) -> int:
        if self.faults.fires("slow", where):
            return self.faults.amount(f"slow {where}", 0, SLOW_MS)
        return self.faults.amount(where, 0, QUICK_MS)

    def deliver_in(self, durable: Durable, number: int, delay: int) -> None:
        """Deliver a message after a while, instead of when it would have been."""
        before = durable.due.get(number)
        if before is not None:
            before.cancel()
        loop = self.loop
        durable.due[number] = loop.at_in(loop.world, loop.now + delay, self._due, durable, number)

    def _due(self, durable: Durable, number: int) -> None:
        row = durable.open.get(number)
        if row is None:
            return
        if durable.part is None or not durable.part.process.alive:
            durable.waiting.append(number)
            return
        row = durable.open[number] = msgspec.structs.replace(row, attempt=row.attempt + 1)
        if row.attempt > MOST_ATTEMPTS:
            self.violations.append(f"{durable.name} never acknowledges {row.id}")
            del durable.open[number]
            return
        self.deliver_in(durable, number, ACK_WAIT_MS)
        if not self.faults.fires("lost delivery", f"{durable.name} {row.id} {row.attempt}"):
            self._give(durable, row)

    def _give(self, durable: Durable, row: Delivered) -> None:
        part = durable.part
        if part is not None and part.process.alive:
            part.give(row)

    def acknowledge(self, durable: Durable, number: int) -> None:
        """Be done with a message."""
        row = durable.open.get(number)
        if row is None or self.faults.fires(
            "lost acknowledgement", f"{durable.name} {row.id} {row.attempt}"
        ):
            return
        del durable.open[number]
        durable.due.pop(number).cancel()


class SimulatedPart:
    """One part in a consumer. The contract is `batuta.ports.bus.Consumption`."""

    def __init__(
        self,
        broker: Broker,
        durable: Durable,
        process: Process,
        take: Callable[[list[Delivered]], None],
    ) -> None:
        self.process = process
        self._broker = broker
        self._durable = durable
        self._take = take
        self._batch: list[Delivered] = []

    def give(self, row: Delivered) -> None:
        """Let the process take a message, together with others that come at the same time."""
        if not self._batch:
            self._broker.loop.soon_in(self.process, self._flush)
        self._batch.append(row)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if self._durable.part is self:
            self._take(batch)

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Be done with messages. See the port."""
        for number in numbers:
            self._broker.acknowledge(self._durable, number)

    def refuse(self, number: int, delay_ms: int) -> None:
        """Ask for a message again. See the port."""
        if number in self._durable.open:
            self._broker.deliver_in(self._durable, number, delay_ms)

    async def stop(self) -> None:
        """Take no more. See the port."""
        if self._durable.part is self:
            self._durable.part = None


class SimulatedBus:
    """The bus as one process sees it. The contract is `batuta.ports.bus.Bus`."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def start(self) -> None:
        """Open. See the port."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages. See the port."""
        check(messages)
        broker = self._broker
        loop, faults = broker.loop, broker.faults
        where = f"{messages[0].id} {broker.attempt(messages[0].id)}"
        refused = faults.fires("refused publication", where)
        failed = faults.fires("unconfirmed publication", where) or refused
        # Of what is refused, some may have come through.
        written = [
            one for one in messages if not refused or faults.amount(f"{where} {one.id}", 0, 1)
        ]
        # What has left this process reaches the broker, even if the process dies now.
        loop.at_in(
            loop.world,
            loop.now + broker.faults.amount(messages[0].id, 0, QUICK_MS),
            broker.write,
            written,
        )
        done = loop.create_future()
        back = loop.now + QUICK_MS + 1
        loop.at_in(self._process, back, _resolve, done)
        await done
        if failed:
            raise UnavailableError("the bus does not answer")

    async def consume(
        self,
        name: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int = WINDOW,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> SimulatedPart:
        """Become a part of a durable consumer. See the port."""
        del window, ack_wait_ms
        check_name("a consumer's name", name)
        durable = self._broker.durable(name, types)
        durable.part = SimulatedPart(self._broker, durable, self._process, take)
        waiting, durable.waiting = durable.waiting, []
        for number in waiting:
            self._broker.deliver_in(durable, number, 0)
        return durable.part

    async def history(
        self, *, after: int = 0, types: frozenset[str] | None = None, limit: int = 1000
    ) -> list[Delivered]:
        """Read without consuming. See the port."""
        found = self._broker.messages[after:]
        return [row for row in found if types is None or row.type in types][:limit]

    async def newest(self) -> int:
        """Return the newest message's number. See the port."""
        return len(self._broker.messages)

    async def lag(self, name: str) -> int:
        """Return what a consumer has not acknowledged. See the port."""
        return len(self._broker.consumers[name].open)

    async def claim(self, name: str, holder: str, *, take_over: bool = False) -> None:
        """Claim a name. See the port."""
        before = self._broker.claims.get(name, holder)
        if before != holder and not take_over:
            raise claimed(name, before)
        self._broker.claims[name] = holder

    async def forget(self, name: str) -> None:
        """Drop a consumer. See the port."""
        self._broker.consumers.pop(name, None)

    async def purge(self, before_ms: int) -> int:
        """Keep everything. See the port."""
        del before_ms
        return 0

    async def close(self) -> None:
        """Close. See the port."""


def _resolve(future: Any) -> None:
    if not future.done():
        future.set_result(None)
