"""Acting on the world: the port through which tasks are performed.

A caller performs one kind of task (`http`, `openapi`, `function`, `shell`, `script`, `container`).
The runtime hands it a `Call`, whose arguments are already evaluated, and journals what comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec


class Fault(Exception):  # noqa: N818 -- it carries a workflow fault, which is data, across a call
    """A call failed in a way the workflow may catch: an RFC 7807 problem.

    Args:
        kind: the last part of a standard error type (`communication`, `validation`, `runtime`,
            `configuration`, `authentication`, `authorization`, `timeout`, `expression`), or a whole
            URI of the caller's own.
        status: an HTTP-like status.
        title: a short name, the same for every fault of this kind.
        detail: what happened this time, with the offending value, secrets already removed.
    """

    def __init__(self, kind: str, status: int, title: str, detail: str = "") -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.kind = kind
        self.status = status
        self.title = title
        self.detail = detail


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One task to perform; everything in it is plain JSON.

    `arguments` and `authentication` may hold secret placeholders (`Secrets.reveal` replaces them);
    `input` is the task's transformed input, for URI templates. `idempotency_key` is the same each
    time this task occurrence is performed, also after a crash.
    """

    run_id: str
    workflow: str
    reference: str
    name: str
    kind: str
    target: str
    arguments: dict[str, Any]
    input: Any = None
    authentication: dict[str, Any] | None = None
    """{"scheme": str, "properties": {...}} or {"scheme": str, "secret": name}."""
    idempotency_key: str
    attempt: int = 1
    deadline_ms: int | None = None
    """Epoch milliseconds after which nobody wants the answer."""
    traceparent: str | None = None
    """Where it stands in the run's trace (W3C Trace Context), when runs are traced."""


class SecretSource(Protocol):
    """Where callers get secret values; the only place a value leaves the secret store."""

    def reveal(self, value: Any) -> Any:
        """Return `value` with every secret placeholder in its strings replaced."""
        ...

    def get(self, name: str) -> Any:
        """Return a secret's value (string or object).

        Raises:
            Fault: `authorization` 403 when it is unknown or was not declared.
        """
        ...

    def redact(self, value: Any) -> Any:
        """Return `value` with each known secret value in its strings replaced by a placeholder."""
        ...


class Caller(Protocol):
    """Performs tasks of one kind.

    Promises: the result is plain JSON and holds no secret value.
    Failure: raises `Fault` for whatever the workflow may catch; any other exception is a bug of the
        caller, becomes a `runtime` fault, and is logged with its traceback.
    Cancellation: cancelling the awaitable abandons the call and frees what it holds.
    Order: calls are independent; a caller is used concurrently.
    Repetition: the same `idempotency_key` may come again after a crash.
    """

    def __call__(self, call: Call) -> Awaitable[Any]:
        """Perform it and return its raw output."""
        ...


class Resources(Protocol):
    """Reads external resources (OpenAPI documents, schemas, scripts, catalogue functions)."""

    async def read(self, uri: str, authentication: dict[str, Any] | None = None) -> bytes:
        """Return the bytes at `uri`; `file:` is resolved under the workflow's own folder only.

        Raises:
            Fault: `communication` when it cannot be read, `configuration` when not allowed.
        """
        ...


Heartbeat = Callable[[], None]
