"""`wait`: a pause that survives restarts; the output is the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.data import duration_ms
from batuta.kernel.flow import finish
from batuta.kernel.frames import new_frame, parent_of
from batuta.kernel.state import Frame, Token, WaitState
from batuta.kernel.transition import Action, TaskView, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Let the token wait until its time."""
    given = {"task": TaskView(node, raw, t.now)}
    due = t.now + duration_ms(t, node.own, data, token, parent, given)
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
