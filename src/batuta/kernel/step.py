"""The only entry: `step(program, state, event, now)` gives the next state and what to do.

Owns which event means what for a run as a whole: starting, answers, wake-ups, suspension,
cancelling. A fault of the workflow is data in the new state. An event that no longer means anything
(an answer to a task that was cancelled, a second answer) changes nothing and is no error.
`KernelBug` means an invariant of ours does not hold; the state given is then still the truth.

`step` is pure: the same arguments give the same result, on any machine, at any time.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from batuta.errors import KernelBug
from batuta.kernel.commands import Command, Continue
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
from batuta.kernel.flow import enter, unwind
from batuta.kernel.frames import own_frames
from batuta.kernel.leaving import give_back, leave_to
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import (
    PENDING,
    RUNNING,
    SUSPENDED,
    TERMINAL,
    CallState,
    CompensationState,
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
    from collections.abc import Callable, Mapping

    from batuta.kernel.faults import FaultData
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
    told = 0 if watch is None else len(watch)
    try:
        changes = _TAKE[type(event)](t, event)
    except NeedsEvaluation:
        if watch is not None:
            del watch[told:]
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
    elif t.parked and (
        isinstance(event, Continued | CancelAsked | ResumeAsked) or not _parked(state)
    ):
        # One `Continued` moves every parked token, so one at a time is asked for.
        t.commands.append(Continue())
    return Step(t.result(**changes), t.commands, True)


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
    # The context begins as an empty object (ruling A3), so that `$context.x` and `$context + {}`
    # do.
    token = Token("", {}, ears=Ears(event.heard) if event.heard else None)
    root = Frame("", "", event.input, event.input, t.now)
    t.tokens[""] = token
    t.follow((workflow.begin_run, token, root, event))
    return begun


def _answered(t: Transition, event: Performed | Failed) -> dict[str, Any] | None:
    token = t.tokens.get(event.token)
    frame = None if token is None else _awaiting(token, event.key)
    if frame is None:
        return None
    node = t.program.nodes[frame.at]
    answer = event.output if isinstance(event, Performed) else event.fault
    t.follow((node.result, token, frame, node, answer))
    return {}


def _awaiting(token: Token, key: str) -> Frame | None:
    """Return the frame in which a token awaits the answer of this key."""
    frame = token.frame
    if frame is None or frame.at + frame.path != key or token.entering is not None:
        return None
    return frame if isinstance(frame.state, CallState) else None


def _hear(t: Transition, event: Heard) -> dict[str, Any] | None:
    consumed = False
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        if token is None:
            continue
        for frame in own_frames(token):
            if isinstance(frame.state, ListenState) and _offer(t, token, frame, event):
                consumed = True
                break
    return {} if consumed else None


def _offer(t: Transition, token: Token, frame: Frame, event: Heard) -> bool:
    node = t.program.nodes[frame.at]
    try:
        action, taken = listen.hear(t, token, frame, node, event.number, event.event)
    except Raised as raised:
        # The filter itself is faulty: the listen faults, rather than waiting for ever.
        _fault_from(t, token, frame, raised.fault)
        return True
    t.follow(action)
    return taken


def _fault_from(t: Transition, token: Token, frame: Frame, fault: FaultData) -> None:
    """Let the task of `frame` fault by something that is not a fault of a task inside it."""
    if fault.instance is None:
        fault = msgspec.structs.replace(fault, instance=frame.at)
    token = leave_to(t, token, frame)
    if frame.parent is None:
        t.follow((unwind, token, frame, fault))
        return
    give_back(t, token.id, frame)
    report_frame(t, "faulted", frame, fault)
    t.follow((unwind, token, frame.parent, fault))


def _wake(t: Transition, _: Woken) -> dict[str, Any] | None:
    woken = False
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        if token is None:
            continue
        wake = token.wake
        if wake is None or wake > t.now:
            continue
        _due(t, token)
        woken = True
    return {} if woken else None


def _due(t: Transition, token: Token) -> None:
    """Deal with what is due in a token: the outermost overdue timeout first, else its waiting.

    While something is being undone, the timeouts around the undoing stand back.
    """
    nodes = t.program.nodes
    overdue: tuple[Frame, bool] | None = None
    for frame in own_frames(token):
        if isinstance(frame.state, CompensationState):
            break
        if frame.deadline is not None and frame.deadline <= t.now:
            overdue = (frame, True)
        elif (
            isinstance(frame.state, TryState)
            and frame.state.expires is not None
            and frame.state.expires <= t.now
        ):
            overdue = (frame, False)
    if overdue is not None:
        frame, whole = overdue
        node = nodes[frame.at]
        if not whole:
            t.follow(try_.expired(t, token, frame, node))
            return
        _fault_from(t, token, frame, timeout_fault("it took longer than its timeout", frame.at))
        return
    # No timeout is overdue, so the task itself waits, and its time has come.
    frame = cast("Frame", token.frame)
    node = nodes[frame.at]
    t.follow((node.due, token, frame, node))


def _continue(t: Transition, _: Continued) -> dict[str, Any] | None:
    parked = [token for token in t.tokens.values() if token.entering is not None]
    for token in parked:
        if t.tokens.get(token.id) is not token:
            continue  # a token before it in this list has ended it
        frame = token.frame
        node = t.program.nodes[cast("str", token.entering)]
        moving = Token(
            token.id, token.context, None, token.log, token.owner, None, None, token.ears
        )
        t.follow((enter, moving, frame, node, token.carried))
    return {} if parked else None


def _parked(state: RunState) -> bool:
    return any(token.entering is not None for token in state.tokens.values())


def _hold(state: RunState, event: Event) -> Step:
    """A suspended run keeps what comes for later; its clock stands still."""
    match event:
        case Performed() | Failed():
            token = state.tokens.get(event.token)
            means = (
                token is not None
                and _awaiting(token, event.key) is not None
                and not any(
                    isinstance(one, Performed | Failed) and one.key == event.key
                    for one in state.held
                )
            )
        case Heard():
            means = not any(
                isinstance(one, Heard) and one.number == event.number for one in state.held
            )
        case Continued():
            means = _parked(state) and event not in state.held
        case _:
            means = False
    if not means:
        return Step(state, [], False)
    return Step(msgspec.structs.replace(state, held=(*state.held, event)), [], True)


def _cancel(t: Transition, event: CancelAsked) -> dict[str, Any] | None:
    if t.state.status == PENDING or (t.state.cancelling and event.compensate):
        return None
    t.follow(workflow.cancel(t, event))
    return {"status": RUNNING, "cancelling": True, "suspended_at": None, "held": ()}


def _suspend(t: Transition, _: SuspendAsked) -> dict[str, Any] | None:
    if t.state.status == PENDING:
        return None
    return {"status": SUSPENDED, "suspended_at": t.now}


def _resume(t: Transition, _: ResumeAsked) -> dict[str, Any] | None:
    since = t.state.suspended_at
    if since is None:
        return None
    pause = t.now - since
    for token_id, token in t.tokens.items():
        t.tokens[token_id] = msgspec.structs.replace(token, frame=_later(token.frame, pause))
    held = t.state.held
    t.state = msgspec.structs.replace(t.state, status=RUNNING, held=(), suspended_at=None)
    for event in held:
        if t.ended is None:
            _TAKE[type(event)](t, event)
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


_TAKE: Mapping[type[Event], Callable[[Transition, Any], dict[str, Any] | None]] = MappingProxyType(
    {
        Performed: _answered,
        Failed: _answered,
        Started: _start,
        Heard: _hear,
        Woken: _wake,
        Continued: _continue,
        CancelAsked: _cancel,
        SuspendAsked: _suspend,
        ResumeAsked: _resume,
    }
)
"""What each event means to a run that is neither suspended nor over."""

__all__ = ["BEHAVIOUR", "NEW", "Step", "step"]
