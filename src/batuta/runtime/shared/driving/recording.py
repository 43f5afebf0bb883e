"""Writing transitions down: what one step means for the store, added to the batch.

Owns which rows a transition is made of: its journal row; the run's row where the status that
recovery goes by has changed; published events and subscriptions; the end; and, in the same
transaction, the start of a sub-workflow and the answer to its parent. Does not own when the batch
is committed (`committer`), nor what is done afterwards (`acting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.codec import encode_answers, encode_event
from batuta.kernel.commands import (
    CancelBranch,
    Command,
    Continue,
    EndBranch,
    Finish,
    HandOver,
    Index,
    Perform,
    Publish,
    StartChild,
    Subscribe,
    Unsubscribe,
)
from batuta.kernel.faults import FaultData
from batuta.kernel.state import RUNNING, SUSPENDED, TERMINAL
from batuta.ports.store import Batch, Change, Subscription
from batuta.ports.tracing import TRACEPARENT, of_event
from batuta.runtime.shared.correlation import correlation_text
from batuta.runtime.shared.replay import snapshot_of

if TYPE_CHECKING:
    from batuta.kernel.evaluation import Evaluated
    from batuta.kernel.events import Event
    from batuta.kernel.step import Step
    from batuta.ports.secrets import HeldSecrets
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun

_encode = msgspec.json.Encoder().encode

WAITING = "waiting"

SNAPSHOT_EVERY = 1_000
"""Journal rows of one run between two snapshots: bounds what recovery has to replay."""

STAY_MS = 2_000
"""A run that waits longer than this leaves the memory."""


class Recorder:
    """Adds the transitions of one driver's runs to its batch."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def note(  # noqa: C901, PLR0912 -- the hottest path: a call saved counts
        self, run: LiveRun, event: Event, taken: Step, now: int, answers: tuple[Evaluated, ...]
    ) -> None:
        """Add a transition to the batch: its journal row, and whatever else changes with it."""
        batch = self._driver.committer.batch
        run.seq += 1
        batch.journal.append(
            (
                run.id,
                run.seq,
                now,
                encode_event(event),
                encode_answers(answers) if answers else None,
            )
        )
        before, run.state = run.state, taken.state
        state = taken.state
        commands = taken.commands
        run.ledger.note(event, commands)
        if run.stuck is not None:
            run.stuck = None
            batch.notes.stuck.append((run.id, None))
        for command in commands:
            kind = type(command)
            if kind is Perform or kind is Continue:
                continue
            self._note_command(run, batch, command)
            if kind is Finish:
                self._driver.finishing(run, before, event)
        if run.ledger.orphans:
            self._cancel_children(run)
        if commands:
            release = Release(self._driver, run, commands)
            early = self._driver.early
            if early is None or state.status in TERMINAL:
                self._driver.committer.releases.append(release)
            else:
                early.append(release)
        if state.status in TERMINAL:
            return
        run.since_snapshot += 1
        if run.since_snapshot >= SNAPSHOT_EVERY:
            run.since_snapshot = 0
            batch.snapshots.append((run.id, run.seq, snapshot_of(state, run.ledger)))
        if not run.ledger.performing or state.status != RUNNING or run.stored != RUNNING:
            if run.lapsed and state.status == RUNNING:
                self._go_on(run, commands)
            self._note_status(run, batch)
        elif run.program.timed:
            self.set_timer(run)

    def rest(self, run: LiveRun) -> None:
        """A run has taken something that meant nothing to it: it may be at rest now."""
        if run.awaited or run.state.status in TERMINAL:
            return
        if run.stored == RUNNING:
            self._note_status(run, self._driver.committer.batch)
        else:
            self._leave(run)

    def keep_under_way(self, run: LiveRun) -> None:
        """A run that waits for the sandbox does not wait for events: recovery has to load it."""
        if run.stored == WAITING:
            self._change_status(run, self._driver.committer.batch, RUNNING, None)

    def _note_status(self, run: LiveRun, batch: Batch) -> None:
        """Keep the store's status true: it says which runs recovery has to load.

        A run that has something on its way to it does not wait yet, nor does it stand still: after
        a crash it has to be offered that again.
        """
        state = run.state
        if state.status == SUSPENDED and not run.awaited:
            status, wake = SUSPENDED, None
        elif run.is_idle and not run.awaited:
            wake = state.wake
            if wake is not None and wake - self._driver.clock.now() < STAY_MS:
                status = RUNNING
            else:
                status = WAITING
        else:
            status, wake = RUNNING, None
        if status == RUNNING:
            self.set_timer(run)
            wake = None
        if status != run.stored or status == WAITING:
            self._change_status(run, batch, status, wake)
            if status != RUNNING:
                self._leave(run)

    def _change_status(self, run: LiveRun, batch: Batch, status: str, wake: int | None) -> None:
        """Note a status, unless the row is as it was before this batch: nothing changes then.

        So a part of a run that waits, performs one task and waits again leaves its row alone.
        """
        noted = batch.changes.get(run.id)
        was = (run.stored, run.stored_wake) if noted is None else noted.was
        run.stored, run.stored_wake = status, wake
        if was == (status, wake) and not run.mended:
            batch.changes.pop(run.id, None)
            return
        batch.changes[run.id] = Change(
            status=status, wake_at=wake, problem="" if run.mended else None, was=was
        )

    def _leave(self, run: LiveRun) -> None:
        """Let a run leave the memory once all that it has done is on disk."""
        seq = run.seq
        self._driver.committer.releases.append(lambda: self._driver.housing.leave(run, seq))

    def _go_on(self, run: LiveRun, commands: list[Command]) -> None:
        """Ask again, for a run that was suspended when its process died, what was unanswered."""
        run.lapsed = False
        fresh = {one.key for one in commands if isinstance(one, Perform | StartChild)}
        old = [one for key, one in run.ledger.asked.items() if key not in fresh]
        self._driver.committer.releases.append(lambda: self._driver.housing.go_on(run, old))

    def set_timer(self, run: LiveRun) -> None:
        """See to it that a run in memory is woken when it is due.

        One that is to be woken later than before is so in two rings: at the first nothing is due,
        and the timer is set anew.
        """
        wake = run.state.wake
        if wake is not None and (
            run.timer_at is None or wake < run.timer_at or run.timer_at <= self._driver.clock.now()
        ):
            self._driver.timers.remember(wake, run.id)
            run.timer_at = wake

    def _note_command(self, run: LiveRun, batch: Batch, command: Command) -> None:
        """Write with the transition what a command means for the store."""
        match command:
            case Publish():
                event = shown(run, command.event)
                if self._driver.traces and TRACEPARENT not in event:
                    event = {**event, TRACEPARENT: of_event(run.id, event["id"])}
                _encode(event)  # what cannot be written stops its own run, not everybody's commit
                self._driver.publish(run, batch, event)
            case Subscribe():
                for criterion in command.criteria:
                    source, value = (
                        criterion.correlations[0] if criterion.correlations else ("", "")
                    )
                    batch.subscriptions.append(
                        Subscription(
                            run=run.id,
                            token=command.token,
                            key=command.key,
                            type=criterion.type or "",
                            source=source,
                            value=correlation_text(value) if source else "",
                        )
                    )
                self._driver.hearing.subscribed(run, command)
            case Unsubscribe():
                batch.unsubscriptions.append((run.id, command.key))
            case StartChild():
                self._driver.start_child(run, command)
            case HandOver() | EndBranch() | CancelBranch():
                self._driver.send(run, batch, command)
            case Finish():
                self._note_end(run, batch, command)
            case Index():
                run.keys = _encode(shown(run, command.keys))
                batch.keys.append((run.id, run.keys))
            case _:
                pass

    def _note_end(self, run: LiveRun, batch: Batch, finish: Finish) -> None:
        if run.secrets is not None:
            finish = _masked(run.secrets, finish)
        batch.changes[run.id] = Change(
            status=finish.status,
            ended_at=run.state.ended,
            output=_encode(finish.output) if finish.status == "completed" else None,
            fault=_encode(finish.fault.as_json()) if finish.fault is not None else None,
            problem="" if run.mended else None,
        )
        run.stored = finish.status
        if run.program.listens:
            batch.unsubscriptions.append((run.id, ""))
        self._driver.tell_end(run, finish)

    def _cancel_children(self, run: LiveRun) -> None:
        """Cancel, in the same transaction, the sub-workflows that nobody waits for any more."""
        orphans, run.ledger.orphans = run.ledger.orphans, []
        for one in orphans:
            self._driver.cancel_child(run, one)


class Release:
    """What is carried out once a run's transition is durable."""

    __slots__ = ("commands", "driver", "run")

    def __init__(self, driver: Driver, run: LiveRun, commands: list[Command]) -> None:
        self.driver = driver
        self.run = run
        self.commands = commands

    def __call__(self) -> None:
        """Carry the commands out, unless the run turned out to be another process's."""
        if self.run.problem is None and not self.driver.is_stopping:
            self.driver.acting.carry_out(self.run, self.commands)
        elif self.run.state.status in TERMINAL:
            self.driver.tell_waiters(self.run.id)


def shown(run: LiveRun, value: Any) -> Any:
    """Return what others may see: stars for the placeholders of the run's secrets."""
    return value if run.secrets is None else run.secrets.mask(value)


def _masked(secrets: HeldSecrets, finish: Finish) -> Finish:
    """Return an end as others may see it."""
    fault = finish.fault
    if fault is not None:
        shown = secrets.mask(fault.as_json())
        fault = FaultData(
            shown["type"],
            shown["status"],
            shown.get("title"),
            shown.get("detail"),
            shown.get("instance"),
        )
    return Finish(finish.status, secrets.mask(finish.output), fault)
