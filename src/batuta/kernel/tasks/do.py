"""`do`: tasks in order, in a scope of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.flow import enter, finish
from batuta.kernel.frames import new_frame, parent_of
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame, Token


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Enter the first task; a scope without tasks passes its input on."""
    first: Node | None = node.own
    if first is None:
        return finish(t, token, parent, node, raw, data, data)
    return (enter, token, new_frame(t, token, parent, node, raw, data), first, data)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """The last task's output is the scope's."""
    del t, left
    return (finish, token, parent_of(frame), node, frame.raw, frame.input, output, frame.started)
