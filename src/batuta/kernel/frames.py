"""Frames: how they are made, what they are called, and what lies around them.

Owns the paths that tell the occurrences of one task apart (`state.Frame`), the deadlines that a
frame takes over from those around it, and questions about a stack: which attempt, which iteration,
where a token's own frames end. Owns nothing that moves control (`flow`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from batuta.kernel.data import duration_ms
from batuta.kernel.state import (
    CompensationState,
    ForkState,
    ForState,
    Frame,
    ListenState,
    Token,
    TryState,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.kernel.program import Node, Program
    from batuta.kernel.transition import Transition


def new_frame(
    t: Transition,
    token: Token,
    parent: Frame,
    node: Node,
    raw: Any,
    data: Any,
    *,
    state: Any = None,
    variables: dict[str, Any] | None = None,
    due: int | None = None,
    inner: str | None = None,
) -> Frame:
    """Return the frame of a task being entered, with its deadline."""
    deadline, wake = None, parent.wake
    if node.timeout is not None:
        deadline = t.now + duration_ms(t, node.timeout, data, token, parent)
        wake = deadline if wake is None else min(wake, deadline)
    path = parent.inner
    return Frame(
        node.reference,
        path,
        raw,
        data,
        t.now,
        parent,
        state,
        variables,
        path if inner is None else inner,
        deadline,
        wake,
        due,
    )


def changed(
    frame: Frame,
    *,
    state: Any,
    due: int | None = None,
    inner: str | None = None,
    variables: dict[str, Any] | None = None,
) -> Frame:
    """Return the frame with another state; `due` is forgotten unless given again."""
    return Frame(
        frame.at,
        frame.path,
        frame.raw,
        frame.input,
        frame.started,
        frame.parent,
        state,
        frame.variables if variables is None else variables,
        frame.inner if inner is None else inner,
        frame.deadline,
        frame.wake,
        due,
    )


def turned(frame: Frame) -> Frame:
    """Return the scope after one more backward jump: occurrences inside get a new path."""
    base, mark, count = frame.inner[len(frame.path) :].rpartition("~")
    if mark and count.isdigit():
        inner = f"{frame.path}{base}~{int(count) + 1}"
    else:
        inner = f"{frame.inner}~1"
    return changed(frame, state=frame.state, inner=inner)


def replaced(top: Frame | None, old: Frame, new: Frame) -> Frame:
    """Return the stack `top` with `old` in it replaced by `new`."""
    above: list[Frame] = []
    while top is not None and (top.at != old.at or top.path != old.path):
        above.append(top)
        top = top.parent
    stack = new
    for frame in reversed(above):
        stack = Frame(
            frame.at,
            frame.path,
            frame.raw,
            frame.input,
            frame.started,
            stack,
            frame.state,
            frame.variables,
            frame.inner,
            frame.deadline,
            frame.wake,
            frame.due,
        )
    return stack


def later(frame: Frame | None, pause: int) -> Frame | None:
    """Return a stack with every time in it moved by a pause (ruling A24)."""
    if frame is None:
        return None
    state = frame.state
    if isinstance(state, TryState):
        state = msgspec.structs.replace(
            state, first=state.first + pause, expires=_moved(state.expires, pause)
        )
    return msgspec.structs.replace(
        frame,
        parent=later(frame.parent, pause),
        state=state,
        deadline=_moved(frame.deadline, pause),
        wake=_moved(frame.wake, pause),
        due=_moved(frame.due, pause),
    )


def _moved(time: int | None, pause: int) -> int | None:
    return None if time is None else time + pause


def parent_of(frame: Frame) -> Frame:
    """Return the frame around this one; every task's frame has one."""
    return frame.parent  # pyright: ignore[reportReturnType] -- only the workflow's has none


def root_of(frame: Frame) -> Frame:
    """Return the workflow's own frame."""
    while frame.parent is not None:
        frame = frame.parent
    return frame


def branch_id(fork: Frame, index: int) -> str:
    """Return the token id of a branch."""
    return f"{fork.at}{fork.path}/branches/{index}"


def owner_of(program: Program, node: Node, parent: Frame | None) -> str | None:
    """Return who performs a task: its own participant, or that of the innermost call around it.

    What undoes a task belongs, if it names nobody, to who performed that.
    """
    owner = node.participant
    while owner is None and parent is not None:
        if isinstance(parent.state, CompensationState):
            return parent.state.owed[-1].owner
        around = program.nodes[parent.at]
        if around.kind == "call":
            owner = around.participant
        parent = parent.parent
    return owner


def is_undoing(frame: Frame | None) -> bool:
    """Say whether a frame is inside of an undoing."""
    while frame is not None:
        if isinstance(frame.state, CompensationState):
            return True
        frame = frame.parent
    return False


def fork_of(token: Token) -> str | None:
    """Return the key of the fork that a token is a branch of; None for the first token."""
    return None if token.owner is None else token.id.rpartition("/branches/")[0]


def keeper_of(branch: Token, inside: Frame | None) -> str:
    """Return the participant that keeps the join of a branch, "" under a conductor.

    `inside` is any frame of the branch, or its fork's.
    """
    fork = fork_of(branch)
    while inside is not None and inside.at + inside.path != fork:
        inside = inside.parent
    return cast("ForkState", cast("Frame", inside).state).keeper


def own_frames(token: Token) -> Iterator[Frame]:
    """Yield a token's own frames, innermost first: a branch's end before its fork's."""
    boundary = fork_of(token)
    frame = token.frame
    while frame is not None and frame.at + frame.path != boundary:
        yield frame
        frame = frame.parent


def all_frames(token: Token) -> Iterator[Frame]:
    """Yield every frame around a token, innermost first, those of its fork and beyond too."""
    frame = token.frame
    while frame is not None:
        yield frame
        frame = frame.parent


def earliest(*times: int | None) -> int | None:
    """Return the earliest of the times that are there."""
    known = [time for time in times if time is not None]
    return min(known) if known else None


def occurrence_path(path: str) -> str:
    """Return a path without its attempts: what stays the same when a try starts again."""
    if "+" not in path:
        return path
    head, *rest = path.split("+")
    return head + "".join(part.lstrip("!0123456789") for part in rest)


def attempt_mark(frame: Frame, attempt: int) -> str:
    """Return what the path inside a try's frame is marked with, nothing for the first attempt.

    The mark tells how many tries are around: the second attempt of an inner try in the first of an
    outer one is not the first in the second.
    """
    if attempt == 1:
        return ""
    mark, outer = "+", frame.parent
    while outer is not None:
        if isinstance(outer.state, TryState | CompensationState):
            mark += "+"
        outer = outer.parent
    return f"{mark}{attempt - 1}"


def is_inside(at: str, path: str, frame: Frame, part: str) -> bool:
    """Say whether an occurrence, `at` with its `path`, began inside `part` of a frame's task.

    It did when its task stands there in the document, or when it belongs to a function that was
    called from there: then the first call that its path tells beyond the frame's is from there.
    """
    if not path.startswith(frame.path):
        return False
    place = f"{frame.at}/{part}/"
    _, mark, call = path[len(frame.path) :].partition("@")
    return call.startswith(escaped(place)) if mark else at.startswith(place)


def escaped(reference: str) -> str:
    """Return a reference as paths hold it: without the signs that count attempts and jumps."""
    return reference.replace("+", "%2B").replace("~", "%7E")


def attempt_of(frame: Frame | None) -> int:
    """Return the attempt of the innermost try or undoing around, 1 outside of any."""
    while frame is not None:
        state = frame.state
        if isinstance(state, TryState) and state.phase != "catch":
            return state.attempt
        if isinstance(state, CompensationState):
            return state.attempt
        frame = frame.parent
    return 1


def iteration_of(frame: Frame | None) -> int | None:
    """Return the index of the innermost enclosing loop, or None."""
    while frame is not None:
        if isinstance(frame.state, ForState):
            return frame.state.index
        if isinstance(frame.state, ListenState) and frame.state.busy:
            return frame.state.iterated
        frame = frame.parent
    return None
