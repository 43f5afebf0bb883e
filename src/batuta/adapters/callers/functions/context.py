"""What a function may know about the call it serves.

Owns `Context` and the variable through which code far below a function finds it
(`current_context`). Does not own starting or ending a call (`caller`). One Context exists per call:
the parameter and `current_context()` are the same object, so abandoning a call reaches both.

Construction is on the hot path of every call, so a Context keeps the call and computes the rest
when asked.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from batuta.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.caller import Call, SecretSource

_LOG = logging.getLogger("batuta.functions")

if TYPE_CHECKING:
    _Adapter: TypeAlias = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class TaskLogger(_Adapter):
    """Stdlib logging with the run and the task in every record and before every message.

    Records carry the attributes `run_id`, `workflow`, `reference` and `task`.
    """

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Prefix the message; keep what the caller gave as `extra`."""
        ids = self.extra or {}
        kwargs["extra"] = {**ids, **(kwargs.get("extra") or {})}
        return f"[{ids.get('run_id')} {ids.get('reference')}] {msg}", kwargs


@dataclass(frozen=True, slots=True)
class Pulse:
    """What all calls of one caller share: who hears heartbeats, and the time (epoch seconds)."""

    beat: Callable[[Call], None] | None
    clock: Callable[[], float]


class Context:
    """The call being served: who asks, under which key, and until when.

    A parameter annotated `Context` receives it; `current_context()` finds it from anywhere below.

    Attributes:
        secrets: the secrets that the workflow declares; `secrets.get(name)` gives the value.
    """

    __slots__ = ("_abandoned", "_call", "_pulse", "secrets")

    def __init__(self, call: Call, secrets: SecretSource, pulse: Pulse) -> None:
        self._call = call
        self._pulse = pulse
        self._abandoned = False
        self.secrets = secrets

    def __repr__(self) -> str:
        return f"<Context {self.run_id} {self.reference} attempt {self.attempt}>"

    @property
    def run_id(self) -> str:
        """The run that asks."""
        return self._call.run_id

    @property
    def workflow(self) -> str:
        """The run's workflow, `namespace/name:version`."""
        return self._call.workflow

    @property
    def reference(self) -> str:
        """The task, as a JSON Pointer into the document."""
        return self._call.reference

    @property
    def task(self) -> str:
        """The task's name."""
        return self._call.name

    @property
    def idempotency_key(self) -> str:
        """The same for every performance of this task occurrence, also after a crash.

        Hand it to whatever system must not do this twice.
        """
        return self._call.idempotency_key

    @property
    def attempt(self) -> int:
        """1 for the first attempt; grows with the retries of the workflow."""
        return self._call.attempt

    @property
    def deadline_ms(self) -> int | None:
        """Epoch milliseconds after which nobody wants the answer; None when there is no limit."""
        return self._call.deadline_ms

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context to send along; None when runs are not traced."""
        return self._call.traceparent

    @property
    def logger(self) -> TaskLogger:
        """A logger (`batuta.functions`) whose records carry the run and the task."""
        call = self._call
        ids = {
            "run_id": call.run_id,
            "workflow": call.workflow,
            "reference": call.reference,
            "task": call.name,
        }
        return TaskLogger(_LOG, ids)

    def heartbeat(self) -> None:
        """Say that long work goes on, and learn whether anybody still waits for it.

        A thread cannot be stopped from outside: blocking code that runs long calls this now and
        then, and lets what it raises pass.

        Raises:
            asyncio.CancelledError: the run no longer waits for this call.
            TimeoutError: the deadline has passed.
        """
        if self._abandoned:
            raise asyncio.CancelledError
        deadline = self._call.deadline_ms
        if deadline is not None and self._pulse.clock() * 1000 >= deadline:
            raise TimeoutError(f"the deadline of task `{self._call.name}` has passed")
        if self._pulse.beat is not None:
            self._pulse.beat(self._call)

    def abandon(self) -> None:
        """Note that nobody waits for the call any more; the next heartbeat raises."""
        self._abandoned = True


running: ContextVar[Context] = ContextVar("batuta_function_context")
"""Set by the caller around the body of a function, and by nothing else."""


def current_context() -> Context:
    """Return the Context of the function that is running here.

    Raises:
        RequestError: no function called by a workflow is running here.
    """
    try:
        return running.get()
    except LookupError:
        raise RequestError(
            "no function called by a workflow is running here",
            hint="call this from inside a function, or pass the Context (or its idempotency_key) "
            "on: a thread that the function starts itself does not inherit it",
        ) from None
