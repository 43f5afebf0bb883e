"""The same thing to many runs: how many there are, how far it has come, and what failed.

Runs are taken one after the other, in the order of a list, so that what else the engine does goes
on. What is under way is kept in memory only: it ends with the process, and what was done by then is
done. A run that comes to an end of its own meanwhile is no failure of the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import BatutaError, ConflictError, NotFoundError
from batuta.runtime.shared.ids import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batuta.app.engine import Engine

CANCEL, SUSPEND, RESUME, RETRY = ACTIONS = ("cancel", "suspend", "resume", "retry")
MOST_COUNTED = 10_000
MOST_FAILURES = 1_000
MOST_AT_ONCE, MOST_KEPT = 4, 100


class Failure(msgspec.Struct, frozen=True):
    """A run that it could not be done to, and why."""

    run: str
    error: str


class BulkView(msgspec.Struct, kw_only=True):
    """How far it has come. `state` is running, done or stopped; `by` is whose it is."""

    id: str
    action: str
    matched: int
    done: int = 0
    failed: list[Failure] = []
    state: str = "running"
    by: str = ""


class Bulk:
    """What is done to many runs of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._views: dict[str, BulkView] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self,
        action: str,
        runs: Callable[[], Iterator[str]],
        *,
        by: str,
        compensate: bool = True,
        done: Callable[[str], None] = lambda _: None,
    ) -> BulkView:
        """Begin to do something to runs.

        Args:
            action: one of `ACTIONS`.
            runs: the ids of the runs; asked twice, to count and to do it.
            by: who asked.
            compensate: whether cancelling undoes what was completed.
            done: told of each run that it was done to.

        Raises:
            ConflictError: too much of this is under way.
        """
        if len(self._tasks) >= MOST_AT_ONCE:
            raise ConflictError(
                f"{MOST_AT_ONCE} bulk requests are under way",
                hint="wait for one of them, or stop it",
            )
        ids = list(runs())
        view = BulkView(
            id=new_run_id(self._engine.clock.now()), action=action, matched=len(ids), by=by
        )
        self._views[view.id] = view
        while len(self._views) > MOST_KEPT:
            del self._views[next(iter(self._views))]
        task = asyncio.get_running_loop().create_task(
            self._do(view, ids, compensate=compensate, done=done)
        )
        self._tasks[view.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(view.id, None))
        return view

    def show(self, bulk_id: str) -> BulkView:
        """Return how far something has come.

        Raises:
            NotFoundError: there is none of that id, or it was long ago.
        """
        view = self._views.get(bulk_id)
        if view is None:
            raise NotFoundError(
                f"there is no bulk request {bulk_id}",
                hint="what was done by a process that is gone is seen by its runs",
            )
        return view

    def stop(self, bulk_id: str) -> BulkView:
        """Do it to no more runs; returns how far it has come."""
        view = self.show(bulk_id)
        task = self._tasks.get(bulk_id)
        if task is not None:
            task.cancel()
            view.state = "stopped"
        return view

    async def close(self) -> None:
        """Stop all of it."""
        tasks = list(self._tasks.values())
        for bulk_id in list(self._tasks):
            self.stop(bulk_id)
        if tasks:
            await asyncio.wait(tasks)

    async def _do(
        self,
        view: BulkView,
        ids: list[str],
        *,
        compensate: bool,
        done: Callable[[str], None],
    ) -> None:
        for run in ids:
            try:
                await self._one(view.action, run, compensate=compensate)
            except BatutaError as error:
                if len(view.failed) < MOST_FAILURES:
                    view.failed = [*view.failed, Failure(run, error.message)]
            else:
                view.done += 1
                done(run)
            await asyncio.sleep(0)  # runs go first
        view.state = "done"

    async def _one(self, action: str, run: str, *, compensate: bool) -> None:
        match action:
            case "cancel":
                await self._engine.cancel(run, compensate=compensate)
            case "suspend":
                await self._engine.suspend(run)
            case "resume":
                await self._engine.resume(run)
            case _:
                await self._engine.retry(run)
