"""The driver: moves runs over one store, whole ones or one participant's parts of them.

Events come in (answers, timers, published events, requests), `kernel.step` says what they mean, the
transition is added to the batch, and once the batch is durable the step's commands are carried out.
That order is the guarantee: nothing is acted upon before what led to it is on disk.

All of this happens on the event loop's thread, without locks; only the commit itself is elsewhere
(`committer`). Tasks that answer at once (a function that does not suspend) put their answer
straight into the inbox, without an asyncio task, and many runs are advanced per turn of the loop. A
run that needs the sandbox waits for it alone; a bug stops the run it happened in, alone.

Owns the inbox and its pump, and the order above. What the two control models do differently (where
runs begin, where events go, who is told of an end) is up to `Conductor` and `Participant`, which
are drivers, in the methods that only say so here. The neighbours own the rest: `recording` (what a
transition writes), `committer` (when it is durable), `acting` (what is done then), `evaluating`
(the sandbox), `timers`, `hearing` (published events), `housing` (runs in and out of memory,
recovery).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from batuta.errors import BatutaError, KernelBug
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import Event, Heard, Started, Woken
from batuta.kernel.faults import standard
from batuta.kernel.state import RUNNING, SUSPENDED
from batuta.kernel.step import BEHAVIOUR, step
from batuta.ports.caller import Fault
from batuta.ports.store import Batch, Change, RunRow
from batuta.runtime.shared.driving.acting import Acting
from batuta.runtime.shared.driving.committer import Committer, Released, closed, without
from batuta.runtime.shared.driving.evaluating import Evaluating
from batuta.runtime.shared.driving.hearing import Hearing
from batuta.runtime.shared.driving.housing import Housing
from batuta.runtime.shared.driving.live import LiveRun
from batuta.runtime.shared.driving.recording import Recorder
from batuta.runtime.shared.driving.releasing import Releasing
from batuta.runtime.shared.driving.showing import show
from batuta.runtime.shared.driving.timers import Timers
from batuta.runtime.shared.requesting import Requesting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from batuta.kernel.commands import Departure, Finish, StartChild
    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.kernel.step import Step
    from batuta.ports.clock import Clock
    from batuta.ports.evaluator import Evaluator
    from batuta.ports.observer import Observer
    from batuta.ports.secrets import Keeper
    from batuta.ports.store import Store
    from batuta.runtime.shared.performing import Performer
    from batuta.runtime.shared.programs import Programs

_log = logging.getLogger("batuta.runtime")

TURN = 512
"""Events taken per turn of the loop, so that sockets and timers get theirs."""

READ_AGAIN_MS = 1_000
"""When the store could not be read: the pause before it is tried again."""


class Driver:
    """Drives runs over one store."""

    # -- what the control models do differently ----------------------------------------------------

    def publish(self, run: LiveRun, batch: Batch, event: dict[str, Any]) -> None:
        """Note in the batch an event that a run publishes."""
        raise NotImplementedError

    def start_child(self, run: LiveRun, command: StartChild) -> None:
        """Start a sub-workflow in the same transaction, or answer that there is none such."""
        raise NotImplementedError

    def cancel_child(self, run: LiveRun, command: StartChild) -> None:
        """Cancel, in the same transaction, a sub-workflow that nobody waits for any more."""
        raise NotImplementedError

    def take_up_child(self, run: LiveRun, command: StartChild) -> None:
        """See to a sub-workflow that a process which is gone had started, and not told the end."""
        raise NotImplementedError

    def tell_end(self, run: LiveRun, finish: Finish) -> None:
        """Tell, in the same transaction, whoever has to know that a run ended."""
        raise NotImplementedError

    def send(self, run: LiveRun, batch: Batch, command: Departure) -> None:
        """Note in the batch what goes to other participants."""
        raise NotImplementedError

    def live(self, row: RunRow, program: Program, state: RunState, seq: int) -> LiveRun:
        """Return a run as it is kept in memory."""
        run = LiveRun(row.id, program, state, seq)
        run.parent, run.parent_key = row.parent, row.parent_key
        run.first_event = row.first_event
        return run

    def took(self, run: LiveRun, event: Event) -> None:
        """A run that is watched has taken an event; what came of it is in the batch."""

    def stays(self, run: LiveRun) -> bool:
        """Say whether a run that has nothing to do stays in memory all the same."""
        del run
        return False

    # -- itself ------------------------------------------------------------------------------------

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
        """Prepare a driver; `start` begins.

        Args:
            store: the journal.
            programs: the deployed workflows.
            performer: performs the tasks that act on the world.
            evaluator: evaluates what the native compiler does not take.
            clock: the time.
            owner: this driver's name in the store, unique among living ones.
            keeper: gives each run its secrets.
        """
        self.store = store
        self.programs = programs
        self.clock = clock
        self.owner = owner
        self.keeper = keeper
        self.services = performer.services
        self.traces = performer.traces
        self.runs: dict[str, LiveRun] = {}
        self.inbox: deque[tuple[LiveRun, Event]] = deque()
        self.failure: BatutaError | None = None
        self.ended: Callable[[LiveRun], None] = lambda _: None
        self.left: Callable[[LiveRun], None] = lambda _: None
        self.finishing: Callable[[LiveRun, RunState, Event], None] = lambda *_: None
        """Called at a run's end, with the state before it and its last event, for more to note."""
        self.observer: Observer | None = None
        """Sees every step of every run from now on, once it is durable."""
        self.participates_as: str | None = None
        """The participant that this is, if it is one."""
        self.written: Callable[[Batch], None] | None = None
        """Called with each durable batch, while somebody wants to know what changes."""
        self.early: list[Released] | None = None
        """While set, gets what may be carried out before the commit: its cause is durable."""
        self.contested: set[str] = set()
        """Runs that another process may start as well: to be refused is no news for them."""
        self._waiters: dict[str, list[asyncio.Future[None]]] = {}
        self._unwritten: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._scheduled = self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.committer = Committer(
            store, committed=self._committed, lost=self._lost, failed=self._failed
        )
        self.timers = Timers(clock, self._rung)
        self.hearing = Hearing(self)
        self.housing = Housing(self)
        self.recorder = Recorder(self)
        self.acting = Acting(self, performer)
        self.requesting = Requesting(self)
        self.releasing = Releasing(self)
        self.sandbox = Evaluating(self, evaluator)

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to drive: take up what this owner has under way, and listen."""
        self._loop = asyncio.get_running_loop()
        self.committer.start()
        self.hearing.start()
        self.housing.take_up()
        self._rung()

    def take_up(self, adopted: list[RunRow]) -> None:
        """Go on with what was under way in runs that are ours now; `start` does it if it is yet to.

        Those that wait are woken when they are due, and by what was published since.
        """
        if self._loop is None:
            return
        for row in adopted:
            self.housing.take_up_one(row.id)
        self.hearing.behind = True
        self.hearing.serve()
        self._rung()
        self.schedule()

    @property
    def is_stopping(self) -> bool:
        """Say whether nothing more is to be begun."""
        return self._stopping

    async def stop(self) -> None:
        """Stop driving; what is being performed is abandoned, and taken up by the next start."""
        self._stopping = True
        self.hearing.stop()
        self.timers.stop()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        await self.requesting.stop()
        await self.committer.stop()
        self.releasing.carry_out_all()
        self._give_up_waiting(closed())

    # -- what others ask ---------------------------------------------------------------------------

    def started(self, run: LiveRun, data: Any) -> Started:
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
        return Started(run.id, data, secrets.placeholders(), nonce, refused, behaviour=BEHAVIOUR)

    def post(self, run: LiveRun, event: Event) -> None:
        """Let a run take an event soon."""
        if run.heir is not None:
            run = run.standing
            if run.is_past(event):
                return
        run.awaited += 1
        self.inbox.append((run, event))
        if not self._scheduled:
            self.schedule()

    async def durable(self) -> None:
        """Wait until everything noted so far is on disk, and nothing that comes later.

        Raises:
            BatutaError: it cannot be written; the reason says what to do.
        """
        if self.failure is not None:
            raise self.failure
        if self._stopping:
            raise closed()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unwritten.add(waiter)
        self.committer.releases.append(lambda: self._written(waiter))
        self.schedule()
        await waiter

    async def taken(self) -> None:
        """Wait until everything posted so far is taken in and on disk."""
        while self.inbox or self.hearing.put_off_now:
            await self.durable()
        await self.durable()

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is on its way: no event, no commit, nothing being performed."""
        return not (self.inbox or self._tasks or self._scheduled or self.hearing.behind) and not (
            self.committer.has_work or self.releasing.waiting or self.requesting.is_busy
        )

    async def settled(self) -> None:
        """Wait until nothing is on its way: then only time or somebody else can move a run."""
        while not self.is_settled and self.failure is None and not self._stopping:
            on_its_way = self.inbox or self.releasing.waiting or self.committer.has_work
            if self._tasks and not on_its_way:
                await asyncio.wait(list(self._tasks), return_when=asyncio.FIRST_COMPLETED)
            await self.committer.drain()
            await asyncio.sleep(0)

    def _written(self, waiter: asyncio.Future[None]) -> None:
        self._unwritten.discard(waiter)
        if not waiter.done():
            waiter.set_result(None)

    async def until_ended(self, run_id: str) -> None:
        """Wait until a run of this driver has ended, or cannot go on (`LiveRun.problem`)."""
        run = self.runs.get(run_id)
        if run is None:
            row = self.store.run(run_id)
            if row is None or row.ended_at is not None or row.problem is not None:
                return
        elif run.problem is not None:
            await self.durable()
            return
        if self.failure is not None:
            raise self.failure
        if self._stopping:
            raise closed()
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
        if self.hearing.behind or self._stopping:
            # Events wait for what is durable before them; so does the end.
            self.releasing.carry_out_all()
        else:
            self.releasing.carry_out()
        self._advance()
        if self.hearing.behind and not (self.committer.is_busy or self.releasing.waiting):
            self.hearing.drain()
        self.hearing.keep_place()
        if self._unwritten or self._waiters or self._stopping or self.committer.presses:
            self.committer.submit()
        else:
            self.committer.put_off()
        if self.inbox or self.releasing.waiting:
            self.schedule()

    def _advance(self) -> None:
        """Let the runs take what lies in the inbox, as much as one turn of the loop allows."""
        inbox = self.inbox
        for _ in range(min(TURN, len(inbox))):
            run, event = inbox.popleft()
            if run.heir is not None:
                run = run.standing
            if run.opening and type(event) is Heard and not event.key:
                # To a listen that has just begun it would be out of order: others come before it.
                self.hearing.put_off(run, event)
                continue
            run.awaited -= 1
            if not (run.inherits and run.is_past(event)):
                self.take(run, event)

    def take(
        self, run: LiveRun, event: Event, at: int | None = None, answers: tuple[Evaluated, ...] = ()
    ) -> None:
        """Let a run take an event, and note what follows in the batch."""
        if run.problem is not None:
            return
        if run.evaluating and not answers:
            run.backlog.append(event)
            return
        now = self.clock.now() if at is None else at
        watch = run.watch if run.watch is not None or self.observer is None else []
        known = 0 if watch is None else len(watch)
        try:
            taken = step(run.program, run.state, event, now, answers, watch)
        except NeedsEvaluation as need:
            self.sandbox.begin(run, event, now, answers, need)
            return
        except KernelBug as bug:
            self.refused(run, event, bug)
            return
        reports = () if self.observer is None else tuple(watch or ())[known:]
        self.note(run, event, taken, now, answers, reports)

    def note(
        self,
        run: LiveRun,
        event: Event,
        taken: Step,
        now: int,
        answers: tuple[Evaluated, ...],
        reports: tuple[Happened, ...],
    ) -> None:
        """Note in the batch what follows from an event that a run has taken."""
        try:
            if taken.changed:
                self.recorder.note(run, event, taken, now, answers)
                if self.observer is not None:
                    show(self, run, event, now, reports)
            else:
                if run.timer_at is not None and run.timer_at <= now:
                    self.recorder.set_timer(run)
                self.recorder.rest(run)
            if run.watch is not None:
                self.took(run, event)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this run's alone
            self._halt_unwritten(run, error)

    # -- after a commit ----------------------------------------------------------------------------

    def _committed(self, batch: Batch, releases: list[Released]) -> None:
        """Carry out what was waiting for this batch, a slice per turn of the loop."""
        self.releasing.waiting.extend(releases)
        if batch.events:
            self.hearing.behind = True
        if self.written is not None:
            self.written(batch)
        self._pump()

    def tell_waiters(self, run_id: str) -> None:
        """Wake whoever waits for a run's end."""
        for waiter in self._waiters.pop(run_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    # -- time --------------------------------------------------------------------------------------

    def _rung(self) -> None:
        """Wake what is due: the runs in memory, then those in the store."""
        if self._stopping or self.failure is not None:
            return
        for run_id in self.timers.due():
            run = self.runs.get(run_id)
            if run is not None:
                self.post(run, Woken())
        try:
            self.housing.wake_due()
        except BatutaError as error:
            _log.error("%s", error)
            self.timers.ring_at(self.clock.now() + READ_AGAIN_MS)
        self.timers.rest()

    # -- trouble -----------------------------------------------------------------------------------

    def spawn(self, run: LiveRun, key: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work for a run; it ends with the run, with the driver, or when abandoned."""
        task = asyncio.get_running_loop().create_task(work)
        run.working[key] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def refused(self, run: LiveRun, event: Event, bug: KernelBug) -> None:
        """A run cannot take an event, and stands where it stood before."""
        del event
        self.halt(run, bug)

    def halt(self, run: LiveRun, bug: KernelBug, cause: BaseException | None = None) -> None:
        """Stop one run at the state it had; all others go on.

        The store shows it as under way, so that the next start tries again: perhaps by then this is
        mended.
        """
        _log.error(
            "run %s stopped: %s", run.id, bug, exc_info=cause or bug, extra={"run_id": run.id}
        )
        run.problem = bug.message
        self.committer.batch.changes[run.id] = Change(
            status=SUSPENDED if run.state.status == SUSPENDED else RUNNING, problem=bug.message
        )
        self.committer.releases.append(lambda: self.tell_waiters(run.id))
        self.schedule()

    def _halt_unwritten(self, run: LiveRun, error: Exception) -> None:
        """Stop a run whose transition cannot be written down: this batch holds nothing of it.

        So on disk it stands where it stood before the batch, as if this process had died there.
        """
        for dropped in without(self.committer.batch, run.id):
            if dropped != run.id:
                self._lost(dropped)
        bug = KernelBug(f"{type(error).__name__} while the run was written down: {error}")
        self.halt(run, bug, error)

    def _lost(self, run_id: str) -> None:
        """Another process drives this run now: forget it."""
        run = self.runs.pop(run_id, None)
        level = logging.DEBUG if run_id in self.contested else logging.WARNING
        _log.log(level, "another process drives run %s", run_id, extra={"run_id": run_id})
        if run is not None:
            run.problem = "another process drives this run now"
            for task in run.working.values():
                task.cancel()
        self.tell_waiters(run_id)

    def _failed(self, error: BatutaError) -> None:
        """Nothing can be recorded any more: drive nothing, and tell whoever waits."""
        _log.error("%s", error)
        self.releasing.carry_out_all()
        self.failure = error
        self._stopping = True
        self._give_up_waiting(error)

    def _give_up_waiting(self, error: BatutaError) -> None:
        waiting = [waiter for waiters in self._waiters.values() for waiter in waiters]
        for waiter in (*waiting, *self._unwritten):
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()
        self._unwritten.clear()
