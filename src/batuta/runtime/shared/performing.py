"""Performing tasks: from a command of the kernel to a caller, and its answer back.

Owns the idempotency key, the translation between the kernel's commands and the callers' port, and
what becomes of a caller's errors: a `Fault` is the workflow's to catch, anything else is a bug of
the caller and a `runtime` fault. Does not own when an answer is journaled (`conductor`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from batuta.kernel.faults import FaultData, standard
from batuta.ports.caller import Call, Fault
from batuta.ports.tracing import traceparent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.kernel.commands import Perform
    from batuta.ports.caller import Caller
    from batuta.ports.service import Service

_log = logging.getLogger("batuta.calls")


class Performer:
    """Chooses the caller of a task, and starts it."""

    def __init__(
        self, callers: Mapping[str, Caller], services: Mapping[str, Service] | None = None
    ) -> None:
        """Prepare.

        Args:
            callers: kind of task to what performs it.
            services: participants that are not ours, and that are not asked over the bus.
        """
        self._callers = callers
        self.traces = False
        """Say to whatever is called where it stands in the run's trace."""
        self.services = services or {}
        self.plain = frozenset(
            kind for kind, caller in callers.items() if getattr(caller, "gives_plain", False)
        )
        """Kinds whose callers see to it that a result is plain JSON and nobody else's."""

    def start(self, run_id: str, origin: str, workflow: str, command: Perform) -> Any:
        """Return the task's output, or an awaitable of it.

        Raises:
            Fault: the task faulted at once.
        """
        caller = self._callers.get(command.kind)
        if caller is None:
            raise Fault(
                "configuration",
                400,
                "Not supported here",
                f"no caller performs {command.kind!r}; there are: {', '.join(self._callers)}",
            )
        return caller(
            Call(
                run_id=run_id,
                workflow=workflow,
                reference=command.reference,
                name=command.name,
                kind=command.kind,
                target=command.target,
                arguments=command.arguments,
                input=command.input,
                authentication=command.authentication,
                idempotency_key=origin + command.occurrence,
                attempt=command.attempt,
                deadline_ms=command.deadline,
                traceparent=traceparent(run_id, command.key) if self.traces else None,
            )
        )


def fault_of(error: BaseException, command: Perform) -> FaultData:
    """Return the fault that a caller's exception means."""
    if isinstance(error, Fault):
        return standard(
            error.kind, error.status, error.title, error.detail or None, command.reference
        )
    _log.error("caller of %s failed", command.key, exc_info=error)
    return standard(
        "runtime", 500, "Runtime error", f"{type(error).__name__}: {error}", command.reference
    )
