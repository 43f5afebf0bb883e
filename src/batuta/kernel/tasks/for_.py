"""`for`: tasks once per item, one after the other.

The items are evaluated once. Each iteration gets the output of the one before it and the last one's
is the loop's; without items the input passes through. `while` is asked before each iteration, and
`exit` inside ends the loop (ruling A12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from batuta.kernel.evaluation import is_true
from batuta.kernel.faults import expression_fault
from batuta.kernel.flow import enter, finish
from batuta.kernel.frames import changed, new_frame, parent_of
from batuta.kernel.state import ForState, Frame, Token
from batuta.kernel.transition import Action, TaskView, Transition, entering, given_in

if TYPE_CHECKING:
    from batuta.kernel.program import Node


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Evaluate the items and start the first iteration."""
    given = {"input": data, "task": TaskView(node, raw, t.now)}
    items = node.own.collection.evaluate(t, data, token, parent, given)
    if not isinstance(items, list):
        raise expression_fault(
            f"`for.in` must give an array, {node.own.collection.source!r} gave "
            f"{type(items).__name__}",
            node.reference,
        )
    frame = new_frame(t, token, parent, node, raw, data, state=ForState(items, -1))
    return (_iterate, token, frame, node, data)


def _iterate(t: Transition, token: Token, frame: Frame, node: Node, data: Any) -> Action:
    state = cast("ForState", frame.state)
    index = state.index + 1
    loop = node.own
    if index < len(state.items):
        variables = {loop.each: state.items[index], loop.at: index}
        frame = changed(
            frame,
            state=ForState(state.items, index),
            inner=f"{frame.path}[{index}]",
            variables=variables,
        )
        goes_on = loop.condition is None or is_true(
            loop.condition.evaluate(t, data, token, frame, given_in(frame, node))
        )
        if goes_on:
            if loop.first is None:
                return (_iterate, token, frame, node, data)
            return (enter, token, frame, loop.first, data)
    return (finish, token, parent_of(frame), node, frame.raw, frame.input, data, frame.started)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """An iteration ended."""
    del t
    if left:
        return (
            finish,
            token,
            parent_of(frame),
            node,
            frame.raw,
            frame.input,
            output,
            frame.started,
        )
    return (_iterate, token, frame, node, output)
