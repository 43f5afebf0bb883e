"""`emit`: publish a CloudEvent; the output is its envelope (ruling A4).

What the document leaves out is filled in (CloudEvents 1.0, "Required Attributes"): `id` from the
run and the task's occurrence, so that publishing again after a crash is recognised; `time` and
`source` from the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.commands import Publish
from batuta.kernel.faults import configuration_fault
from batuta.kernel.flow import finish
from batuta.kernel.transition import Action, TaskView, Transition, entering, iso8601

if TYPE_CHECKING:
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame, Token


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Build the event, publish it with this step's commit, and go on."""
    given = {"input": data, "task": TaskView(node, raw, t.now)}
    attributes = node.own.evaluate(t, data, token, parent, given)
    document = t.program.workflow.document
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{t.state.id}{node.reference}{parent.inner}",
        "source": f"/{document.namespace}/{document.name}",
        "time": iso8601(t.now),
        **{name: value for name, value in attributes.items() if value is not None},
    }
    for name in ("id", "source", "type"):
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise configuration_fault(
                f"a CloudEvent needs a non-empty text as its {name}, not {value!r}"
            )
    if "data" in event:
        event.setdefault("datacontenttype", "application/json")
    t.commands.append(Publish(event))
    return (finish, token, parent, node, raw, data, event)
