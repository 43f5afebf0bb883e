"""Turns: one transaction in which everything happens that this process wants of the file.

New messages are written, acknowledgements and refusals noted, and what is new is lent to consumers:
their places are in the same transaction as the messages, so a delivery costs none of its own. What
other processes have written is noticed at the start of a turn, and then read once for everybody.

A turn runs on the event loop when it is short, else in a thread, but there is never more than one:
until it has ended nothing else touches what `Turns` owns. It gives effect to nothing by itself;
what came of it is for the loop to carry out.
"""

from __future__ import annotations

from secrets import randbits
from typing import TYPE_CHECKING

import msgspec

from batuta.adapters.buses.sqlite.file import BusFile
from batuta.adapters.buses.sqlite.place import Place
from batuta.adapters.buses.sqlite.tail import PAGE_MESSAGES, Page
from batuta.adapters.stores.sqlite.connection import translated

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from batuta.adapters.buses.sqlite.consuming import Consumer, Part
    from batuta.ports.bus import Delivered, Message


def replica_name(bell: str, count: int) -> str:
    """Return the name of a process's n-th part; no two parts ever share one."""
    return f"{bell}/{count}"


def bell_of(replica: str) -> str:
    """Return the bell of the process that a replica is in."""
    return replica.partition("/")[0]


class Turn:
    """What is to be done in one transaction, and what came of it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.joining: dict[Consumer, list[Part]] = {}
        self.leaving: dict[Consumer, list[Part]] = {}
        self.acknowledged: dict[Consumer, list[int]] = {}
        self.refused: dict[Consumer, list[tuple[int, int]]] = {}
        self.dead: set[str] = set()
        """Bells of processes that have ended."""
        self.forgotten: list[tuple[str, asyncio.Future[None]]] = []
        self.deliveries: list[tuple[Part, list[Delivered]]] = []
        self.news = False
        """Whether other processes should look at the file."""

    def gather(self, consumers: list[Consumer]) -> None:
        """Take over what was noted for consumers."""
        for one in consumers:
            if one.acknowledged:
                self.acknowledged[one], one.acknowledged = one.acknowledged, []
            if one.refused:
                self.refused[one], one.refused = one.refused, []
            if one.joining:
                self.joining[one], one.joining = one.joining, []
            if one.leaving:
                self.leaving[one], one.leaving = one.leaving, []

    def concerns(self, consumer: Consumer) -> bool:
        """Say whether something is asked for a consumer, or may have become of its replicas."""
        return (
            consumer in self.acknowledged
            or consumer in self.refused
            or consumer in self.joining
            or consumer in self.leaving
            or bool(self.dead)
        )

    def give_back(self) -> None:
        """Note again what could not be done; those who wanted to join are told instead."""
        for one, numbers in self.acknowledged.items():
            one.acknowledged[:0] = numbers
        for one, refusals in self.refused.items():
            one.refused[:0] = refusals
        for one, parts in self.leaving.items():
            one.leaving[:0] = parts


class Turns:
    """The file, and what this process knows of it."""

    def __init__(self, path: Path, now: Callable[[], int], is_alive: Callable[[str], bool]) -> None:
        """Open the file. Raises as `BusFile` does.

        Args:
            path: where it is.
            now: tells the time.
            is_alive: says of a bell whether its process lives.
        """
        self._path = path
        self._now = now
        self._is_alive = is_alive
        self.file = BusFile(path)
        with translated(path):
            self._newest = self.file.newest()
        self.tail = Page(self._newest, self._newest)
        self.consumers: dict[str, Consumer] = {}
        self._version: int | None = None
        self._wanted: frozenset[str] | None = frozenset()

    def is_news(self) -> bool:
        """Say whether other connections have written since the last turn."""
        with translated(self._path):
            return self.file.version() != self._version

    def take(self, turn: Turn, *, patient: bool) -> bool:
        """Do all of a turn, or nothing; says False at once when others write, unless patient.

        Raises:
            UnavailableError: nothing was done.
            CorruptError: the file must not be used any more.
        """
        with translated(self._path):
            if not self.file.begin(patient=patient):
                return False
            try:
                self._notice()
                if turn.messages:
                    self._publish(turn)
                for name, _ in turn.forgotten:
                    self._forget(name)
                for consumer in list(self.consumers.values()):
                    if not self._passes_by(turn, consumer):
                        self._move(turn, consumer)
                self.file.commit()
            except BaseException:
                self.file.roll_back()
                self._version = None  # what is known includes what did not happen
                raise
        return True

    # -- what others have done ---------------------------------------------------------------------

    def _notice(self) -> None:
        version = self.file.version()
        if version == self._version:
            return
        newest = self.file.newest()
        if self._version is None:
            self.tail.restart(newest)
        elif newest > self._newest:
            page = self.file.page(self.tail.upto, self._wanted, PAGE_MESSAGES)
            if page.upto < newest:
                self.tail.restart(newest)  # too much for a turn: each consumer reads its own pages
            else:
                self.tail.extend(newest, page.rows())
                self.tail.trim()
        self._newest = newest
        for consumer in self.consumers.values():
            if self._version is None or self.file.revision(consumer.name) != consumer.revision:
                self._reload(consumer)
        self._version = version

    def _reload(self, consumer: Consumer) -> None:
        row = self.file.consumer(consumer.name)
        if row is None:
            consumer.place, consumer.revision = Place(), None
        else:
            consumer.types, consumer.place, consumer.revision = row
        self._want()
        for part in consumer.parts:
            held = {n for loan in consumer.place.held_by(part.replica) for n in loan.numbers}
            part.delivered = {n: attempt for n, attempt in part.delivered.items() if n in held}

    def _want(self) -> None:
        """Decide which messages the tail must have; if it has not had them, it begins anew."""
        wanted: frozenset[str] | None = frozenset()
        for consumer in self.consumers.values():
            wanted = None if wanted is None or consumer.types is None else wanted | consumer.types
        had, self._wanted = self._wanted, wanted
        if had is not None and (wanted is None or not wanted <= had):
            self.tail.restart(self.tail.upto)

    # -- what we do --------------------------------------------------------------------------------

    def _publish(self, turn: Turn) -> None:
        fresh = self.file.publish(turn.messages, self._newest, self._now())
        if not fresh:
            return
        turn.news = True
        self._newest = fresh[-1].number
        wanted = self._wanted
        if wanted is not None:
            fresh = [row for row in fresh if row.type in wanted]
        self.tail.extend(self._newest, fresh)
        self.tail.trim()

    def _forget(self, name: str) -> None:
        self.file.forget(name)
        if name in self.consumers:
            self._reload(self.consumers[name])

    def _passes_by(self, turn: Turn, consumer: Consumer) -> bool:
        """Say whether a turn means nothing to a consumer, and let its place go on over it if so.

        Most consumers of a process have nothing to do with most messages, and a turn that brings
        one message to one of them is to cost what that one costs.
        """
        place, tail = consumer.place, self.tail
        if (
            place.loans
            or place.changed
            or place.given < tail.start
            or consumer.page is not None
            or consumer.revision is None
            or turn.concerns(consumer)
        ):
            return False
        numbers, upto = tail.next(place.given, consumer.types, 1)
        if not numbers:
            place.given = upto
        return not numbers

    def _move(self, turn: Turn, consumer: Consumer) -> None:  # noqa: C901 -- one short case each
        """Bring one consumer's place forward, and note what is to be delivered here."""
        now = self._now()
        joining, leaving = turn.joining.get(consumer, ()), turn.leaving.get(consumer, ())
        for part in joining:
            self._join(consumer, part)
        place = consumer.place
        if consumer.revision is None:
            return  # somebody has dropped it
        place.acknowledge(turn.acknowledged.get(consumer, ()))
        for number, due in turn.refused.get(consumer, ()):
            place.refuse(number, due)
        for part in leaving:
            place.leave(part.replica, now)
        for replica in list(place.windows):
            bell = bell_of(replica)
            if bell in turn.dead or (joining and not self._is_alive(bell)):
                place.leave(replica, now)
        self._lend(turn, consumer, now)
        turn.news = turn.news or (bool(leaving) and bool(place.windows))
        if place.changed:
            consumer.revision += 1
            self.file.put_consumer(consumer.name, consumer.types, place, consumer.revision)
            place.changed = False
        for part in consumer.parts:
            rows = self._to_deliver(consumer, part)
            if rows:
                turn.deliveries.append((part, rows))
        if consumer.page is not None and self._page(consumer) is not consumer.page:
            consumer.page = None

    def _join(self, consumer: Consumer, part: Part) -> None:
        if consumer.revision is None:
            self._reload(consumer)
        if consumer.revision is None:
            consumer.revision = randbits(62)
        consumer.types = part.types
        consumer.place.join(part.replica, part.window)
        self._want()

    def _lend(self, turn: Turn, consumer: Consumer, now: int) -> None:
        place, parts = consumer.place, consumer.parts
        if not parts:
            return
        ours = {part.replica for part in parts}
        until = now + parts[-1].ack_wait_ms
        while True:
            before, page = place.given, self._page(consumer)
            upto, numbers = before, list[int]()
            if page is not None:
                numbers, upto = page.next(before, consumer.types, place.room())
            for loan in place.lend(numbers, upto, now, until):
                turn.news = turn.news or loan.holder not in ours
            if place.given == before or page is self.tail:
                # A page of its own may end where the tail begins, and nobody else would notice
                # that there is more in the tail.
                return

    def _page(self, consumer: Consumer) -> Page | None:
        """Return what a consumer goes on with; None when that has to be read first."""
        given, own = consumer.place.given, consumer.page
        if self.tail.start <= given:
            return self.tail
        return own if own is not None and own.start <= given < own.upto else None

    def lies_behind(self, consumer: Consumer) -> bool:
        """Say whether a page has to be read before a consumer can go on."""
        place = consumer.place
        return self._page(consumer) is None and place.room() > 0

    def _to_deliver(self, consumer: Consumer, part: Part) -> list[Delivered]:
        rows: list[Delivered] = []
        for loan in consumer.place.held_by(part.replica):
            if loan.told:
                continue
            loan.told = True
            for number in sorted(loan.numbers):
                if part.delivered.get(number, 0) < loan.attempt:
                    row = self._row(consumer, number)
                    if loan.attempt > 1:
                        row = msgspec.structs.replace(row, attempt=loan.attempt)
                    rows.append(row)
        return rows

    def _row(self, consumer: Consumer, number: int) -> Delivered:
        row = self.tail.get(number)
        if row is None and consumer.page is not None:
            row = consumer.page.get(number)
        return row or self.file.message(number)
