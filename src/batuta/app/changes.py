"""What changes while somebody looks: runs, their tasks, events, told as they become durable.

Owns a bounded ring of changes, each with a number, so that who was away for a moment gets what was
missed, in order; and how often a busy engine is looked at. While nobody looks nothing is recorded
and the engine pays nothing. Changes of orchestrated runs come from durable batches, those of
choreographed ones from the viewer. What is told is the view as it is now: of a run that has changed
ten times since the last look, one change is told.

Under load a run's change may come later than others: first the runs that somebody looks at, then
the newest ones; it comes, or a `reset` says that it was skipped.

Many who look at the same get the same: what one of them is told at a look is put together once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.app.operating_changes import PAUSE_S, TOPICS
from batuta.app.veiling import Veil
from batuta.app.views import text_time
from batuta.errors import BatutaError
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Generator, Hashable, Iterable, Sequence

    from batuta.app.engine import Engine
    from batuta.app.operating_changes import OperatingChanges
    from batuta.ports.store import Batch

MOST_KEPT = 4_096
MOST_AT_ONCE = 50
"""Views of runs per look."""
MOST_EVENTS = 100
"""Published events per look; with more, who looks is told to fetch anew."""
MOST_WAITING = 20_000
"""Runs that have changed and were not told yet; with more, who looks is told to fetch anew."""
SHORTEST_S, LONGEST_S = 0.1, 0.4
"""Between two looks: when little happens, and when more does than a look tells."""
KEEP_ON_S = 60.0
"""How long changes are recorded after the last one has left, in case it comes back."""
SHARE = 20
"""A run's tasks are looked at again after so many times what the last look took."""
ALIVE_S = 15.0

RUNS, EVENTS = "runs", "events"
_encode = msgspec.json.Encoder().encode


class Message(NamedTuple):
    """One change: what kind it is, and the view as JSON; `workflow` is that of a changed run."""

    id: str
    event: str
    data: bytes
    workflow: str = ""


class Told(NamedTuple):
    """A change with its number, and who wants to know."""

    number: int
    topics: frozenset[str]
    message: Message


class Portion:
    """What one who looks gets at a time, in order; nothing only says that the line is alive.

    It is the same object for all who get the same. `shown` is for what is made of it once for many.
    """

    __slots__ = ("messages", "shown")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.shown: dict[Hashable, bytes] = {}


class Changes:
    """Tells of the changes of one engine. `serve` has to run."""

    def __init__(
        self, engine: Engine, others: OperatingChanges | None = None, veil: Veil | None = None
    ) -> None:
        """Prepare.

        Args:
            engine: whose runs and events are told.
            others: looks for what changes besides these.
            veil: shows them without what is secret; by default one of its own.
        """
        self._engine = engine
        self._others = others
        self._veil = veil or Veil(engine)
        self._epoch = secrets.token_hex(4)
        self._ring: deque[Told] = deque(maxlen=MOST_KEPT)
        self._number = 0
        self._topics: dict[str, int] = {}
        self._lingering: dict[str, float] = {}
        """Topics that the last one has left, and when: whoever it was may come back."""
        self._made: dict[tuple[int, frozenset[str]], Portion] = {}
        """The portions that end with the last change, by where they begin and what they are of."""
        self._dirty: dict[str, None] = {}
        self._events: list[tuple[int, int, dict[str, Any]]] = []
        self._last_event = 0
        """The number of the last one noted: those that come back from a bus have theirs already."""
        self._watched: dict[str, _Tasks] = {}
        self._news = asyncio.Event()
        self._something = asyncio.Event()
        self._again_at = 0.0
        """When the stores that others write are looked at again, by the loop's clock."""
        self._is_closed = False

    # -- who looks ---------------------------------------------------------------------------------

    @contextmanager
    def looking(
        self, topics: Collection[str], after: str | None = None
    ) -> Generator[AsyncGenerator[Portion]]:
        """Look at changes of some topics from now on, or after the last one that was seen.

        What is given yields portions of messages until the block ends. A `reset` comes first when
        what was missed is not known any more, and later whenever some was skipped: then everything
        has to be fetched anew.

        Args:
            topics: `runs`, `events`, `dead`, `participants`, `sla`, or `run:ID`.
            after: the id of the last message that was seen.
        """
        wanted = frozenset(topics)
        self._enter(wanted)
        try:
            yield self._portions(wanted, self._place_of(after))
        finally:
            self._leave(wanted)

    async def _portions(self, wanted: frozenset[str], place: int | None) -> AsyncGenerator[Portion]:
        if place is None:
            place = self._number
            yield self._reset("missed")
        while not self._is_closed:
            behind, place = place, self._number
            if behind < place:
                portion = self._since(behind, wanted)
                if portion.messages:
                    yield portion
            elif await self._is_quiet():
                yield Portion(())

    async def _is_quiet(self) -> bool:
        """Wait for news; say whether none came for a while."""
        try:
            async with asyncio.timeout(ALIVE_S):
                await self._news.wait()
        except TimeoutError:
            return True
        return False

    def _place_of(self, after: str | None) -> int | None:
        """Return the number after which somebody goes on, None when that is not known."""
        if after is None:
            return self._number
        epoch, _, number = after.partition("-")
        if epoch != self._epoch or not number.isdigit() or int(number) > self._number:
            return None
        return int(number) if self._knows(int(number)) else None

    def _knows(self, place: int) -> bool:
        """Say whether everything behind a place is still in the ring."""
        return place == self._number or (bool(self._ring) and self._ring[0].number <= place + 1)

    def _since(self, place: int, wanted: frozenset[str]) -> Portion:
        """Return what was told of some topics after a place: to all who ask the same, the same."""
        known = self._made.get((place, wanted))
        if known is not None:
            return known
        if self._knows(place):
            new = list(islice(reversed(self._ring), self._number - place))
            made = Portion(
                [told.message for told in reversed(new) if not wanted.isdisjoint(told.topics)]
            )
        else:
            made = self._reset("slow")
        self._made[place, wanted] = made
        return made

    def _reset(self, why: str) -> Portion:
        data = _encode({"why": why})
        return Portion((Message(self._id(self._number), "reset", data),))

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"

    def _enter(self, wanted: frozenset[str]) -> None:
        for topic in wanted:
            self._topics[topic] = self._topics.get(topic, 0) + 1
            self._lingering.pop(topic, None)
            if topic.startswith("run:") and topic not in self._watched:
                self._watched[topic] = watched = _Tasks()
                watched.look(self._engine, self._veil, topic.removeprefix("run:"))
        if self._engine.conductor.written is None:
            self._engine.conductor.written = self._written
            self._engine.meeting.told = self._seen
        self._something.set()

    def _leave(self, wanted: frozenset[str]) -> None:
        for topic in wanted:
            self._topics[topic] -= 1
            if not self._topics[topic]:
                del self._topics[topic]
                self._lingering[topic] = asyncio.get_running_loop().time()
        self._something.set()

    def _wants(self, topic: str) -> bool:
        """Say whether somebody looks at a topic, or did a moment ago and may come back."""
        return topic in self._topics or topic in self._lingering

    def _forget_who_left(self, now: float) -> None:
        """Let go of topics that nobody has come back to."""
        for topic, left_at in list(self._lingering.items()):
            if now - left_at >= KEEP_ON_S:
                del self._lingering[topic]
                self._watched.pop(topic, None)

    @property
    def told(self) -> int:
        """How many changes were told so far."""
        return self._number

    def close(self) -> None:
        """Let everybody who looks go."""
        self._is_closed = True
        self._news.set()
        self._something.set()

    # -- what happens ------------------------------------------------------------------------------

    def _written(self, batch: Batch) -> None:
        """Note what a durable batch changes."""
        dirty = self._dirty
        for row in batch.journal:
            dirty[row[0]] = None
        dirty.update(dict.fromkeys(batch.changes))
        if self._others is not None and batch.notes:
            self._others.note(batch)
        if batch.events and self._wants(EVENTS):
            for (at, event), number in zip(batch.events, batch.numbers, strict=True):
                if number > self._last_event:
                    self._last_event = number
                    self._events.append((number, at, event))
        self._something.set()

    def _seen(self, runs: Iterable[str]) -> None:
        """Note of which choreographed runs something new is known."""
        self._dirty.update(dict.fromkeys(runs))
        self._something.set()

    def _tell(self, event: str, topics: Collection[str], view: Any, *, workflow: str = "") -> None:
        self._number += 1
        self._made.clear()
        message = Message(self._id(self._number), event, _encode(view), workflow)
        self._ring.append(Told(self._number, frozenset(topics), message))

    # -- looking -----------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Look at what has changed, until cancelled."""
        loop = asyncio.get_running_loop()
        while not self._is_closed:
            await self._something.wait()
            self._something.clear()
            before = self._number
            self._forget_who_left(loop.time())
            is_behind = self._look(loop.time())
            if self._others is not None and any(map(self._wants, TOPICS)):
                for news in await self._others.look(self._wants):
                    self._tell(news.event, {news.topic}, news.view)
                if self._again_at <= loop.time():
                    self._again_at = loop.time() + PAUSE_S
                    loop.call_at(self._again_at, self._something.set)
            if self._number != before:
                self._news.set()
                self._news.clear()
            await asyncio.sleep(LONGEST_S if is_behind else SHORTEST_S)
            if self._lingering:
                loop.call_later(KEEP_ON_S, self._something.set)
            if not self._topics and not self._lingering:
                self._rest()
            elif is_behind or any(one.is_behind for one in self._watched.values()):
                self._something.set()

    def _rest(self) -> None:
        """Nobody looks any more: record nothing, and know nothing of what follows."""
        self._engine.conductor.written = None
        self._engine.meeting.told = None
        self._epoch = secrets.token_hex(4)
        self._ring.clear()
        self._made.clear()
        self._dirty.clear()
        self._watched.clear()
        if self._others is not None:
            self._others.forget()
        self._something.clear()

    def _look(self, now: float) -> bool:
        """Tell of what has changed, as much as one look may; say whether there is more."""
        self._look_at_tasks(now)
        self._look_at_events()
        for topic in self._watched:
            run = topic.removeprefix("run:")
            if run in self._dirty:
                del self._dirty[run]
                self._tell_run(run)
        if not self._wants(RUNS):
            self._dirty.clear()
            return False
        if len(self._dirty) > MOST_WAITING:
            self._dirty.clear()
            self._tell("reset", {RUNS}, {"why": "busy"})
            return True
        for run in list(self._dirty)[-MOST_AT_ONCE:]:
            del self._dirty[run]
            self._tell_run(run)
        return bool(self._dirty)

    def _look_at_events(self) -> None:
        new, self._events = self._events, []
        if len(new) > MOST_EVENTS:
            self._tell("reset", {EVENTS}, {"why": "busy"})
        told = new[-MOST_EVENTS:]
        shown = self._veil.brief_events(event for _, _, event in told) if told else []
        for (number, at, _), event in zip(told, shown, strict=True):
            view = {"number": number, "at": text_time(at), "event": event}
            self._tell("event.published", {EVENTS}, view)

    def _tell_run(self, run: str) -> None:
        try:
            view = self._veil.brief(self._engine.show(run))
        except BatutaError:
            return  # forgotten since
        if HIDDEN not in f"{view.workflow}:{view.version}":
            topics = {RUNS, f"run:{run}"}
            self._tell("run.changed", topics, view, workflow=view.workflow)

    def _look_at_tasks(self, now: float) -> None:
        for topic, watched in self._watched.items():
            run = topic.removeprefix("run:")
            watched.is_behind |= run in self._dirty
            if watched.is_behind and now >= watched.next_at:
                for task in watched.look(self._engine, self._veil, run):
                    self._tell("task.changed", {topic}, {"run": run, "task": task})


class _Tasks:
    """The tasks of a run that somebody looks at, as they were told last."""

    def __init__(self) -> None:
        self.is_behind = False
        self.next_at = 0.0
        self._known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def look(self, engine: Engine, veil: Veil, run: str) -> list[dict[str, Any]]:
        """Return the tasks that have changed since the last look."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.is_behind = False
        try:
            tasks = veil.brief_tasks(run, engine.tasks(run))
        except BatutaError:
            return []
        changed: list[dict[str, Any]] = []
        for task in tasks:
            key = (task.reference, task.path, task.attempt, task.started_at)
            shown = task.as_json()
            if self._known.get(key) != shown:
                self._known[key] = shown
                changed.append(shown)
        self.next_at = loop.time() + SHARE * (loop.time() - began)
        return changed
