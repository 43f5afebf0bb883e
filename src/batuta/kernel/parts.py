"""What happens to a participant's part of a run that never happens under a conductor.

Owns the arrival of a token, the answer of a branch that was elsewhere, the wish of a keeper that a
branch end, and the news that the run is over. Everything else happens to a part as it does to a
whole run (`step`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from batuta.kernel.codec import taken_over
from batuta.kernel.commands import Finish
from batuta.kernel.flow import admit
from batuta.kernel.leaving import cancel_all, cancel_token
from batuta.kernel.state import PENDING, RUNNING, ForkState, Leaving
from batuta.kernel.tasks import fork, workflow
from batuta.kernel.tasks.away import answer, is_cancelled, is_settled
from batuta.kernel.tasks.call import DETACHED

if TYPE_CHECKING:
    from batuta.kernel.events import Arrived, BranchCancelled, BranchEnded, Closed, Opened
    from batuta.kernel.state import Frame, Handed, Token
    from batuta.kernel.transition import Transition

Changes = dict[str, Any] | None


def open_part(t: Transition, event: Opened) -> Changes:
    """The part begins, or learns the facts of its run; what told of it may be a token."""
    if t.state.is_known:
        return None
    facts = event.facts
    t.state = msgspec.structs.replace(
        t.state,
        id=facts.run,
        origin=facts.origin,
        status=RUNNING if t.state.status == PENDING else t.state.status,
        started=facts.started,
        input=facts.input,
        secrets=event.secrets,
        nonce=event.nonce,
        behaviour=facts.behaviour,
    )
    if event.handed is not None:
        _take_over(t, event.handed)
    return {}


def arrive(t: Transition, event: Arrived) -> Changes:
    """A token is here now, unless it was before."""
    if event.handed.token.id in t.tokens:
        return None
    _take_over(t, event.handed)
    return {}


def _take_over(t: Transition, handed: Handed) -> None:
    """Let a token begin its task, unless it is not wanted any more."""
    sent = handed.token
    node = t.program.nodes[cast("str", sent.entering)]
    owner = t.tokens.get(sent.owner or "") if sent.owner is not None else None
    # A pause that the token has missed on its way counts for it, too.
    token = taken_over(handed, owner, max(0, t.state.paused - sent.paused))
    raw = token.carried
    token = msgspec.structs.replace(token, entering=None, carried=None, paused=0)
    t.tokens[token.id] = token
    cancelled = is_cancelled(t.state, token)
    if cancelled and token.owner is None:
        t.follow(workflow.cancel(t, compensate=not t.state.spared))
    elif cancelled or token.id in t.state.barred or not _is_wanted(owner, token):
        t.follow(answer(t, token))
    else:
        t.follow((admit, token, token.frame, node, raw))


def _is_wanted(owner: Token | None, token: Token) -> bool:
    """Say whether a branch that comes back to the keeper of its join has not been asked to end."""
    if owner is None:
        return True
    join = cast("Frame", owner.frame).state
    place = int(token.id.rpartition("/")[2])
    return isinstance(join, ForkState) and join.branches[place].status == "running"


def cancel_branches(t: Transition) -> None:
    """The run is cancelled: so are the branches here, whose keepers will hear of it, too."""
    for token in list(t.tokens.values()):
        if token.owner == DETACHED:
            cancel_token(t, token)
    away = [token for token in t.tokens.values() if token.owner not in {None, *t.tokens}]
    for token in away:
        if is_cancelled(t.state, token):
            _leave(t, token)


def _leave(t: Transition, token: Token) -> None:
    """End a branch whose keeper is elsewhere, at once or when what is under it has ended."""
    if is_settled(t, token, Leaving("answer")):
        t.follow(answer(t, t.tokens[token.id]))


def end_branch(t: Transition, event: BranchEnded) -> Changes:
    """A branch ended elsewhere; one that nobody waits for any more means nothing."""
    owner = t.tokens.get(event.owner)
    key, _, index = event.token.rpartition("/branches/")
    top = None if owner is None else owner.frame
    if (
        owner is None
        or top is None
        or top.at + top.path != key
        or not isinstance(top.state, ForkState)
        or top.state.branches[int(index)].status not in {"running", "leaving"}
        or event.token in t.tokens
    ):
        return None
    t.follow(fork.take_branch(t, owner, int(index), event.branch))
    return {}


def cancel_branch(t: Transition, event: BranchCancelled) -> Changes:
    """End a branch that is here, and tell its keeper; one that is not here may still come."""
    token = t.tokens.get(event.token)
    if token is None:
        if event.token in t.state.barred:
            return None
        t.state = msgspec.structs.replace(t.state, barred=(*t.state.barred, event.token))
    elif token.owner in t.tokens:
        return None  # its keeper is here, and has no need to ask
    else:
        _leave(t, token)
    return {}


def close(t: Transition, event: Closed) -> Changes:
    """The run is over: give back what is open."""
    cancel_all(t)
    t.commands.append(Finish(event.status, None, None))
    t.ended = {"status": event.status, "ended": t.now, "held": (), "suspended_at": None}
    return {}
