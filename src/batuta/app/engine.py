"""The engine: what can be done with workflows and runs, in one place.

The use cases of the command line, of the server and of programs that `import batuta`. Owns the
rules of each request (what may be cancelled, what a retry is, which version `latest` means) and the
words of their errors. Does not know which store, callers or clock it works with: `batuta.wiring`
does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from batuta.app.asking import cloud_event, plain, refused, there_is_one, unended
from batuta.app.board import Board
from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.handle import Run
from batuta.app.health import Health
from batuta.app.knowing import Knowing
from batuta.app.listing import Listing
from batuta.app.retrying import again, input_of, retry
from batuta.app.serving import Serving
from batuta.app.verdicts import Verdicts
from batuta.app.views import RunView, TaskView, begun_view, ended_view, row_view, task_view
from batuta.errors import (
    BatutaError,
    ConflictError,
    KernelBug,
    NotFoundError,
)
from batuta.insight.timeline import timeline, told
from batuta.kernel.codec import encode_event
from batuta.kernel.events import CancelAsked, ResumeAsked, SuspendAsked
from batuta.kernel.state import TERMINAL
from batuta.ports.listing import RunFilter
from batuta.runtime.shared.ids import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from batuta.app.choreography import Choreography, Meeting
    from batuta.app.deploying import Deployer
    from batuta.app.knowing import KnownView
    from batuta.app.watching import Watching
    from batuta.definition import Report
    from batuta.kernel.events import Event
    from batuta.kernel.program import Program
    from batuta.ports.clock import Clock
    from batuta.ports.records import Records
    from batuta.ports.store import RunRow, Store, StoredEvent
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.conductor.succession import Succession
    from batuta.runtime.shared.programs import Programs

MOST_EVENTS = 1_000


class Engine:
    """Deploys workflows, starts runs, and answers about them. Get one from `batuta.open`."""

    def __init__(
        self,
        store: Store,
        conductor: Conductor,
        programs: Programs,
        clock: Clock,
        deployer: Deployer,
        *,
        setup: str | None = None,
        succession: Succession | None = None,
        retention_days: int = 0,
        meeting: Meeting,
        records: Records,
    ) -> None:
        self.store = store
        self.conductor = conductor
        self.programs = programs
        self.clock = clock
        self._deployer = deployer
        self._setup = setup
        self.meeting = meeting
        self.records = records
        self.functions: Callable[[], list[dict[str, Any]]] = list
        """Describes the functions that are here."""
        self.knowing = Knowing(store, programs, meeting.views, clock, conductor.keeper.mask)
        self.listing = Listing(store, self._view, meeting.views, Verdicts(self.knowing).of)
        self.board = Board(meeting.views, programs, clock)
        self.watching: Watching | None = None
        """Tells of promises that are not kept; None where runs are only looked at."""
        self.serving = Serving(conductor, succession, retention_days=retention_days, setup=setup)
        self.health = Health(store, meeting.views, clock, self.serving.abandoned)

    # -- workflows ---------------------------------------------------------------------------------

    def check(self, source: str | Path) -> Report:
        """Check a document: a path, or the text itself (anything with a line break in it).

        Raises:
            NotFoundError: there is no such file.
        """
        return self._deployer.check(source)

    async def deploy(self, source: str | Path, *, replace: bool = False) -> str:
        """Check a document, load what it refers to, and keep it; returns its identity.

        Schemas, and functions from catalogues and addresses, are kept with it. The same document
        deployed again changes nothing, whatever has become of those, and needs no network.

        Args:
            source: a path, or the text itself (anything with a line break in it).
            replace: let it take the place of another text of its version, and look for schemas and
                functions again. Runs that ended keep the text they ran.

        Raises:
            DefinitionError: it is not right, or a function it calls; every problem is in it.
            RequestError: what it refers to cannot be read.
            ConflictError: this version is deployed with another content; with `replace`, it is so
                and a run of it has not ended.
        """
        identity = await self._deployer.deploy(source, replace=replace)
        self.programs.look_again()
        self.serving.schedules.nudge()
        return identity

    def workflows(self) -> list[str]:
        """Return the identities of all deployed workflows."""
        return self.store.workflows()

    # -- runs --------------------------------------------------------------------------------------

    async def start(
        self,
        workflow: str,
        input: Any = None,  # noqa: A002 -- the DSL's word
        *,
        run_id: str | None = None,
        control: str | None = None,
        origin: str | None = None,
        is_new: bool = False,
    ) -> Run:
        """Start a run; returns once it is durable.

        Args:
            workflow: `namespace/name`, `namespace/name:version`, or what `deploy` returned.
            input: the raw input, JSON; an absent one is an empty object.
            run_id: an id of your own, to start at most once.
            control: `orchestrated` or `choreographed`; by default what the document says. The
                participants of a choreographed run are run here, unless they are elsewhere.
            origin: a run that it repeats.
            is_new: that id was made just now (`new_run_id`), so that no run can have it.

        Raises:
            NotFoundError: no such workflow is deployed.
            ConflictError: there is a run of that id.
            DefinitionError: its participants alone cannot run it; the reasons are in it.
        """
        program = self.program(workflow)
        data = plain(input, "the input")
        if (
            run_id is not None
            and not is_new
            and (run_id in self.conductor.runs or self.store.run(run_id) is not None)
        ):
            raise there_is_one(run_id)
        data = {} if data is None else data
        if (control or program.workflow.control) == CHOREOGRAPHED:
            choreography = await self.meeting.choreography()
            await choreography.host(program)
            started = await choreography.start(
                program, data, run_id=run_id, setup=self._setup, origin=origin
            )
            return Run(self, started)
        known = await self.meeting.known()
        if known is not None:
            await known.bridge.hear()
        now = self.clock.now()
        run = self.conductor.begin(
            program, data, run_id=run_id or new_run_id(now), setup=self._setup, origin=origin
        )
        begun = begun_view(run, origin)  # what is in the batch now is what is waited for
        await self.conductor.durable()
        if run.problem is not None:
            row = self.store.run(run.id)
            if row is None:
                raise KernelBug(run.problem)
            if row.owner != self.conductor.owner:
                raise there_is_one(run.id)
            begun = None
        return Run(self, run.id, begun)

    def program(self, workflow: str) -> Program:
        """Return the compiled workflow that a name means."""
        return self.programs.named(workflow)

    def run(self, run_id: str) -> Run:
        """Return a handle on a run.

        Raises:
            NotFoundError: there is no such run.
        """
        self.row(run_id)
        return Run(self, run_id)

    async def result(self, run_id: str, wait: float | None = None) -> RunView:
        """Wait until a run has ended, at most `wait` seconds, and return it."""
        if wait is None:
            return await self._until_ended(run_id)
        try:
            async with asyncio.timeout(wait):
                return await self._until_ended(run_id)
        except TimeoutError:
            return self.show(run_id)

    async def _until_ended(self, run_id: str) -> RunView:
        while True:
            if self.row(run_id).control == CHOREOGRAPHED:
                view = self.show(run_id)
                if view.ended_at is not None or view.problem is not None:
                    return view
                await (await self.meeting.choreography()).look()
                continue
            run = self.conductor.runs.get(run_id)
            if run is not None:
                await self.conductor.until_ended(run_id)
                if run.is_over:
                    return ended_view(run)
            row = self.row(run_id)
            if row.ended_at is not None or row.problem is not None:
                return self._view(row)
            if row.owner == self.conductor.owner:
                await self.conductor.until_ended(run_id)
            else:
                await asyncio.sleep(0.1)

    def show(self, run_id: str) -> RunView:
        """Return a run as it stands."""
        return self._view(self.row(run_id))

    def runs(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[RunView]:
        """Return runs, newest first; page on with the last one's id as `before`."""
        where = RunFilter(statuses=() if status is None else (status,), workflow=workflow)
        return [self._view(row) for row in self.store.runs(where, before=before, limit=limit).rows]

    def known(self, run_id: str) -> KnownView:
        """Return what is expected next in a run, from whom and since when, and its conformance."""
        return self.knowing.about(self.row(run_id))

    def tasks(self, run_id: str) -> list[TaskView]:
        """Return a run's timeline: its tasks in the order in which they started."""
        row = self.row(run_id)
        if row.control == CHOREOGRAPHED:
            lines = told(self.meeting.views.reports(run_id)).lines
        else:
            program = self.programs.of(row.workflow, row.digest)
            lines = timeline(program, self.store.journal(run_id))
        return [task_view(line, self.conductor.keeper.mask) for line in lines]

    async def cancel(self, run_id: str, *, compensate: bool = True) -> None:
        """End a run, undoing what has a compensation.

        Raises:
            ConflictError: it has ended already.
        """
        await self._ask(run_id, CancelAsked(compensate), "cancel", "cancelled")

    async def suspend(self, run_id: str) -> None:
        """Let a run stand still: answers are kept, nothing new begins, its clocks stop."""
        await self._ask(run_id, SuspendAsked(), "suspend", "suspended")

    async def resume(self, run_id: str) -> None:
        """Let a suspended run go on."""
        await self._ask(run_id, ResumeAsked(), "resume", "resumed")

    async def _ask(self, run_id: str, event: Event, verb: str, what: str) -> None:
        row = self.row(run_id)
        if row.status in TERMINAL:
            raise ConflictError(f"run {run_id} is {row.status}: it cannot be {what} any more")
        if row.control == CHOREOGRAPHED:
            program = self.programs.of(row.workflow, row.digest)
            compensate = not isinstance(event, CancelAsked) or event.compensate
            choreography = await self.meeting.choreography()
            await choreography.ask(program, run_id, verb, compensate=compensate)
            return
        if row.problem is not None:
            raise ConflictError(
                f"run {run_id} stands still and cannot be {what}: {row.problem}",
                hint="the next process that takes its runs up tries it again",
            )
        if row.owner == self.conductor.owner:
            run = self.conductor.housing.find(run_id)
            if run is not None:
                self.conductor.post(run, event)
                await self.conductor.taken()
                return
        self.store.ask(run_id, encode_event(event))

    async def retry(
        self,
        run_id: str,
        *,
        from_start: bool = False,
        task: str | None = None,
        input: Any = UNSET,  # noqa: A002 -- the DSL's word
    ) -> Run:
        """Run a faulted run again, as a new run: from what faulted, from a task, or from the start.

        The new run begins with the recorded results of the old one, so that nothing that succeeded
        before is done again, and it uses the old one's idempotency keys. The old run's end stays as
        it was written.

        Args:
            run_id: the faulted run.
            from_start: run all of it again.
            task: the reference of the task to go on from; its last occurrence is meant.
            input: what that task gets instead (by default of `task` the one that faulted), or from
                the start the run. It is another request then, under idempotency keys of its own.

        Raises:
            ConflictError: the run has not faulted, or not come to that task; or only a retry from
                the start makes sense: what it had completed was undone, or it is choreographed, and
                each participant has only its own part of the history.
            RequestError: the workflow has no such task; or the input is not JSON.
            NotFoundError: the bus does not keep a choreographed run's first event any more.
        """
        row = self.row(run_id)
        new = await retry(self, row, from_start=from_start, task=task, data=input)
        return Run(self, new)

    async def rerun(self, run_id: str, input: Any = UNSET) -> Run:  # noqa: A002 -- the DSL's word
        """Start a new run of a run's version, with another input or the same.

        Raises:
            NotFoundError: the bus does not keep a choreographed run's first event any more.
        """
        return Run(self, await again(self, self.row(run_id), input))

    async def input_of(self, run_id: str) -> Any:
        """Return what a run was started with.

        Raises:
            NotFoundError: the bus does not keep a choreographed run's first event any more.
        """
        return self.conductor.keeper.mask(await input_of(self, self.row(run_id)))

    # -- events ------------------------------------------------------------------------------------

    async def publish(
        self,
        event_type: str,
        data: Any = None,
        *,
        source: str = "/batuta/publish",
        subject: str | None = None,
        event_id: str | None = None,
        **attributes: Any,
    ) -> dict[str, Any]:
        """Publish a CloudEvent; returns it once it is durable.

        Args:
            event_type: the event's type.
            data: JSON.
            source: a URI reference.
            subject: what it is about.
            event_id: its id; together with `source` it makes publishing it again harmless.
            attributes: extension attributes (lower case letters and digits).

        Raises:
            RequestError: an attribute's name is not one of CloudEvents 1.0.
        """
        known = await self.meeting.known()
        now = self.clock.now()
        event = cloud_event(
            event_type,
            data,
            source=source,
            subject=subject,
            event_id=event_id or new_run_id(now),
            at=now,
            attributes=attributes,
        )
        self.conductor.committer.batch.events.append((now, event))
        await self.conductor.durable()
        if known is not None:
            await known.bridge.carry()
        return event

    def events(self, after: int = 0, limit: int = MOST_EVENTS) -> list[StoredEvent]:
        """Return published events after a number, in order."""
        return self.store.events(after, limit=limit)

    # -- serving -----------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Do what nobody asks for, until cancelled.

        Starts the runs that schedules call for (`schedule` of the latest version of each deployed
        workflow, from the moment in which it is first served), takes over what processes that no
        longer live have left behind, and forgets runs that ended longer ago than the retention.
        Any number of engines may serve one store.

        Raises:
            BatutaError: the store cannot be written any more.
        """
        known = await self.meeting.known()
        if known is None:
            await self.serving.serve()
            return
        await known.bridge.hear()
        nudging = asyncio.get_running_loop().create_task(self._nudge_along(known))
        try:
            await self.serving.serve()
        finally:
            nudging.cancel()

    async def _nudge_along(self, choreography: Choreography) -> None:
        """Let schedules know when there is news of a run whose end they wait for."""
        while True:
            await choreography.viewer.changed()
            if self.serving.schedules.awaits:
                self.serving.schedules.nudge()

    async def settled(self) -> None:
        """Wait until nothing moves by itself any more: then only time or somebody else can."""
        await self.serving.settled()
        while self.watching and not self.watching.is_settled and not self.conductor.failure:
            await asyncio.sleep(0)
            await self.serving.settled()

    async def host(self, workflow: str) -> list[str]:
        """Run the participants of a workflow here, those that do not run elsewhere; name these.

        They take their parts in all runs of it, whoever starts them, until this engine closes.

        Raises:
            NotFoundError: no such workflow is deployed; or a function of a task is not here.
            DefinitionError: its participants alone cannot run it; the reasons are in it.
            ConflictError: a participant runs in another process, which does not know it.
        """
        return await (await self.meeting.choreography()).host(self.program(workflow))

    async def catch_up(self) -> None:
        """See what has become of choreographed runs by now.

        Raises:
            UnavailableError: the bus cannot be reached.
        """
        known = await self.meeting.known()
        if known is not None:
            await known.viewer.catch_up()

    async def take_up(self) -> None:
        """Go on with the choreographed runs whose participants have been here before."""
        for row in unended(self.store, CHOREOGRAPHED):
            choreography = await self.meeting.choreography()
            await choreography.host(self.programs.of(row.workflow, row.digest), new=False)

    # -- upkeep ------------------------------------------------------------------------------------

    def purge(self, older_than_ms: int) -> int:
        """Forget runs that ended longer ago than this, and events as old; returns how many runs."""
        count, before = 0, self.clock.now() - older_than_ms
        while found := self.store.purge(before):
            count += found
        return count

    def row(self, run_id: str) -> RunRow:
        """Return a run as the store has it; a NotFoundError if there is none."""
        if (row := self.store.run(run_id)) is None:
            raise NotFoundError(
                f"there is no run {run_id}", hint="`batuta runs list` shows the runs of this store"
            )
        return row

    def _view(self, row: RunRow) -> RunView:
        status = row.status
        live = self.conductor.runs.get(row.id)
        if live is not None and status == "running" and live.is_idle and live.seq:
            status = "waiting"
        problem = row.problem or self.serving.trouble(row)
        if row.control == CHOREOGRAPHED and not row.ended_at:
            problem = self.meeting.trouble(row.id)
        return row_view(row, status, problem)


__all__ = ["BatutaError", "Engine", "Run", "refused"]
