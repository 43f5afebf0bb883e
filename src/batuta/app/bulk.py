"""The same thing to many runs: how many there are, how far it has come, and what failed.

Runs are taken one after the other, in the order of a list, so that what else the engine does goes
on. Which runs they are is written down before the first is touched, and every so often how far it
has come: who serves next goes on with what a process that is gone left behind. What it had done and
not written down by then is recognised: a retry by its key, the others by how the run stands. A run
that comes to an end of its own meanwhile is no failure of the others.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from batuta.app.retrying import retry
from batuta.errors import BatutaError, ConflictError, NotFoundError
from batuta.ports.records import Job
from batuta.runtime.shared.ids import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batuta.app.auditing import Audit
    from batuta.app.engine import Engine
    from batuta.app.once import Once

_log = logging.getLogger("batuta.bulk")

CANCEL, SUSPEND, RESUME, RETRY = ACTIONS = ("cancel", "suspend", "resume", "retry")
RUNNING, DONE, STOPPED = "running", "done", "stopped"
MOST_COUNTED = 10_000
MOST_FAILURES = 1_000
MOST_AT_ONCE = 4
NOTE_EVERY = 20
"""Runs after which it is written down how far it has come."""
_THEN = {CANCEL: "cancelled", SUSPEND: "suspended"}
"""How a run stands that it was done to before."""


class Failure(msgspec.Struct, frozen=True):
    """A run that it could not be done to, and why."""

    run: str
    error: str


class BulkView(msgspec.Struct, kw_only=True):
    """How far it has come. `state` is running, done or stopped; `by` is whose it is, come `how`."""

    id: str
    action: str
    matched: int
    done: int = 0
    failed: list[Failure] = []
    failures: int = 0
    state: str = RUNNING
    by: str = ""
    how: str = ""
    compensate: bool = True

    @property
    def place(self) -> int:
        """How many runs were dealt with."""
        return self.done + self.failures


_read_view = msgspec.json.Decoder(BulkView).decode
_read_runs = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class Bulk:
    """What is done to many runs of one engine."""

    def __init__(self, engine: Engine, audit: Audit, once: Once) -> None:
        """Prepare.

        Args:
            engine: whose runs.
            audit: notes what was done to each of them.
            once: lets a run be retried once.
        """
        self._engine = engine
        self._audit = audit
        self._once = once
        self._views: dict[str, BulkView] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self,
        action: str,
        runs: Callable[[], Iterator[str]],
        *,
        by: str,
        how: str = "",
        compensate: bool = True,
    ) -> BulkView:
        """Begin to do something to runs; that is durable when this returns.

        Args:
            action: one of `ACTIONS`.
            runs: yields the ids of the runs.
            by: who asked.
            how: how that was proved, for the audit.
            compensate: whether cancelling undoes what was completed.

        Raises:
            ConflictError: too much of this is under way.
            UnavailableError: it cannot be written down now.
        """
        if len(self._tasks) >= MOST_AT_ONCE:
            raise ConflictError(
                f"{MOST_AT_ONCE} bulk requests are under way",
                hint="wait for one of them, or stop it",
            )
        engine, ids = self._engine, list(runs())
        now = engine.clock.now()
        view = BulkView(
            id=new_run_id(now),
            action=action,
            matched=len(ids),
            by=by,
            how=how,
            compensate=compensate,
        )
        owner = engine.conductor.owner
        engine.records.keep_job(
            Job(
                id=view.id,
                owner=owner,
                state=RUNNING,
                at=now,
                view=_encode(view),
                runs=_encode(ids),
            )
        )
        self._go(view, ids, 0)
        return view

    def go_on(self) -> int:
        """Go on with what processes that are gone left behind; returns how much that is."""
        return sum(self._take_up(job) for job in self._engine.records.open_jobs())

    def _take_up(self, job: Job) -> bool:
        """Go on with a job unless somebody has it; say whether that is so."""
        engine = self._engine
        if job.id in self._tasks or self._has_owner(job):
            return False
        if not engine.records.note_job(
            msgspec.structs.replace(job, owner=engine.conductor.owner), was=job.owner
        ):
            return False  # another process was first
        view = _read_view(job.view)
        _log.info("bulk request %s goes on behind %d runs", job.id, view.place)
        self._go(view, _read_runs(job.runs), view.place + NOTE_EVERY)
        return True

    def _has_owner(self, job: Job) -> bool:
        is_ours = job.owner == self._engine.conductor.owner
        return not is_ours and self._engine.serving.lives(job.owner)

    def _go(self, view: BulkView, ids: list[str], known: int) -> None:
        self._views[view.id] = view
        task = asyncio.get_running_loop().create_task(self._do(view, ids, known))
        self._tasks[view.id] = task
        task.add_done_callback(lambda _: self._ended(view.id))

    def _ended(self, bulk_id: str) -> None:
        self._tasks.pop(bulk_id, None)
        self._views.pop(bulk_id, None)

    def show(self, bulk_id: str) -> BulkView:
        """Return how far something has come; it goes on if its process is gone.

        Raises:
            NotFoundError: there is none of that id, or it was long ago.
        """
        view = self._views.get(bulk_id)
        if view is not None:
            return view
        job = self._engine.records.job(bulk_id)
        if job is None:
            raise NotFoundError(
                f"there is no bulk request {bulk_id}",
                hint="what was done long ago is forgotten; the audit has each run",
            )
        if job.state == RUNNING and self._take_up(job):
            return self._views[bulk_id]
        return _read_view(job.view)

    def stop(self, bulk_id: str) -> BulkView:
        """Do it to no more runs; returns how far it has come.

        Raises:
            NotFoundError: there is none of that id.
            ConflictError: another process is at it.
        """
        view = self.show(bulk_id)
        task = self._tasks.get(bulk_id)
        if task is not None:
            task.cancel()
            view.state = STOPPED
            self._note(view)
        elif view.state == RUNNING:
            raise ConflictError(
                f"another process is at {bulk_id}", hint="ask the server that it was begun at"
            )
        return view

    async def close(self) -> None:
        """Do no more here; who serves next goes on."""
        tasks, views = list(self._tasks.values()), list(self._views.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for view in views:
            self._note(view)

    # -- run by run --------------------------------------------------------------------------------

    async def _do(self, view: BulkView, ids: list[str], known: int) -> None:
        """Do it to the runs that are left; those before `known` may have been dealt with."""
        for place in range(view.place, len(ids)):
            run = ids[place]
            try:
                await self._one(view, run, may_be_done=place < known)
            except BatutaError as error:
                view.failures += 1
                if len(view.failed) < MOST_FAILURES:
                    view.failed = [*view.failed, Failure(run, error.message)]
            else:
                view.done += 1
                self._audit.note(view.by, view.how, f"run.{view.action}", run, bulk=True)
            if view.place % NOTE_EVERY == 0:
                self._note(view)
            await asyncio.sleep(0)  # runs go first
        view.state = DONE
        self._note(view)

    def _note(self, view: BulkView) -> None:
        """Write down how far it has come; if that cannot be done now, less was."""
        owner = self._engine.conductor.owner
        try:
            self._engine.records.note_job(
                Job(id=view.id, owner=owner, state=view.state, at=0, view=_encode(view), runs=b""),
                was=owner,
            )
        except BatutaError as error:
            _log.warning("how far bulk request %s has come is not noted: %s", view.id, error)

    async def _one(self, view: BulkView, run: str, *, may_be_done: bool) -> None:
        engine = self._engine
        if view.action == RETRY:
            begin = partial(self._retry, run)
            await self._once.start(f"bulk/{view.id}", run, "", begin)
            return
        if may_be_done and engine.show(run).status == _THEN.get(view.action):
            return
        match view.action:
            case "cancel":
                await engine.cancel(run, compensate=view.compensate)
            case "suspend":
                await engine.suspend(run)
            case _:
                await engine.resume(run)

    async def _retry(self, run: str, new: str) -> None:
        await retry(self._engine, self._engine.row(run), as_id=new)
