"""`fork`: branches at once, and the join that ends them.

The token that reaches the fork stays in its frame and keeps the join; each branch is a token of its
own that ends in that frame. Rulings (A11): results in declared order; the first fault cancels the
other branches and goes on from the fork; under `compete` the first *success* wins, the losers are
cancelled and, where they had completed something that can be undone, compensated; a competition
that nobody wins faults like its last branch. Exports of branches are merged in declared order, a
later branch's members winning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from batuta.kernel.ears import joined
from batuta.kernel.flow import enter, finish, unwind
from batuta.kernel.frames import branch_id, changed, new_frame, parent_of
from batuta.kernel.leaving import all_owed, cancel_token
from batuta.kernel.owing import together, without
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import Branch, ForkState, Frame, Token
from batuta.kernel.tasks.compensation import compensate
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
    del frame, left
    ended = Branch("completed", output, token.context, token.log, None, token.ears)
    return _branch_ended(t, token, node, ended)


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """A branch faulted; only branches do so in the fork's frame."""
    del frame
    ended = Branch("faulted", None, token.context, token.log, fault, token.ears)
    return _branch_ended(t, token, node, ended)


def _branch_ended(t: Transition, token: Token, node: Node, ended: Branch) -> Action:
    index = int(token.id.rpartition("/")[2])
    t.tokens.pop(token.id, None)
    owner = t.tokens[token.owner or ""]
    # The join is kept by the owner; the frame below the branch may be an earlier form of it.
    join = cast("Frame", owner.frame)
    branches = list(state_of(join).branches)
    branches[index] = ended
    if node.own.compete:
        return _compete(t, owner, join, node, branches, index)
    if ended.fault is not None:
        _cancel_rest(t, join, branches)
        return _fault(t, owner, join, branches, ended.fault)
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
        return _fault(t, owner, join, branches, ended.fault)
    _cancel_rest(t, join, branches)
    lost = tuple(owed for at, branch in enumerate(branches) if at != index for owed in branch.log)
    # What a loser did in an earlier attempt of a try around is undone with what it did in this one.
    log = together(without(owner.log, lost), ended.log)
    owner = Token(owner.id, ended.context, None, log, owner.owner, None, None, ended.ears)
    frame = changed(join, state=ForkState(tuple(branches)))
    if lost:
        return compensate(t, owner, frame, lost, "join")
    return won(t, owner, frame, node)


def won(t: Transition, owner: Token, frame: Frame, node: Node) -> Action:
    """The competition is over, and its losers are undone: the winner's output is the fork's."""
    del t
    winner = next(branch for branch in state_of(frame).branches if branch.status == "completed")
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
    t: Transition, owner: Token, join: Frame, branches: list[Branch], fault: FaultData
) -> Action:
    owner = _merged(owner, branches, contexts=False)
    report_frame(t, "faulted", join, fault)
    return (unwind, owner, parent_of(join), fault)


def _cancel_rest(t: Transition, join: Frame, branches: list[Branch]) -> None:
    for index, branch in enumerate(branches):
        if branch.status == "running":
            token = t.tokens[branch_id(join, index)]
            branches[index] = Branch("cancelled", log=all_owed(t, token))
            cancel_token(t, token)


def _merged(owner: Token, branches: list[Branch], *, contexts: bool = True) -> Token:
    before = owner.context
    context = before
    log = owner.log
    ears = owner.ears
    for branch in branches:
        log = together(log, branch.log)
        if branch.ears is not None and branch.ears != owner.ears:
            ears = joined(ears, branch.ears)
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


def state_of(frame: Frame) -> ForkState:
    """Return the frame's state, whose kind is that of its task (`invariants`)."""
    return cast("ForkState", frame.state)
