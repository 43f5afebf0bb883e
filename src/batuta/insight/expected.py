"""What is expected next in a run: what, from whom, and since when. Pure.

A run moves when somebody acts. Under a conductor the state of the run says exactly who that is;
of a choreographed run nobody has all of the state, and what its participants have told says it:
tasks that have begun and not ended, tasks that control has gone to and that nobody has begun, and
joins whose branches have all ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.insight.places import is_inside
from batuta.kernel.frames import own_frames, owner_of
from batuta.kernel.state import (
    PENDING,
    SUSPENDED,
    TERMINAL,
    CallState,
    CompensationState,
    Frame,
    ListenState,
    TryState,
    WaitState,
)
from batuta.runtime.shared.ids import child_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.insight.timeline import Account, TaskLine
    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.program import Node, Program
    from batuta.kernel.state import RunState
    from batuta.runtime.shared.replay import Ledger

BEGIN, FINISH, EVENT, TIME, CHILD = "begin", "finish", "event", "time", "child"
RETRY, GO_ON, RESUME = "retry", "go on", "resume"


class AwaitedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a listen waits for: its type (None: any), and what is correlated.

    `correlate` holds expressions over the event, each with the value that it must have; the text of
    an expression where the value is known to the participant alone.
    """

    type: str | None = None
    correlate: dict[str, Any] = {}


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is to happen next. Times are epoch milliseconds.

    `what` is begin (the participant has been given control, and has not begun the task), finish
    (the task), event (one of `events`), time (a wait), child (the sub-workflow `run`), retry (the
    next attempt), go on (from the end of a task to what comes next), or resume (the run, which
    somebody suspended). `since` is when it became the participant's turn, `due` when it falls due,
    or when the soft or hard deadline on it does. None as a participant is the conductor.
    """

    what: str
    reference: str
    path: str = ""
    name: str = ""
    kind: str = ""
    participant: str | None = None
    since: int
    due: int | None = None
    events: tuple[AwaitedEvent, ...] = ()
    run: str | None = None


# -- under a conductor -----------------------------------------------------------------------------


def of_state(program: Program, state: RunState, ledger: Ledger, began: int) -> list[Expected]:
    """Return what is expected in a run that a conductor drives, in the order of its tokens.

    Args:
        program: the run's own version of its workflow.
        state: as it stands.
        ledger: what it has asked for.
        began: when it was asked to begin, for one that has not yet.
    """
    if state.status in TERMINAL:
        return []
    if state.status == SUSPENDED:
        return [Expected(what=RESUME, reference="", since=state.suspended_at or began)]
    if state.status == PENDING:
        return [Expected(what=GO_ON, reference="", since=began)]
    found: list[Expected] = []
    for token in state.tokens.values():
        frame = token.frame
        if token.entering is not None:
            node = program.nodes[token.entering].described
            since = began if frame is None else frame.started
            found.append(_of_node(program, node, None, what=GO_ON, since=since))
        elif frame is not None:
            one = _of_frame(program, state, ledger, frame)
            if one is not None:
                found.append(_with_deadlines(one, next(own_frames(token), frame)))
    return found


def _of_frame(program: Program, state: RunState, ledger: Ledger, frame: Frame) -> Expected | None:
    node = program.nodes[frame.at].described
    key = frame.at + frame.path
    match frame.state:
        case CallState(child=True):
            child = child_run_id(state.id, key)
            return _of_node(program, node, frame, what=CHILD, since=frame.started, run=child)
        case CallState():
            return _of_node(program, node, frame, what=FINISH, since=frame.started)
        case WaitState():
            return _of_node(program, node, frame, what=TIME, since=frame.started)
        case ListenState():
            asked = ledger.subscribed.get(key)
            events = tuple(
                AwaitedEvent(type=one.type, correlate=dict(one.correlations))
                for one in (asked.criteria if asked is not None else ())
            )
            return _of_node(program, node, frame, what=EVENT, since=frame.started, events=events)
        case TryState() | CompensationState() if frame.due is not None:
            return _of_node(program, node, frame, what=RETRY, since=frame.started)
        case _:
            return None


def _of_node(
    program: Program,
    node: Node,
    frame: Frame | None,
    *,
    what: str,
    since: int,
    events: tuple[AwaitedEvent, ...] = (),
    run: str | None = None,
) -> Expected:
    within = None if node.task.sla is None else since + node.task.sla.within_ms
    return Expected(
        what=what,
        reference=node.reference,
        path="" if frame is None else frame.path,
        name=node.name,
        kind=node.kind,
        participant=owner_of(program, node, None if frame is None else frame.parent),
        since=since,
        due=within,
        events=events,
        run=run,
    )


def _with_deadlines(one: Expected, frame: Frame) -> Expected:
    due = min((time for time in (one.due, frame.due, frame.wake) if time is not None), default=None)
    return msgspec.structs.replace(one, due=due)


# -- without one -----------------------------------------------------------------------------------


def of_account(
    account: Account,
    *,
    program: Program | None,
    status: str,
    first: str | None,
    began: int,
    changed: int | None = None,
) -> list[Expected]:
    """Return what is expected in a choreographed run.

    Args:
        account: what its participants have told.
        program: its version of its workflow, None where that is not known here.
        status: the run's, as it is seen.
        first: the participant that reacts to its start.
        began: when it was started.
        changed: when something was told last, if anything was.
    """
    if status in TERMINAL:
        return []
    if status == SUSPENDED:
        return [Expected(what=RESUME, reference="", since=began if changed is None else changed)]
    lines = account.lines
    open_lines = [line for line in lines if line.status == "running"]
    handed = [one for one in account.handed if not _is_left(one, lines)]
    found = [_begin(program, one) for one in handed]
    found += [
        _of_line(program, line, account)
        for line in open_lines
        if not any(_is_under(line, one.reference, one.path) for one in (*open_lines, *handed))
    ]
    if found:
        return found
    if not lines:
        return [Expected(what=BEGIN, reference="", participant=first, since=began)]
    last = max(lines, key=lambda line: line.ended_at or line.started_at)
    return [
        Expected(
            what=GO_ON,
            reference=last.reference,
            path=last.path,
            name=last.name,
            kind=last.kind,
            participant=last.by or last.participant,
            since=last.ended_at or last.started_at,
        )
    ]


def _is_under(line: TaskLine, reference: str, path: str) -> bool:
    return (reference, path) != (line.reference, line.path) and is_inside(
        (line.reference, line.path), (reference, path)
    )


def _is_left(one: Happened, lines: list[TaskLine]) -> bool:
    """Say whether a scope around a task that was handed over has ended: nobody will begin it."""
    return any(
        line.status != "running" and _is_under(line, one.reference, one.path) for line in lines
    )


def _begin(program: Program | None, one: Happened) -> Expected:
    node = None if program is None else program.nodes.get(one.reference)
    return Expected(
        what=BEGIN,
        reference=one.reference,
        path=one.path,
        name=one.name,
        kind="" if node is None else node.described.kind,
        participant=one.participant,
        since=one.at,
        due=_within(node, one.at),
    )


def _of_line(program: Program | None, line: TaskLine, account: Account) -> Expected:
    node = None if program is None else program.nodes.get(line.reference)
    what, who, since = FINISH, line.participant, line.since
    key = line.reference + line.path
    if line.kind in {"do", "for", "fork", "try"} or _calls_function(node):
        inside = [
            one
            for one in account.lines
            if one.ended_at is not None and _is_under(line, one.reference, one.path)
        ]
        what, who = RETRY if key in account.retrying else GO_ON, line.by or line.participant
        since = max((one.ended_at or 0 for one in inside), default=since)
    elif line.kind == "wait":
        what = TIME
    elif line.kind == "listen":
        what = EVENT
    elif line.kind == "run" and _runs_workflow(node):
        what = CHILD
    return Expected(
        what=what,
        reference=line.reference,
        path=line.path,
        name=line.name,
        kind=line.kind,
        participant=who,
        since=since,
        due=_ends_at(node, line) if what == TIME else _within(node, line.since),
        events=tuple(_events_of(node)) if what == EVENT else (),
    )


def _calls_function(node: Node | None) -> bool:
    return node is not None and node.kind == "call" and node.own.function is not None


def _runs_workflow(node: Node | None) -> bool:
    return node is not None and node.own.kind == "workflow"


def _within(node: Node | None, since: int) -> int | None:
    sla = None if node is None else node.task.sla
    return None if sla is None else since + sla.within_ms


def _ends_at(node: Node | None, line: TaskLine) -> int | None:
    """Return when a wait ends, if that does not hinge on data."""
    if node is None or node.own.code is not None:
        return _within(node, line.since)
    return line.started_at + node.own.fixed


def _events_of(node: Node | None) -> Iterator[AwaitedEvent]:
    if node is None:
        return
    for one in (*node.own.filters, *(node.own.until or ())):
        correlate = {
            str(source.source): None if expect is None else expect.source
            for _, source, expect in one.correlate
        }
        yield AwaitedEvent(type=one.type, correlate=correlate)
