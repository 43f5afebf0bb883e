"""The conductor: drives every token of its runs.

Owns what is particular to orchestrated runs: where they begin, that events go into the store itself
(which is their bus), and that sub-workflows begin, end and are cancelled in the transaction of
their parent. Everything else is the driver's (`runtime.shared.driving`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import BatutaError
from batuta.kernel.codec import encode_event
from batuta.kernel.events import CancelAsked, Event, Failed, Performed
from batuta.kernel.faults import FaultData, standard
from batuta.kernel.step import NEW
from batuta.ports.store import Batch, RunRow
from batuta.runtime.conductor.answers import Answers
from batuta.runtime.shared.driving.driver import Driver
from batuta.runtime.shared.driving.live import LiveRun
from batuta.runtime.shared.driving.recording import shown
from batuta.runtime.shared.ids import child_run_id
from batuta.runtime.shared.requesting import Requesting

if TYPE_CHECKING:
    from batuta.kernel.commands import Departure, Finish, StartChild
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.clock import Clock
    from batuta.ports.evaluator import Evaluator
    from batuta.ports.secrets import Keeper
    from batuta.ports.sla import Follower
    from batuta.ports.store import Store
    from batuta.runtime.conductor.answers import Asking
    from batuta.runtime.shared.performing import Performer
    from batuta.runtime.shared.programs import Programs


class Conductor(Driver):
    """Drives whole runs over one store."""

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
        asking: Asking | None = None,
    ) -> None:
        """Prepare a conductor; `start` begins.

        Args:
            store: the journal.
            programs: the deployed workflows.
            performer: performs the tasks of all participants that are not asked over a bus.
            evaluator: evaluates what the native compiler does not take.
            clock: the time.
            owner: this conductor's name in the store, unique among living ones.
            keeper: gives each run its secrets.
            asking: how participants elsewhere are asked; without it, tasks of services that are not
                ours fault.
        """
        super().__init__(store, programs, performer, evaluator, clock, owner=owner, keeper=keeper)
        self.follower: Follower | None = None
        """Writes down what runs promise, and notices when nobody acts in them."""
        self._answers: Answers | None = None
        if asking is not None:
            self._answers = Answers(self, asking)
            self.requesting = Requesting(
                self, asking.bus, remote=asking.remote, hear=self._answers.hear
            )

    async def start(self) -> None:
        """Begin to drive. See `Driver`."""
        await super().start()
        if self._answers is not None:
            await self._answers.start()

    async def stop(self) -> None:
        """Stop driving. See `Driver`."""
        if self._answers is not None:
            await self._answers.stop()
        await super().stop()

    def begin(
        self,
        program: Program,
        data: Any,
        *,
        run_id: str,
        parent: str | None = None,
        parent_key: str | None = None,
        setup: str | None = None,
        first_event: int | None = None,
        heard: tuple[int, ...] = (),
        instead_of: LiveRun | None = None,
        origin: str | None = None,
    ) -> LiveRun:
        """Start a run; it is durable when `durable` says so, and its tasks begin only then.

        It hears the events published from now on, or with numbers greater than `first_event`,
        except those in `heard`; and what is still on its way to the run whose place it takes.
        `origin` is a run that it repeats.
        """
        run = LiveRun(run_id, program, NEW, 0)
        run.parent, run.parent_key, run.setup = parent, parent_key, setup
        run.first_event = self.hearing.newest if first_event is None else first_event
        if instead_of is not None:
            instead_of.leave_to(run)
        self.runs[run_id] = run
        started = self.started(run, data)
        if heard:
            started = msgspec.structs.replace(started, heard=heard)
        batch, now = self.committer.batch, self.clock.now()
        batch.runs.append(
            RunRow(
                id=run_id,
                workflow=program.identity,
                started_at=now,
                owner=self.owner,
                parent=parent,
                parent_key=parent_key,
                origin=origin,
                first_event=run.first_event,
                setup=setup,
                digest=program.workflow.digest,
            )
        )
        if self.follower is not None:
            self._follow(run, self.follower)
            if program.promises:
                self.follower.began(program, run_id, now, batch.notes)
        self.take(run, started, now)
        if not run.seq and run.problem is None:
            # The sandbox has to evaluate something first. Until it has, the start is a request.
            batch.asks.append((run_id, encode_event(started)))
        self.schedule()
        return run

    # -- what runs promise -------------------------------------------------------------------------

    def _follow(self, run: LiveRun, follower: Follower) -> None:
        follower.is_busy()
        if run.program.promises:
            run.watch = []

    def live(self, row: RunRow, program: Program, state: RunState, seq: int) -> LiveRun:
        """Return a run in memory. See `Driver`."""
        run = super().live(row, program, state, seq)
        run.stuck = row.stuck
        if self.follower is not None:
            self._follow(run, self.follower)
        return run

    def take_up(self, adopted: list[RunRow]) -> None:
        """Go on with runs that are ours now. See `Driver`."""
        super().take_up(adopted)
        if self.follower is not None:
            self.follower.adopted()

    def goes_on(self, run: LiveRun) -> None:
        """Note that a run begins with the history of another."""
        if self.follower is not None and run.program.promises:
            now, notes = self.clock.now(), self.committer.batch.notes
            self.follower.goes_on(run.program, run.state, now, notes)

    def took(self, run: LiveRun, event: Event) -> None:
        """Note what a run has made of its promises. See `Driver`."""
        del event
        told, run.watch = run.watch, []
        if self.follower is None:
            return
        notes = self.committer.batch.notes
        if told:
            self.follower.lived(run.program, run.id, told, notes)
        if run.state.ended is not None:
            self.follower.ended(run.id, run.state.ended, notes)

    # -- what is particular to whole runs ----------------------------------------------------------

    def publish(self, run: LiveRun, batch: Batch, event: dict[str, Any]) -> None:
        """Put an event into the store, where every run may hear it. See `Driver`."""
        del run
        batch.events.append((self.clock.now(), event))

    def send(self, run: LiveRun, batch: Batch, command: Departure) -> None:
        """Nothing ever goes elsewhere: a whole run is here. See `Driver`."""
        del batch
        raise AssertionError(f"{command} of {run.id} leaves a run that is driven whole")

    def tell_end(self, run: LiveRun, finish: Finish) -> None:
        """Answer the parent of a sub-workflow. See `Driver`."""
        if run.parent is not None and run.parent_key is not None:
            # In the same transaction as the end itself: a parent never misses its child's answer.
            parent = self.housing.find(run.parent)
            if parent is None or run.parent_key not in parent.ledger.asked:
                return
            answer = _answer(parent, run.parent_key, finish)
            if parent.starting:
                # Its own transition is still being written: it takes this next, or asks again for
                # it after a crash, as it does not count as waiting.
                self.post(parent, answer)
            else:
                self.take(parent, answer)

    def cancel_child(self, run: LiveRun, command: StartChild) -> None:
        """Cancel a sub-workflow that nobody waits for any more. See `Driver`."""
        child = self.housing.find(child_run_id(run.id, command.key))
        if child is not None and child.parent == run.id:
            self.take(child, CancelAsked())

    def start_child(self, run: LiveRun, command: StartChild) -> None:
        """Start a sub-workflow, or answer that there is none of that name."""
        child_id = child_run_id(run.id, command.key)
        try:
            identity = self.programs.latest(command.namespace, command.name, command.version)
            program = self.programs.get(identity)
        except BatutaError as error:
            fault = standard("configuration", 400, "Unknown workflow", error.message)
            self.post(run, Failed(command.token, command.key, fault))
            return
        self.committer.batch.dependents.append((child_id, run.id))
        run.starting = True
        try:
            self.begin(
                program,
                shown(run, command.input),
                run_id=child_id,
                parent=run.id if command.wait else None,
                parent_key=command.key if command.wait else None,
                setup=run.setup,
            )
        finally:
            run.starting = False

    def take_up_child(self, run: LiveRun, command: StartChild) -> None:
        """Take the answer of a sub-workflow that ended while its parent could not take it."""
        child = self.store.run(child_run_id(run.id, command.key))
        if child is None:
            # It never began: there was no such workflow, or this run goes on from another's rows.
            self.start_child(run, command)
            self.schedule()
            return
        if child.ended_at is None:
            return
        if child.status == "completed":
            output = None if child.output is None else msgspec.json.decode(child.output)
            self.post(run, Performed(command.token, command.key, output))
            return
        fault = standard("runtime", 500, "Cancelled", "the sub-workflow was cancelled")
        if child.fault is not None:
            fault = msgspec.json.decode(child.fault, type=FaultData)
        self.post(run, Failed(command.token, command.key, fault))


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
