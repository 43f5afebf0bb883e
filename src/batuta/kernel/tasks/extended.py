"""A task with extensions around it (`use.extensions`).

Rulings of ours (the DSL shows examples only): `when` is asked on the task's raw input; `before` runs
first and its output is not fed to the task, but if it ends by `exit` or `end`, the task is skipped and
that output stands for the task's; `after` sees the task's output and cannot change it. Several
extensions wrap in declared order. Tasks of extensions are not extended themselves.
"""

from __future__ import annotations

from typing import Any

from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.flow import after, changed, enter
from batuta.kernel.program import CONTINUE, Node
from batuta.kernel.state import ExtendedState, Frame, Token
from batuta.kernel.tasks.do import parent_of
from batuta.kernel.transition import Action, TaskView, Transition


class Around:
    """One extension around one task."""

    __slots__ = ("after", "before", "task", "when")

    def __init__(self, when: Code | None, before: Node | None, behind: Node | None, task: Node):
        self.when = when
        self.before = before
        self.after = behind
        self.task = task


def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Run what comes before, unless this extension does not apply."""
    around: Around = node.own
    view = {"task": TaskView(around.task, raw, t.now), "input": raw}
    applies = around.when is None or is_true(around.when.evaluate(t, raw, token, parent, view))
    phase = "before" if applies else "skip"
    descriptor = {"task": t.descriptor(TaskView(around.task, raw, t.now))}
    frame = Frame(
        node.reference,
        parent.inner,
        raw,
        data,
        t.now,
        parent,
        ExtendedState(phase),
        descriptor,
        parent.inner,
        None,
        parent.wake,
        None,
    )
    if not applies or around.before is None:
        return _task(token, frame, node)
    return (enter, token, frame, around.before, raw)


def _task(token: Token, frame: Frame, node: Node) -> Action:
    around: Around = node.own
    state = frame.state
    phase = "task" if not isinstance(state, ExtendedState) or state.phase != "skip" else "skip"
    frame = changed(frame, state=ExtendedState(phase))
    return (enter, token, frame, around.task, frame.raw)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """What came before or after the task ended."""
    state = frame.state
    if not isinstance(state, ExtendedState):
        raise AssertionError("an extension's frame holds an extension's state")
    if state.phase == "before":
        if left:
            return after(t, token, parent_of(frame), node, output, CONTINUE)
        return _task(token, frame, node)
    return after(t, token, parent_of(frame), node, state.output, state.then)


def result(t: Transition, token: Token, frame: Frame, node: Node, output: Any, then: str) -> Action:
    """The task itself ended: run what comes after it, then go where the task wanted to go."""
    around: Around = node.own
    state = frame.state
    skipped = isinstance(state, ExtendedState) and state.phase == "skip"
    if around.after is None or skipped:
        return after(t, token, parent_of(frame), node, output, then)
    frame = changed(frame, state=ExtendedState("after", output, then))
    return (enter, token, frame, around.after, output)
