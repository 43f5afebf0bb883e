"""Tokens and their frames: the values that a run's state is made of.

Owns their shape and nothing that changes them (`step`, `flow`, `tasks`). A token is one thread of
control: a stack of *frames* (one per task it is inside of), its `$context`, and the compensations
it owes.

Rules for editing:

* Everything is immutable, and the values inside (JSON) are never mutated either: states share
  structure, and a step that is abandoned halfway must leave no trace.
* Frames link to their parent instead of lying in a list, so that entering and leaving a task costs
  the same at any depth. A branch's frames end in its fork's frame, which it only reads (loop
  variables, deadlines); the join is kept in the frame of the token that reached the fork.
* There is no list of timers. When a token has to be woken is derived from its frames (`Token.wake`,
  and `RunState.wake` from those), so a live run without a next wake-up or something under way
  cannot be written down by mistake: `invariants` checks it.
* Times are integer milliseconds since the epoch. `codec` turns a state into bytes and back; a field
  added here needs a default, since snapshots outlive releases.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from batuta.kernel.faults import FaultData

Cause: TypeAlias = tuple[str, str]
"""What ended last, and how: a reference, and completed, faulted or start."""

NOTHING: Cause = ("", "")
"""The cause of what nothing led to that ended."""


class ForState(msgspec.Struct, frozen=True, gc=False, tag="for"):
    """A loop: the items (evaluated once) and the index of the current one."""

    items: list[Any]
    index: int


class Branch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How a branch ended: `status` is running, completed, faulted or cancelled.

    Under choreography also leaving (it is elsewhere, and asked to end) or ends (it ended the run).
    """

    status: str = "running"
    output: Any = None
    context: Any = None
    log: tuple[Owed, ...] = ()
    fault: FaultData | None = None
    ears: Ears | None = None


class Leaving(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a fork does once its branches at other participants have answered.

    `sequel` is fault or won (branch `index` decided), due (a timeout around it), cancel (of the
    run), end (of the run, by branch `index`), answer (the fork's own token is a branch that its
    keeper cancels), or wait (a fork around this one decides).
    """

    sequel: str
    index: int = 0
    compensate: bool = True


class ForkState(msgspec.Struct, frozen=True, gc=False, tag="fork"):
    """A join: one entry per branch in declared order.

    `keeper` is the participant that keeps it, "" under a conductor. `leaving` is set once the
    fork's end is decided, and branches that are elsewhere have to answer first.
    """

    branches: tuple[Branch, ...]
    keeper: str = ""
    leaving: Leaving | None = None


class TryState(msgspec.Struct, frozen=True, gc=False, tag="try", omit_defaults=True):
    """A try. `phase` is delay (before an attempt), body or catch.

    `attempt` counts from 1; `first` is when the first attempt started, `expires` when the current
    one is cut (None: never). `cause` is what had ended before a delay.
    """

    phase: str
    attempt: int
    first: int
    expires: int | None = None
    fault: FaultData | None = None
    cause: Cause = NOTHING


class ListenState(msgspec.Struct, frozen=True, gc=False, tag="listen"):
    """A listen: what was consumed so far.

    `taken` are the events that count, in the order they came, each with the index of its filter;
    `queue` those still to be iterated over; `outputs` the results of finished iterations; `busy`
    says that an iteration is under way; `satisfied` that no further event is wanted.
    """

    taken: tuple[tuple[int, Any], ...] = ()
    until: tuple[tuple[int, Any], ...] = ()
    queue: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    iterated: int = 0
    busy: bool = False
    satisfied: bool = False


class CallState(msgspec.Struct, frozen=True, gc=False, tag="call"):
    """A call or run under way."""

    child: bool = False
    """True for a sub-workflow, which is cancelled with its parent."""


class WaitState(msgspec.Struct, frozen=True, gc=False, tag="wait"):
    """A wait; its end is the frame's `due`."""


class ExtendedState(msgspec.Struct, frozen=True, gc=False, tag="extended"):
    """A task with extensions around it. `phase` is before, task, after, or skip (not extended)."""

    phase: str
    output: Any = None
    then: str = "continue"


class CompensationState(
    msgspec.Struct, frozen=True, gc=False, tag="compensation", omit_defaults=True
):
    """Undoing: what is still owed (the last entry is being undone), and why.

    `sequel` says what follows: `catch` (the try below handles `fault`), `fault` (the run faults),
    `cancel` (the run ends cancelled), `join` (the fork below completes). `cause` is what had ended
    before a delay.
    """

    owed: tuple[Owed, ...]
    sequel: str
    attempt: int = 1
    fault: FaultData | None = None
    failures: tuple[FaultData, ...] = ()
    cause: Cause = NOTHING


FrameState = (
    ForState
    | ForkState
    | TryState
    | ListenState
    | CallState
    | WaitState
    | ExtendedState
    | CompensationState
    | None
)


class Owed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A completed task that has a compensation.

    `tried` counts the attempts to undo it that were interrupted, so that no key is used twice.
    `owner` is the participant that performed it when the document leaves that to the caller.
    """

    at: str
    path: str
    input: Any
    output: Any
    variables: dict[str, Any] | None = None
    tried: int = 0
    owner: str | None = None


class Frame(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A task that a token is inside of.

    `at` is its reference; `path` tells its occurrence apart from others of the same task: `[i]` per
    enclosing iteration, `+n` per further attempt of an enclosing try (one more `+` per try around
    that), `+!n` per further attempt to undo, `~n` per backward jump, `@reference` per enclosing
    function call or extension. `raw` and `input` are the task's input before and
    after its transformation. `inner` is the path of what runs inside. `deadline` is the task's own,
    `wake` the earliest of it and its ancestors'; `due` is when its own waiting ends.
    """

    at: str
    path: str
    raw: Any
    input: Any
    started: int
    parent: Frame | None = None
    state: FrameState = None
    variables: dict[str, Any] | None = None
    inner: str = ""
    deadline: int | None = None
    wake: int | None = None
    due: int | None = None


class Ears(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a token's past has heard, so that no event is consumed twice by one line of control.

    `recent` holds the store's sequence numbers of the latest consumed events, `horizon` the highest
    one per listen task, and under the empty reference the highest that `recent` has let go; `bound`
    holds the correlation values fixed so far, by correlation name.
    """

    recent: tuple[int, ...] = ()
    horizon: dict[str, int] = {}
    bound: dict[str, Any] = {}


class Token(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thread of control.

    `id` is "" for the first one and `<fork reference><path>/branches/<i>` for a branch, whose
    `owner` is the token that keeps the join. `entering` holds the reference of the task it is about
    to enter, with its raw input `carried`, when a step stopped between two tasks. On its way from
    one participant to another, `paused` is for how long the run had been suspended when it left.
    """

    id: str
    context: Any = None
    frame: Frame | None = None
    log: tuple[Owed, ...] = ()
    owner: str | None = None
    entering: str | None = None
    carried: Any = None
    ears: Ears | None = None
    paused: int = 0

    @property
    def key(self) -> str:
        """The occurrence that the token stands on: reference and path."""
        return self.frame.at + self.frame.path if self.frame is not None else ""

    @property
    def is_leaving(self) -> bool:
        """Say whether it waits for branches that are elsewhere to answer: no time moves it then."""
        state = None if self.frame is None else self.frame.state
        return isinstance(state, ForkState) and state.leaving is not None

    @property
    def wake(self) -> int | None:
        """When something in the token falls due, or None."""
        frame = self.frame
        if frame is None or frame.due is None:
            return None if frame is None or self.is_leaving else frame.wake
        return frame.due if frame.wake is None else min(frame.due, frame.wake)


class Handed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A token on its way to another participant: written by `codec.handed`, read by `taken_over`.

    `stack` are all frames around it, innermost first, without their links. The places of values in
    both hold the number of a value on the `shelf`, so that what is equal is sent once.
    """

    token: Token
    stack: tuple[Frame, ...]
    shelf: list[Any]
