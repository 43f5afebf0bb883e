"""What holds for every state that `step` returns, as numbered truths.

Owns the list and its checking. Tests check it after every step; a store may check what it read back
before it goes on from it. A number is never given to another truth. What cannot be said of a state
alone (that replaying gives the same one) is a property of `step` and is tested as such.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from batuta.kernel.ears import REMEMBERED
from batuta.kernel.events import Failed, Performed
from batuta.kernel.frames import (
    branch_id,
    earliest,
    fork_of,
    keeper_of,
    occurrence_path,
    own_frames,
)
from batuta.kernel.state import (
    PENDING,
    SUSPENDED,
    TERMINAL,
    CallState,
    CompensationState,
    ExtendedState,
    ForkState,
    ForState,
    Frame,
    ListenState,
    Owed,
    RunState,
    Token,
    TryState,
    WaitState,
)
from batuta.kernel.tasks.call import DETACHED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from batuta.kernel.program import Program

TRUTHS = MappingProxyType(
    {
        1: "a run that has not begun or has ended holds no tokens, a whole live one its first",
        2: "a token is filed under its id, and the id of a branch is that of its fork and place",
        3: "the owner of a branch waits in the fork, where the branch runs, here or at its keeper",
        4: "a running branch of a fork has a token, here or elsewhere, an ended one has none",
        5: "a token waits for something: an answer, an event, a time, its branches or its turn",
        6: "what the run has asked for is what its tokens wait for",
        7: "a subscription is open exactly while a listen wants further events",
        8: "a frame stands on a task of the program, and its state is of that kind of task",
        9: "a frame wakes at the earliest deadline around it; undoing knows no deadline around it",
        10: "the path of a frame is the one its scope gives to what runs inside",
        11: "who owes a compensation names a task that has one, once per occurrence",
        12: "a suspended run knows since when, and only a suspended run holds events back",
        13: "the memory of consumed events is bounded",
        14: "an ended run says when, a faulted one why, and only a completed one has an output",
    }
)
"""What each number means."""

_AWAITED = frozenset({"running", "leaving"})
"""What a branch is until it has ended, here or at another participant."""

_KINDS = MappingProxyType(
    {
        ForState: {"for"},
        ForkState: {"fork"},
        TryState: {"try"},
        ListenState: {"listen"},
        CallState: {"call", "run"},
        WaitState: {"wait"},
        ExtendedState: {"extended"},
        CompensationState: {"compensation"},
        type(None): {"workflow", "do", "call"},
    }
)


def check(
    program: Program, state: RunState, asked: Collection[str], subscribed: Collection[str]
) -> list[str]:
    """Return what does not hold, each with the number of the truth; empty when all is well.

    Args:
        program: the run's program.
        state: the state to look at.
        asked: the keys of the tasks and sub-workflows that were asked for and not answered.
        subscribed: the keys of the open subscriptions.
    """
    found = list(_of_run(program, state))
    if state.status in TERMINAL or state.status == PENDING:
        return found
    for token_id, token in state.tokens.items():
        found += _of_token(program, state, token_id, token)
        for frame in own_frames(token):
            found += _of_frame(program, state, token, frame)
    answered = {one.key for one in state.held if isinstance(one, Performed | Failed)}
    awaited = {
        token.key
        for token in state.tokens.values()
        if token.entering is None and token.frame and isinstance(token.frame.state, CallState)
    }
    if awaited - answered != set(asked):
        found.append(f"6: waits for {sorted(awaited - answered)}, asked for {sorted(asked)}")
    wanted = {
        frame.at + frame.path
        for token in state.tokens.values()
        for frame in own_frames(token)
        if isinstance(frame.state, ListenState) and not frame.state.satisfied
    }
    if wanted != set(subscribed):
        found.append(f"7: listens to {sorted(wanted)}, subscribed to {sorted(subscribed)}")
    return found


def _of_run(program: Program, state: RunState) -> Iterator[str]:
    live = state.status not in TERMINAL and state.status != PENDING
    part = program.part is not None
    if (live is not ("" in state.tokens) and not part) or (not live and state.tokens):
        yield f"1: {state.status} with tokens {sorted(state.tokens)}"
    if (state.status == SUSPENDED) is not (state.suspended_at is not None) and state.status in {
        SUSPENDED,
        "running",
    }:
        yield f"12: {state.status} since {state.suspended_at}"
    if state.held and state.status != SUSPENDED:
        yield f"12: {state.status} holds {len(state.held)} events"
    if (state.status in TERMINAL) is not (state.ended is not None):
        yield f"14: {state.status}, ended at {state.ended}"
    if (state.status == "faulted" and state.fault is None and not part) or (
        state.status != "completed" and state.output is not None
    ):
        yield f"14: {state.status} with fault {state.fault} and output {state.output!r}"


def _of_token(program: Program, state: RunState, filed: str, token: Token) -> Iterator[str]:
    if filed != token.id or (token.owner is None) is not (token.id == ""):
        yield f"2: {token.id!r} of {token.owner!r} is filed under {filed!r}"
    if token.owner == DETACHED:
        if DETACHED not in token.id or not isinstance(getattr(token.frame, "state", 0), CallState):
            yield f"2: {token.id!r} is detached, but performs nothing"
    elif token.owner is not None:
        owner = state.tokens.get(token.owner)
        elsewhere = owner is None and program.part not in {None, keeper_of(token, token.frame)}
        place = int(token.id.rpartition("/")[2])
        join = None if owner is None else owner.frame
        branches = join.state.branches if join and isinstance(join.state, ForkState) else ()
        if not elsewhere and not (
            join is not None
            and join.at + join.path == fork_of(token)
            and place < len(branches)
            and branches[place].status == "running"
        ):
            yield f"3: {token.id!r} has no running place in a fork of {token.owner!r}"
    if not _waits(state, token, elsewhere=program.part is not None):
        yield f"5: {token.id!r} waits for nothing at {token.key!r}"
    if token.entering is not None and token.entering not in program.nodes:
        yield f"8: {token.id!r} is about to enter {token.entering!r}"
    if token.ears is not None and len(token.ears.recent) > REMEMBERED:
        yield f"13: {token.id!r} remembers {len(token.ears.recent)} events"
    yield from _of_log(program, token.id, token.log)


def _of_log(program: Program, whose: str, log: tuple[Owed, ...]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for owed in log:
        node = program.nodes.get(owed.at)
        occurrence = (owed.at, occurrence_path(owed.path))
        if node is None or node.compensate is None or occurrence in seen:
            yield f"11: {whose!r} owes for {owed.at}{owed.path}"
        seen.add(occurrence)


def _waits(state: RunState, token: Token, *, elsewhere: bool) -> bool:
    """Say whether something can move the token."""
    frame = token.frame
    if frame is None or token.entering is not None:
        return frame is not None
    own = frame.state
    if isinstance(own, ListenState):
        return not own.satisfied and not own.busy
    if isinstance(own, ForkState):
        # A branch that nobody asked to end was cancelled with the run, as will be heard here, too.
        awaited = _AWAITED if own.leaving is not None else {*_AWAITED, "cancelled"}
        return any(
            branch_id(frame, index) in state.tokens or (elsewhere and branch.status in awaited)
            for index, branch in enumerate(own.branches)
        )
    if isinstance(own, WaitState | TryState | CompensationState):
        return frame.due is not None
    return isinstance(own, CallState)


def _of_frame(program: Program, state: RunState, token: Token, frame: Frame) -> Iterator[str]:
    key = frame.at + frame.path
    node = program.nodes.get(frame.at)
    if node is None or node.kind not in _KINDS[type(frame.state)]:
        yield f"8: {key!r} is in {type(frame.state).__name__}"
    parent = frame.parent
    undoing = isinstance(frame.state, CompensationState)
    if parent is None:
        wake, inner = frame.deadline, frame.path
    else:
        expires = frame.state.expires if isinstance(frame.state, TryState) else None
        wake = earliest(frame.deadline, parent.wake, expires)
        inner = parent.inner
    if frame.wake != (None if undoing else wake):
        yield f"9: {key!r} wakes at {frame.wake}, not at {wake}"
    if not undoing and (frame.path != inner or not frame.inner.startswith(frame.path)):
        yield f"10: {key!r} holds {frame.inner!r}, inside of {inner!r}"
    if isinstance(frame.state, ForkState):
        yield from _of_join(program, state, token, frame, frame.state)
    if isinstance(frame.state, CompensationState):
        yield from _of_log(program, f"{key} (undoing)", frame.state.owed)


def _of_join(
    program: Program, state: RunState, token: Token, frame: Frame, join: ForkState
) -> Iterator[str]:
    key = frame.at + frame.path
    for index, branch in enumerate(join.branches):
        lives = branch_id(frame, index) in state.tokens
        elsewhere = program.part is not None and branch.status in _AWAITED
        # Once the fork has ended, its frame may still stand below the undoing of its losers.
        if frame is token.frame and lives is not (branch.status == "running") and not elsewhere:
            yield f"4: branch {index} of {key!r} is {branch.status}, its token lives: {lives}"
        yield from _of_log(program, f"{key} (a branch)", branch.log)


__all__ = ["TRUTHS", "check"]
