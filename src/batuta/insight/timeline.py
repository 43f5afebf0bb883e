"""A run's timeline: which task started and ended when, and how.

It is made of what the kernel reports (`kernel.lifecycle`). Of an orchestrated run nothing of this
is stored: replaying the journal with somebody watching tells it, for runs of any age, also for
tasks that are under way. Of a choreographed run nobody has all of the journal: its participants
have told their reports, and a viewer has kept them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.lifecycle import Happened
from batuta.runtime.shared.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program
    from batuta.ports.store import JournalRow

_decode = msgspec.json.Decoder(Happened).decode


class TaskLine(msgspec.Struct, kw_only=True):
    """One task's life. Times are epoch milliseconds."""

    reference: str
    name: str
    kind: str
    participant: str | None
    status: str
    attempt: int
    iteration: int | None
    path: str
    started_at: int
    ended_at: int | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None


def told(reports: Iterable[bytes]) -> list[TaskLine]:
    """Return the tasks of a run of which participants have told, in the order of their start."""
    return lines_of(map(_decode, reports))


def timeline(program: Program, rows: Iterable[JournalRow]) -> list[TaskLine]:
    """Return the tasks of a run in the order in which they started.

    Args:
        program: the run's own version of its workflow.
        rows: its whole journal.

    Raises:
        KernelBug: the history does not fit the code.
    """
    watch: Watch = []
    replay(program, rows, watch=watch)
    return lines_of(watch)


def lines_of(reports: Iterable[Happened]) -> list[TaskLine]:
    """Return the tasks that reports tell of, in the order in which they started."""
    lines: list[TaskLine] = []
    under_way: dict[str, TaskLine] = {}
    for happened in reports:
        if happened.what == "started":
            line = TaskLine(
                reference=happened.reference,
                name=happened.name,
                kind=happened.kind,
                participant=happened.participant,
                status="running",
                attempt=happened.attempt,
                iteration=happened.iteration,
                path=happened.path,
                started_at=happened.at,
                input=happened.input,
            )
            lines.append(line)
            under_way[happened.key] = line
            continue
        line = under_way.get(happened.key)
        if line is None or happened.what == "retried":
            continue
        line.status = happened.what
        line.ended_at = happened.at
        line.output = happened.output
        if happened.fault is not None:
            line.error = happened.fault.as_json()
    return lines
