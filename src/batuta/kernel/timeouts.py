"""What is due in a token: timeouts around it, then its own waiting.

Owns which of several overdue timeouts counts, how the task of a frame faults by something that is
no fault of a task inside it, and what a pause does to times. Does not own when somebody looks
(`Token.wake`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from batuta.kernel.faults import timeout_fault
from batuta.kernel.flow import unwind
from batuta.kernel.frames import later, own_frames
from batuta.kernel.leaving import give_back, leave_to
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import CompensationState, Frame, Leaving, Token, TryState
from batuta.kernel.tasks import try_
from batuta.kernel.tasks.away import is_settled

if TYPE_CHECKING:
    from batuta.kernel.faults import FaultData
    from batuta.kernel.transition import Action, Transition


def due(t: Transition, token: Token) -> Action:
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
        if not is_settled(t, token, Leaving("due")):
            return None
        token = t.tokens[token.id]
        frame, whole = overdue
        if not whole:
            return try_.expired(t, token, frame, nodes[frame.at])
        fault = timeout_fault("it took longer than its timeout", frame.at)
        return fault_from(t, token, frame, fault)
    frame = cast("Frame", token.frame)
    if frame.due is None or frame.due > t.now:
        return None  # a timeout around its fork is overdue: the fork's token deals with that
    # No timeout is overdue, so the task itself waits, and its time has come.
    node = nodes[frame.at]
    return (node.due, token, frame, node)


def go_on(t: Transition) -> None:
    """A suspended run goes on: what was to be in a while still is (ruling A24)."""
    since = t.state.suspended_at
    if since is None:
        return
    pause = t.now - since
    for token_id, token in t.tokens.items():
        t.tokens[token_id] = msgspec.structs.replace(token, frame=later(token.frame, pause))
    t.state = msgspec.structs.replace(t.state, paused=t.state.paused + pause)


def fault_from(t: Transition, token: Token, frame: Frame, fault: FaultData) -> Action:
    """Let the task of `frame` fault by something that is not a fault of a task inside it."""
    if fault.instance is None:
        fault = msgspec.structs.replace(fault, instance=frame.at)
    t.cause = (frame.at, "faulted")
    token = leave_to(t, token, frame)
    if frame.parent is None:
        return (unwind, token, frame, fault)
    give_back(t, token.id, frame)
    report_frame(t, "faulted", frame, fault)
    return (unwind, token, frame.parent, fault)
