"""What can happen to a run: the closed set of events that `step` takes and the journal keeps."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from batuta.kernel.faults import FaultData
from batuta.kernel.tokens import Branch, Handed


class Started(msgspec.Struct, frozen=True, gc=False, tag="started", omit_defaults=True):
    """The run begins.

    `secrets` are placeholders, made with `nonce`, so that they can be told from anybody's text.
    `refused` is why the run cannot begin properly (a declared secret is missing): it faults.
    `heard` are the numbers of events that the run's listens leave alone: a run before it, whose
    place it takes, has consumed them. `amended` has, by occurrence (reference and path without
    attempts), the input that a task gets instead of the one that would come to it.
    """

    run: str
    input: Any = None
    secrets: dict[str, Any] = {}
    nonce: str = ""
    refused: FaultData | None = None
    origin: str = ""
    behaviour: int = 1
    heard: tuple[int, ...] = ()
    amended: dict[str, Any] = {}


class Performed(msgspec.Struct, frozen=True, gc=False, tag="done", omit_defaults=True):
    """A task that acts on the world ended well; `key` says which occurrence of it."""

    token: str
    key: str
    output: Any = None


class Failed(msgspec.Struct, frozen=True, gc=False, tag="failed", omit_defaults=True):
    """A task that acts on the world faulted."""

    token: str
    key: str
    fault: FaultData


class Heard(msgspec.Struct, frozen=True, gc=False, tag="heard", omit_defaults=True):
    """An event came in. `number` is its place in the order of events.

    `key` is that of the listen that is offered what came before it was reached: to another one the
    event would be out of order. "" offers it to all.
    """

    number: int
    event: dict[str, Any]
    key: str = ""


class Woken(msgspec.Struct, frozen=True, gc=False, tag="woken"):
    """Time has passed: something is due, or may be."""


class Continued(msgspec.Struct, frozen=True, gc=False, tag="continued"):
    """A long stretch of pure tasks goes on where the last step stopped."""


class CancelAsked(msgspec.Struct, frozen=True, gc=False, tag="cancel", omit_defaults=True):
    """The run is to end now, after undoing what has a compensation (unless told not to)."""

    compensate: bool = True
    reason: str = ""


class SuspendAsked(msgspec.Struct, frozen=True, gc=False, tag="suspend"):
    """The run is to stand still: results are kept, nothing new begins, clocks stop."""


class ResumeAsked(msgspec.Struct, frozen=True, gc=False, tag="resume"):
    """A suspended run goes on."""


class Facts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What every participant has to know of a run: the same for all tokens of it.

    With an empty `origin` they are not known yet, and only the id of the run is.
    `first_event` is the number from which on its listens hear events; `parent` and `parent_key` the
    task that waits for the run as a sub-workflow.
    """

    run: str
    origin: str = ""
    started: int = 0
    input: Any = None
    behaviour: int = 1
    first_event: int = 0
    parent: str | None = None
    parent_key: str | None = None


class Opened(msgspec.Struct, frozen=True, gc=False, tag="opened", omit_defaults=True):
    """A participant learns of a run: its part of it begins, with the token that told of it, if any.

    It comes again with the run's facts if they were not known the first time.
    `secrets` are placeholders, made with `nonce`, for this participant's own; `handed` is the
    token, `answer` that of the task which it entered (see `Arrived`).
    """

    facts: Facts
    secrets: dict[str, Any] = {}
    nonce: str = ""
    handed: Handed | None = None
    answer: Performed | Failed | None = None


class Arrived(msgspec.Struct, frozen=True, gc=False, tag="arrived", omit_defaults=True):
    """A token came from another participant, about to enter a task of this one.

    `answer` is what that task answered, when it did so at once: both are one transition then, the
    same that they would have been one after the other.
    """

    handed: Handed
    answer: Performed | Failed | None = None


class BranchEnded(msgspec.Struct, frozen=True, gc=False, tag="branch", omit_defaults=True):
    """A branch ended at another participant; the join is in the token `owner` here."""

    owner: str
    token: str
    branch: Branch


class BranchCancelled(msgspec.Struct, frozen=True, gc=False, tag="leave", omit_defaults=True):
    """The keeper of a join wants a branch to end, wherever it is."""

    token: str


class Closed(msgspec.Struct, frozen=True, gc=False, tag="closed", omit_defaults=True):
    """The run ended elsewhere: nothing of this part is wanted any more."""

    status: str


Event: TypeAlias = (
    Started
    | Performed
    | Failed
    | Heard
    | Woken
    | Continued
    | CancelAsked
    | SuspendAsked
    | ResumeAsked
    | Opened
    | Arrived
    | BranchEnded
    | BranchCancelled
    | Closed
)
