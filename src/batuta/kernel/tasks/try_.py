"""`try`: tasks, and what to do with their errors.

An error that the catch means (`errors.with`, `when`, `exceptWhen`) is retried while the policy allows;
then what the tasks of the try have completed is undone (their `compensate`), then `catch.do` runs.
Without `catch.do` an error whose retries ran out faults on (ruling A7); without a retry policy it is
swallowed, as `catch: {}` says, and the output is the try's input.

`limit.attempt.count` counts retries, not attempts (A8); `limit.attempt.duration` cuts each attempt
and `limit.duration` all of them (A9). Jitter is drawn from run, task and attempt, so that a replay
draws the same.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from batuta.definition.error_types import canonical_error_type
from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.faults import FaultData, timeout_fault
from batuta.kernel.flow import (
    PASS_ON,
    abandon_inside,
    changed,
    duration_ms,
    enter,
    finish,
    new_frame,
    report,
    unwind,
)
from batuta.kernel.state import Frame, Token, TryState
from batuta.kernel.tasks.compensation import compensate
from batuta.kernel.tasks.do import parent_of
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import DurationCode, Node


class Retry:
    """A compiled retry policy."""

    __slots__ = (
        "attempt_duration",
        "backoff",
        "count",
        "delay",
        "except_when",
        "factor",
        "jitter",
        "maximum_ms",
        "total_duration",
        "when",
    )

    def __init__(self) -> None:
        self.when: Code | None = None
        self.except_when: Code | None = None
        self.delay: DurationCode | None = None
        self.backoff = "constant"
        self.factor = 2.0
        self.maximum_ms: int | None = None
        self.jitter: tuple[DurationCode, DurationCode] | None = None
        self.count: int | None = None
        self.attempt_duration: DurationCode | None = None
        self.total_duration: DurationCode | None = None


class Catch:
    """What a try needs: compiled once per node."""

    __slots__ = (
        "as_",
        "do",
        "except_when",
        "filter",
        "first",
        "handled",
        "retry",
        "then",
        "when",
    )

    def __init__(self) -> None:
        self.first: Node | None = None
        self.filter: Code | None = None
        self.as_ = "error"
        self.when: Code | None = None
        self.except_when: Code | None = None
        self.retry: Retry | None = None
        self.do: Node | None = None
        self.handled = False
        self.then: str | None = None


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Start the first attempt."""
    state = TryState("body", 1, len(token.log), t.now)
    frame = new_frame(t, token, parent, node, raw, data, state=state)
    return (_attempt, token, frame, node)


def _attempt(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    catch: Catch = node.own
    state = state_of(frame)
    expires = None
    if catch.retry is not None and catch.retry.attempt_duration is not None:
        expires = t.now + duration_ms(t, catch.retry.attempt_duration, frame.input, token, frame)
    wake = _earliest(frame.deadline, frame.parent.wake if frame.parent else None, expires)
    # Attempts after the first get a path of their own, so that a late answer of one that was given
    # up is not taken for the next one's.
    inner = frame.path if state.attempt == 1 else f"{frame.path}+{state.attempt - 1}"
    frame = Frame(
        frame.at,
        frame.path,
        frame.raw,
        frame.input,
        frame.started,
        frame.parent,
        TryState("body", state.attempt, state.mark, state.first, expires),
        None,
        inner,
        frame.deadline,
        wake,
        None,
    )
    if catch.first is None:
        return (block_done, token, frame, node, frame.input, False)
    return (enter, token, frame, catch.first, frame.input)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """The body, or the handler, ended well."""
    del t, left
    catch: Catch = node.own
    then = catch.then if state_of(frame).phase == "catch" else None
    return (
        finish,
        token,
        parent_of(frame),
        node,
        frame.raw,
        frame.input,
        output,
        frame.started,
        then,
    )


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """A task of the body faulted (faults of the handler are not this try's to catch)."""
    state = state_of(frame)
    catch: Catch = node.own
    if state.phase != "body" or not _meant(t, token, frame, catch, fault):
        return PASS_ON
    abandon_inside(t, token, frame)
    error = fault.as_json()
    if catch.retry is not None:
        delay = _delay(t, token, frame, node, catch.retry, error)
        if delay is not None:
            if t.watch is not None:
                report(t, "retried", node, frame.parent, path=frame.path, fault=fault)
            again = TryState("delay", state.attempt + 1, state.mark, state.first, None, fault)
            waiting = Frame(
                frame.at,
                frame.path,
                frame.raw,
                frame.input,
                frame.started,
                frame.parent,
                again,
                None,
                frame.path,
                frame.deadline,
                _earliest(frame.deadline, frame.parent.wake if frame.parent else None),
                t.now + delay,
            )
            if delay == 0:
                return (_attempt, token, waiting, node)
            t.stop(token, waiting)
            return None
    owed = token.log[state.mark :]
    if owed:
        token = Token(
            token.id,
            token.context,
            None,
            token.log[: state.mark],
            token.owner,
            None,
            None,
            token.ears,
        )
        caught = changed(
            frame, state=TryState("catch", state.attempt, state.mark, state.first, None, fault)
        )
        return compensate(t, token, caught, owed, "catch", fault)
    return handle(t, token, frame, node, fault)


def due(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """The delay before the next attempt is over."""
    del t
    return (_attempt, token, frame, node)


def expired(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """An attempt ran past `limit.attempt.duration`: a timeout that this try itself may catch."""
    abandon_inside(t, token, frame)
    fault = timeout_fault(
        "the attempt took longer than retry.limit.attempt.duration", node.reference
    )
    return (unwind, token, frame, fault)


def handle(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """The error is caught for good: run the handler, or go on without one."""
    catch: Catch = node.own
    state = state_of(frame)
    if not catch.handled:
        if catch.retry is not None:
            return (give_up, token, frame, fault)
        return (
            finish,
            token,
            parent_of(frame),
            node,
            frame.raw,
            frame.input,
            frame.input,
            frame.started,
            catch.then,
        )
    handling = Frame(
        frame.at,
        frame.path,
        frame.raw,
        frame.input,
        frame.started,
        frame.parent,
        TryState("catch", state.attempt, state.mark, state.first, None, fault),
        {catch.as_: fault.as_json()},
        frame.path,
        frame.deadline,
        _earliest(frame.deadline, frame.parent.wake if frame.parent else None),
        None,
    )
    if catch.do is None:
        return (block_done, token, handling, node, frame.input, False)
    return (enter, token, handling, catch.do, frame.input)


def give_up(t: Transition, token: Token, frame: Frame, fault: FaultData) -> Action:
    """The task of `frame` faults with what it could not handle."""
    if t.watch is not None:
        report(t, "faulted", t.program.nodes[frame.at], frame.parent, path=frame.path, fault=fault)
    return (unwind, token, frame.parent, fault)


def _meant(t: Transition, token: Token, frame: Frame, catch: Catch, fault: FaultData) -> bool:
    error = fault.as_json()
    given = {"input": frame.input, catch.as_: error}
    if catch.filter is not None:
        wanted = catch.filter.evaluate(t, frame.input, token, frame, given)
        for name, value in wanted.items():
            actual = error.get(name)
            if name == "type":
                value, actual = canonical_error_type(value), canonical_error_type(fault.type)
            if actual != value:
                return False
    if catch.when is not None and not is_true(catch.when.evaluate(t, error, token, frame, given)):
        return False
    return catch.except_when is None or not is_true(
        catch.except_when.evaluate(t, error, token, frame, given)
    )


def _delay(
    t: Transition, token: Token, frame: Frame, node: Node, retry: Retry, error: dict[str, Any]
) -> int | None:
    """Return how long to wait before the next attempt, or None for no further attempt."""
    state = state_of(frame)
    if retry.count is not None and state.attempt > retry.count:
        return None
    given = {"input": frame.input, node.own.as_: error}
    if retry.when is not None and not is_true(retry.when.evaluate(t, error, token, frame, given)):
        return None
    if retry.except_when is not None and is_true(
        retry.except_when.evaluate(t, error, token, frame, given)
    ):
        return None
    delay = 0
    if retry.delay is not None:
        delay = duration_ms(t, retry.delay, frame.input, token, frame)
    if retry.backoff == "linear":
        delay *= state.attempt
    elif retry.backoff == "exponential":
        delay = int(min(delay * retry.factor ** min(state.attempt - 1, 1_000), LONGEST_MS))
    if retry.maximum_ms is not None:
        delay = min(delay, retry.maximum_ms)
    if retry.jitter is not None:
        low = duration_ms(t, retry.jitter[0], frame.input, token, frame)
        high = duration_ms(t, retry.jitter[1], frame.input, token, frame)
        delay += low + _draw(f"{t.state.id}{frame.at}{frame.path}+{state.attempt}", high - low)
    if retry.total_duration is not None:
        total = duration_ms(t, retry.total_duration, frame.input, token, frame)
        if t.now + delay > state.first + total:
            return None
    return delay


LONGEST_MS = 365 * 86_400_000
"""No computed delay is longer than a year."""


def _draw(seed: str, span: int) -> int:
    """Return a number from 0 to span, the same for the same seed."""
    if span <= 0:
        return 0
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % (span + 1)


def _earliest(*times: int | None) -> int | None:
    known = [time for time in times if time is not None]
    return min(known) if known else None


def state_of(frame: Frame) -> TryState:
    """Return the frame's state, which is always a try's."""
    if not isinstance(frame.state, TryState):
        raise AssertionError("a try's frame holds a try's state")
    return frame.state
