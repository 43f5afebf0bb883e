"""`try`: tasks, and what to do with their errors.

An error that the catch means (`errors.with`, `when`, `exceptWhen`) is retried while the policy
allows; then what the tasks of the try have completed is undone (their `compensate`), then
`catch.do` runs. Without `catch.do` an error whose retries ran out faults on (ruling A7); without a
retry policy it is swallowed, as `catch: {}` says, and the output is the try's input.

`limit.attempt.count` counts retries, not attempts (A8); `limit.attempt.duration` cuts each attempt
and `limit.duration` all of them (A9). Jitter is drawn from run, task and attempt, so that a replay
draws the same.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from batuta.definition.error_types import canonical_error_type
from batuta.kernel.data import duration_ms
from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.faults import FaultData, timeout_fault
from batuta.kernel.flow import PASS_ON, enter, finish, unwind
from batuta.kernel.frames import attempt_mark, earliest, new_frame, parent_of
from batuta.kernel.leaving import leave_to
from batuta.kernel.owing import inside, without
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import Frame, Token, TryState
from batuta.kernel.tasks.compensation import compensate
from batuta.kernel.transition import Action, Transition, entering, given_in

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
    frame = new_frame(t, token, parent, node, raw, data, state=TryState("delay", 1, t.now))
    return (_attempt, token, frame, node)


def _in_phase(
    frame: Frame,
    state: TryState,
    *,
    variables: dict[str, Any] | None = None,
    inner: str | None = None,
    due: int | None = None,
) -> Frame:
    """Return the try's frame in another phase, with what wakes it then."""
    return Frame(
        frame.at,
        frame.path,
        frame.raw,
        frame.input,
        frame.started,
        frame.parent,
        state,
        variables,
        frame.path if inner is None else inner,
        frame.deadline,
        earliest(frame.deadline, parent_of(frame).wake, state.expires),
        due,
    )


def _attempt(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    catch: Catch = node.own
    state = state_of(frame)
    expires = None
    if catch.retry is not None and catch.retry.attempt_duration is not None:
        expires = t.now + duration_ms(t, catch.retry.attempt_duration, frame.input, token, frame)
    # Attempts after the first get a path of their own, so that a late answer of one that was given
    # up is not taken for the next one's.
    inner = frame.path + attempt_mark(frame, state.attempt)
    attempt = TryState("body", state.attempt, state.first, expires)
    frame = _in_phase(frame, attempt, inner=inner)
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
    if state.phase != "body" or not _meant(t, token, frame, node, fault):
        return PASS_ON
    if catch.retry is not None:
        delay = _delay(t, token, frame, node, catch.retry, fault.as_json())
        if delay is not None:
            report_frame(t, "retried", frame, fault)
            again = TryState("delay", state.attempt + 1, state.first, None, fault, t.cause)
            if delay == 0:
                return (_attempt, token, _in_phase(frame, again), node)
            t.stop(token, _in_phase(frame, again, due=t.now + delay))
            return None
    owed = inside(token.log, frame, "try")
    caught = _in_phase(frame, TryState("catch", state.attempt, state.first, None, fault))
    if owed:
        kept = without(token.log, owed)
        token = Token(token.id, token.context, None, kept, token.owner, None, None, token.ears)
        return compensate(t, token, caught, owed, "catch", fault)
    return handle(t, token, caught, node, fault)


def due(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """The delay before the next attempt is over."""
    t.cause = state_of(frame).cause
    return (_attempt, token, frame, node)


def expired(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """An attempt ran past `limit.attempt.duration`: a timeout that this try itself may catch."""
    token = leave_to(t, token, frame)
    t.cause = (node.reference, "faulted")
    fault = timeout_fault(
        "the attempt took longer than retry.limit.attempt.duration", node.reference
    )
    return (unwind, token, frame, fault)


def handle(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """The error is caught for good: run the handler, or go on without one."""
    del t
    catch: Catch = node.own
    if not catch.handled and catch.retry is not None:
        return (give_up, token, frame, fault)
    handling = _in_phase(frame, state_of(frame), variables={catch.as_: fault.as_json()})
    if catch.do is None:
        return (block_done, token, handling, node, frame.input, False)
    return (enter, token, handling, catch.do, frame.input)


def give_up(t: Transition, token: Token, frame: Frame, fault: FaultData) -> Action:
    """The task of `frame` faults with what it could not handle."""
    report_frame(t, "faulted", frame, fault)
    return (unwind, token, parent_of(frame), fault)


def _meant(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> bool:
    catch: Catch = node.own
    error = fault.as_json()
    given = {**given_in(frame, node), catch.as_: error}
    if catch.filter is not None:
        wanted = catch.filter.evaluate(t, frame.input, token, frame, given)
        if any(not _same(name, error.get(name), value) for name, value in wanted.items()):
            return False
    if catch.when is not None and not is_true(catch.when.evaluate(t, error, token, frame, given)):
        return False
    return catch.except_when is None or not is_true(
        catch.except_when.evaluate(t, error, token, frame, given)
    )


def _same(name: str, actual: Any, wanted: Any) -> bool:
    if name == "type" and isinstance(wanted, str):
        return canonical_error_type(actual) == canonical_error_type(wanted)
    return bool(actual == wanted)


def _delay(
    t: Transition, token: Token, frame: Frame, node: Node, retry: Retry, error: dict[str, Any]
) -> int | None:
    """Return how long to wait before the next attempt, or None for no further attempt."""
    state = state_of(frame)
    if retry.count is not None and state.attempt > retry.count:
        return None
    given = {**given_in(frame, node), node.own.as_: error}
    if retry.when is not None and not is_true(retry.when.evaluate(t, error, token, frame, given)):
        return None
    if retry.except_when is not None and is_true(
        retry.except_when.evaluate(t, error, token, frame, given)
    ):
        return None

    def length(duration: DurationCode) -> int:
        return duration_ms(t, duration, frame.input, token, frame, given)

    delay = 0 if retry.delay is None else _grown(length(retry.delay), retry, state.attempt)
    if retry.jitter is not None:
        low, high = length(retry.jitter[0]), length(retry.jitter[1])
        delay += low + _draw(f"{t.state.id}{frame.at}{frame.path}+{state.attempt}", high - low)
    if retry.total_duration is not None and t.now + delay > state.first + length(
        retry.total_duration
    ):
        return None
    return delay


LONGEST_MS = 365 * 86_400_000
"""No delay grows longer than a year."""


def _grown(delay: int, retry: Retry, attempt: int) -> int:
    """Return the delay after `attempt` attempts, before jitter."""
    longest = LONGEST_MS if retry.maximum_ms is None else retry.maximum_ms
    if retry.backoff == "linear":
        delay *= attempt
    elif retry.backoff == "exponential":
        try:
            delay = int(min(delay * retry.factor ** (attempt - 1), longest))
        except OverflowError:
            delay = longest
    return min(delay, longest)


def _draw(seed: str, span: int) -> int:
    """Return a number from 0 to span, the same for the same seed."""
    if span <= 0:
        return 0
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % (span + 1)


def state_of(frame: Frame) -> TryState:
    """Return the frame's state, whose kind is that of its task (`invariants`)."""
    return cast("TryState", frame.state)
