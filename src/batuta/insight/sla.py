"""Soft deadlines: what a workflow promises, what a run makes of it, and what is told. Pure.

The time of a promise runs from when control reaches the task (of a choreographed run: from when it
goes to the task's participant) until the task has ended, each attempt on its own; that of a run,
from its start to its end. It runs on while the run is suspended: whoever waits for it waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.frames import owner_of
from batuta.kernel.reporting import UNTOLD
from batuta.kernel.transition import iso8601
from batuta.ports.sla import BROKEN, THE_RUN, WARNED, Promise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.definition.model import Sla
    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.program import Program
    from batuta.kernel.state import Frame, RunState
    from batuta.ports.sla import Notes

SOURCE = "/batuta/sla"
TYPES = {
    WARNED: "io.batuta.sla.warned.v1",
    BROKEN: "io.batuta.sla.breached.v1",
}
"""What the events are called that tell of promises."""
STUCK = "io.batuta.run.stuck.v1"

_ACTS = frozenset({"call", "run", "wait", "listen"})
"""Kinds of task in which somebody acts, or should."""


def promise_of_run(program: Program, run: str, control: str, since: int) -> Promise | None:
    """Return what a workflow promises of a run as a whole."""
    sla = program.workflow.sla
    if sla is None:
        return None
    return _promise(program, run, control, sla, THE_RUN, since)


def note(program: Program, run: str, control: str, told: Iterable[Happened], notes: Notes) -> None:
    """Note which promises begin and end with what tasks have lived through."""
    for one in told:
        node = program.nodes.get(one.reference)
        if node is None or node.task.sla is None:
            continue
        if one.what in {"started", "handed"}:
            notes.made.append(
                _promise(
                    program,
                    run,
                    control,
                    node.task.sla,
                    one.key,
                    one.at,
                    reference=one.reference,
                    participant=one.participant,
                )
            )
        elif one.what not in {"retried", "heard"}:
            notes.ended.append((run, one.key, one.at))


def under_way(program: Program, state: RunState, now: int) -> list[Promise]:
    """Return the promises of a run that goes on from another's history: their time begins now."""
    found: dict[str, Promise] = {}
    for token in state.tokens.values():
        frame: Frame | None = token.frame
        while frame is not None:
            node = program.nodes[frame.at]
            sla = node.task.sla
            if sla is not None and node.kind not in UNTOLD:
                key = frame.at + frame.path
                found[key] = _promise(
                    program,
                    state.id,
                    "orchestrated",
                    sla,
                    key,
                    now,
                    reference=frame.at,
                    participant=owner_of(program, node, frame.parent),
                )
            frame = frame.parent
    return list(found.values())


def _promise(
    program: Program,
    run: str,
    control: str,
    sla: Sla,
    key: str,
    since: int,
    *,
    reference: str = "",
    participant: str | None = None,
) -> Promise:
    node = program.nodes[reference]
    acts = node.kind in _ACTS and not (node.kind == "call" and node.own.function is not None)
    return Promise(
        run=run,
        key=key,
        workflow=program.identity,
        control=control,
        reference=reference,
        name=node.name,
        participant=participant,
        acts=acts,
        since=since,
        warn_at=None if sla.warn_ms is None else since + sla.warn_ms,
        due_at=since + sla.within_ms,
    )


def to_tell(promise: Promise, now: int) -> str | None:
    """Return what there is to tell of a promise by now: warned, breached, or nothing."""
    if promise.next_at is None or promise.next_at > now:
        return None
    ended = promise.ended_at
    is_broken = promise.breached_at is None and promise.due_at <= now
    if is_broken and (ended is None or ended > promise.due_at):
        return BROKEN
    return WARNED if ended is None and promise.warned_at is None else None


def event_of(promise: Promise, what: str, now: int) -> dict[str, Any]:
    """Return the event that tells of a promise; its id is the same whoever tells it."""
    return _event(
        TYPES[what],
        f"{promise.run}{promise.key}/sla/{what}",
        promise.run,
        now,
        {
            "run": promise.run,
            "workflow": promise.workflow,
            "control": promise.control,
            "reference": promise.reference,
            "name": promise.name,
            "participant": promise.participant,
            "since": iso8601(promise.since),
            "dueAt": iso8601(promise.due_at),
            "endedAt": None if promise.ended_at is None else iso8601(promise.ended_at),
        },
    )


def stuck_event(
    run: str, workflow: str, control: str, now: int, data: dict[str, Any], since: int
) -> dict[str, Any]:
    """Return the event that tells that nobody acts in a run who should.

    Args:
        run: its id.
        workflow: its identity.
        control: its control model.
        now: epoch milliseconds.
        data: who should act, in what, in what time.
        since: since when that is expected: what makes this another event than the last.
    """
    told = {"run": run, "workflow": workflow, "control": control, **data}
    return _event(STUCK, f"{run}{data['reference']}/stuck/{since}", run, now, told)


def _event(kind: str, id_: str, run: str, now: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": kind,
        "subject": run,
        "time": iso8601(now),
        "datacontenttype": "application/json",
        "data": data,
    }
