"""Calls of processes, and one secret, `token`, whose placeholder is `<token>`."""

from __future__ import annotations

import asyncio
import os
import select
from typing import TYPE_CHECKING, Any

import pytest

from batuta.adapters.callers.processes import (
    ContainerCaller,
    Limits,
    Processes,
    ScriptCaller,
    ShellCaller,
)
from batuta.ports.caller import Call

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 20
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


class Signal:
    """A named pipe on which another process says something, once."""

    def __init__(self, path: Path):
        os.mkfifo(path)
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    async def received(self) -> str:
        await readable(self.descriptor)
        return self.said_so_far()

    def said_so_far(self) -> str:
        try:
            return os.read(self.descriptor, 1000).decode()
        except BlockingIOError:
            return ""


async def readable(descriptor: int) -> None:
    """Wait in a thread until there is something to read."""
    ready, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], PATIENCE_S)
    assert ready, "it did not happen"


@pytest.fixture
def make_signal():
    made = []

    def make(path: Path) -> Signal:
        made.append(Signal(path))
        return made[-1]

    yield make
    for signal in made:
        os.close(signal.descriptor)


@pytest.fixture
def ended():
    """Wait until processes have ended; the system tells through a descriptor of each."""

    async def wait(*pids: int) -> None:
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                await readable(descriptor)
            finally:
                os.close(descriptor)

    return wait


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
