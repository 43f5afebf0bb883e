"""Tasks of other participants, as one participant's part of a run meets them (choreography).

Owns who owns a task, the handing over of tokens, and the answers between a join and its branches
when they are at different participants. A pure task has no owner: whoever holds the token evaluates
it, so a decision is made once and announced, never made twice. A task that acts belongs to its
participant, one inside a function of the document to the participant of the call if it names none;
an `emit` or `wait` that nobody owns is done by whoever holds the token, and so are the tasks of
external participants, which are asked by events.

A fork that ends early must know what its branches have completed, since that may have to be undone.
Under a conductor they are all in one state. Here some are elsewhere, so the end is decided first
(`Leaving`), they are asked to end and answer with what they owe, and then the decision is carried
out, by the same code as under a conductor. Nothing in between can change the decision, except the
cancelling of the whole run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from batuta.kernel.commands import CancelBranch, EndBranch
from batuta.kernel.frames import (
    all_frames,
    branch_id,
    changed,
    keeper_of,
    own_frames,
    owner_of,
)
from batuta.kernel.leaving import all_owed, cancel_token
from batuta.kernel.state import (
    Branch,
    CompensationState,
    ForkState,
    Frame,
    Leaving,
    RunState,
    Token,
)

if TYPE_CHECKING:
    from batuta.kernel.program import Node, Program
    from batuta.kernel.transition import Action, Transition


def elsewhere(program: Program, node: Node, parent: Frame) -> str | None:
    """Return the participant to which a task that acts takes its token; None if it is here."""
    owner = owner_of(program, node, parent)
    return None if owner == program.part or owner in program.external else owner


def hop_of(token: Token, around: Frame) -> str:
    """Return the name of a hand-over, which no other one of its run has.

    It tells which token enters which occurrence of a task, and that happens once: what is tried,
    iterated or undone again has another path.
    """
    return f"{token.id}>{token.entering}{around.inner}"


def end_branch(t: Transition, token: Token, frame: Frame | None, ended: Branch) -> Action:
    """A branch ended whose join is not here: tell the keeper; `frame` is inside of the fork."""
    t.tokens.pop(token.id, None)
    keeper = keeper_of(token, frame)
    t.commands.append(EndBranch(keeper, token.owner or "", token.id, ended, *t.cause))


def is_settled(t: Transition, token: Token, leaving: Leaving) -> bool:
    """Say whether everything under a token can be left at once.

    If not, branches that are elsewhere have been asked to end, and `leaving` will be done once they
    have answered. Under a conductor nothing is elsewhere.
    """
    return t.program.part is None or _withdraw(t, token, leaving)


def _withdraw(t: Transition, token: Token, leaving: Leaving) -> bool:
    """Take back the branches under a token; say whether none has to answer any more."""
    top = next(own_frames(token), None)
    if top is None or not isinstance(top.state, ForkState):
        return True
    state = top.state
    branches = list(state.branches)
    settled = True
    for index, branch in enumerate(branches):
        if branch.status == "leaving":
            settled = False
        elif branch.status == "running":
            inner = t.tokens.get(branch_id(top, index))
            if inner is None:
                t.commands.append(CancelBranch(branch_id(top, index)))
                branches[index] = Branch("leaving")
                settled = False
            elif _withdraw(t, inner, Leaving("wait")):
                inner = t.tokens[inner.id]
                branches[index] = Branch("cancelled", log=all_owed(t, inner))
                cancel_token(t, inner)
            else:
                settled = False
    t.stop(token, changed(top, state=ForkState(tuple(branches), state.keeper, leaving)))
    return settled


def answered(t: Transition, owner: Token, index: int, ended: Branch) -> Action:
    """A branch that was asked to end has; go on if it was the last one, as far out as decided."""
    top = cast("Frame", owner.frame)
    state = cast("ForkState", top.state)
    branches = list(state.branches)
    branches[index] = Branch("cancelled", log=ended.log)
    t.stop(owner, changed(top, state=ForkState(tuple(branches), state.keeper, state.leaving)))
    owner = t.tokens[owner.id]
    while cast("Leaving", state.leaving).sequel == "wait":
        owner = t.tokens[cast("str", owner.owner)]
        state = cast("ForkState", cast("Frame", owner.frame).state)
    leaving = cast("Leaving", state.leaving)
    if not _withdraw(t, owner, leaving):
        return None
    owner = t.tokens[owner.id]
    top = cast("Frame", owner.frame)
    state = cast("ForkState", top.state)
    # Decided, and everybody has answered: from here on it is as if all had been here.
    t.stop(owner, changed(top, state=ForkState(state.branches, state.keeper)))
    return (conclude, t.tokens[owner.id], t.tokens[owner.id].frame, leaving)


def conclude(t: Transition, token: Token, frame: Frame, leaving: Leaving) -> Action:
    """Do what was decided."""
    from batuta.kernel import timeouts  # noqa: PLC0415 -- it stands on this
    from batuta.kernel.tasks import fork, workflow  # noqa: PLC0415 -- they stand on this

    match leaving.sequel:
        case "due":
            return timeouts.due(t, token)
        case "cancel":
            return workflow.cancel(t, compensate=leaving.compensate)
        case "answer":
            return answer(t, token)
        case _:
            return fork.decided(t, token, frame, t.program.nodes[frame.at], leaving)


def answer(t: Transition, token: Token) -> Action:
    """A branch ends because its keeper, elsewhere, wants it to; it tells what it owes."""
    owed = all_owed(t, token)
    frame = token.frame
    cancel_token(t, token)
    return end_branch(t, token, frame, Branch("cancelled", log=owed))


def is_cancelled(state: RunState, token: Token) -> bool:
    """Say whether a cancel of the run has still to be carried out on a token.

    It has been on one that is undoing because of it, unless nothing is to be undone any more.
    """
    if not state.cancelling or state.spared:
        return state.cancelling
    return not any(
        isinstance(frame.state, CompensationState) and frame.state.sequel == "cancel"
        for frame in all_frames(token)
    )
