"""The only entry: `step(program, state, event, now)` gives the next state and what to do.

Owns which event means what for a run as a whole: starting, answers, wake-ups, suspension, cancelling.
A fault of the workflow is data in the new state. An event that no longer means anything (an answer to
a task that was cancelled, a second answer) changes nothing and is no error. `KernelBug` means an
invariant of ours does not hold; the state given is then still the truth.

`step` is pure: the same arguments give the same result, on any machine, at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import KernelBug
from batuta.kernel.commands import Command, Subscribe
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import (
    CancelAsked,
    Continued,
    Event,
    Failed,
    Heard,
    Performed,
    ResumeAsked,
    Started,
    SuspendAsked,
    Woken,
)
from batuta.kernel.faults import Raised, timeout_fault
from batuta.kernel.flow import abandon_inside, enter, give_up_frame, unwind
from batuta.kernel.state import (
    PENDING,
    RUNNING,
    SUSPENDED,
    TERMINAL,
    CallState,
    Ears,
    Frame,
    ListenState,
    RunState,
    Token,
    TryState,
)
from batuta.kernel.tasks import listen, try_, workflow
from batuta.kernel.transition import Transition

if TYPE_CHECKING:
    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program

NEW = RunState()
"""The state of a run before its `Started`."""

BEHAVIOUR = 1
"""The newest numbered behaviour; recorded with each run. See `behaviours.md` in the docs folder."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What follows: the new state, and commands to carry out once it is durable.

    `changed` is False when the event meant nothing: then nothing needs to be recorded.
    """

    state: RunState
    commands: list[Command]
    changed: bool


def step(
    program: Program,
    state: RunState,
    event: Event,
    now: int,
    answers: tuple[Evaluated, ...] = (),
    watch: Watch | None = None,
) -> Step:
    """Take one event in.

    Args:
        program: the compiled workflow of the run.
        state: where the run stands; `NEW` before it started. Not changed.
        event: what happened.
        now: when, in epoch milliseconds.
        answers: what the sandbox said, in the order in which this step asked.
        watch: a list to report the tasks' lives to, or None.

    Raises:
        NeedsEvaluation: the sandbox has to evaluate something first: call again with one more
            answer.
        KernelBug: an invariant does not hold.
    """
    if state.status in TERMINAL:
        return Step(state, [], False)
    if state.status == SUSPENDED and not isinstance(event, ResumeAsked | CancelAsked):
        return _hold(state, event)
    t = Transition(program, state, now, answers, watch)
    try:
        changes = _take(t, event)
    except (NeedsEvaluation, KernelBug):
        raise
    except Exception as error:
        raise KernelBug(
            f"{type(error).__name__} while run {state.id or '(new)'} took {type(event).__name__}: "
            f"{error}",
            hint="please report this; the run stands where it stood before",
        ) from error
    if changes is None:
        return Step(state, [], False)
    if t.ended is not None:
        changes.update(t.ended)
    return Step(t.result(**changes), t.commands, True)


def _take(t: Transition, event: Event) -> dict[str, Any] | None:
    """Take the event in; returns the changes to the run's own fields, None when it means nothing."""
    match event:
        case Performed():
            return _answered(t, event.token, event.key, event.output)
        case Failed():
            return _answered(t, event.token, event.key, event.fault)
        case Started():
            return _start(t, event)
        case Heard():
            return _hear(t, event)
        case Woken():
            return _wake(t)
        case Continued():
            return _continue(t)
        case CancelAsked():
            if t.state.cancelling:
                return None
            t.follow(workflow.cancel(t, event))
            return {"status": RUNNING, "cancelling": True, "suspended_at": None, "held": ()}
        case SuspendAsked():
            return {"status": SUSPENDED, "suspended_at": t.now}
        case ResumeAsked():
            return _resume(t)


def _start(t: Transition, event: Started) -> dict[str, Any] | None:
    if t.state.status != PENDING:
        return None
    begun = {
        "id": event.run,
        "origin": event.origin or event.run,
        "status": RUNNING,
        "started": t.now,
        "input": event.input,
        "secrets": event.secrets,
        "nonce": event.nonce,
        "behaviour": event.behaviour,
    }
    t.state = msgspec.structs.replace(t.state, **begun)
    token = Token("", ears=Ears(event.heard) if event.heard else None)
    root = Frame("", "", event.input, event.input, t.now)
    t.tokens[""] = token
    t.follow((workflow.begin_run, token, root, event))
    return begun


def _answered(t: Transition, token_id: str, key: str, answer: Any) -> dict[str, Any] | None:
    token = t.tokens.get(token_id)
    if token is None:
        return None
    frame = token.frame
    if frame is None or not isinstance(frame.state, CallState) or frame.at + frame.path != key:
        return None
    node = t.program.nodes[frame.at]
    t.follow((node.result, token, frame, node, answer))
    return {}


def _hear(t: Transition, event: Heard) -> dict[str, Any] | None:
    consumed = False
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        boundary = token_id.rpartition("/branches/")[0] if token and token.owner else None
        frame = token.frame if token is not None else None
        while frame is not None and frame.at + frame.path != boundary:
            if isinstance(frame.state, ListenState) and token is not None:
                taken = _offer(t, token, frame, event)
                consumed = consumed or taken
                if taken:
                    break
            frame = frame.parent
    return {} if consumed else None


def _offer(t: Transition, token: Token, frame: Frame, event: Heard) -> bool:
    node = t.program.nodes[frame.at]
    try:
        action, taken = listen.hear(t, token, frame, node, event.number, event.event)
    except Raised as raised:
        # The filter itself is faulty: the listen faults, rather than waiting for ever.
        abandon_inside(t, token, frame)
        give_up_frame(t, token, frame)
        t.follow((unwind, token, frame, raised.fault))
        return True
    t.follow(action)
    return taken


def _wake(t: Transition) -> dict[str, Any] | None:
    woken = False
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        if token is None:
            continue
        wake = token.wake
        if wake is None or wake > t.now:
            continue
        woken = _due(t, token) or woken
    return {} if woken else None


def _due(t: Transition, token: Token) -> bool:
    """Deal with what is due in a token: the outermost overdue timeout first, else its waiting."""
    nodes = t.program.nodes
    boundary = token.id.rpartition("/branches/")[0] if token.owner is not None else None
    overdue: tuple[Frame, bool] | None = None
    frame = token.frame
    while frame is not None and frame.at + frame.path != boundary:
        if frame.deadline is not None and frame.deadline <= t.now:
            overdue = (frame, True)
        elif (
            isinstance(frame.state, TryState)
            and frame.state.expires is not None
            and frame.state.expires <= t.now
        ):
            overdue = (frame, False)
        frame = frame.parent
    if overdue is not None:
        frame, whole = overdue
        node = nodes[frame.at]
        if not whole:
            t.follow(try_.expired(t, token, frame, node))
            return True
        abandon_inside(t, token, frame)
        give_up_frame(t, token, frame)
        fault = timeout_fault("it took longer than its timeout", frame.at)
        outer = frame if frame.parent is None else frame.parent
        t.follow((unwind, token, outer, fault))
        return True
    frame = token.frame
    if frame is not None and frame.due is not None and frame.due <= t.now:
        node = nodes[frame.at]
        t.follow((node.due, token, frame, node))
        return True
    return False


def _continue(t: Transition) -> dict[str, Any] | None:
    parked = [token for token in t.tokens.values() if token.entering is not None]
    for token in parked:
        frame = token.frame
        if token.entering is None or frame is None or t.tokens.get(token.id) is not token:
            continue
        node = t.program.nodes[token.entering]
        moving = Token(
            token.id, token.context, None, token.log, token.owner, None, None, token.ears
        )
        t.follow((enter, moving, frame, node, token.carried))
    return {} if parked else None


def _hold(state: RunState, event: Event) -> Step:
    """A suspended run keeps what comes for later; its clock stands still."""
    if isinstance(event, Woken | SuspendAsked | Started):
        return Step(state, [], False)
    return Step(msgspec.structs.replace(state, held=(*state.held, event)), [], True)


def _resume(t: Transition) -> dict[str, Any] | None:
    since = t.state.suspended_at
    if t.state.status != SUSPENDED or since is None:
        return None
    pause = t.now - since
    for token_id, token in t.tokens.items():
        t.tokens[token_id] = msgspec.structs.replace(token, frame=_later(token.frame, pause))
    held = t.state.held
    t.state = msgspec.structs.replace(t.state, status=RUNNING, held=(), suspended_at=None)
    for event in held:
        if t.ended is None:
            _take(t, event)
    return {"status": RUNNING, "held": (), "suspended_at": None}


def _later(frame: Frame | None, pause: int) -> Frame | None:
    """Return a stack with every time in it moved by the pause (ruling A24)."""
    if frame is None:
        return None
    state = frame.state
    if isinstance(state, TryState):
        state = msgspec.structs.replace(
            state, first=state.first + pause, expires=_moved(state.expires, pause)
        )
    return msgspec.structs.replace(
        frame,
        parent=_later(frame.parent, pause),
        state=state,
        deadline=_moved(frame.deadline, pause),
        wake=_moved(frame.wake, pause),
        due=_moved(frame.due, pause),
    )


def _moved(time: int | None, pause: int) -> int | None:
    return None if time is None else time + pause


__all__ = ["BEHAVIOUR", "NEW", "Step", "Subscribe", "step"]
