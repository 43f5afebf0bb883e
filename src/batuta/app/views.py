"""What the use cases answer with: plain values that the command line and the server both show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.transition import iso8601

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.insight.timeline import TaskLine
    from batuta.ports.store import RunRow
    from batuta.runtime.shared.driving.live import LiveRun


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as people and programs see it.

    `status` is running, waiting, suspended, completed, faulted or cancelled. `error` is the fault
    (RFC 7807 members). `problem` tells why a run stands still that should not (null when all is
    well), `stuckSince` since when nobody acts who should, `rerunOf` which run it repeats. `keys`
    are the business keys that it is found by. Times are RFC 3339 texts in UTC.
    """

    id: str
    workflow: str
    version: str
    control: str
    status: str
    output: Any = None
    error: dict[str, Any] | None = None
    started_at: str = msgspec.field(name="startedAt")
    ended_at: str | None = msgspec.field(default=None, name="endedAt")
    problem: str | None = None
    parent: str | None = None
    keys: dict[str, Any] = {}
    stuck_since: str | None = msgspec.field(default=None, name="stuckSince")
    rerun_of: str | None = msgspec.field(default=None, name="rerunOf")

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object; what comes after `endedAt` only where there is any."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        for optional in ("problem", "parent", "keys", "stuckSince", "rerunOf"):
            if not data[optional]:
                del data[optional]
        return data


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a run's timeline, in the order in which they started.

    `iteration` is the index in the innermost loop or null, `attempt` counts from 1. `path` tells
    occurrences of the same task apart. Times are RFC 3339 texts in UTC.
    """

    reference: str
    name: str
    kind: str
    participant: str | None
    status: str
    attempt: int
    iteration: int | None
    started_at: str = msgspec.field(name="startedAt")
    ended_at: str | None = msgspec.field(default=None, name="endedAt")
    path: str = ""
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def text_time(milliseconds: int | None) -> str | None:
    """Return epoch milliseconds as RFC 3339 text."""
    return None if milliseconds is None else iso8601(milliseconds)


def ended_view(run: LiveRun) -> RunView:
    """Return a run that has just ended, from memory: nobody needs to read it back."""
    state = run.state
    namespace, _, version = run.program.identity.rpartition(":")
    return RunView(
        id=run.id,
        workflow=namespace,
        version=version,
        control="orchestrated",
        status=state.status,
        output=state.output,
        error=None if state.fault is None else state.fault.as_json(),
        started_at=text_time(state.started) or "",
        ended_at=text_time(state.ended),
        parent=run.parent,
        keys={} if run.keys is None else msgspec.json.decode(run.keys),
    )


def begun_view(run: LiveRun, origin: str | None) -> RunView | None:
    """Return a run as its first transition leaves it; None where only the store can tell.

    Args:
        run: has just begun, and what it has done is in the batch.
        origin: a run that it repeats.
    """
    if not run.seq or run.problem is not None or run.secrets is not None:
        return None
    if run.is_over:
        return msgspec.structs.replace(ended_view(run), rerun_of=origin)
    name, _, version = run.program.identity.rpartition(":")
    return RunView(
        id=run.id,
        workflow=name,
        version=version,
        control="orchestrated",
        status="waiting" if run.stored == "running" and run.is_idle else run.stored,
        started_at=text_time(run.state.started) or "",
        parent=run.parent,
        keys={} if run.keys is None else msgspec.json.decode(run.keys),
        rerun_of=origin,
    )


def task_view(line: TaskLine, mask: Callable[[Any], Any]) -> TaskView:
    """Return a line of a timeline as it is shown; `mask` puts stars for secrets."""
    return TaskView(
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
        input=mask(line.input),
        output=mask(line.output),
        error=mask(line.error),
    )


def row_view(row: RunRow, status: str, problem: str | None) -> RunView:
    """Return a run of which the store tells, with what is known better than there."""
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
        problem=problem,
        parent=row.parent,
        rerun_of=row.origin,
        keys={} if row.keys is None else msgspec.json.decode(row.keys),
        stuck_since=None if row.ended_at is not None else text_time(row.stuck),
    )
