"""Schedules: starting the runs that nobody asks for.

Owns which deployed workflows are scheduled (the latest version of each, by semantic precedence) and
the loop that fires them. When a fire is due is `firing`'s, what events start is `triggering`'s.

No fire is lost or repeated. How far a schedule has come is changed in the transaction that starts
the run it leads to; and the run's id follows from the workflow, the kind of schedule and the fire,
so that a second process that serves the same store, or this one after a crash, is refused by the
store when it tries to start that run again. So any number of processes may serve, without a leader.

The loop keeps nothing in memory that it goes by: each round reads the store, fires what is due,
waits until that is durable, and sets the clock for what comes next.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from batuta.errors import BatutaError, UnavailableError
from batuta.ports.store import ScheduleRow
from batuta.runtime.conductor import firing
from batuta.runtime.conductor.starting import begin, is_choreographed
from batuta.runtime.conductor.triggering import Triggers
from batuta.runtime.shared.ids import scheduled_run_id
from batuta.runtime.shared.programs import precedence

if TYPE_CHECKING:
    from batuta.definition.model import Schedule
    from batuta.kernel.events import Event
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.clock import Timer
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.shared.driving.live import LiveRun

_log = logging.getLogger("batuta.schedules")

AGAIN_MS = 1_000
"""When the store could not be read: the pause before it is tried again."""


class Prospect(NamedTuple):
    """A part of a workflow's schedule; `row` None before it was first served, `due` if known."""

    identity: str
    kind: str
    schedule: Schedule
    row: ScheduleRow | None
    due: int | None


class Schedules:
    """Serves the schedules of one store's workflows."""

    def __init__(self, conductor: Conductor, *, setup: str | None = None) -> None:
        """Prepare; `serve` begins.

        Args:
            conductor: drives the runs.
            setup: what the runs' processes need, as `Engine.start` passes it.
        """
        self._conductor = conductor
        self._setup = setup
        self._triggers = Triggers(conductor, setup)
        self._bell = asyncio.Event()
        self._timer: Timer | None = None
        self._awaited: set[str] = set()
        """Runs whose end an `after` waits for."""
        self._broken: set[str] = set()
        self._serving = self._waiting = False
        conductor.finishing = self._finishing

    @property
    def is_resting(self) -> bool:
        """Say whether nothing is due and nobody has rung."""
        return not self._serving or (self._waiting and not self._bell.is_set())

    @property
    def awaits(self) -> bool:
        """Say whether the end of a run is waited for."""
        return bool(self._awaited)

    def nudge(self) -> None:
        """Look again soon: something may have changed."""
        self._bell.set()

    async def serve(self) -> None:
        """Fire what is due, until cancelled.

        Raises:
            BatutaError: the store cannot be written any more.
        """
        self._serving = True
        try:
            while True:
                self._bell.clear()
                self._ring_at(await self._fire_what_is_due())
                self._waiting = True
                await self._bell.wait()
                self._waiting = False
        finally:
            self._serving = self._waiting = False
            self._ring_at(None)

    def _ring_at(self, when: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when is None else self._conductor.clock.call_at(when, self.nudge)

    async def _fire_what_is_due(self) -> int | None:
        """Return when to look again."""
        try:
            return await self._rounds()
        except UnavailableError as error:
            if self._conductor.failure is not None or self._conductor.is_stopping:
                raise
            _log.error("%s", error)
            return self._conductor.clock.now() + AGAIN_MS

    async def _rounds(self) -> int | None:
        """Fire until nothing is due; returns when to look again."""
        while True:
            noted, following = self.round()
            await self._conductor.durable()
            if not noted:
                return following

    def round(self) -> tuple[bool, int | None]:
        """Note in the batch what is due now.

        Returns:
            Whether anything was noted (then look again once that is durable), and when the next is
            due.
        """
        noted, following = False, None
        by_events: dict[str, list[str]] = {}
        for identity, others in self._latest().items():
            schedule = self._schedule_of(identity)
            if schedule is None or schedule.on is None:
                self._triggers.retire(others)
            else:
                by_events[identity] = others
            if schedule is not None:
                wrote, due = self._look_at(identity, schedule)
                noted = noted or wrote
                following = min((one for one in (following, due) if one is not None), default=None)
        self._triggers.tend(by_events)
        return noted, following

    def prospects(self) -> list[Prospect]:
        """Return every part of every schedule that is served: how far it has come, what is next."""
        found: list[Prospect] = []
        now = self._conductor.clock.now()
        for identity in self._latest():
            schedule = self._schedule_of(identity)
            if schedule is None:
                continue
            rows = {row.kind: row for row in self._conductor.store.schedules(identity)}
            for kind in firing.KINDS:
                row, due = rows.get(kind), None
                if not firing.has(schedule, kind):
                    continue
                if row is not None:
                    fire, due = firing.outlook(kind, schedule, row, now, self._ended_at(kind, row))
                    due = due if fire is None else fire.at
                found.append(Prospect(identity, kind, schedule, row, due))
            if schedule.on is not None:
                found.append(Prospect(identity, "on", schedule, rows.get("on"), None))
        return found

    def _latest(self) -> dict[str, list[str]]:
        """Return the latest version of each workflow, with its other versions."""
        versions: dict[str, list[str]] = {}
        for identity in self._conductor.store.workflows():
            versions.setdefault(identity.rpartition(":")[0], []).append(identity)
        latest: dict[str, list[str]] = {}
        for known in versions.values():
            known.sort(key=lambda identity: precedence(identity.rpartition(":")[2]))
            latest[known[-1]] = known[:-1]
        return latest

    def _schedule_of(self, identity: str) -> Schedule | None:
        try:
            return self._conductor.programs.get(identity).workflow.schedule
        except BatutaError as error:
            if identity not in self._broken:
                self._broken.add(identity)
                _log.error("%s cannot be scheduled: %s", identity, error)
            return None

    def _look_at(self, identity: str, schedule: Schedule) -> tuple[bool, int | None]:
        rows = {row.kind: row for row in self._conductor.store.schedules(identity)}
        now = self._conductor.clock.now()
        noted, following = False, None
        for kind in firing.KINDS:
            if not firing.has(schedule, kind):
                continue
            row = rows.get(kind)
            if row is None:
                self._note(identity, kind, firing.Fire(firing.first_number(kind, now), now), "")
                noted = True
                continue
            fire, due = firing.outlook(kind, schedule, row, now, self._ended_at(kind, row))
            if fire is not None:
                self._fire(identity, kind, fire)
                noted = True
            if due is not None:
                following = due if following is None else min(due, following)
        return noted, following

    def _ended_at(self, kind: str, row: ScheduleRow) -> int | None:
        if kind != "after" or not row.run:
            return None
        self._awaited = {row.run} | self._awaited
        run = self._conductor.store.run(row.run)
        if run is None and is_choreographed(self._conductor.programs.get(row.identity)):
            return None  # it has begun, and nothing was seen of it yet
        # A run that a schedule goes by is not purged; were it gone all the same, it has ended.
        return row.at if run is None else run.ended_at

    def _fire(self, identity: str, kind: str, fire: firing.Fire) -> None:
        conductor = self._conductor
        run_id = scheduled_run_id(fire.at, identity, kind, fire.number)
        if kind == "after":
            self._awaited.add(run_id)
        self._note(identity, kind, fire, run_id)
        if run_id in conductor.runs or conductor.store.run(run_id) is not None:
            return
        conductor.contested.add(run_id)
        program = conductor.programs.get(identity)
        conductor.committer.releases.append(lambda: conductor.contested.discard(run_id))
        self._begin(program, run_id)

    def _begin(self, program: Program, run_id: str) -> None:
        try:
            begin(self._conductor, program, {}, run_id=run_id, setup=self._setup)
        except BatutaError as error:
            _log.error("%s is due, but no run can start: %s", program.identity, error)

    def _note(self, identity: str, kind: str, fire: firing.Fire, run_id: str) -> None:
        row = ScheduleRow(identity=identity, kind=kind, number=fire.number, at=fire.at, run=run_id)
        self._conductor.committer.batch.schedules.append(row)

    def _finishing(self, run: LiveRun, before: RunState, event: Event) -> None:
        """Note with a run's end what the schedules make of it."""
        if self._triggers.ended(run, before, event):
            self._conductor.committer.releases.append(self.nudge)
        elif run.id in self._awaited:
            self._awaited.discard(run.id)
            self._conductor.committer.releases.append(self.nudge)
