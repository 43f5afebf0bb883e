"""Telling a watcher about tasks, and the world about completed ones.

Owns when a task counts as started, completed, faulted or cancelled for a timeline (`lifecycle` owns
the shape of such a report), and the events that a document's `metadata.event` asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.frames import attempt_of, iteration_of, owner_of
from batuta.kernel.lifecycle import Happened
from batuta.kernel.transition import iso8601

if TYPE_CHECKING:
    from batuta.kernel.faults import FaultData
    from batuta.kernel.program import Node
    from batuta.kernel.state import Frame
    from batuta.kernel.transition import Transition

UNTOLD = frozenset({"workflow", "extended", "compensation"})
"""Kinds of node that are no task of the document."""


def report(
    t: Transition,
    what: str,
    node: Node,
    parent: Frame | None,
    *,
    path: str | None = None,
    input: Any = None,  # noqa: A002 -- the name that the DSL and `Happened` use
    output: Any = None,
    fault: FaultData | None = None,
    number: int = 0,
) -> None:
    """Tell the watcher, if there is one, about a task; `path` is told unless the task is inside."""
    if t.watch is None or node.kind in UNTOLD:
        return
    where = parent.inner if path is None and parent is not None else path or ""
    t.watch.append(
        Happened(
            what,
            node.reference + where,
            node.reference,
            node.name,
            node.kind,
            owner_of(t.program, node, parent),
            attempt_of(parent),
            iteration_of(parent),
            where,
            t.now,
            input,
            output,
            fault,
            number=number,
        )
    )


def report_frame(
    t: Transition, what: str, frame: Frame, fault: FaultData | None = None, number: int = 0
) -> None:
    """Tell the watcher about the task of a frame; `number` is that of an event which it heard."""
    if t.watch is not None:
        node, path = t.program.nodes[frame.at], frame.path
        report(t, what, node, frame.parent, path=path, fault=fault, number=number)


def business_event(t: Transition, node: Node, parent: Frame, output: Any) -> dict[str, Any]:
    """Return the event that a task's `metadata.event` announces its completion with."""
    document = t.program.workflow.document
    return {
        "specversion": "1.0",
        "id": f"{t.state.id}{node.reference}{parent.inner}/completed",
        "source": f"/{document.namespace}/{document.name}",
        "type": node.event,
        "time": iso8601(t.now),
        "subject": t.state.id,
        "datacontenttype": "application/json",
        "data": output,
    }
