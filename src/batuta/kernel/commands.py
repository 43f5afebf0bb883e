"""What a step asks of the world: the closed set of commands, carried out after the commit."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from batuta.kernel.faults import FaultData
from batuta.kernel.tokens import Branch, Token


class Perform(msgspec.Struct, frozen=True, gc=False):
    """Perform a task that acts on the world; answer with `Performed` or `Failed`.

    `kind` is http, openapi, function, shell, script, container or another call's name; `target` the
    function's name or "". `occurrence` is the key without attempts: what an idempotency key is made
    of. `deadline` is the earliest timeout around it.
    """

    token: str
    key: str
    reference: str
    name: str
    kind: str
    target: str
    arguments: dict[str, Any]
    input: Any
    authentication: dict[str, Any] | None
    occurrence: str
    attempt: int
    participant: str | None
    deadline: int | None


class StartChild(msgspec.Struct, frozen=True, gc=False):
    """Start a sub-workflow; when `wait` is set answer with `Performed` or `Failed`."""

    token: str
    key: str
    namespace: str
    name: str
    version: str
    input: Any
    wait: bool


class Abandon(msgspec.Struct, frozen=True, gc=False):
    """What was asked for under this key is no longer wanted: cancel it, ignore its answer."""

    token: str
    key: str


class Publish(msgspec.Struct, frozen=True, gc=False):
    """Publish a CloudEvent (structured JSON form); no answer is awaited."""

    event: dict[str, Any]


class Criterion(msgspec.Struct, frozen=True, gc=False):
    """What a store can use to find who waits for an event: its type, and correlated values.

    `type` None means any. `correlations` are pairs of the jq source read from the event and the
    JSON value it must have; a subscription without them is offered every event of the type.
    """

    type: str | None
    correlations: tuple[tuple[str, Any], ...] = ()


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """Send `Heard` for events of these criteria, those published since `after` (or start) too.

    What was published before comes first, in its order and under this key: a listen that took a
    later event meanwhile would not look at an earlier one again.
    """

    token: str
    key: str
    criteria: tuple[Criterion, ...]
    after: int | None


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    """The listen under this key is over."""

    token: str
    key: str


class Index(msgspec.Struct, frozen=True, gc=False):
    """Let the run be found by these business keys: texts, numbers, booleans, or lists of them."""

    keys: dict[str, Any]


class Continue(msgspec.Struct, frozen=True, gc=False):
    """The step stopped between two tasks to let others run: answer with `Continued`."""


class HandOver(msgspec.Struct, frozen=True, gc=False):
    """A token goes to the participant `to`, whose task it is about to enter (choreography).

    `cause` is the reference of what ended before, `outcome` how: completed, faulted, start, or ""
    when nothing did.
    """

    token: Token
    cause: str
    outcome: str
    to: str


class EndBranch(msgspec.Struct, frozen=True, gc=False):
    """A branch ended; the participant `keeper` has the join, in the token `owner`."""

    keeper: str
    owner: str
    token: str
    branch: Branch
    cause: str
    outcome: str


class CancelBranch(msgspec.Struct, frozen=True, gc=False):
    """A branch is to end, at whichever participant it is: its holder answers with `EndBranch`."""

    token: str


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The run ended. `status` is completed, faulted or cancelled."""

    status: str
    output: Any
    fault: FaultData | None


Departure: TypeAlias = HandOver | EndBranch | CancelBranch
"""What goes to other participants."""

Command: TypeAlias = (
    Perform
    | StartChild
    | Abandon
    | Publish
    | Subscribe
    | Unsubscribe
    | Index
    | Continue
    | HandOver
    | EndBranch
    | CancelBranch
    | Finish
)
