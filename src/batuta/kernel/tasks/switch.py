"""`switch`: the first case that holds says where to go; the output is the input.

Without a match the switch's own `then` applies, as the conformance kit shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.evaluation import is_true
from batuta.kernel.flow import finish
from batuta.kernel.transition import Action, TaskView, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame, Token


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Find the first case that holds; the default counts only when no other does."""
    given = {"input": data, "task": TaskView(node, raw, t.now)}
    default: str | None = None
    for condition, then in node.own:
        if condition is None:
            default = then
        elif is_true(condition.evaluate(t, data, token, parent, given)):
            return (finish, token, parent, node, raw, data, data, None, then)
    return (finish, token, parent, node, raw, data, data, None, default)
