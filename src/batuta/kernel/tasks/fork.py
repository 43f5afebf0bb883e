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

import msgspec

from batuta.kernel.ears import joined
from batuta.kernel.flow import end_run, enter, finish, unwind
from batuta.kernel.frames import branch_id, changed, is_undoing, new_frame, parent_of
from batuta.kernel.leaving import all_owed, cancel_token
from batuta.kernel.owing import together, without
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import Branch, ForkState, Frame, Leaving, Token
from batuta.kernel.tasks.away import answered, end_branch, is_settled
from batuta.kernel.tasks.compensation import compensate
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.faults import FaultData
    from batuta.kernel.program import Node
    from batuta.kernel.state import Ears

_RUNNING = Branch()

REMEMBERS_BOTH = 5
"""From this behaviour on, whoever goes on with one branch remembers what it heard itself."""

OVER = ForkState(())
"""A fork whose branches have ended, and been dealt with."""


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Start every branch with the fork's input."""
    branches: tuple[Node, ...] = node.own.branches
    if not branches:
        return finish(t, token, parent, node, raw, data, [])
    part = t.program.part
    state = ForkState((_RUNNING,) * len(branches), part or "")
    frame = new_frame(t, token, parent, node, raw, data, state=state)
    t.stop(token, frame)
    for index, branch in enumerate(branches):
        started = Token(
            branch_id(frame, index), token.context, None, (), token.id, None, None, token.ears
        )
        t.tokens[started.id] = started
        if part is None:
            t.agenda.append((enter, started, frame, branch, data))
        else:
            t.agenda.append((_enter_caused, started, frame, branch, data, t.cause))
    return None


@entering
def _enter_caused(
    t: Transition, token: Token, parent: Frame, node: Node, raw: Any, cause: tuple[str, str]
) -> Action:
    """Enter a branch; what led to it is not what the branch before it has done since."""
    t.cause = cause
    return enter(t, token, parent, node, raw)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """A branch ended well."""
    del node, left
    ended = Branch("completed", output, token.context, token.log, None, token.ears)
    return branch_ended(t, token, frame, ended)


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """A branch faulted; only branches do so in the fork's frame."""
    del node
    ended = Branch("faulted", None, token.context, token.log, fault, token.ears)
    return branch_ended(t, token, frame, ended)


def branch_ended(t: Transition, token: Token, frame: Frame | None, ended: Branch) -> Action:
    """A branch ended: tell the join, which another participant may keep."""
    owner = t.tokens.get(token.owner or "")
    if owner is None:
        return end_branch(t, token, frame, ended)
    t.tokens.pop(token.id, None)
    return take_branch(t, owner, int(token.id.rpartition("/")[2]), ended)


def take_branch(t: Transition, owner: Token, index: int, ended: Branch) -> Action:
    """Note in the join that a branch ended, and end the fork if that decides it."""
    # The join is kept by the owner; the frame below the branch may be an earlier form of it.
    join = cast("Frame", owner.frame)
    node = t.program.nodes[join.at]
    state = state_of(join)
    if state.leaving is not None:
        return answered(t, owner, index, ended)
    branches = list(state.branches)
    branches[index] = ended
    others = any(branch.status in {"running", "cancelled"} for branch in branches)
    join = changed(join, state=ForkState(tuple(branches), state.keeper))
    t.stop(owner, join)
    leaving = _decision(ended, index, compete=node.own.compete, others=others)
    if leaving is not None:
        return _decide(t, owner, leaving)
    if others:
        return None
    outputs = [branch.output for branch in branches]
    owner = _merged(owner, branches)
    t.cause = (node.reference, "completed")
    return (finish, owner, parent_of(join), node, join.raw, join.input, outputs, join.started)


def _decision(ended: Branch, index: int, *, compete: bool, others: bool) -> Leaving | None:
    """Return how a branch that ended decides the fork, None if it does not."""
    if ended.status == "cancelled":
        return None  # with the whole run, as will be heard here soon
    if ended.status == "ends":
        return Leaving("end", index)
    if ended.fault is not None:
        return None if compete and others else Leaving("fault", index)
    return Leaving("won", index) if compete else None


def _decide(t: Transition, owner: Token, leaving: Leaving) -> Action:
    if not is_settled(t, t.tokens[owner.id], leaving):
        return None
    owner = t.tokens[owner.id]
    join = cast("Frame", owner.frame)
    return decided(t, owner, join, t.program.nodes[join.at], leaving)


def decided(t: Transition, owner: Token, join: Frame, node: Node, leaving: Leaving) -> Action:
    """End the fork, as a branch has decided; no branch is elsewhere any more."""
    branches = list(state_of(join).branches)
    _cancel_rest(t, join, branches)
    ended = branches[leaving.index]
    if leaving.sequel == "end":
        return _end(t, owner, join, branches, ended)
    if leaving.sequel == "won":
        return _win(t, owner, join, node, branches, leaving.index)
    t.cause = (node.reference, "faulted")
    return _fault(t, owner, join, branches, cast("FaultData", ended.fault))


def _end(t: Transition, owner: Token, join: Frame, branches: list[Branch], ended: Branch) -> Action:
    """A branch ended the run: so does the token of its fork, with what the branch gave."""
    if is_undoing(join):
        # Only the undoing ends, and what is done to undo something owes and exports nothing.
        frame = changed(join, state=ForkState(tuple(branches), state_of(join).keeper))
        return end_run(t, owner, frame, ended.output)
    log = owner.log
    for branch in branches:
        log = together(log, branch.log)
    ears = _ears(t, owner, ended)
    owner = Token(owner.id, ended.context, join, log, owner.owner, None, None, ears)
    t.tokens[owner.id] = owner
    frame = changed(join, state=OVER)
    return end_run(t, msgspec.structs.replace(owner, frame=frame), frame, ended.output)


def _win(
    t: Transition, owner: Token, join: Frame, node: Node, branches: list[Branch], index: int
) -> Action:
    ended = branches[index]
    t.cause = (node.reference, "completed")
    lost = tuple(owed for at, branch in enumerate(branches) if at != index for owed in branch.log)
    # What a loser did in an earlier attempt of a try around is undone with what it did in this one.
    log = together(without(owner.log, lost), ended.log)
    ears = _ears(t, owner, ended)
    owner = Token(owner.id, ended.context, None, log, owner.owner, None, None, ears)
    frame = changed(join, state=ForkState(tuple(branches), state_of(join).keeper))
    if lost:
        return compensate(t, owner, frame, lost, "join")
    return won(t, owner, frame, node)


def _ears(t: Transition, owner: Token, ended: Branch) -> Ears | None:
    """Return what has been heard by who goes on with one branch alone.

    A listen around the fork (its `foreach` has the fork in it) hears on while the branches run.
    """
    if t.state.behaviour < REMEMBERS_BOTH or ended.ears == owner.ears:
        return ended.ears
    return owner.ears if ended.ears is None else joined(owner.ears, ended.ears)


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
