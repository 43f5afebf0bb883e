"""What a run *is* at one moment: a value that serialises.

Owns the shape of a run's state and nothing that changes it (`step`, `flow`, `tasks`). A run is a
set of *tokens*; a token is one thread of control: a stack of *frames* (one per task it is inside
of), its `$context`, and the compensations it owes.

Rules for editing:

* Everything is immutable, and the values inside (JSON) are never mutated either: states share
  structure, and a step that is abandoned halfway must leave no trace.
* Frames link to their parent instead of lying in a list, so that entering and leaving a task costs
  the same at any depth. A branch's frames end in its fork's frame, which it only reads (loop
  variables, deadlines); the join is kept in the frame of the token that reached the fork.
* There is no list of timers. When a run has to be woken is derived from its frames (`Token.wake`,
  `RunState.wake`), so a live run without a next wake-up or something under way cannot be written
  down by mistake: `invariants` checks it.
* Times are integer milliseconds since the epoch. `codec` turns a state into bytes and back; a field
  added here needs a default, since snapshots outlive releases.
"""

from __future__ import annotations

from typing import Any

import msgspec

from batuta.kernel.events import Event
from batuta.kernel.faults import FaultData


class ForState(msgspec.Struct, frozen=True, gc=False, tag="for"):
    """A loop: the items (evaluated once) and the index of the current one."""

    items: list[Any]
    index: int


class Branch(msgspec.Struct, frozen=True, gc=False):
    """How a branch ended. `status` is running, completed, faulted or cancelled."""

    status: str = "running"
    output: Any = None
    context: Any = None
    log: tuple[Owed, ...] = ()
    fault: FaultData | None = None
    ears: Ears | None = None


class ForkState(msgspec.Struct, frozen=True, gc=False, tag="fork"):
    """A join: one entry per branch in declared order."""

    branches: tuple[Branch, ...]


class TryState(msgspec.Struct, frozen=True, gc=False, tag="try"):
    """A try. `phase` is delay (before an attempt), body or catch.

    `attempt` counts from 1; `first` is when the first attempt started, `expires` when the current
    one is cut (None: never).
    """

    phase: str
    attempt: int
    first: int
    expires: int | None = None
    fault: FaultData | None = None


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


class CompensationState(msgspec.Struct, frozen=True, gc=False, tag="compensation"):
    """Undoing: what is still owed (the last entry is being undone), and why.

    `sequel` says what follows: `catch` (the try below handles `fault`), `fault` (the run faults),
    `cancel` (the run ends cancelled), `join` (the fork below completes).
    """

    owed: tuple[Owed, ...]
    sequel: str
    attempt: int = 1
    fault: FaultData | None = None
    failures: tuple[FaultData, ...] = ()


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


class Owed(msgspec.Struct, frozen=True, gc=False):
    """A completed task that has a compensation.

    `tried` counts the attempts to undo it that were interrupted, so that no key is used twice.
    """

    at: str
    path: str
    input: Any
    output: Any
    variables: dict[str, Any] | None = None
    tried: int = 0


class Frame(msgspec.Struct, frozen=True, gc=False):
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


class Ears(msgspec.Struct, frozen=True, gc=False):
    """What a token's past has heard, so that no event is consumed twice by one line of control.

    `recent` holds the store's sequence numbers of the latest consumed events, `horizon` the highest
    one per listen task, and under the empty reference the highest that `recent` has let go; `bound`
    holds the correlation values fixed so far, by correlation name.
    """

    recent: tuple[int, ...] = ()
    horizon: dict[str, int] = {}
    bound: dict[str, Any] = {}


class Token(msgspec.Struct, frozen=True, gc=False):
    """One thread of control.

    `id` is "" for the first one and `<fork reference><path>/branches/<i>` for a branch, whose
    `owner` is the token that keeps the join. `entering` holds the reference of the task it is about
    to enter, with its raw input `carried`, when a step stopped between two tasks.
    """

    id: str
    context: Any = None
    frame: Frame | None = None
    log: tuple[Owed, ...] = ()
    owner: str | None = None
    entering: str | None = None
    carried: Any = None
    ears: Ears | None = None

    @property
    def key(self) -> str:
        """The occurrence that the token stands on: reference and path."""
        return self.frame.at + self.frame.path if self.frame is not None else ""

    @property
    def wake(self) -> int | None:
        """When something in the token falls due, or None."""
        frame = self.frame
        if frame is None or frame.due is None:
            return None if frame is None else frame.wake
        return frame.due if frame.wake is None else min(frame.due, frame.wake)


PENDING, RUNNING, SUSPENDED = "pending", "running", "suspended"
COMPLETED, FAULTED, CANCELLED = "completed", "faulted", "cancelled"
TERMINAL = frozenset({COMPLETED, FAULTED, CANCELLED})


class RunState(msgspec.Struct, frozen=True, gc=False):
    """A whole run.

    `origin` is the run whose idempotency keys this one uses: itself, or the run it retries.
    `secrets` holds placeholders made with `nonce`, never values. `held` are the events that came
    while suspended. `cancelling` is set once a cancel was asked for and compensations are being
    performed.
    """

    id: str = ""
    origin: str = ""
    status: str = PENDING
    started: int = 0
    input: Any = None
    secrets: dict[str, Any] = {}
    nonce: str = ""
    tokens: dict[str, Token] = {}
    output: Any = None
    fault: FaultData | None = None
    ended: int | None = None
    suspended_at: int | None = None
    held: tuple[Event, ...] = ()
    cancelling: bool = False
    behaviour: int = 1

    @property
    def wake(self) -> int | None:
        """When the run has to be woken at the latest, or None while nothing is timed."""
        if self.status != RUNNING:
            return None
        wakes = [wake for token in self.tokens.values() if (wake := token.wake) is not None]
        return min(wakes) if wakes else None
