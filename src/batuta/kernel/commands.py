"""What a step asks of the world: the closed set of commands, carried out after the commit."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from batuta.kernel.faults import FaultData


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
    """Send `Heard` for events of these criteria, those published since `after` (or start) too."""

    token: str
    key: str
    criteria: tuple[Criterion, ...]
    after: int | None


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    """The listen under this key is over."""

    token: str
    key: str


class Continue(msgspec.Struct, frozen=True, gc=False):
    """The step stopped between two tasks to let others run: answer with `Continued`."""


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The run ended. `status` is completed, faulted or cancelled."""

    status: str
    output: Any
    fault: FaultData | None


Command: TypeAlias = (
    Perform | StartChild | Abandon | Publish | Subscribe | Unsubscribe | Continue | Finish
)
