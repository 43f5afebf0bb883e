"""Calls of processes, and one secret, `token`, whose placeholder is `<token>`."""

from __future__ import annotations

from typing import Any

import pytest

from batuta.adapters.callers.processes import (
    ContainerCaller,
    Limits,
    Processes,
    ScriptCaller,
    ShellCaller,
)
from batuta.ports.caller import Call

VALUE = "s3cr3t-value"
CALLERS = {"shell": ShellCaller, "script": ScriptCaller, "container": ContainerCaller}


class FakeSecrets:
    def reveal(self, value: Any) -> Any:
        return _replaced(value, "<token>", VALUE)

    def redact(self, value: Any) -> Any:
        return _replaced(value, VALUE, "<token>")

    def get(self, name: str) -> Any: ...


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return value


@pytest.fixture
def secrets():
    return FakeSecrets()


@pytest.fixture
def make_call():
    def make(kind: str, arguments: dict[str, Any], deadline_ms: int | None = None) -> Call:
        return Call(
            run_id="run-1",
            workflow="retail/order:1.0.0",
            reference="/do/0/step",
            name="step",
            kind=kind,
            target=kind,
            arguments=arguments,
            idempotency_key="key-1",
            deadline_ms=deadline_ms,
        )

    return make


@pytest.fixture
def perform(make_call, secrets):
    """Perform one process: `perform("shell", command=..., **{"return": "all"})`."""
    made = []

    async def run(kind: str, arguments: dict[str, Any], **settings: Any) -> Any:
        deadline_ms = settings.pop("deadline_ms", None)
        limits, clock = settings.pop("limits", Limits()), settings.pop("clock", None)
        processes = Processes(limits, clock=clock) if clock else Processes(limits)
        caller = CALLERS[kind](secrets, processes=processes, **settings)
        made.append(caller)
        return await caller(make_call(kind, arguments, deadline_ms))

    yield run
    for caller in made:
        caller.close()
