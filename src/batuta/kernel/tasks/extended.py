"""A task with extensions around it (`use.extensions`).

Rulings of ours (the DSL shows examples only): `when` is asked on the task's raw input; `before`
runs first and its output is not fed to the task, but if it ends by `exit`, the task is skipped and
that output stands for the task's; `after` sees the task's output and cannot change it. `$task` in
all of them is the extended task (`evaluation`). Several extensions wrap in declared order, the
first one outermost. Tasks of extensions are not extended themselves.
"""

from __future__ import annotations

from typing import Any, cast

from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.flow import after, enter
from batuta.kernel.frames import changed, escaped, parent_of
from batuta.kernel.program import CONTINUE, Node
from batuta.kernel.state import ExtendedState, Frame, Token
from batuta.kernel.transition import Action, TaskView, Transition


class Around:
    """One extension around one task."""

    __slots__ = ("after", "before", "task", "when")

    def __init__(
        self, when: Code | None, before: Node | None, behind: Node | None, task: Node
    ) -> None:
        self.when = when
        self.before = before
        self.after = behind
        self.task = task


def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Run what comes before, unless this extension does not apply."""
    around: Around = node.own
    view = {"task": TaskView(node.described, raw, t.now), "input": raw}
    applies = around.when is None or is_true(around.when.evaluate(t, raw, token, parent, view))
    phase = "before" if applies else "skip"
    frame = Frame(
        node.reference,
        parent.inner,
        raw,
        data,
        t.now,
        parent,
        ExtendedState(phase),
        None,
        parent.inner,
        None,
        parent.wake,
        None,
    )
    if not applies:
        return (enter, token, frame, around.task, raw)
    if around.before is None:
        return _task(token, frame, node)
    return (enter, token, _beside(frame, ExtendedState("before")), around.before, raw)


def _beside(frame: Frame, state: ExtendedState) -> Frame:
    # One extension stands beside many tasks: its own tasks are told apart by whom they stand
    # beside.
    return changed(frame, state=state, inner=f"{frame.path}@{escaped(frame.at)}")


def _task(token: Token, frame: Frame, node: Node) -> Action:
    frame = changed(frame, state=ExtendedState("task"), inner=frame.path)
    return (enter, token, frame, node.own.task, frame.raw)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """What came before or after the task ended."""
    state = state_of(frame)
    if state.phase == "before":
        if left:
            return after(t, token, parent_of(frame), node, output, CONTINUE)
        return _task(token, frame, node)
    return after(t, token, parent_of(frame), node, state.output, state.then)


def result(t: Transition, token: Token, frame: Frame, node: Node, output: Any, then: str) -> Action:
    """The task itself ended: run what comes after it, then go where the task wanted to go."""
    around: Around = node.own
    if around.after is None or state_of(frame).phase == "skip":
        return after(t, token, parent_of(frame), node, output, then)
    frame = _beside(frame, ExtendedState("after", output, then))
    return (enter, token, frame, around.after, output)


def state_of(frame: Frame) -> ExtendedState:
    """Return the frame's state, whose kind is that of its task (`invariants`)."""
    return cast("ExtendedState", frame.state)
