"""A bus in memory, for tests and the simulation: deterministic, on whatever clock it is given.

What buses keep on disk is kept by a `MemoryBroker`, which outlives every `MemoryBus` that is opened
on it; so "restarting" is opening another one. Delivery takes a turn of the event loop, in which
others may publish, and the order in which replicas are served depends on nothing but what happened.

    >>> import asyncio
    >>> from batuta.ports.bus import Message
    >>> from batuta.testing.clock import VirtualClock
    >>> from batuta.testing.memory_bus import MemoryBroker, MemoryBus
    >>> async def twice() -> list[int]:
    ...     clock, attempts = VirtualClock(), []
    ...     bus = MemoryBus(MemoryBroker(), clock)
    ...     await bus.start()
    ...     await bus.consume("slow", None, lambda rows: attempts.extend(r.attempt for r in rows))
    ...     await bus.publish([Message("1", "com.acme.paid", b"{}")])
    ...     await clock.advance(seconds=30)
    ...     return attempts
    >>> asyncio.run(twice())
    [1, 2]
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import NotFoundError, UnavailableError
from batuta.ports.bus import ACK_WAIT_MS, WINDOW, Delivered, check, check_name, claimed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from batuta.ports.bus import Message
    from batuta.ports.clock import Clock


@dataclass(slots=True)
class Held:
    """A message that was delivered and is not acknowledged; `part` is None when nobody has it."""

    row: Delivered
    part: MemoryPart | None
    due: int
    resting: bool = False


@dataclass(slots=True)
class Durable:
    """A durable consumer."""

    types: frozenset[str] | None
    place: int = 0
    parts: list[MemoryPart] = field(default_factory=list["MemoryPart"])
    held: dict[int, Held] = field(default_factory=dict[int, Held])

    def wants(self, row: Delivered) -> bool:
        """Say whether a message is for it."""
        return self.types is None or row.type in self.types

    def roomiest(self) -> MemoryPart | None:
        """Return the part that has the most room, the first of several; None if none has any."""
        taken = [held.part for held in self.held.values()]
        room = [(part.window - taken.count(part), part) for part in self.parts]
        most = max(room, key=lambda one: one[0], default=None)
        return None if most is None or most[0] <= 0 else most[1]


class MemoryBroker:
    """What all buses opened on it share, and what survives them."""

    def __init__(self) -> None:
        self.messages: list[Delivered] = []
        self.published_at: list[int] = []
        self.consumers: dict[str, Durable] = {}
        self.ids: set[str] = set()
        self.claims: dict[str, str] = {}
        self.newest = 0

    def publish(self, messages: Sequence[Message], now: int) -> None:
        """Keep messages, each id once."""
        for message in messages:
            if message.id not in self.ids:
                self.ids.add(message.id)
                self.newest += 1
                row = Delivered(self.newest, message.id, message.type, message.body)
                self.messages.append(row)
                self.published_at.append(now)

    def deliver(self, now: int) -> None:
        """Give what is due, then what is new, to whoever has room."""
        for durable in list(self.consumers.values()):
            batches: dict[MemoryPart, list[Delivered]] = {}
            for held in sorted(durable.held.values(), key=lambda one: one.row.number):
                if held.due <= now:
                    held.part, held.resting = None, False
                    self._give(durable, held.row, batches, now)
            for row in self.messages:
                if row.number > durable.place:
                    if durable.wants(row) and not self._give(durable, row, batches, now):
                        break
                    durable.place = row.number
            for part, rows in batches.items():
                part.take(rows)

    def _give(
        self, durable: Durable, row: Delivered, batches: dict[MemoryPart, list[Delivered]], now: int
    ) -> bool:
        part = durable.roomiest()
        if part is None:
            return False
        given = msgspec.structs.replace(row, attempt=row.attempt + 1)
        durable.held[row.number] = Held(given, part, now + part.ack_wait_ms)
        batches.setdefault(part, []).append(given)
        return True

    def purge(self, before_ms: int) -> int:
        """Drop old messages that nobody needs."""
        needed = [self.newest]
        for durable in self.consumers.values():
            needed += durable.held
            needed += [r.number for r in self.messages if r.number > durable.place][:1]
        kept = [
            (row, at)
            for row, at in zip(self.messages, self.published_at, strict=True)
            if at >= before_ms or row.number >= min(needed)
        ]
        dropped = len(self.messages) - len(kept)
        self.messages = [row for row, _ in kept]
        self.published_at = [at for _, at in kept]
        return dropped


class MemoryPart:
    """One part in a consumer. The contract is `batuta.ports.bus.Consumption`."""

    def __init__(
        self,
        bus: MemoryBus,
        durable: Durable,
        take: Callable[[list[Delivered]], None],
        window: int,
        ack_wait_ms: int,
    ) -> None:
        self.window = window
        self.ack_wait_ms = ack_wait_ms
        self.take = take
        self._bus = bus
        self._durable = durable

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Be done with messages. See the port."""
        for number in numbers:
            self._durable.held.pop(number, None)
        self._bus.ask()

    def refuse(self, number: int, delay_ms: int) -> None:
        """Ask for a message again. See the port."""
        held = self._durable.held.get(number)
        if held is not None and held.part is self and not held.resting:
            held.due, held.resting = self._bus.clock.now() + delay_ms, True
            self._bus.ask()

    async def stop(self) -> None:
        """Take no more. See the port."""
        self.vanish()
        for held in self._durable.held.values():
            if held.part is self:
                held.part = None
                held.due = held.due if held.resting else self._bus.clock.now()
        self._bus.ask()

    def vanish(self) -> None:
        """Be gone without a word."""
        if self in self._durable.parts:
            self._durable.parts.remove(self)


class MemoryBus:
    """A bus in memory. The contract is `batuta.ports.bus.Bus`."""

    def __init__(self, broker: MemoryBroker, clock: Clock) -> None:
        """Prepare.

        Args:
            broker: what keeps the messages.
            clock: tells when something is due.
        """
        self.clock = clock
        self._broker = broker
        self._parts: list[MemoryPart] = []
        self._open = False
        self._asked = False

    def ask(self) -> None:
        """Deliver, soon."""
        if not self._asked:
            self._asked = True
            self.clock.call_at(self.clock.now(), self._deliver)

    def _deliver(self) -> None:
        self._asked = False
        now = self.clock.now()
        self._broker.deliver(now)
        due = [
            held.due
            for durable in self._broker.consumers.values()
            for held in durable.held.values()
            if held.due > now
        ]
        if due:
            self.clock.call_at(min(due), self.ask)

    def _check_open(self) -> None:
        if not self._open:
            raise UnavailableError("the bus is not open", hint="start it, and close it last")

    async def start(self) -> None:
        """Open. See the port."""
        self._open = True
        self.ask()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages. See the port."""
        check(messages)
        self._check_open()
        self._broker.publish(messages, self.clock.now())
        self.ask()
        await asyncio.sleep(0)

    async def consume(
        self,
        name: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int = WINDOW,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> MemoryPart:
        """Become a part of a durable consumer. See the port."""
        check_name("a consumer's name", name)
        self._check_open()
        durable = self._broker.consumers.setdefault(name, Durable(types))
        durable.types = types
        part = MemoryPart(self, durable, take, window, ack_wait_ms)
        durable.parts.append(part)
        self._parts.append(part)
        self.ask()
        return part

    async def history(
        self, *, after: int = 0, types: frozenset[str] | None = None, limit: int = 1000
    ) -> list[Delivered]:
        """Read without consuming. See the port."""
        self._check_open()
        return [
            row
            for row in self._broker.messages
            if row.number > after and (types is None or row.type in types)
        ][:limit]

    async def newest(self) -> int:
        """Return the newest message's number. See the port."""
        self._check_open()
        return self._broker.newest

    async def lag(self, name: str) -> int:
        """Return what a consumer has not acknowledged. See the port."""
        self._check_open()
        durable = self._broker.consumers.get(name)
        if durable is None:
            raise NotFoundError(f"the bus has no consumer {name!r}")
        waiting = [r for r in self._broker.messages if r.number > durable.place]
        return len(durable.held) + sum(map(durable.wants, waiting))

    async def claim(self, name: str, holder: str, *, take_over: bool = False) -> None:
        """Claim a name. See the port."""
        check_name("a consumer's name", name)
        self._check_open()
        before = self._broker.claims.get(name, holder)
        if before != holder and not take_over:
            raise claimed(name, before)
        self._broker.claims[name] = holder

    async def forget(self, name: str) -> None:
        """Drop a consumer. See the port."""
        self._check_open()
        self._broker.consumers.pop(name, None)
        self._broker.claims.pop(name, None)

    async def purge(self, before_ms: int) -> int:
        """Drop old messages. See the port."""
        self._check_open()
        return self._broker.purge(before_ms)

    async def close(self) -> None:
        """Stop every consumption. See the port."""
        for part in self._parts:
            await part.stop()
        self._open = False

    def die(self) -> None:
        """End as a process does that is killed: what it held comes again after its time."""
        for part in self._parts:
            part.vanish()
        self._open = False
