"""Watching runs: telling, once and in time, that a promise is not kept or that a run is stuck.

What is promised is written down in the transactions of what it follows from (`insight.sla`); here
it is told: as an event, which any run may hear, and as alerts. That it was told is written in the
same transaction, so that it is told once whatever crashes, and by however many processes. Whoever
drives a run tells of it; of choreographed ones anybody does. A broken promise is told when it
breaks: by the clock, or by the end of a task that came too late while nobody was there.

A run is *stuck* when nobody acts who should (`insight.conformance`). That is seen when a promise
breaks; where nothing is promised, after the time in which somebody is expected to act: a
conductor's own runs are looked through then, of choreographed ones the viewer notes when to look.

Owns the bell for all of that. There is one; it rings for what comes first.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import BatutaError
from batuta.insight import sla
from batuta.insight.conformance import stuck_at
from batuta.insight.expected import of_state
from batuta.kernel.state import CallState
from batuta.kernel.transition import iso8601
from batuta.ports.alerts import Alert
from batuta.ports.sla import BROKEN, THE_RUN, Told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from batuta.app.alerting import Alerting
    from batuta.app.choreography import Seen
    from batuta.app.knowing import Knowing
    from batuta.insight.expected import Expected
    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.clock import Timer
    from batuta.ports.sla import Notes, Promise
    from batuta.ports.store import RunRow
    from batuta.runtime.conductor.conductor import Conductor

_log = logging.getLogger("batuta.watching")

AGAIN_MS = 1_000
"""When the store cannot be read, or a look has just been: the pause before the next."""
_encode = msgspec.json.Encoder().encode


class Watching:
    """Watches the runs of one store. The contract of what it follows is `ports.sla.Follower`."""

    def __init__(
        self,
        conductor: Conductor,
        kept: Seen,
        knowing: Knowing,
        alerting: Alerting,
        channels: Collection[str],
    ) -> None:
        """Prepare; `start` begins. From now on the conductor's runs are followed.

        Args:
            conductor: drives orchestrated runs, and writes what is told.
            kept: the reading half of its store.
            knowing: knows what is expected in a run.
            alerting: sends alerts.
            channels: the names of the ways in which people are told.
        """
        self._conductor = conductor
        self._kept = kept
        self._knowing = knowing
        self._alerting = alerting
        self._channels = tuple(channels)
        self._timer: Timer | None = None
        self._ring_at: int | None = None
        self._sweep_at: int | None = None
        self._is_running = self._is_telling = self._is_nudged = False
        conductor.follower = self

    def start(self) -> None:
        """Begin to watch: first what has come due while nobody did."""
        self._is_running = True
        self._alerting.start()
        self._look()

    async def stop(self) -> None:
        """Watch no more; what comes due is told by whoever watches next."""
        self._is_running = False
        self._set(None)
        await self._alerting.stop()

    @property
    def is_settled(self) -> bool:
        """Say whether nothing that was due is on its way to being told."""
        return not (self._is_telling or self._is_nudged or self._alerting.is_busy)

    # -- what a conductor's runs live through ------------------------------------------------------

    def is_busy(self) -> None:
        """A run is under way. See the port."""
        if self._sweep_at is None:
            self._sweep_at = self._conductor.clock.now() + self._knowing.expected_ms
            self._ring_by(self._sweep_at)

    def began(self, program: Program, run: str, now: int, notes: Notes) -> None:
        """A run begins. See the port."""
        promise = sla.promise_of_run(program, run, "orchestrated", now)
        if promise is not None:
            self._make([promise], notes)

    def goes_on(self, program: Program, state: RunState, now: int, notes: Notes) -> None:
        """A run begins with the history of another. See the port."""
        self.began(program, state.id, now, notes)
        self._make(sla.under_way(program, state, now), notes)

    def _make(self, promises: Iterable[Promise], notes: Notes) -> None:
        for one in promises:
            notes.made.append(one)
            self._ring_by(one.next_at)

    def lived(self, program: Program, run: str, told: Iterable[Happened], notes: Notes) -> None:
        """Tasks have lived through something. See the port."""
        made, ended = len(notes.made), len(notes.ended)
        sla.note(program, run, "orchestrated", told, notes)
        for one in notes.made[made:]:
            self._ring_by(one.next_at)
        if len(notes.ended) > ended:
            self._look_behind()

    def ended(self, run: str, at: int, notes: Notes) -> None:
        """A run has ended. See the port."""
        notes.ended.append((run, THE_RUN, at))
        self._look_behind()

    def adopted(self) -> None:
        """Runs of another are ours now. See the port."""
        self._look()

    def _look_behind(self) -> None:
        """Look behind the commit: what has ended may have ended too late."""
        if not self._is_nudged and self._is_running:
            self._is_nudged = True
            self._conductor.committer.releases.append(self.nudge)

    def nudge(self) -> None:
        """Something that may be due is durable."""
        self._is_nudged = False
        self._look()

    # -- the bell ----------------------------------------------------------------------------------

    def _ring_by(self, when: int | None) -> None:
        if when is not None and (self._ring_at is None or when < self._ring_at):
            self._set(when)

    def _set(self, when: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._ring_at = None, when
        if when is not None and self._is_running:
            self._timer = self._conductor.clock.call_at(when, self._rung)

    def _rung(self) -> None:
        self._timer = self._ring_at = None
        self._look()

    def _look(self) -> None:
        """Tell what is due now; then see when the next is."""
        conductor = self._conductor
        if not self._is_running or self._is_telling or conductor.is_stopping:
            return
        try:
            if self._tell(conductor.clock.now()):
                # What is told stays due in the store until this is committed.
                self._is_telling = True
                conductor.committer.releases.append(self._told)
                conductor.schedule()
                return
            promised = self._kept.next_promise(conductor.owner)
            moments = (promised, self._kept.next_check(), self._sweep_at)
        except BatutaError as error:
            _log.warning("%s; promises are looked after as soon as it can be read", error)
            moments = (conductor.clock.now() + AGAIN_MS,)
        self._set(None)
        for when in moments:
            self._ring_by(when)
        self._alerting.look()

    def _told(self) -> None:
        self._is_telling = False
        self._look()

    # -- what is told ------------------------------------------------------------------------------

    def _tell(self, now: int) -> bool:
        """Note in the batch what is to be told now; say whether there was anything."""
        notes = self._conductor.committer.batch.notes
        promises = self._kept.promises_due(self._conductor.owner, now)
        for one in promises:
            what = sla.to_tell(one, now)
            if what is None:
                continue
            notes.told.append(Told(one.run, one.key, what, now))
            self._publish(sla.event_of(one, what, now), f"{one.workflow}{one.reference}/{what}")
            if what == BROKEN and one.acts and one.ended_at is None:
                self._judge(one.run, now)
        to_check = self._kept.to_check(now)
        for run in to_check:
            again_at = self._judge(run, now)
            notes.checked.append((run, again_at))
        is_swept = self._sweep_at is not None and self._sweep_at <= now
        return bool(promises or to_check) or (is_swept and self._sweep(now))

    def _publish(self, event: dict[str, Any], group: str) -> None:
        batch = self._conductor.committer.batch
        now = self._conductor.clock.now()
        batch.events.append((now, event))
        for channel in self._channels:
            batch.notes.alerts.append(
                Alert(
                    id=event["id"],
                    channel=channel,
                    group=group,
                    run=event["subject"],
                    at=now,
                    body=_encode(event),
                    next_at=now,
                )
            )

    # -- who is stuck ------------------------------------------------------------------------------

    def _judge(self, run_id: str, now: int) -> int | None:
        """Note that a run is stuck, if it is; returns when to look again if it may be later."""
        row = self._conductor.store.run(run_id)
        if row is None or row.ended_at is not None:
            return None
        limits = [
            (limit, one)
            for one in self._expected(row)
            if (limit := stuck_at(one, self._knowing.expected_ms)) is not None
        ]
        late = [one for limit, one in limits if limit <= now]
        if late:
            self._note_stuck(row, min(late, key=lambda one: one.since), now)
        return min((limit for limit, _ in limits if limit > now), default=None)

    def _expected(self, row: RunRow) -> list[Expected]:
        live = self._conductor.runs.get(row.id)
        if live is None:
            return self._knowing.known(row).expected
        return of_state(live.program, live.state, live.ledger, row.started_at)

    def _note_stuck(self, row: RunRow, one: Expected, now: int) -> None:
        live = self._conductor.runs.get(row.id)
        known = row.stuck if live is None else live.stuck
        if known is not None:
            return
        if live is not None:
            live.stuck = one.since
        self._conductor.committer.batch.notes.stuck.append((row.id, one.since))
        data = {
            "reference": one.reference,
            "name": one.name,
            "participant": one.participant,
            "what": one.what,
            "since": iso8601(one.since),
            "dueAt": None if one.due is None else iso8601(one.due),
        }
        event = sla.stuck_event(row.id, row.workflow, row.control, now, data, one.since)
        self._publish(event, f"{row.workflow}{one.reference}/stuck")

    def _sweep(self, now: int) -> bool:
        """Look for runs here in which a task takes too long; say whether there was one."""
        found = False
        expected_ms = self._knowing.expected_ms
        following: int | None = None
        for run in list(self._conductor.runs.values()):
            if not run.ledger.performing or run.stuck is not None or run.problem is not None:
                continue
            for token in run.state.tokens.values():
                frame = token.frame
                if frame is None or not isinstance(frame.state, CallState) or frame.state.child:
                    continue
                at = frame.started + expected_ms
                if at <= now:
                    self._judge(run.id, now)
                    found = True
                    break
                following = at if following is None else min(following, at)
        if following is not None:
            self._sweep_at = max(following, now + AGAIN_MS)
        else:
            self._sweep_at = now + expected_ms if self._conductor.runs else None
        return found
