"""`fork`: branches at once, and the join that ends them.

The token that reaches the fork stays in its frame and keeps the join; each branch is a token of its
own that ends in that frame. Rulings (A11): results in declared order; the first fault cancels the
other branches and goes on from the fork; under `compete` the first *success* wins, the losers are
cancelled and, where they had completed something that can be undone, compensated; a competition
that nobody wins faults like its last branch. Exports of branches are merged in declared order, a
later branch's members winning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.flow import (
    PASS_ON,
    branch_id,
    cancel_token,
    changed,
    enter,
    finish,
    new_frame,
    report,
    unwind,
)
from batuta.kernel.state import Branch, Ears, ForkState, Frame, Owed, Token
from batuta.kernel.tasks.compensation import compensate
from batuta.kernel.tasks.do import parent_of
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.faults import FaultData
    from batuta.kernel.program import Node

_RUNNING = Branch()


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Start every branch with the fork's input."""
    branches: tuple[Node, ...] = node.own.branches
    if not branches:
        return finish(t, token, parent, node, raw, data, [])
    state = ForkState((_RUNNING,) * len(branches))
    frame = new_frame(t, token, parent, node, raw, data, state=state)
    t.stop(token, frame)
    for index, branch in enumerate(branches):
        started = Token(
            branch_id(frame, index), token.context, None, (), token.id, None, None, token.ears
        )
        t.tokens[started.id] = started
        t.agenda.append((enter, started, frame, branch, data))
    return None


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """A branch ended well."""
    del left
    ended = Branch("completed", output, token.context, token.log, None, token.ears)
    return _branch_ended(t, token, frame, node, ended)


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """A branch faulted, or the fork itself did after its join (then it is passed on)."""
    key = frame.at + frame.path
    if token.id.rpartition("/branches/")[0] != key:
        return PASS_ON
    ended = Branch("faulted", None, token.context, token.log, fault, token.ears)
    return _branch_ended(t, token, frame, node, ended)


def _branch_ended(t: Transition, token: Token, frame: Frame, node: Node, ended: Branch) -> Action:
    index = int(token.id.rpartition("/")[2])
    t.tokens.pop(token.id, None)
    owner = t.tokens[token.owner or ""]
    join = owner.frame
    if join is None or not isinstance(join.state, ForkState):
        raise AssertionError("the owner of a branch waits in its fork")
    branches = list(join.state.branches)
    branches[index] = ended
    if node.own.compete:
        return _compete(t, owner, join, node, branches, index)
    if ended.fault is not None:
        _cancel_rest(t, join, branches)
        return _fault(t, owner, join, node, branches, ended.fault)
    if any(branch.status == "running" for branch in branches):
        t.stop(owner, changed(join, state=ForkState(tuple(branches))))
        return None
    outputs = [branch.output for branch in branches]
    owner = _merged(owner, branches)
    return (finish, owner, parent_of(join), node, join.raw, join.input, outputs, join.started)


def _compete(
    t: Transition, owner: Token, join: Frame, node: Node, branches: list[Branch], index: int
) -> Action:
    ended = branches[index]
    if ended.fault is not None:
        if any(branch.status == "running" for branch in branches):
            t.stop(owner, changed(join, state=ForkState(tuple(branches))))
            return None
        return _fault(t, owner, join, node, branches, ended.fault)
    _cancel_rest(t, join, branches)
    lost = tuple(owed for at, branch in enumerate(branches) if at != index for owed in branch.log)
    owner = Token(
        owner.id, ended.context, None, owner.log + ended.log, owner.owner, None, None, ended.ears
    )
    frame = changed(join, state=ForkState(tuple(branches)))
    if lost:
        return compensate(t, owner, frame, lost, "join")
    return won(t, owner, frame, node)


def won(t: Transition, owner: Token, frame: Frame, node: Node) -> Action:
    """The competition is over, and its losers are undone: the winner's output is the fork's."""
    del t
    if not isinstance(frame.state, ForkState):
        raise AssertionError("a competition ends in its fork")
    winner = next(branch for branch in frame.state.branches if branch.status == "completed")
    return (
        finish,
        owner,
        parent_of(frame),
        node,
        frame.raw,
        frame.input,
        winner.output,
        frame.started,
    )


def _fault(
    t: Transition, owner: Token, join: Frame, node: Node, branches: list[Branch], fault: FaultData
) -> Action:
    owner = _merged(owner, branches, contexts=False)
    if t.watch is not None:
        report(t, "faulted", node, join.parent, path=join.path, fault=fault)
    return (unwind, owner, join.parent, fault)


def _cancel_rest(t: Transition, join: Frame, branches: list[Branch]) -> None:
    for index, branch in enumerate(branches):
        if branch.status == "running":
            token = t.tokens.get(branch_id(join, index))
            log: tuple[Owed, ...] = ()
            if token is not None:
                log = all_owed(t, token)
                cancel_token(t, token)
            branches[index] = Branch("cancelled", log=log)


def all_owed(t: Transition, token: Token) -> tuple[Owed, ...]:
    """Return what a token and the branches under it owe, oldest first."""
    owed = token.log
    frame = token.frame
    if frame is not None and isinstance(frame.state, ForkState):
        for index, branch in enumerate(frame.state.branches):
            inner = t.tokens.get(branch_id(frame, index))
            owed += all_owed(t, inner) if inner is not None else branch.log
    return owed


def _merged(owner: Token, branches: list[Branch], *, contexts: bool = True) -> Token:
    before = owner.context
    context = before
    log = owner.log
    ears = owner.ears
    for branch in branches:
        log += branch.log
        if branch.ears is not None and branch.ears is not owner.ears:
            ears = _both(ears, branch.ears)
        if contexts and branch.context is not before and branch.context != before:
            if isinstance(context, dict) and isinstance(branch.context, dict):
                news = {
                    name: value
                    for name, value in branch.context.items()
                    if not (isinstance(before, dict) and before.get(name) == value)
                }
                context = {**context, **news}
            else:
                context = branch.context
    return Token(owner.id, context, None, log, owner.owner, None, None, ears)


def _both(one: Ears | None, other: Ears) -> Ears:
    if one is None:
        return other
    horizon = dict(one.horizon)
    for name, number in other.horizon.items():
        horizon[name] = max(number, horizon.get(name, number))
    recent = tuple(sorted({*one.recent, *other.recent}))
    return Ears(recent, horizon, {**other.bound, **one.bound})
