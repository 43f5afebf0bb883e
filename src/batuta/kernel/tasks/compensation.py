"""Undoing what was completed: not a task of the DSL but ours (`metadata.compensate`).

What is owed is undone newest first, one after the other, each by its own task, before the error
goes on (to the `catch` that handles it, or to the end of the run). A compensation that faults is
tried again `RETRIES` times with growing delays; one that still faults is noted, the others are
undone all the same, and then the run has a fault of its own to tell, since its
world is no longer consistent: nothing may catch over that silently, so it is raised from where the
undoing began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from batuta.kernel.faults import FaultData, standard
from batuta.kernel.flow import enter
from batuta.kernel.frames import changed, parent_of
from batuta.kernel.state import CompensationState, Frame, Owed, Token

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.transition import Action, Transition

RETRIES = 4
FIRST_DELAY_MS = 1_000
AT = "#compensation"
"""The reference of a compensation's frame: no task of the document has it."""


def compensate(
    t: Transition,
    token: Token,
    frame: Frame,
    owed: tuple[Owed, ...],
    sequel: str,
    fault: FaultData | None = None,
) -> Action:
    """Begin to undo `owed` inside `frame`; afterwards do as `sequel` says."""
    path = f"{frame.path}!{frame.at}"
    inside = Frame(
        AT,
        path,
        None,
        None,
        t.now,
        frame,
        CompensationState(owed, sequel, 1, fault),
        None,
        path,
        None,
        None,
        None,
    )
    return (_undo, token, inside)


def _undo(t: Transition, token: Token, frame: Frame) -> Action:
    state = state_of(frame)
    if not state.owed:
        return _sequel(t, token, frame)
    owed = state.owed[-1]
    undoing = t.program.nodes[owed.at].compensate
    variables = {**(owed.variables or {}), "output": owed.output, "input": owed.input}
    before = owed.tried + state.attempt - 1
    inner = f"{owed.path}+!{before}" if before else owed.path
    frame = changed(frame, state=state, inner=inner, variables=variables)
    return (enter, token, frame, undoing, owed.input)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """One is undone."""
    del t, node, output, left
    state = state_of(frame)
    rest = CompensationState(state.owed[:-1], state.sequel, 1, state.fault, state.failures)
    return (_undo, token, changed(frame, state=rest))


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """One could not be undone: try again later, or note it and go on with the others."""
    del node
    state = state_of(frame)
    if state.attempt <= RETRIES:
        again = CompensationState(
            state.owed, state.sequel, state.attempt + 1, state.fault, state.failures, t.cause
        )
        due_at = t.now + FIRST_DELAY_MS * 2 ** (state.attempt - 1)
        t.stop(token, changed(frame, state=again, due=due_at))
        return None
    failures = (*state.failures, fault)
    rest = CompensationState(state.owed[:-1], state.sequel, 1, state.fault, failures)
    return (_undo, token, changed(frame, state=rest))


def due(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """The delay before another attempt is over."""
    del node
    t.cause = state_of(frame).cause
    return (_undo, token, changed(frame, state=frame.state))


def _sequel(t: Transition, token: Token, frame: Frame) -> Action:
    from batuta.kernel import timeouts  # noqa: PLC0415 -- it stands on `flow`, as this does
    from batuta.kernel.tasks import fork, try_, workflow  # noqa: PLC0415 -- they begin undoing

    state = state_of(frame)
    below = parent_of(frame)
    fault = state.fault
    if state.failures:
        fault = failure_of(state)
        if state.sequel in {"catch", "join"}:
            return (try_.give_up, token, below, fault)
    owner = t.program.nodes[below.at]
    if state.sequel in {"catch", "join"} and below.wake is not None and below.wake <= t.now:
        # It stood back while something was undone: now it counts before anything else begins.
        overdue = below if state.sequel == "catch" else changed(below, state=fork.OVER)
        t.stop(token, overdue)
        return timeouts.due(t, t.tokens[token.id])
    if state.sequel == "catch" and fault is not None:
        return (try_.handle, token, below, owner, fault)
    if state.sequel == "join":
        return (fork.won, token, below, owner)
    return (workflow.end_undone, token, below, owner, fault, state.sequel)


def failure_of(state: CompensationState) -> FaultData:
    """Return the fault that tells which compensations failed, and what had led to them."""
    reasons = "; ".join(
        f"{one.instance}: {one.title} {one.detail or ''}".strip() for one in state.failures
    )
    cause = (
        f"; undoing because of: {state.fault.title} at {state.fault.instance}"
        if state.fault is not None
        else ""
    )
    instance = state.failures[0].instance
    return standard(
        "runtime", 500, "Compensation failed", f"not undone: {reasons}{cause}", instance
    )


def state_of(frame: Frame) -> CompensationState:
    """Return the frame's state, whose kind is that of its task (`invariants`)."""
    return cast("CompensationState", frame.state)
