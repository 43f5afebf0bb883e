"""`call` and `run`: tasks that act on the world, and functions of the document.

A call of a function in `use.functions` runs that function's task inside the call's frame, with the
evaluated `with` as its input. Everything else becomes a command, and the token waits for the
answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.commands import Perform, StartChild
from batuta.kernel.faults import FaultData, configuration_fault
from batuta.kernel.flow import enter, finish, unwind
from batuta.kernel.frames import (
    attempt_of,
    escaped,
    new_frame,
    occurrence_path,
    owner_of,
    parent_of,
)
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import CallState, Frame, Token
from batuta.kernel.transition import Action, TaskView, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Node

DEEPEST = 32
"""How many function calls may lie inside each other."""

DETACHED = "/detached"
"""Marks the token of a task that nobody waits for (`await: false`)."""

_PERFORMING = CallState()


class Act:
    """What a call or run needs: compiled once per node."""

    __slots__ = ("arguments", "authentication", "function", "kind", "result", "target", "wait")

    def __init__(self, kind: str, target: str) -> None:
        self.kind = kind
        self.target = target
        self.arguments: Any = None
        self.authentication: Any = None
        self.function: Node | None = None
        self.wait = True
        self.result: str | None = None


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Evaluate the arguments and ask for the task to be performed."""
    act: Act = node.own
    code = act.arguments
    if code.constant:
        arguments = code.value
    else:
        given = {"input": data, "task": TaskView(node, raw, t.now)} if code.names else {}
        arguments = code.evaluate(t, data, token, parent, given)
    if act.function is not None:
        return _call_function(t, token, parent, node, raw, data, arguments, act.function)
    if act.kind == "workflow":
        return _start_child(t, token, parent, node, raw, data, arguments)
    authentication = None
    if act.authentication is not None:
        given = {"input": data, "task": TaskView(node, raw, t.now)}
        authentication = act.authentication.evaluate(t, data, token, parent, given)
    if act.result is not None:
        arguments = {**arguments, "return": act.result}
    frame = new_frame(t, token, parent, node, raw, data, state=_PERFORMING)
    path = frame.path
    t.commands.append(
        Perform(
            token.id,
            node.reference + path,
            node.reference,
            node.name,
            act.kind,
            act.target,
            arguments,
            data,
            authentication,
            node.reference + occurrence_path(path),
            attempt_of(parent) if path else 1,
            owner_of(t.program, node, parent),
            frame.wake,
        )
    )
    if act.wait:
        t.stop(token, frame)
        return None
    # Nobody waits for the answer, yet the task must survive a crash: a token of its own stands on
    # it. No deadline around it counts any more, and the token has no scope to report to.
    alone = msgspec.structs.replace(frame, parent=None, deadline=None, wake=None)
    detached = Token(token.id + DETACHED + frame.at + frame.path, None, alone, owner=DETACHED)
    t.commands[-1] = msgspec.structs.replace(t.commands[-1], token=detached.id, deadline=None)
    t.tokens[detached.id] = detached
    return (finish, token, parent, node, raw, data, data, frame.started)


def _call_function(
    t: Transition,
    token: Token,
    parent: Frame,
    node: Node,
    raw: Any,
    data: Any,
    arguments: Any,
    function: Node,
) -> Action:
    depth, outer = 0, parent
    while outer.parent is not None:
        depth += t.program.nodes[outer.at].kind == "call"
        outer = outer.parent
    if depth >= DEEPEST:
        raise configuration_fault(f"more than {DEEPEST} function calls inside each other")
    inner = f"{parent.inner}@{escaped(node.reference)}"
    frame = new_frame(t, token, parent, node, raw, data, inner=inner)
    return (enter, token, frame, function, arguments)


def _start_child(
    t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any, arguments: Any
) -> Action:
    act: Act = node.own
    key = node.reference + parent.inner
    t.commands.append(
        StartChild(
            token.id,
            key,
            str(arguments["namespace"]),
            str(arguments["name"]),
            str(arguments.get("version", "latest")),
            arguments.get("input", {}),
            act.wait,
        )
    )
    if not act.wait:
        return (finish, token, parent, node, raw, data, data)
    t.stop(token, new_frame(t, token, parent, node, raw, data, state=CallState(child=True)))
    return None


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """A function of the document ended."""
    del t, left
    return (finish, token, parent_of(frame), node, frame.raw, frame.input, output, frame.started)


def result(t: Transition, token: Token, frame: Frame, node: Node, answer: Any) -> Action:
    """The world answered: `answer` is the output, or the fault."""
    if token.owner == DETACHED:
        t.tokens.pop(token.id, None)
        return None
    if isinstance(answer, FaultData):
        if answer.instance is None:
            answer = FaultData(
                answer.type, answer.status, answer.title, answer.detail, node.reference
            )
        report_frame(t, "faulted", frame, answer)
        return (unwind, token, parent_of(frame), answer)
    return (finish, token, parent_of(frame), node, frame.raw, frame.input, answer, frame.started)
