"""The conductor: drives every token of its runs.

Events come in (answers, timers, published events, requests), `kernel.step` says what they mean, the
transition is added to the batch, and once the batch is durable the step's commands are carried out.
That order is the guarantee: nothing is acted upon before what led to it is on disk.

All of this happens on the event loop's thread, without locks; only the commit itself is elsewhere
(`committer`). Tasks that answer at once (a function that does not suspend) put their answer straight
into the inbox, without an asyncio task, and many runs are advanced per turn of the loop. A run that
needs the sandbox waits for it alone (`_evaluate`); a bug stops the run it happened in, alone.

Owns the inbox and what a command leads to. The neighbours own the rest: `committer` (durability),
`timers`, `hearing` (published events), `housing` (runs in and out of memory, recovery).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import BatutaError, ConflictError, KernelBug
from batuta.expressions import ExpressionFailure
from batuta.kernel.codec import decode_event, encode_answers, encode_event
from batuta.kernel.commands import (
    Abandon,
    Command,
    Continue,
    Finish,
    Perform,
    Publish,
    StartChild,
    Subscribe,
    Unsubscribe,
)
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import CancelAsked, Continued, Event, Failed, Performed, Started, Woken
from batuta.kernel.faults import FaultData, standard
from batuta.kernel.state import RUNNING, SUSPENDED, TERMINAL
from batuta.kernel.step import BEHAVIOUR, NEW, Step, step
from batuta.ports.caller import Fault
from batuta.ports.store import Batch, Change, JournalRow, RunRow, Subscription
from batuta.runtime.conductor.committer import Committer, Released
from batuta.runtime.conductor.hearing import Hearing
from batuta.runtime.conductor.housing import Housing
from batuta.runtime.conductor.live import LiveRun
from batuta.runtime.conductor.timers import Timers
from batuta.runtime.shared.ids import child_run_id
from batuta.runtime.shared.performing import Performer, fault_of
from batuta.runtime.shared.replay import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from batuta.kernel.program import Program
    from batuta.ports.clock import Clock
    from batuta.ports.evaluator import Evaluator
    from batuta.ports.secrets import Keeper
    from batuta.ports.store import Store
    from batuta.runtime.shared.programs import Programs

_log = logging.getLogger("batuta.conductor")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

TURN = 512
"""Events taken per turn of the loop, so that sockets and timers get theirs."""

SNAPSHOT_EVERY = 1_000
"""Journal rows of one run between two snapshots: bounds what recovery has to replay."""

STAY_MS = 2_000
"""A run that waits longer than this leaves the memory."""


class Conductor:
    """Drives runs over one store."""

    def __init__(
        self,
        store: Store,
        programs: Programs,
        performer: Performer,
        evaluator: Evaluator,
        clock: Clock,
        *,
        owner: str,
        keeper: Keeper,
    ) -> None:
        """Prepare a conductor; `start` begins.

        Args:
            store: the journal.
            programs: the deployed workflows.
            performer: performs the tasks that act on the world.
            evaluator: evaluates what the native compiler does not take.
            clock: the time.
            owner: this conductor's name in the store, unique among living ones.
            keeper: gives each run its secrets.
        """
        self.store = store
        self.programs = programs
        self.clock = clock
        self.owner = owner
        self.keeper = keeper
        self.runs: dict[str, LiveRun] = {}
        self.inbox: deque[tuple[LiveRun, Event]] = deque()
        self.failure: BatutaError | None = None
        self.ended: Callable[[LiveRun], None] = lambda _: None
        self.left: Callable[[LiveRun], None] = lambda _: None
        self._performer = performer
        self._evaluator = evaluator
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.committer = Committer(
            store, committed=self._committed, lost=self._lost, failed=self._failed
        )
        self.timers = Timers(clock, self._rung)
        self.hearing = Hearing(self)
        self.housing = Housing(self)

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to drive: take up what this owner has under way, and listen."""
        self._loop = asyncio.get_running_loop()
        self.committer.start()
        self.hearing.start()
        self.housing.take_up()
        self._rung()

    async def stop(self) -> None:
        """Stop driving. What is being performed is abandoned here and taken up by the next start."""
        self._stopping = True
        self.hearing.stop()
        self.timers.stop()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        await self.committer.stop()
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.cancel()

    # -- what others ask ---------------------------------------------------------------------------

    def begin(
        self,
        program: Program,
        data: Any,
        *,
        run_id: str,
        parent: str | None = None,
        parent_key: str | None = None,
        setup: str | None = None,
    ) -> LiveRun:
        """Start a run; it is durable when `durable` says so, and its tasks begin only then."""
        run = LiveRun(run_id, program, NEW, 0)
        run.parent, run.parent_key, run.setup = parent, parent_key, setup
        run.first_event = self.hearing.newest
        self.runs[run_id] = run
        started = self._started(run, data)
        batch = self.committer.batch
        batch.runs.append(
            RunRow(
                id=run_id,
                workflow=program.identity,
                started_at=self.clock.now(),
                owner=self.owner,
                parent=parent,
                parent_key=parent_key,
                origin=None,
                first_event=run.first_event,
                setup=setup,
            )
        )
        self._take(run, started)
        self.schedule()
        return run

    def begin_from(self, old: RunRow, rows: list[JournalRow], run_id: str) -> None:
        """Start a run with the history of another: it goes on where those rows end."""
        batch = self.committer.batch
        for row in rows:
            body = row.body
            event = decode_event(body)
            if isinstance(event, Started):
                origin = event.origin or event.run
                body = encode_event(msgspec.structs.replace(event, run=run_id, origin=origin))
            batch.journal.append((run_id, row.seq, row.at, body, row.answers))
        batch.runs.append(
            RunRow(
                id=run_id,
                workflow=old.workflow,
                started_at=self.clock.now(),
                owner=self.owner,
                origin=old.id,
                first_event=old.first_event,
                setup=old.setup,
            )
        )
        self.committer.releases.append(lambda: self.housing.take_up_one(run_id))
        self.schedule()

    def _started(self, run: LiveRun, data: Any) -> Started:
        """Return the event that starts a run, with placeholders for the secrets it declares."""
        if not run.program.workflow.secrets:
            return Started(run.id, data, behaviour=BEHAVIOUR)
        nonce = self.keeper.new_nonce()
        run.secrets = secrets = self.keeper.secrets_of(run.program, nonce)
        refused = None
        try:
            secrets.require()
        except Fault as fault:
            refused = standard(fault.kind, fault.status, fault.title, fault.detail, "")
        return Started(
            run.id, data, secrets.placeholders(), nonce, refused, behaviour=BEHAVIOUR
        )

    def post(self, run: LiveRun, event: Event) -> None:
        """Let a run take an event soon."""
        run.awaited += 1
        self.inbox.append((run, event))
        if not self._scheduled:
            self.schedule()

    async def durable(self) -> None:
        """Wait until everything noted so far is on disk.

        Raises:
            BatutaError: it cannot be written; the reason says what to do.
        """
        await self.committer.drain()
        if self.failure is not None:
            raise self.failure

    async def until_ended(self, run_id: str) -> None:
        """Wait until a run of this conductor has ended, or cannot go on (`LiveRun.problem`)."""
        run = self.runs.get(run_id)
        if run is None:
            row = self.store.run(run_id)
            if row is None or row.ended_at is not None or row.problem is not None:
                return
        elif run.problem is not None:
            return
        if self.failure is not None:
            raise self.failure
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(run_id, []).append(waiter)
        await waiter

    # -- the pump ----------------------------------------------------------------------------------

    def schedule(self) -> None:
        """See to it that the pump runs in the loop's next turn."""
        if not self._scheduled and self._loop is not None and not self._stopping:
            self._scheduled = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        inbox = self.inbox
        for _ in range(min(TURN, len(inbox))):
            run, event = inbox.popleft()
            run.awaited -= 1
            self._take(run, event)
        self.committer.submit()
        if inbox:
            self.schedule()

    def _take(
        self,
        run: LiveRun,
        event: Event,
        at: int | None = None,
        answers: tuple[Evaluated, ...] = (),
    ) -> None:
        """Let a run take an event, and note what follows in the batch."""
        if run.problem is not None:
            return
        if run.evaluating and not answers:
            run.backlog.append((event, at))
            return
        now = self.clock.now() if at is None else at
        try:
            taken = step(run.program, run.state, event, now, answers)
        except NeedsEvaluation as need:
            self._evaluate(run, event, now, answers, need)
            return
        except KernelBug as bug:
            self._halt(run, bug)
            return
        if taken.changed:
            self._note(run, event, taken, now, answers)
        elif run.timer_at is not None and run.timer_at <= now:
            self._set_timer(run)

    def _note(
        self, run: LiveRun, event: Event, taken: Step, now: int, answers: tuple[Evaluated, ...]
    ) -> None:
        """Add a transition to the batch: its journal row, and whatever else changes with it."""
        batch = self.committer.batch
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
        run.state = state = taken.state
        commands = taken.commands
        run.ledger.note(event, commands)
        for command in commands:
            kind = type(command)
            if kind is Perform or kind is Continue:
                continue
            self._note_command(run, batch, command)
        if commands:
            self.committer.releases.append(_Release(self, run, commands))
        if state.status in TERMINAL:
            return
        run.since_snapshot += 1
        if run.since_snapshot >= SNAPSHOT_EVERY:
            run.since_snapshot = 0
            batch.snapshots.append((run.id, run.seq, snapshot_of(state, run.ledger)))
        if not run.ledger.performing or state.status != RUNNING or run.stored != RUNNING:
            self._note_status(run, batch)
        elif run.program.timed:
            self._set_timer(run)

    def _note_status(self, run: LiveRun, batch: Batch) -> None:
        """Keep the store's status true: it says which runs recovery has to load."""
        state = run.state
        if state.status == SUSPENDED:
            status, wake = SUSPENDED, None
        elif run.is_idle:
            wake = state.wake
            if wake is not None and wake - self.clock.now() < STAY_MS:
                status = RUNNING
            else:
                status = "waiting"
        else:
            status, wake = RUNNING, None
        if status == RUNNING:
            self._set_timer(run)
            wake = None
        if status != run.stored or status == "waiting":
            run.stored = status
            batch.changes[run.id] = Change(status=status, wake_at=wake)
            if status != RUNNING:
                seq = run.seq
                self.committer.releases.append(lambda: self.housing.leave(run, seq))

    def _set_timer(self, run: LiveRun) -> None:
        wake = run.state.wake
        if wake is not None and (
            run.timer_at is None or wake < run.timer_at or run.timer_at <= self.clock.now()
        ):
            self.timers.remember(wake, run.id)
        run.timer_at = wake

    def _note_command(self, run: LiveRun, batch: Batch, command: Command) -> None:
        """Write with the transition what a command means for the store."""
        match command:
            case Publish():
                batch.events.append((self.clock.now(), command.event))
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
                            value=_encode(value).decode() if source else "",
                        )
                    )
            case Unsubscribe():
                batch.unsubscriptions.append((run.id, command.key))
            case StartChild():
                self._start_child(run, command)
            case Finish():
                self._note_end(run, batch, command)
            case _:
                pass

    def _note_end(self, run: LiveRun, batch: Batch, finish: Finish) -> None:
        batch.changes[run.id] = Change(
            status=finish.status,
            ended_at=run.state.ended,
            output=_encode(finish.output) if finish.status == "completed" else None,
            fault=_encode(finish.fault.as_json()) if finish.fault is not None else None,
        )
        run.stored = finish.status
        batch.unsubscriptions.append((run.id, ""))
        if run.parent is not None and run.parent_key is not None:
            # In the same transaction as the end itself: a parent never misses its child's answer.
            parent = self.housing.find(run.parent)
            if parent is not None:
                self._take(parent, _answer(parent, run.parent_key, finish))

    def _start_child(self, parent: LiveRun, command: StartChild) -> None:
        child_id = child_run_id(parent.id, command.key)
        try:
            identity = self.programs.latest(command.namespace, command.name, command.version)
            program = self.programs.get(identity)
        except BatutaError as error:
            fault = standard("configuration", 400, "Unknown workflow", error.message)
            self.post(parent, Failed(command.token, command.key, fault))
            return
        self.begin(
            program,
            command.input,
            run_id=child_id,
            parent=parent.id if command.wait else None,
            parent_key=command.key if command.wait else None,
            setup=parent.setup,
        )

    # -- after a commit ----------------------------------------------------------------------------

    def _committed(self, batch: Batch, releases: list[Released]) -> None:
        """Carry out what was waiting for this batch."""
        for release in releases:
            release()
        if batch.events:
            self.hearing.drain()
        self._pump()

    def carry_out(self, run: LiveRun, commands: list[Command]) -> None:
        """Carry out a step's commands; what led to them is durable."""
        for command in commands:
            match command:
                case Perform():
                    if command.key in run.ledger.asked or command.token.startswith("/"):
                        self.perform(run, command)
                case Continue():
                    self.post(run, Continued())
                case Abandon():
                    self._abandon(run, command)
                case Subscribe():
                    self.hearing.catch_up(run, command)
                case Finish():
                    self._finished(run)
                case _:
                    pass

    def perform(self, run: LiveRun, command: Perform) -> None:
        """Have a task performed; its answer comes back as an event."""
        if run.secrets is None:
            self._perform(run, command)
        else:
            with self.keeper.serving(run.secrets):
                self._perform(run, command)

    def _perform(self, run: LiveRun, command: Perform) -> None:
        try:
            answer = self._performer.start(run.id, run.state.origin, run.program.identity, command)
        except Fault as fault:
            self._fault(run, command, fault)
        except Exception as error:  # noqa: BLE001 -- a bug of a caller is the run's fault, not ours
            self._fault(run, command, error)
        else:
            if isawaitable(answer):
                # The task takes the context of this moment along, and so the run's secrets.
                self._spawn(run, command.key, self._await(run, command, answer))
            else:
                self._answer(run, command, answer)

    async def _await(self, run: LiveRun, command: Perform, answer: Any) -> None:
        try:
            output = await answer
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fault(run, command, error)
        else:
            self._answer(run, command, output)
        finally:
            run.working.pop(command.key, None)
        self.schedule()

    def _answer(self, run: LiveRun, command: Perform, output: Any) -> None:
        # What goes on in memory is what a replay would read: encoded and decoded again.
        try:
            plain = _decode(_encode(output))
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            fault = Fault("runtime", 500, "Not JSON", f"the result cannot be recorded: {error}")
            self._fault(run, command, fault)
            return
        self.post(run, Performed(command.token, command.key, plain))

    def _fault(self, run: LiveRun, command: Perform, error: BaseException) -> None:
        self.post(run, Failed(command.token, command.key, fault_of(error, command)))

    def _abandon(self, run: LiveRun, command: Abandon) -> None:
        task = run.working.pop(command.key, None)
        if task is not None:
            task.cancel()
        child = self.housing.find(child_run_id(run.id, command.key))
        if child is not None and child.parent == run.id:
            self.post(child, CancelAsked())

    def _finished(self, run: LiveRun) -> None:
        for task in run.working.values():
            task.cancel()
        self.housing.forget(run)
        self.ended(run)
        self._tell_waiters(run.id)

    def _tell_waiters(self, run_id: str) -> None:
        for waiter in self._waiters.pop(run_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    # -- the sandbox -------------------------------------------------------------------------------

    def _evaluate(
        self,
        run: LiveRun,
        event: Event,
        at: int,
        answers: tuple[Evaluated, ...],
        need: NeedsEvaluation,
    ) -> None:
        run.evaluating = True
        key = f"?{event.__class__.__name__}{at}"
        self._spawn(run, key, self._evaluated(run, event, at, answers, need))

    async def _evaluated(
        self,
        run: LiveRun,
        event: Event,
        at: int,
        answers: tuple[Evaluated, ...],
        need: NeedsEvaluation,
    ) -> None:
        try:
            answer = Evaluated(
                await self._evaluator.evaluate(need.source, need.data, need.variables)
            )
        except ExpressionFailure as failure:
            answer = Evaluated(None, str(failure) or "failed")
        run.evaluating = False
        self._take(run, event, at, (*answers, answer))
        backlog, run.backlog = run.backlog, []
        for waiting, _ in backlog:
            self._take(run, waiting)
        self.schedule()

    # -- time --------------------------------------------------------------------------------------

    def _rung(self) -> None:
        """Wake what is due: the runs in memory, then those in the store."""
        if self._stopping or self.failure is not None:
            return
        for run_id in self.timers.due():
            run = self.runs.get(run_id)
            if run is not None:
                self.post(run, Woken())
        self.housing.wake_due()
        self.timers.rest()

    # -- trouble -----------------------------------------------------------------------------------

    def _spawn(self, run: LiveRun, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        run.working[key] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _halt(self, run: LiveRun, bug: KernelBug) -> None:
        """Stop one run at the state it had; all others go on."""
        _log.error("run %s stopped: %s", run.id, bug, exc_info=bug)
        run.problem = bug.message
        self.committer.batch.changes[run.id] = Change(status=run.stored, problem=bug.message)
        self.committer.releases.append(lambda: self._tell_waiters(run.id))
        self.schedule()

    def _lost(self, run_id: str) -> None:
        """Another process drives this run now: forget it."""
        run = self.runs.pop(run_id, None)
        _log.warning("run %s was taken over by another process", run_id)
        if run is not None:
            run.problem = "another process drives this run now"
            for task in run.working.values():
                task.cancel()
        self._tell_waiters(run_id)

    def _failed(self, error: BatutaError) -> None:
        """Nothing can be recorded any more: drive nothing, and tell whoever waits."""
        _log.error("%s", error)
        self.failure = error
        self._stopping = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
        self._waiters.clear()


class _Release:
    """What is carried out once a run's transition is durable."""

    __slots__ = ("commands", "conductor", "run")

    def __init__(self, conductor: Conductor, run: LiveRun, commands: list[Command]) -> None:
        self.conductor = conductor
        self.run = run
        self.commands = commands

    def __call__(self) -> None:
        self.conductor.carry_out(self.run, self.commands)


def _answer(parent: LiveRun, key: str, finish: Finish) -> Event:
    """Return what a sub-workflow's end means to the task that started it."""
    asked = parent.ledger.asked.get(key)
    token = asked.token if asked is not None else ""
    if finish.status == "completed":
        return Performed(token, key, finish.output)
    if finish.fault is not None:
        fault = finish.fault
        return Failed(token, key, FaultData(fault.type, fault.status, fault.title, fault.detail))
    cancelled = standard("runtime", 500, "Cancelled", "the sub-workflow was cancelled")
    return Failed(token, key, cancelled)


__all__ = ["Conductor", "ConflictError"]
