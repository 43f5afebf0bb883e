"""Starting runs on events: `schedule.on`.

For each workflow with `on` there is one open *trigger*, a hidden run that listens
(`shared.triggers`). When it has heard what it waits for, the run it leads to and the next trigger
start in the transaction of its end, so that each event counts once and none falls between two:

* `one` and `any` go on behind the last event consumed. What was on its way to the old trigger goes
  to the new one at once, so that a flood of events needs no commit for each.
* `all` takes its events one by one as `any` does, and gathers them into groups (`gathering`): a run
  starts when its group is complete, whatever others still wait for. Only where that cannot be (see
  `shared.triggers`) a trigger waits for a whole group: then the next one looks at the same events
  again, except the latest `REMEMBERED` that were consumed.

A trigger whose filter is faulty (an expression fails on an event) is ended by that event; this is
logged, and the next trigger leaves that event alone. One that cannot even begin is not opened
again.

Events are heard from the moment in which the workflow is first served. A new version goes on where
the one before it has stopped if it waits for the same, else with the events published from then.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import BatutaError
from batuta.kernel.codec import encode_event
from batuta.kernel.events import CancelAsked, Heard
from batuta.kernel.state import CANCELLED, COMPLETED, FAULTED
from batuta.ports.store import ScheduleRow
from batuta.runtime.conductor.gathering import Gathering
from batuta.runtime.conductor.starting import begin, is_choreographed
from batuta.runtime.shared.ids import scheduled_run_id
from batuta.runtime.shared.triggers import SUFFIX, gathers, is_trigger, listen_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batuta.definition.model import Schedule
    from batuta.kernel.events import Event
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.store import RunRow
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.shared.driving.live import LiveRun

_log = logging.getLogger("batuta.schedules")
KIND = "on"
REMEMBERED = 256
"""Consumed events that the next trigger of an `all` knows which waits for a whole group."""


class Place:
    """Where a trigger stands among the events: behind `first_event`, without those `heard`."""

    __slots__ = ("first_event", "heard")

    def __init__(self, first_event: int, heard: tuple[int, ...] = ()) -> None:
        self.first_event = first_event
        self.heard = heard


class Triggers:
    """Keeps one trigger open per workflow that is started by events."""

    def __init__(self, conductor: Conductor, setup: str | None) -> None:
        self._conductor = conductor
        self._setup = setup
        self._current: frozenset[str] = frozenset()
        self._gathering = Gathering(conductor)

    def tend(self, current: Mapping[str, Iterable[str]]) -> None:
        """See to it that exactly the current versions have a trigger.

        Args:
            current: the identities that are started by events, each with its other versions.
        """
        self._current = frozenset(current)
        for identity, others in current.items():
            program = self._conductor.programs.get(identity)
            if self._retire(program, others):
                self._tend_one(program, others)

    def retire(self, identities: Iterable[str]) -> bool:
        """End the triggers of versions that are not the latest; says whether none is left."""
        left = [row for one in identities for row in self._conductor.store.under_way(one + SUFFIX)]
        for row in left:
            self._cancel(row)
        return not left

    def _retire(self, program: Program, others: Iterable[str]) -> bool:
        """End older triggers; says whether the program's own may be opened."""
        gone = self.retire(others)
        return gone or not any(self._waits_for_the_same(program, other) for other in others)

    def _cancel(self, row: RunRow) -> None:
        conductor = self._conductor
        run = conductor.housing.find(row.id)
        if run is not None:
            conductor.post(run, CancelAsked())
        else:
            conductor.store.ask(row.id, encode_event(CancelAsked()))

    def _tend_one(self, program: Program, others: Iterable[str]) -> None:
        store = self._conductor.store
        if store.under_way(program.identity + SUFFIX):
            return
        row = self._row(program.identity)
        if row is None:
            self._open(program, 0, self._inherited(program, others))
            return
        last = store.run(row.run)
        if last is None or last.status != FAULTED:
            self._open(program, row.number + 1, Place(row.first_event, row.heard))

    def _row(self, identity: str) -> ScheduleRow | None:
        rows = self._conductor.store.schedules(identity)
        return next((row for row in rows if row.kind == KIND), None)

    def _inherited(self, program: Program, others: Iterable[str]) -> Place:
        """Return where a version that was never served begins."""
        known = [row for other in others if (row := self._row(other)) is not None]
        if known:
            latest = max(known, key=lambda row: row.at)
            if self._waits_for_the_same(program, latest.identity):
                return Place(latest.first_event, latest.heard)
        return Place(self._conductor.hearing.newest)

    def _waits_for_the_same(self, program: Program, other: str) -> bool:
        mine, theirs = program.workflow.schedule, None
        try:
            theirs = self._conductor.programs.get(other).workflow.schedule
        except BatutaError:
            return False
        return mine is not None and theirs is not None and mine.on == theirs.on

    def _open(
        self, program: Program, number: int, place: Place, cause: LiveRun | None = None
    ) -> None:
        """Open a trigger; `cause` is the one whose end leads to it."""
        conductor = self._conductor
        batch = conductor.committer.batch
        trigger = conductor.programs.get(program.identity + SUFFIX)
        run_id = scheduled_run_id(0, program.identity, "trigger", number)
        if conductor.store.run(run_id) is not None:
            return
        conductor.contested.add(run_id)
        if cause is not None:
            batch.dependents.append((run_id, cause.id))
        batch.schedules.append(self._new_row(program.identity, number, run_id, place))
        conductor.begin(
            trigger,
            {"number": number},
            run_id=run_id,
            first_event=place.first_event,
            heard=place.heard,
            instead_of=None if place.heard else cause,
        )

    def _new_row(self, identity: str, number: int, run_id: str, place: Place) -> ScheduleRow:
        return ScheduleRow(
            identity=identity,
            kind=KIND,
            number=number,
            at=self._conductor.clock.now(),
            run=run_id,
            first_event=place.first_event,
            heard=place.heard,
        )

    # -- the end of a trigger ----------------------------------------------------------------------

    def ended(self, run: LiveRun, before: RunState, event: Event) -> bool:
        """Note with a trigger's end what it leads to; says whether the run was one."""
        identity = run.program.identity
        if not is_trigger(identity):
            return False
        self._conductor.contested.discard(run.id)
        if run.state.status == CANCELLED:
            return True
        program = self._conductor.programs.get(identity.removesuffix(SUFFIX))
        number: int = before.input["number"] if before.input else 0
        if run.state.status == COMPLETED:
            data = self._data(program, run, event)
            if data is not None:
                self._start(program, run, number, data)
        else:
            _log.error("%s: its event filter is faulty: %s", identity, run.state.fault)
        if not isinstance(event, Heard):
            return True
        place = self._place_behind(run, before, event)
        if program.identity in self._current:
            self._open(program, number + 1, place, run)
        else:
            row = self._new_row(program.identity, number + 1, run.id, place)
            self._conductor.committer.batch.schedules.append(row)
        return True

    def _data(self, program: Program, trigger: LiveRun, event: Event) -> Any:
        """Return the input of the run that starts now, None if there is to be none yet."""
        heard: list[Any] = trigger.state.output
        schedule = program.workflow.schedule
        if schedule is None or not isinstance(event, Heard):
            return heard
        if not gathers(trigger.program, schedule):
            return heard
        filters = listen_of(trigger.program).filters
        scope = f"{program.identity.rpartition(':')[0]}{SUFFIX}:{_mark(schedule)}"
        return self._gathering.take(trigger, filters, scope, event, heard[0])

    def _start(self, program: Program, trigger: LiveRun, number: int, data: Any) -> None:
        conductor = self._conductor
        run_id = scheduled_run_id(conductor.clock.now(), program.identity, KIND, number)
        if not is_choreographed(program):
            conductor.committer.batch.dependents.append((run_id, trigger.id))
        try:
            begin(conductor, program, data, run_id=run_id, setup=self._setup)
        except BatutaError as error:
            _log.error("%s: events came, but no run can start: %s", program.identity, error)

    def _place_behind(self, run: LiveRun, before: RunState, event: Heard) -> Place:
        token = before.tokens.get("")
        ears = token.ears.recent if token is not None and token.ears is not None else ()
        if listen_of(run.program).mode != "all":
            return Place(max(event.number, *ears, run.first_event))
        known = sorted({*ears, event.number})
        dropped, heard = known[:-REMEMBERED], known[-REMEMBERED:]
        return Place(max([run.first_event, *dropped]), tuple(heard))


def _mark(schedule: Schedule) -> str:
    """Return what tells the groups of different schedules apart; versions that agree share them."""
    text = msgspec.json.encode([schedule.on, schedule.read], order="deterministic")
    return blake2b(text, digest_size=8).hexdigest()
