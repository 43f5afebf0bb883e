"""A run's timeline: which task started and ended when, and how.

It is made of what the kernel reports (`kernel.lifecycle`). Of an orchestrated run nothing of this
is stored: replaying the journal with somebody watching tells it, for runs of any age, also for
tasks that are under way. Of a choreographed run nobody has all of the journal: its participants
have told their reports, and a viewer has kept them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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
    """One task's life. Times are epoch milliseconds.

    `since` is when control reached it: before its start, if it had to go to its participant first.
    `by` is the participant that told of its start, "" under a conductor.
    """

    reference: str
    name: str
    kind: str
    participant: str | None
    status: str
    attempt: int
    iteration: int | None
    path: str
    started_at: int
    since: int = 0
    by: str = ""
    ended_at: int | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None


def told(reports: Iterable[bytes]) -> Account:
    """Return what participants have told of a run's tasks, in the order of their start."""
    return account_of(map(_decode, reports))


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
    return account_of(reports).lines


class Account(NamedTuple):
    """All that is known of the tasks of a run.

    `handed` are tasks that control has gone to and that nobody has begun, `untold` the ends of
    those of which no start was told, `retrying` the keys of those that wait for another attempt.
    """

    lines: list[TaskLine]
    handed: list[Happened]
    untold: list[Happened]
    retrying: frozenset[str]


def account_of(reports: Iterable[Happened]) -> Account:
    """Return what reports tell."""
    lines: list[TaskLine] = []
    known: dict[str, TaskLine] = {}
    handed: dict[str, Happened] = {}
    early: dict[str, Happened] = {}
    retrying: set[str] = set()
    for happened in reports:
        key = happened.key
        if happened.what == "heard":
            continue
        if happened.what == "handed":
            if key not in known:
                handed[key] = happened
            continue
        if happened.what == "started":
            gone = handed.pop(key, None)
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
                since=happened.at if gone is None else min(gone.at, happened.at),
                by=happened.by,
                input=happened.input,
            )
            lines.append(line)
            known[key] = line
            if key in early:
                _end(line, early.pop(key))
        elif happened.what == "retried":
            retrying.add(key)
        elif key in known:
            _end(known[key], happened)
        else:
            # A clock that was set back: its start comes later, if it was told at all.
            early[key] = happened
    return Account(lines, list(handed.values()), list(early.values()), frozenset(retrying))


def _end(line: TaskLine, happened: Happened) -> None:
    line.status = happened.what
    line.ended_at = happened.at
    line.output = happened.output
    if happened.fault is not None:
        line.error = happened.fault.as_json()
