"""Leaving tasks before they ended: what they asked for is taken back, what they owe is kept.

Owns the four ways out that are not a task's own end: a fault that passes through, a timeout around
it, the cancelling of a branch, and the end of the run. Each must give back what the frame holds
open (a call under way, a subscription, branches), and none may lose the log of what was completed
and can be undone: the log of a cancelled branch, and what an interrupted undoing still had to do,
go to the token that goes on.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from batuta.kernel.commands import Abandon, Perform, StartChild, Subscribe, Unsubscribe
from batuta.kernel.frames import branch_id, own_frames
from batuta.kernel.owing import together
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import (
    CallState,
    CompensationState,
    ForkState,
    Frame,
    ListenState,
    Owed,
    Token,
)

if TYPE_CHECKING:
    from batuta.kernel.transition import Transition


def give_back(t: Transition, token_id: str, frame: Frame) -> None:
    """Take back what a frame's own task has open in the world."""
    state = frame.state
    if isinstance(state, CallState):
        key = frame.at + frame.path
        if not _unasked(t, key):
            t.commands.append(Abandon(token_id, key))
    elif isinstance(state, ListenState):
        if not state.satisfied:
            _unsubscribe(t, token_id, frame)
    elif isinstance(state, ForkState):
        for index in range(len(state.branches)):
            branch = t.tokens.get(branch_id(frame, index))
            if branch is not None:
                cancel_token(t, branch)


def _unasked(t: Transition, key: str) -> bool:
    """Take back a task that this very step asked for: nobody has seen it yet."""
    for index, command in enumerate(t.commands):
        if isinstance(command, Perform | StartChild) and command.key == key:
            del t.commands[index]
            return True
    return False


def _unsubscribe(t: Transition, token_id: str, frame: Frame) -> None:
    key = frame.at + frame.path
    for index, command in enumerate(t.commands):
        if isinstance(command, Subscribe) and command.key == key:
            del t.commands[index]
            return
    t.commands.append(Unsubscribe(token_id, key))


def cancel_token(t: Transition, token: Token) -> None:
    """End a token where it stands."""
    t.tokens.pop(token.id, None)
    for frame in own_frames(token):
        give_back(t, token.id, frame)
        report_frame(t, "cancelled", frame)


def cancel_all(t: Transition, *, but: str | None = None) -> None:
    """Cancel every token of the run (`but` one), branches before the tokens they belong to."""
    for token in sorted(t.tokens.values(), key=lambda token: len(token.id), reverse=True):
        if token.id != but and token.id in t.tokens:
            cancel_token(t, token)


def leave_to(t: Transition, token: Token, frame: Frame) -> Token:
    """Drop every frame that a token has inside `frame`; returns it owing all that was in there."""
    log = all_owed(t, token, down_to=frame)
    for inner in takewhile(lambda one: one is not frame, own_frames(token)):
        give_back(t, token.id, inner)
        report_frame(t, "cancelled", inner)
    return Token(token.id, token.context, None, log, token.owner, None, None, token.ears)


def all_owed(t: Transition, token: Token, down_to: Frame | None = None) -> tuple[Owed, ...]:
    """Return what a token, the branches under it and its interrupted undoing owe, oldest first.

    `down_to` leaves out the undoing that stands in that frame or around it: it goes on.
    """
    undoing = [
        _interrupted(frame.state)
        for frame in takewhile(lambda one: one is not down_to, own_frames(token))
        if isinstance(frame.state, CompensationState)
    ]
    owed = token.log
    for entries in reversed(undoing):
        owed = together(owed, entries)
    # The top frame of a branch that has not begun is its fork's, which is not its own.
    top = next(own_frames(token), None)
    if top is not None and isinstance(top.state, ForkState):
        for index, branch in enumerate(top.state.branches):
            inner = t.tokens.get(branch_id(top, index))
            owed = together(owed, all_owed(t, inner) if inner is not None else branch.log)
    return owed


def _interrupted(state: CompensationState) -> tuple[Owed, ...]:
    current = state.owed[-1]
    tried = msgspec.structs.replace(current, tried=current.tried + state.attempt)
    return (*state.owed[:-1], tried)
