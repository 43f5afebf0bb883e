"""Running again: from where a run faulted, from one of its tasks, or from the start.

Owns which of these makes sense for which run, and what another input means: for a task, that it is
performed with that input; from the start, that it is another run of the same version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.asking import plain
from batuta.app.choreography import CHOREOGRAPHED
from batuta.errors import ConflictError, RequestError
from batuta.kernel.codec import decode_event
from batuta.kernel.events import Started
from batuta.kernel.state import FAULTED
from batuta.runtime.conductor.retrying import Amendment, go_on_from
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.replay import before_fault, where_begun

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.kernel.program import Program
    from batuta.ports.store import JournalRow, RunRow

FROM_START = "retry it from the start: `batuta runs retry ID --from-start` (over HTTP `fromStart`)"


async def retry(
    engine: Engine,
    row: RunRow,
    *,
    from_start: bool = False,
    task: str | None = None,
    data: Any = msgspec.UNSET,
    as_id: str | None = None,
) -> str:
    """Run a faulted run again; returns the new run's id (`as_id` if given). See `Engine.retry`."""
    if row.status != FAULTED:
        raise ConflictError(
            f"run {row.id} is {row.status}: only a faulted run can be retried",
            hint="start a new run, or wait for this one",
        )
    if from_start:
        return await again(engine, row, data, as_id)
    if row.control == CHOREOGRAPHED:
        raise ConflictError(
            f"run {row.id} is choreographed: nobody has all of its history to go on from",
            hint=f"run it again from the start: {FROM_START.partition(': ')[2]}",
        )
    program = engine.programs.of(row.workflow, row.digest)
    rows = list(engine.store.journal(row.id))
    good, undone = before_fault(program, rows)
    if good == 0 and task is None and data is msgspec.UNSET:
        return await again(engine, row, data, as_id)
    if undone:
        raise ConflictError(f"run {row.id} has undone what it had completed", hint=FROM_START)
    new_id = as_id or new_run_id(engine.clock.now())
    if task is None and data is msgspec.UNSET:
        go_on_from(engine.conductor, program, row, rows[:good], new_id)
    else:
        _from_task(engine, program, row, rows, new_id, task, data)
    await engine.conductor.durable()
    return new_id


def _from_task(
    engine: Engine,
    program: Program,
    row: RunRow,
    rows: list[JournalRow],
    new_id: str,
    task: str | None,
    data: Any,
) -> None:
    """Go on from a task, by default from the one that faulted."""
    reference = task if task is not None else _faulted(row)
    if reference not in program.nodes:
        raise RequestError(
            f"{row.workflow} has no task {reference!r}",
            hint="give the reference of a task, as the run's timeline has it",
        )
    begun = where_begun(program, rows, reference)
    if begun is None:
        raise ConflictError(
            f"run {row.id} has not come to {reference}",
            hint="go on from a task that its timeline has",
        )
    amendment = None
    if data is not msgspec.UNSET:
        amendment = Amendment(begun.occurrence, plain(data, "the input"))
    go_on_from(
        engine.conductor,
        program,
        row,
        rows[: begun.seq - 1],
        new_id,
        then=decode_event(rows[begun.seq - 1].body),
        amendment=amendment,
    )


def _faulted(row: RunRow) -> str:
    """Return the reference of the task whose fault a run came to."""
    fault = {} if row.fault is None else msgspec.json.decode(row.fault)
    reference = fault.get("instance")
    if not isinstance(reference, str):
        raise ConflictError(f"it is not known which task of run {row.id} faulted", hint=FROM_START)
    return reference


async def again(
    engine: Engine, row: RunRow, data: Any = msgspec.UNSET, as_id: str | None = None
) -> str:
    """Start a new run of the same version, with the same input or another; returns its id.

    That is `as_id`, if given.

    Raises:
        NotFoundError: the bus does not keep a choreographed run's first event any more.
    """
    if data is msgspec.UNSET:
        data = await input_of(engine, row)
    run = await engine.start(row.workflow, data, run_id=as_id, control=row.control, origin=row.id)
    return run.id


async def input_of(engine: Engine, row: RunRow) -> Any:
    """Return what a run was started with.

    Raises:
        NotFoundError: the bus does not keep a choreographed run's first event any more.
    """
    if row.control == CHOREOGRAPHED:
        program = engine.programs.of(row.workflow, row.digest)
        choreography = await engine.meeting.choreography()
        return await choreography.input_of(program, row.id)
    first = next(engine.store.journal(row.id), None)
    started = None if first is None else decode_event(first.body)
    return started.input if isinstance(started, Started) else None
