"""`wait`: a pause that survives restarts; the output is the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.flow import duration_ms, finish, new_frame
from batuta.kernel.state import Frame, Token, WaitState
from batuta.kernel.tasks.do import parent_of
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Let the token wait until its time."""
    due = t.now + duration_ms(t, node.own, data, token, parent)
    t.stop(token, new_frame(t, token, parent, node, raw, data, state=WaitState(), due=due))
    return None


def due(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """The time has come."""
    del t
    return (
        finish,
        token,
        parent_of(frame),
        node,
        frame.raw,
        frame.input,
        frame.input,
        frame.started,
    )
