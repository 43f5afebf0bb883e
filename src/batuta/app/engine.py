"""The engine: what can be done with workflows and runs, in one place.

The use cases of the command line, of the server and of programs that `import batuta`. Owns the
rules of each request (what may be cancelled, what a retry is, which version `latest` means) and the
words of their errors. Does not know which store, callers or clock it works with: `batuta.wiring`
does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.asking import plain, read, refused, there_is_one
from batuta.app.loading import Loader, UnreadableError
from batuta.app.serving import Serving
from batuta.app.views import RunView, TaskView, ended_view, text_time
from batuta.definition import Report, check
from batuta.errors import (
    BatutaError,
    ConflictError,
    KernelBug,
    NotFoundError,
    RequestError,
)
from batuta.insight.timeline import timeline
from batuta.kernel.codec import decode_event, encode_event
from batuta.kernel.events import CancelAsked, ResumeAsked, Started, SuspendAsked
from batuta.kernel.program import compile_workflow
from batuta.kernel.state import FAULTED, TERMINAL
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.programs import (
    Programs,
    decode_deployed,
    digest_of,
    encode_deployed,
)
from batuta.runtime.shared.replay import before_fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from batuta.definition.model import Workflow
    from batuta.kernel.events import Event
    from batuta.kernel.program import Program
    from batuta.ports.caller import Resources
    from batuta.ports.clock import Clock
    from batuta.ports.store import RunRow, Store, StoredEvent
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.conductor.succession import Succession

_log = logging.getLogger("batuta.engine")
MOST_EVENTS = 1_000


class Run:
    """A run that this engine started, or was asked about."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        self._engine = engine
        self.id = run_id

    async def result(self, wait: float | None = None) -> RunView:
        """Wait until the run has ended and return it; after `wait` seconds, as it stands then."""
        return await self._engine.result(self.id, wait)

    def show(self) -> RunView:
        """Return the run as it stands."""
        return self._engine.show(self.id)

    def tasks(self) -> list[TaskView]:
        """Return the run's timeline."""
        return self._engine.tasks(self.id)

    async def cancel(self, *, compensate: bool = True) -> None:
        """End the run, undoing what has a compensation."""
        await self._engine.cancel(self.id, compensate=compensate)

    async def suspend(self) -> None:
        """Let the run stand still."""
        await self._engine.suspend(self.id)

    async def resume(self) -> None:
        """Let a suspended run go on."""
        await self._engine.resume(self.id)


class Engine:
    """Deploys workflows, starts runs, and answers about them. Get one from `batuta.open`."""

    def __init__(
        self,
        store: Store,
        conductor: Conductor,
        programs: Programs,
        clock: Clock,
        resources: Resources,
        *,
        functions: Iterable[str] = (),
        setup: str | None = None,
        succession: Succession | None = None,
        retention_days: int = 0,
    ) -> None:
        self.store = store
        self.conductor = conductor
        self.programs = programs
        self.clock = clock
        self._resources = resources
        self._functions = frozenset(functions)
        self._setup = setup
        self.serving = Serving(conductor, succession, retention_days=retention_days, setup=setup)

    # -- workflows ---------------------------------------------------------------------------------

    def check(self, source: str | Path) -> Report:
        """Check a document: a path, or the text itself (anything with a line break in it).

        Raises:
            NotFoundError: there is no such file.
        """
        text, name = read(source)
        return check(text, file=name, known_functions=self._functions or None)

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
        text, name = read(source)
        report = check(text, file=name, known_functions=self._functions or None)
        if report.workflow is None or not report.ok:
            raise refused(report)
        workflow = report.workflow
        is_kept = self._keeps(workflow)
        if replace or not is_kept:
            loader = Loader(
                workflow,
                text,
                name,
                resources=self._resources,
                keeper=self.conductor.keeper,
                functions=self._functions,
            )
            try:
                deployed, functions = await loader.load()
            except UnreadableError as error:
                if not is_kept:
                    raise
                _log.warning("%s goes by what it was deployed with: %s", name, error.message)
            else:
                compile_workflow(workflow, deployed.resources, functions)
                self.store.deploy(
                    workflow.identity,
                    digest_of(workflow, deployed),
                    encode_deployed(deployed),
                    self.clock.now(),
                    replace=replace,
                )
        self.programs.look_again()
        self.serving.schedules.nudge()
        return workflow.identity

    def _keeps(self, workflow: Workflow) -> bool:
        """Say whether this very document is deployed."""
        kept = self.store.workflow(workflow.identity)
        return kept is not None and decode_deployed(kept).document == workflow.source

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
    ) -> Run:
        """Start a run; returns once it is durable.

        Args:
            workflow: `namespace/name`, `namespace/name:version`, or what `deploy` returned.
            input: the raw input, JSON; an absent one is an empty object.
            run_id: an id of your own, to start at most once.

        Raises:
            NotFoundError: no such workflow is deployed.
            ConflictError: there is a run of that id.
        """
        program = self.program(workflow)
        data = plain(input, "the input")
        if run_id is not None and (
            run_id in self.conductor.runs or self.store.run(run_id) is not None
        ):
            raise there_is_one(run_id)
        now = self.clock.now()
        run = self.conductor.begin(
            program,
            {} if data is None else data,
            run_id=run_id or new_run_id(now),
            setup=self._setup,
        )
        await self.conductor.durable()
        if run.problem is not None:
            row = self.store.run(run.id)
            if row is None:
                raise KernelBug(run.problem)
            if row.owner != self.conductor.owner:
                raise there_is_one(run.id)
        return Run(self, run.id)

    def program(self, workflow: str) -> Program:
        """Return the compiled workflow that a name means."""
        known = self.programs.known(workflow)
        if known is not None:
            return known
        name, _, version = workflow.partition(":")
        namespace, slash, short = name.partition("/")
        if not slash:
            raise RequestError(
                f"{workflow!r} does not name a workflow",
                hint="write namespace/name, or namespace/name:version",
            )
        return self.programs.get(self.programs.latest(namespace, short, version or "latest"))

    def run(self, run_id: str) -> Run:
        """Return a handle on a run.

        Raises:
            NotFoundError: there is no such run.
        """
        self._row(run_id)
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
            run = self.conductor.runs.get(run_id)
            if run is not None:
                await self.conductor.until_ended(run_id)
                if run.is_over:
                    return ended_view(run)
            row = self._row(run_id)
            if row.ended_at is not None or row.problem is not None:
                return self._view(row)
            if row.owner == self.conductor.owner:
                await self.conductor.until_ended(run_id)
            else:
                await asyncio.sleep(0.1)

    def show(self, run_id: str) -> RunView:
        """Return a run as it stands."""
        return self._view(self._row(run_id))

    def runs(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[RunView]:
        """Return runs, newest first; page on with the last one's id as `before`."""
        rows = self.store.runs(status=status, workflow=workflow, before=before, limit=limit)
        return [self._view(row) for row in rows]

    def tasks(self, run_id: str) -> list[TaskView]:
        """Return a run's timeline: its tasks in the order in which they started."""
        row = self._row(run_id)
        program = self.programs.of(row.workflow, row.digest)
        return [
            TaskView(
                reference=line.reference,
                name=line.name,
                kind=line.kind,
                participant=line.participant,
                status=line.status,
                attempt=line.attempt,
                iteration=line.iteration,
                started_at=text_time(line.started_at) or "",
                ended_at=text_time(line.ended_at),
                path=line.path,
                input=self.conductor.keeper.mask(line.input),
                output=self.conductor.keeper.mask(line.output),
                error=self.conductor.keeper.mask(line.error),
            )
            for line in timeline(program, self.store.journal(run_id))
        ]

    async def cancel(self, run_id: str, *, compensate: bool = True) -> None:
        """End a run, undoing what has a compensation.

        Raises:
            ConflictError: it has ended already.
        """
        await self._ask(run_id, CancelAsked(compensate), "cancelled")

    async def suspend(self, run_id: str) -> None:
        """Let a run stand still: answers are kept, nothing new begins, its clocks stop."""
        await self._ask(run_id, SuspendAsked(), "suspended")

    async def resume(self, run_id: str) -> None:
        """Let a suspended run go on."""
        await self._ask(run_id, ResumeAsked(), "resumed")

    async def _ask(self, run_id: str, event: Event, what: str) -> None:
        row = self._row(run_id)
        if row.status in TERMINAL:
            raise ConflictError(f"run {run_id} is {row.status}: it cannot be {what} any more")
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

    async def retry(self, run_id: str, *, from_start: bool = False) -> Run:
        """Run a faulted run again, as a new run: from the task that faulted, or from the start.

        The new run begins with the recorded results of the old one, so that nothing that succeeded
        is done again, and it uses the old one's idempotency keys. The old run's end stays as it was
        written.

        Raises:
            ConflictError: the run has not faulted; or what it had completed was undone, so that
                only a retry from the start makes sense.
        """
        row = self._row(run_id)
        if row.status != FAULTED:
            raise ConflictError(
                f"run {run_id} is {row.status}: only a faulted run can be retried",
                hint="start a new run, or wait for this one",
            )
        program = self.programs.of(row.workflow, row.digest)
        rows = list(self.store.journal(run_id))
        good, undone = before_fault(program, rows)
        if from_start or good == 0:
            started = decode_event(rows[0].body)
            data = started.input if isinstance(started, Started) else None
            return await self.start(row.workflow, data)
        if undone:
            raise ConflictError(
                f"run {run_id} has undone what it had completed",
                hint="retry it from the start: `batuta runs retry ID --from-start`",
            )
        new_id = new_run_id(self.clock.now())
        self.conductor.begin_from(row, rows[:good], new_id)
        await self.conductor.durable()
        return Run(self, new_id)

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
        now = self.clock.now()
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": event_id or new_run_id(now),
            "source": source,
            "type": event_type,
            "time": text_time(now),
        }
        for name, value in attributes.items():
            if not (name.isalnum() and name.islower() and name.isascii()):
                raise RequestError(
                    f"{name!r} is no name of an event attribute",
                    hint="CloudEvents 1.0 allows lower case letters and digits only",
                )
            event[name] = value
        if subject is not None:
            event["subject"] = subject
        if data is not None:
            event["datacontenttype"] = "application/json"
            event["data"] = data
        for name in ("id", "source", "type"):
            if not isinstance(event[name], str) or not event[name]:
                raise RequestError(
                    f"{event[name]!r} is no {name} of an event",
                    hint="CloudEvents 1.0 wants a text that is not empty",
                )
        event = plain(event, "the event")
        self.conductor.committer.batch.events.append((now, event))
        await self.conductor.durable()
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
        await self.serving.serve()

    async def settled(self) -> None:
        """Wait until nothing moves by itself any more: then only time or somebody else can."""
        await self.serving.settled()

    # -- upkeep ------------------------------------------------------------------------------------

    def purge(self, older_than_ms: int) -> int:
        """Forget runs that ended longer ago than this, and events as old; returns how many runs."""
        count, before = 0, self.clock.now() - older_than_ms
        while found := self.store.purge(before):
            count += found
        return count

    def _row(self, run_id: str) -> RunRow:
        row = self.store.run(run_id)
        if row is None:
            raise NotFoundError(
                f"there is no run {run_id}", hint="`batuta runs list` shows the runs of this store"
            )
        return row

    def _view(self, row: RunRow) -> RunView:
        status = row.status
        live = self.conductor.runs.get(row.id)
        if live is not None and status == "running" and live.is_idle and live.seq:
            status = "waiting"
        return RunView(
            id=row.id,
            workflow=row.workflow.rpartition(":")[0],
            version=row.workflow.rpartition(":")[2],
            control=row.control,
            status=status,
            output=None if row.output is None else msgspec.json.decode(row.output),
            error=None if row.fault is None else msgspec.json.decode(row.fault),
            started_at=text_time(row.started_at) or "",
            ended_at=text_time(row.ended_at),
            problem=row.problem,
            parent=row.parent,
        )


__all__ = ["BatutaError", "Engine", "Run", "refused"]
