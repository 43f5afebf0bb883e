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
from batuta.kernel import parts
from batuta.kernel.commands import Command, Continue, Finish, Perform, Subscribe
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import (
    Arrived,
    BranchCancelled,
    BranchEnded,
    CancelAsked,
    Closed,
    Continued,
    Event,
    Failed,
    Heard,
    Opened,
    Performed,
    ResumeAsked,
    Started,
    SuspendAsked,
    Woken,
)
from batuta.kernel.faults import Raised
from batuta.kernel.flow import enter
from batuta.kernel.frames import is_undoing, own_frames
from batuta.kernel.state import (
    NOTHING,
    PENDING,
    RUNNING,
    SUSPENDED,
    TERMINAL,
    CallState,
    Ears,
    Frame,
    Leaving,
    ListenState,
    RunState,
    Token,
)
from batuta.kernel.tasks import listen, workflow
from batuta.kernel.tasks.away import is_cancelled, is_settled
from batuta.kernel.timeouts import due, fault_from, go_on
from batuta.kernel.transition import STRETCH, Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program

NEW = RunState()
"""The state of a run before its `Started`."""

BEHAVIOUR = 5
"""The newest numbered behaviour; recorded with each run. See `behaviours.md` in the docs folder."""

CATCHES_UP_FIRST = 2
"""From this behaviour on, a listen is offered in order what came while its run was suspended."""

UNDOES_WHAT_WAS_HELD = 4
"""From this behaviour on, a cancel undoes what was answered while the run was suspended, too."""


_NOT_HELD = ResumeAsked | CancelAsked | Closed | Opened
"""What a suspended run takes at once."""

_FROM_ELSEWHERE = Started | Arrived | BranchEnded | BranchCancelled
"""What others tell a part, so that also one that is cancelled has to take it."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What follows: the new state, and commands to carry out once it is durable.

    `changed` is False when the event meant nothing: then nothing needs to be recorded.
    """

    state: RunState
    commands: list[Command]
    changed: bool


def step(  # noqa: C901 -- one short case each
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
    if state.status == SUSPENDED and not isinstance(event, _NOT_HELD):
        return _hold(state, event)
    if type(event) is Closed and not state.tokens:
        return _close_idle(state, event, now)
    t = Transition(program, state, now, answers, watch)
    told = 0 if watch is None else len(watch)
    try:
        changes = _TAKE[type(event)](t, event)
    except NeedsEvaluation:
        if watch is not None:
            del watch[told:]
        raise
    except Exception as error:
        if watch is not None:
            del watch[told:]
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


def _close_idle(state: RunState, event: Closed, now: int) -> Step:
    """The run is over, and nothing of it is here: what most parts hear of most runs."""
    over = msgspec.structs.replace(
        state, status=event.status, ended=now, held=(), suspended_at=None
    )
    return Step(over, [Finish(event.status, None, None)], True)


def _start(t: Transition, event: Started) -> dict[str, Any] | None:
    if t.state.is_known:
        return None
    t.state = msgspec.structs.replace(
        t.state,
        id=event.run,
        origin=event.origin or event.run,
        status=RUNNING,
        started=t.now,
        input=event.input,
        secrets=event.secrets,
        nonce=event.nonce,
        behaviour=event.behaviour,
        amended=event.amended,
    )
    # The context begins as an empty object (ruling A3), so that `$context.x` and `$context + {}`
    # do.
    root = Frame("", "", event.input, event.input, t.now)
    token = Token("", {}, root, ears=Ears(event.heard) if event.heard else None)
    t.tokens[""] = token
    t.cause = ("", "start")
    if t.state.cancelling:
        # That it is to end came before its start: to a participant messages come in any order.
        t.follow(workflow.cancel(t, compensate=False))
    else:
        t.follow((workflow.begin_run, token, root, event))
    return {}


def _answered(t: Transition, event: Performed | Failed) -> dict[str, Any] | None:
    token = t.tokens.get(event.token)
    frame = None if token is None else _awaiting(token, event.key)
    if frame is None:
        return None
    node = t.program.nodes[frame.at]
    answer = event.output if isinstance(event, Performed) else event.fault
    if isinstance(event, Failed):
        t.cause = (node.reference, "faulted")
    t.follow((node.result, token, frame, node, answer))
    return {}


def _opened(t: Transition, event: Opened) -> dict[str, Any] | None:
    changes = parts.open_part(t, event)
    if changes is not None and event.answer is not None:
        _answered_at_once(t, event.answer)
    return changes


def _arrived(t: Transition, event: Arrived) -> dict[str, Any] | None:
    changes = parts.arrive(t, event)
    if changes is not None and event.answer is not None:
        _answered_at_once(t, event.answer)
    return changes


def _answered_at_once(t: Transition, answer: Performed | Failed) -> None:
    """Take the answer of a task that this very step has asked for, as a step of its own would.

    So nobody need be asked any more, and what control may do in one step begins anew.
    """
    t.commands = [
        one for one in t.commands if not (isinstance(one, Perform) and one.key == answer.key)
    ]
    t.left, t.cause = STRETCH, NOTHING
    _answered(t, answer)


def _awaiting(token: Token, key: str) -> Frame | None:
    """Return the frame in which a token awaits the answer of this key."""
    frame = token.frame
    if frame is None or frame.at + frame.path != key or token.entering is not None:
        return None
    return frame if isinstance(frame.state, CallState) else None


def _hear(t: Transition, event: Heard) -> dict[str, Any] | None:
    consumed = False
    fresh = _fresh(t) if not event.key else frozenset[str]()
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        if token is None:
            continue
        for frame in own_frames(token):
            if (
                isinstance(frame.state, ListenState)
                and event.key in {"", frame.at + frame.path}
                and frame.at + frame.path not in fresh
                and _offer(t, token, frame, event)
            ):
                consumed = True
                break
    return {} if consumed else None


def _fresh(t: Transition) -> frozenset[str]:
    """Return the keys of the listens that have begun in this step: they are yet to be caught up.

    Only what a run has kept while it was suspended can come behind their beginning.
    """
    if t.state.behaviour < CATCHES_UP_FIRST:
        return frozenset()
    return frozenset(one.key for one in t.commands if isinstance(one, Subscribe))


def _offer(t: Transition, token: Token, frame: Frame, event: Heard) -> bool:
    node = t.program.nodes[frame.at]
    try:
        action, taken = listen.hear(t, token, frame, node, event.number, event.event)
    except Raised as raised:
        # The filter itself is faulty: the listen faults, rather than waiting for ever.
        t.follow(fault_from(t, token, frame, raised.fault))
        return True
    t.follow(action)
    return taken


def _wake(t: Transition, _: Woken) -> dict[str, Any] | None:
    woken = False
    for token_id in sorted(t.tokens):
        token = t.tokens.get(token_id)
        if token is None:
            continue
        wake = token.wake
        if wake is None or wake > t.now:
            continue
        t.follow(due(t, token))
        woken = True
    return {} if woken else None


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
                isinstance(one, Heard) and (one.number, one.key) == (event.number, event.key)
                for one in state.held
            )
        case Continued():
            means = _parked(state) and event not in state.held
        case Started():
            means = not state.is_known and event not in state.held
        case Arrived() | BranchEnded() | BranchCancelled():
            means = event not in state.held
        case _:
            means = False
    if not means:
        return Step(state, [], False)
    return Step(msgspec.structs.replace(state, held=(*state.held, event)), [], True)


def _cancel(t: Transition, event: CancelAsked) -> dict[str, Any] | None:
    if t.state.status == PENDING or (t.state.cancelling and event.compensate):
        return None
    held = t.state.held
    go_on(t)
    t.state = msgspec.structs.replace(
        t.state,
        status=RUNNING,
        cancelling=True,
        suspended_at=None,
        held=(),
        spared=not event.compensate,
    )
    if event.compensate and t.state.behaviour >= UNDOES_WHAT_WAS_HELD:
        _complete_held(t, held)
    first = t.tokens.get("")
    if (
        first is not None
        and is_cancelled(t.state, first)
        and (not event.compensate or is_settled(t, first, Leaving("cancel")))
    ):
        t.follow(workflow.cancel(t, compensate=event.compensate))
    if t.program.part is not None:
        parts.cancel_branches(t)
        # What tokens here were answered is not wanted any more, but what came from elsewhere is.
        for one in held:
            if t.ended is None and isinstance(one, _FROM_ELSEWHERE):
                _TAKE[type(one)](t, one)
    return {}


def _complete_held(t: Transition, held: tuple[Event, ...]) -> None:
    """Let tasks end that were answered while the run was suspended, and nothing come after them.

    They have acted, so they owe their compensation; what else was held is not wanted any more.
    """
    t.stopping = True
    for one in held:
        if isinstance(one, Performed):
            token = t.tokens.get(one.token)
            frame = None if token is None else _awaiting(token, one.key)
            if frame is not None and not is_undoing(frame):
                _answered(t, one)
    t.stopping = False


def _suspend(t: Transition, _: SuspendAsked) -> dict[str, Any] | None:
    if t.state.status == PENDING:
        return None
    return {"status": SUSPENDED, "suspended_at": t.now}


def _resume(t: Transition, _: ResumeAsked) -> dict[str, Any] | None:
    if t.state.suspended_at is None:
        return None
    go_on(t)
    held = t.state.held
    t.state = msgspec.structs.replace(t.state, status=RUNNING, held=(), suspended_at=None)
    for event in held:
        if t.ended is None:
            _TAKE[type(event)](t, event)
    return {}


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
        Opened: _opened,
        Arrived: _arrived,
        BranchEnded: parts.end_branch,
        BranchCancelled: parts.cancel_branch,
        Closed: parts.close,
    }
)
"""What each event means to a run that is neither suspended nor over."""

__all__ = ["BEHAVIOUR", "NEW", "Step", "step"]
