"""`set`: the evaluated value is the output; nothing is merged into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.flow import finish
from batuta.kernel.transition import Action, TaskView, Transition

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame, Token


def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Evaluate and go on at once."""
    given = {"input": data, "task": TaskView(node, raw, t.now)}
    value = node.own.evaluate(t, data, token, parent, given)
    return (finish, token, parent, node, raw, data, value)
