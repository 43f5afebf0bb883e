"""When turns are taken, and what follows from them. Runs on the event loop.

Whatever is wanted of the file is noted, and asks for a turn; what is noted while one is under way
waits for the next, so that many share a transaction. A turn is taken on the loop itself when it is
short and nobody else writes, as handing it to a thread would take longer than it does; else in a
thread. After it, messages are delivered, other processes' bells rung, and the log is synced for
those who published (`file.py` says why in this order).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from batuta.adapters.buses.sqlite.bells import Bells
from batuta.adapters.buses.sqlite.file import BusFile
from batuta.adapters.buses.sqlite.syncing import Syncing
from batuta.adapters.buses.sqlite.tail import PAGE_MESSAGES
from batuta.adapters.buses.sqlite.turn import Turn, Turns, bell_of
from batuta.errors import BatutaError, CorruptError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from batuta.adapters.buses.sqlite.consuming import Consumer, Part
    from batuta.adapters.buses.sqlite.tail import Page
    from batuta.ports.bus import Message
    from batuta.ports.clock import Clock, Timer

_log = logging.getLogger("batuta.bus")

MOST_MESSAGES, MOST_BYTES = 256, 512 * 1024
"""What a turn on the event loop writes at most; what is more takes several turns, or a thread."""

QUICK_MS = 5.0
"""The recent average of milliseconds up to which turns are taken on the loop."""

SOON_S = 0.002
"""How long acknowledgements are gathered when nothing else asks for a turn."""

REST_S = 0.002
"""How long the disk is left to others between two syncs of the log: the stores of those who act on
the messages sync too, and more is written in the meantime that shares the next one."""

LOOK_S = 0.5
"""How often the file is looked at in case a bell was not heard, or a replica has died."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0

LONG_LOG = 16 * 1024 * 1024
MESSAGE_BYTES, TURN_BYTES = 300, 16 * 1024
"""What a message adds to the log besides its body, and what a turn adds besides its messages."""


Read = TypeVar("Read")


class Publication(NamedTuple):
    """One call of `publish`."""

    messages: Sequence[Message]
    size: int
    durable: asyncio.Future[None]


class Driver:
    """Takes turns at one file, for one bus."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._publications: deque[Publication] = deque()
        self._forgetting: list[tuple[str, asyncio.Future[None]]] = []
        self._unsynced: list[asyncio.Future[None]] = []
        self._dead: set[str] = set()
        self._asked = self._busy = self._syncing = False
        self._log_begins = False
        self._written = 0
        self._average_ms = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._trouble: BatutaError | None = None
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._timer: tuple[int, Timer] | None = None
        self._reading: set[Consumer] = set()
        self._quiet = asyncio.Event()
        self._hands = ThreadPoolExecutor(1, "batuta-bus")
        self._disk = ThreadPoolExecutor(1, "batuta-bus-disk")
        self._readers = ThreadPoolExecutor(1, "batuta-bus-reading")

    def open(self) -> None:
        """Open the file, in any thread."""
        self.bells = Bells(self._path)
        try:
            self.turns = Turns(self._path, self._clock.now, self.bells.is_alive)
            self._reader = BusFile(self._path)
            self._sync = Syncing(self._path)
        except BaseException:
            self.bells.take_down()
            raise

    def start(self) -> None:
        """Begin, on the loop."""
        self._loop = asyncio.get_running_loop()

    async def read(self, act: Callable[[BusFile], Read]) -> Read:
        """Read from the file in a thread."""
        return await self._loop.run_in_executor(self._readers, act, self._reader)

    # -- what is wanted ----------------------------------------------------------------------------

    def publish(self, messages: Sequence[Message]) -> asyncio.Future[None]:
        """Publish messages; the future is done when they are durable."""
        if isinstance(self._trouble, CorruptError):
            raise self._trouble
        size = sum(len(message.body) for message in messages)
        durable = self._loop.create_future()
        self._publications.append(Publication(messages, size, durable))
        self.ask()
        return durable

    def join(self, part: Part) -> None:
        """Let the file know of a part."""
        self.bells.hang(self._look)
        self.turns.consumers[part.consumer.name] = part.consumer
        part.consumer.parts.append(part)
        part.consumer.joining.append(part)
        if "look" not in self._handles:
            self._later("look", LOOK_S, self._look_around)
        self.ask()

    def forget(self, name: str) -> asyncio.Future[None]:
        """Drop a consumer."""
        done = self._loop.create_future()
        self._forgetting.append((name, done))
        self.ask()
        return done

    def noted(self, at_once: bool) -> None:
        """Take a turn soon: something was noted for a consumer."""
        if at_once:
            self.ask()
        elif "soon" not in self._handles and not self._asked:
            self._later("soon", SOON_S, self.ask)

    def ask(self) -> None:
        """Take a turn with whatever is noted until the loop comes to it."""
        if not self._asked:
            self._asked = True
            self._loop.call_soon(self._turn)

    def _later(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        def ring() -> None:
            del self._handles[name]
            act()

        self._handles[name] = self._loop.call_later(seconds, ring)

    # -- turns -------------------------------------------------------------------------------------

    def _turn(self) -> None:
        if self._busy:
            return  # `_asked` stays: whoever ends the turn under way takes the next
        self._asked = False
        turn, publications, quick = self._gather()
        if quick and not self._log_begins and self._average_ms < QUICK_MS:
            began = time.perf_counter()
            try:
                done = self.turns.take(turn, patient=False)
            except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait are told
                self._failed(turn, publications, error)
                self._quiet.set()
                return
            self._average_ms += ((time.perf_counter() - began) * 1000 - self._average_ms) / 16
            if done:
                self._done(turn, publications)
                self._quiet.set()
                return
        self._average_ms *= 0.9  # one slow moment does not send everything to the thread for ever
        self._log_begins = False
        self._busy = True
        job = self._loop.run_in_executor(self._hands, partial(self.turns.take, turn, patient=True))
        job.add_done_callback(partial(self._back, turn, publications))

    def _gather(self) -> tuple[Turn, list[Publication], bool]:
        """Put a turn together; says whether it is one for the loop."""
        turn = Turn()
        publications: list[Publication] = []
        size = 0
        while self._publications:
            one = self._publications[0]
            if publications and (
                len(turn.messages) + len(one.messages) > MOST_MESSAGES
                or size + one.size > MOST_BYTES
            ):
                self.ask()
                break
            publications.append(self._publications.popleft())
            turn.messages += one.messages
            size += one.size
        turn.gather(list(self.turns.consumers.values()))
        turn.dead, self._dead = self._dead, set()
        turn.forgotten, self._forgetting = self._forgetting, []
        self._written += size + len(turn.messages) * MESSAGE_BYTES + TURN_BYTES
        return turn, publications, len(turn.messages) <= MOST_MESSAGES and size <= MOST_BYTES

    def _back(self, turn: Turn, publications: list[Publication], job: asyncio.Future[bool]) -> None:
        self._busy = False
        error = job.exception()
        if error is None:
            self._done(turn, publications)
        else:
            self._failed(turn, publications, error)
        if self._asked:
            self._turn()
        self._quiet.set()

    def _failed(self, turn: Turn, publications: list[Publication], error: BaseException) -> None:
        """Tell those who wait, and try the rest again later."""
        if not isinstance(error, BatutaError):
            _log.error("a turn at %s failed", self._path, exc_info=error)
            error = UnavailableError(f"the bus failed: {error!r}", hint="please report it")
        elif self._trouble is None:
            _log.error("%s", error)
        self._trouble = error
        turn.give_back()
        self._dead |= turn.dead
        waiting = [one.durable for one in publications] + [one for _, one in turn.forgotten]
        for consumer, parts in turn.joining.items():
            for part in parts:
                consumer.parts.remove(part)
                waiting.append(part.joined)
        for part in chain.from_iterable(turn.leaving.values()):
            _settle(part.left)
        for one in waiting:
            if not one.done():
                one.set_exception(error)
        if "retry" not in self._handles:
            self._later("retry", self._pause_s, self.ask)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _done(self, turn: Turn, publications: list[Publication]) -> None:
        self._trouble, self._pause_s = None, FIRST_PAUSE_S
        if turn.news:
            self._dead.update(self.bells.ring())
        for part in chain.from_iterable(turn.joining.values()):
            _settle(part.joined)
        for consumer, parts in turn.leaving.items():
            for part in parts:
                if part in consumer.parts:
                    consumer.parts.remove(part)
                _settle(part.left)
            if not consumer.parts and self.turns.consumers.get(consumer.name) is consumer:
                del self.turns.consumers[consumer.name]
        for _, forgotten in turn.forgotten:
            _settle(forgotten)
        for part, rows in turn.deliveries:
            part.hand_over(rows)
        self._unsynced += [one.durable for one in publications]
        self._sync_log()
        self._go_on()

    def _go_on(self) -> None:
        """See to what no call will ask for: deadlines, and consumers that lie behind."""
        now = self._clock.now()
        next_due: int | None = None
        for consumer in self.turns.consumers.values():
            due = consumer.place.next_due(now)
            if due is not None and (next_due is None or due < next_due):
                next_due = due
            if consumer not in self._reading and self.turns.lies_behind(consumer):
                self._read_page(consumer)
        if next_due is not None and (self._timer is None or next_due < self._timer[0]):
            if self._timer is not None:
                self._timer[1].cancel()
            self._timer = (next_due, self._clock.call_at(next_due, self._is_due))
        if self._dead:
            self.ask()

    def _is_due(self) -> None:
        self._timer = None
        self.ask()

    def _read_page(self, consumer: Consumer) -> None:
        place = consumer.place
        most = min(place.room(), PAGE_MESSAGES)
        self._reading.add(consumer)
        read = partial(self._reader.page, place.given, consumer.types, most)
        job = self._loop.run_in_executor(self._readers, read)

        def back(job: asyncio.Future[Page]) -> None:
            self._reading.discard(consumer)
            if (error := job.exception()) is not None:
                _log.error("a consumer's messages could not be read: %s", error)
                self._later_again()
            else:
                consumer.page = job.result()
                self.ask()

        job.add_done_callback(back)

    def _later_again(self) -> None:
        if "retry" not in self._handles:
            self._later("retry", LONGEST_PAUSE_S, self.ask)

    # -- news --------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Take a turn if others have written; one that is under way will be followed by a look."""
        try:
            news = self._busy or self.turns.is_news()
        except BatutaError:
            news = True  # the turn meets the same, and deals with it
        if news:
            self.ask()

    def _look_around(self) -> None:
        self._later("look", LOOK_S, self._look_around)
        if not self._busy:
            replicas = {one for c in self.turns.consumers.values() for one in c.place.windows}
            others = {bell_of(one) for one in replicas} - {self.bells.name}
            self._dead |= {one for one in others if not self.bells.is_alive(one)}
        if self._dead:
            self.ask()
        self._look()

    # -- the disk ----------------------------------------------------------------------------------

    def _sync_log(self) -> None:
        long = self._written > LONG_LOG
        if self._syncing or not (self._unsynced or long):
            return
        self._syncing = True
        waiting, self._unsynced = self._unsynced, []
        if long:
            self._written = 0
        job = self._loop.run_in_executor(self._disk, self._sync.run, bool(waiting), long)

        def rested() -> None:
            self._syncing = False
            self._sync_log()
            self._quiet.set()

        def back(job: asyncio.Future[None]) -> None:
            # What is written next may have to sync the new log's first page: not on the loop.
            self._log_begins = self._log_begins or long
            error = job.exception()
            for one in waiting:
                if error is None:
                    _settle(one)
                elif not one.done():
                    one.set_exception(error)
            if error is not None:
                _log.error("%s", error)
            self._later("sync", REST_S, rested)

        job.add_done_callback(back)

    # -- the end -----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write and sync what is left, and let go of the file."""
        parts = [part for one in self.turns.consumers.values() for part in one.parts]
        for part in parts:
            part.stop_taking()
        while self._asked or self._busy or self._syncing or self._unsynced:
            self._quiet.clear()
            await self._quiet.wait()
        for handle in self._handles.values():
            handle.cancel()
        if self._timer is not None:
            self._timer[1].cancel()
        self.bells.take_down()
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        for one in (self._hands, self._disk, self._readers):
            one.shutdown()
        self._sync.close()
        self._reader.close()
        self.turns.file.close()


def _settle(future: asyncio.Future[None]) -> None:
    """Let whoever still waits go on."""
    if not future.done():
        future.set_result(None)
