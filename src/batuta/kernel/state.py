"""What a run *is* at one moment: a value that serialises.

Owns the state of a run as a whole; what it is made of is in `tokens`, with the rules for editing
both. A run is a set of tokens. Of a choreographed run every participant has a part: the tokens that
stand on its tasks, and the joins that it keeps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from batuta.kernel.events import Event
from batuta.kernel.faults import FaultData
from batuta.kernel.tokens import (
    NOTHING,
    Branch,
    CallState,
    Cause,
    CompensationState,
    Ears,
    ExtendedState,
    ForkState,
    ForState,
    Frame,
    FrameState,
    Handed,
    Leaving,
    ListenState,
    Owed,
    Token,
    TryState,
    WaitState,
)

PENDING, RUNNING, SUSPENDED = "pending", "running", "suspended"
COMPLETED, FAULTED, CANCELLED = "completed", "faulted", "cancelled"
TERMINAL = frozenset({COMPLETED, FAULTED, CANCELLED})


class RunState(msgspec.Struct, frozen=True, gc=False):
    """A whole run.

    `origin` is the run whose idempotency keys this one uses: itself, or the run it retries.
    `secrets` holds placeholders made with `nonce`, never values. `held` are the events that came
    while suspended. `cancelling` is set once a cancel was asked for and compensations are being
    performed.

    A participant's part of a run is a state, too: it holds the tokens that stand on its tasks and
    the joins it keeps. Its `origin` is "" as long as it knows nothing of the run but the id, from
    somebody who wants it cancelled or suspended. `barred` are the ids of branches that were
    cancelled while they were elsewhere, or on their way here; `spared` says that a cancel is not to
    undo anything; `paused` is for how long the run has been suspended so far. `amended` is that of
    the run's start.
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
    barred: tuple[str, ...] = ()
    spared: bool = False
    paused: int = 0
    amended: dict[str, Any] = {}

    @property
    def is_known(self) -> bool:
        """Say whether the run's facts are here: a part may be told to stand still before that."""
        return bool(self.origin)

    @property
    def wake(self) -> int | None:
        """When the run has to be woken at the latest, or None while nothing is timed."""
        if self.status != RUNNING:
            return None
        wakes = [wake for token in self.tokens.values() if (wake := token.wake) is not None]
        return min(wakes) if wakes else None


__all__ = [
    "CANCELLED",
    "COMPLETED",
    "FAULTED",
    "NOTHING",
    "PENDING",
    "RUNNING",
    "SUSPENDED",
    "TERMINAL",
    "Branch",
    "CallState",
    "Cause",
    "CompensationState",
    "Ears",
    "ExtendedState",
    "ForState",
    "ForkState",
    "Frame",
    "FrameState",
    "Handed",
    "Leaving",
    "ListenState",
    "Owed",
    "RunState",
    "Token",
    "TryState",
    "WaitState",
]
