"""The viewer: gathers from the bus what participants tell of choreographed runs.

It is on nobody's path: it reads along and keeps its own place, so runs proceed while it is stopped,
and started again it catches up. Its place is written together with what was read up to it; several
viewers over one store tell it the same, twice.

Owns when it is read, and whether a run waits or is under way; `sightings` owns what each message
tells. What is not told on the bus (what a task was given) is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import BatutaError, UnavailableError
from batuta.insight.sightings import HEARD, Seen, note
from batuta.kernel.lifecycle import Happened
from batuta.kernel.state import TERMINAL
from batuta.runtime.shared.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from batuta.insight.following import Following
    from batuta.ports.bus import Bus
    from batuta.ports.views import Sighting, Views

_log = logging.getLogger("batuta.viewer")

PAGE = 1_000
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.002, 0.2
"""Between two looks at the bus: while something happens, and when nothing has for a while."""
TROUBLE_PAUSE_S = 1.0
MOST_RUNS = 10_000
"""Runs of which it is kept in mind what is under way; the others are read back."""

RESTING = frozenset({"wait", "listen"})
_COMPOSITE = frozenset({"do", "for", "fork", "try"})
_decode_report = msgspec.json.Decoder(Happened).decode


class Viewer:
    """Reads one bus along into one store."""

    def __init__(
        self, bus: Bus, views: Views, *, name: str, following: Following | None = None
    ) -> None:
        """Prepare; `start` begins.

        Args:
            bus: what participants tell each other, started.
            views: where what is seen is kept.
            name: the bus's, under which the place in it is kept.
            following: notes what else follows from what is seen.
        """
        self._following = following
        self._bus = bus
        self._views = views
        self._name = name
        self._place = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=3_600)
        self._runs: dict[str, Standing] = {}
        self._changed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._going_on: asyncio.Task[None] | None = None
        self.told: Callable[[Collection[str]], None] | None = None
        """Called with the runs of which something new is known, while somebody wants to know."""

    @property
    def place(self) -> int:
        """How far the bus was read."""
        return self._place

    def place_before(self, seconds: float) -> int:
        """Return a place in the bus behind which is what was read in the last so many seconds.

        Of what was read before the last hour, or by another process, nothing is known.
        """
        since = asyncio.get_running_loop().time() - seconds
        return next((place for at, place in self._marks if at >= since), self._place)

    def _mark(self) -> None:
        """Remember when what comes next was read; one mark a second will do."""
        now = asyncio.get_running_loop().time()
        if not self._marks or now - self._marks[-1][0] >= 1:
            self._marks.append((now, self._place))

    async def start(self) -> None:
        """Catch up, and read along from now on.

        Raises:
            UnavailableError: the bus or the store cannot be used now.
        """
        self._place = self._views.place(self._name)
        await self.catch_up()
        self._going_on = asyncio.get_running_loop().create_task(self._read_along())

    async def stop(self) -> None:
        """Read no more."""
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.wait([self._going_on])
            self._going_on = None

    async def catch_up(self) -> None:
        """Read all that is on the bus by now."""
        newest = await self._bus.newest()
        while self._place < newest and await self._read():
            pass

    async def changed(self) -> None:
        """Wait until something more is known of any run."""
        await self._changed.wait()

    async def _read_along(self) -> None:
        pause = SHORTEST_PAUSE_S
        while True:
            try:
                is_new = await self._bus.newest() > self._place and await self._read()
            except UnavailableError as error:
                _log.warning("%s; what runs look like is out of date until then", error)
                await asyncio.sleep(TROUBLE_PAUSE_S)
                continue
            except BatutaError as error:
                _log.error("%s; what runs look like stays as it is", error)
                return
            pause = SHORTEST_PAUSE_S if is_new else min(pause * 1.5, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    async def _read(self) -> bool:
        """Read a page; say whether there was anything."""
        async with self._reading:
            page = await self._bus.history(after=self._place, limit=PAGE)
            if not page:
                return False
            seen = Seen()
            for one in page:
                note(one, seen)
            sightings = self._with_statuses(seen)
            place = page[-1].number
            self._mark()
            notes = None if self._following is None else self._following.notes(seen)
            see = partial(
                self._views.see, sightings, seen.reports, self._name, place, notes, seen.exchanged
            )
            await in_thread(see)
            self._place = place
            if self._following is not None:
                self._following.told()
        self._changed.set()
        self._changed.clear()
        if self.told is not None:
            self.told(seen.runs.keys())
        return True

    # -- what a run does while it has not ended ----------------------------------------------------

    def _with_statuses(self, seen: Seen) -> list[Sighting]:
        """Return what is to be written of runs, with whether they wait or are under way."""
        sightings: list[Sighting] = []
        for run, known in seen.runs.items():
            sightings += known
            standing = self._standing(run)
            for one in seen.fresh.get(run, ()):
                standing.follow(one)
            for one in known:
                if one.status is not None:
                    standing.is_suspended = one.status == "suspended"
                    standing.is_over |= one.ended_at is not None
            if standing.is_over:
                self._runs.pop(run, None)
            elif not standing.is_suspended:
                status = "waiting" if standing.waits else "running"
                sightings.append(msgspec.structs.replace(known[-1], status=status))
        return sightings

    def _standing(self, run: str) -> Standing:
        standing = self._runs.pop(run, None)
        if standing is None:
            standing = Standing(self._views.status(run))
            if not standing.is_over:
                for body in self._views.reports(run):
                    standing.follow(_decode_report(body))
        self._runs[run] = standing
        if len(self._runs) > MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        return standing


class Standing:
    """How a run stands: which tasks act now (kind by key), and whether it is suspended or over."""

    __slots__ = ("is_over", "is_suspended", "tasks")

    def __init__(self, status: str | None) -> None:
        self.tasks: dict[str, str] = {}
        self.is_suspended = status == "suspended"
        self.is_over = status in TERMINAL

    def follow(self, happened: Happened) -> None:
        """Take in what happened to a task."""
        if happened.kind in _COMPOSITE or happened.what == HEARD:
            return
        if happened.what in {"started", "handed"}:
            self.tasks[happened.key] = happened.kind
        else:
            self.tasks.pop(happened.key, None)

    @property
    def waits(self) -> bool:
        """Say whether only a time or an event can move it."""
        return bool(self.tasks) and RESTING.issuperset(self.tasks.values())
