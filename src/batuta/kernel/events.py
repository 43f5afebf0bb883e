"""What can happen to a run: the closed set of events that `step` takes and the journal keeps."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from batuta.kernel.faults import FaultData


class Started(msgspec.Struct, frozen=True, gc=False, tag="started", omit_defaults=True):
    """The run begins.

    `secrets` are placeholders, made with `nonce`, so that they can be told from anybody's text.
    `refused` is why the run cannot begin properly (a declared secret is missing): it faults.
    `heard` are the numbers of events that the run's listens leave alone: a run before it, whose
    place it takes, has consumed them.
    """

    run: str
    input: Any = None
    secrets: dict[str, Any] = {}
    nonce: str = ""
    refused: FaultData | None = None
    origin: str = ""
    behaviour: int = 1
    heard: tuple[int, ...] = ()


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
    """An event came in. `number` is its place in the store's order of events."""

    number: int
    event: dict[str, Any]


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
)
