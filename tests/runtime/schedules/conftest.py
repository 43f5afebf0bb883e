"""Engines in virtual time over real files.

`Office` opens them, serves, and closes them. `after_crash` copies a store as it stands, which is
what the sudden death of every process would leave of it: nothing uncommitted, no living owner.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest

import batuta
from batuta.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from batuta.app.engine import Engine

START = "2026-01-01T00:00:00Z"


class Office:
    """Opens engines over stores in one folder, all with the same clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock(START, patience=120)
        self.serving: dict[Engine, asyncio.Task[None]] = {}
        self._stacks: dict[Engine, AsyncExitStack] = {}
        self._copies = 0

    async def open(self, name: str = "office.db", *, serve: bool = True, **more: Any) -> Engine:
        stack = AsyncExitStack()
        opened = batuta.open(f"sqlite:///{self.folder}/{name}", clock=self.clock, **more)
        engine = await stack.enter_async_context(opened)
        self._stacks[engine] = stack
        if serve:
            await self.serve(engine)
        return engine

    async def serve(self, engine: Engine) -> None:
        self.serving[engine] = asyncio.create_task(engine.serve())
        await self.clock.settle()

    async def stop_serving(self, engine: Engine) -> None:
        task = self.serving.pop(engine, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def close(self, engine: Engine) -> None:
        await self.stop_serving(engine)
        await self._stacks.pop(engine).aclose()

    async def close_all(self) -> None:
        for engine in list(self._stacks):
            await self.close(engine)

    def after_crash(self, name: str = "office.db") -> str:
        """Return the name of a store as a crash at this moment would leave this one."""
        self._copies += 1
        copy = f"crashed-{self._copies}.db"
        source = sqlite3.connect(self.folder / name)
        target = sqlite3.connect(self.folder / copy)
        source.backup(target)
        source.close()
        target.close()
        return copy

    async def deploy(self, engine: Engine, schedule: str, **more: str) -> None:
        await engine.deploy(document(schedule, **more))
        await self.clock.settle()


def document(
    schedule: str,
    *,
    name: str = "report",
    version: str = "1.0.0",
    do: str = "[ { keep: { set: '${ { given: . } }' } } ]",
) -> str:
    return f"""
document: {{ dsl: '1.0.3', namespace: office, name: {name}, version: '{version}' }}
schedule: {schedule}
do: {do}
"""


def started(engine: Engine, workflow: str | None = None) -> list[str]:
    """Return when runs have started, oldest first, without the year and the milliseconds."""
    views = engine.runs(workflow=workflow, limit=1_000)
    return sorted(view.started_at[5:19] for view in views)


def given(engine: Engine) -> list[Any]:
    """Return what the completed runs were given, in the order of their ids."""
    views = reversed(engine.runs(status="completed", limit=1_000))
    return [view.output["given"] for view in views]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    office = Office(tmp_path)
    yield office
    await office.close_all()


@pytest.fixture(scope="session")
def times() -> Any:
    return started


@pytest.fixture(scope="session")
def inputs() -> Any:
    return given


@pytest.fixture(scope="session")
def offices() -> type[Office]:
    """For tests that need more than one."""
    return Office
