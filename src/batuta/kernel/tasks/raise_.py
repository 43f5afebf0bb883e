"""`raise`: fault with the error that the document defines; the runtime sets its instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.faults import FaultData, Raised, configuration_fault
from batuta.kernel.transition import Action, TaskView, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame, Token


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Evaluate the error and raise it."""
    given = {"input": data, "task": TaskView(node, raw, t.now)}
    error = node.own.evaluate(t, data, token, parent, given)
    status = error["status"]
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool):
        raise configuration_fault(f"the status of a raised error must be an integer: {status!r}")
    raise Raised(
        FaultData(
            _text(error["type"]) or "about:blank",
            status,
            _text(error.get("title")),
            _text(error.get("detail")),
            _text(error.get("instance")) or node.reference,
        )
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
