"""Engines over real files in one folder, with a store whose commits can be held up or made to fail.

`desk.crash` copies a store as it stands, which is what the sudden death of its process would leave:
nothing uncommitted, and no living owner.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import AsyncExitStack

import pytest

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.testing.clock import VirtualClock
from batuta.wiring import engine as wiring

HEAD = "document: {{ dsl: '1.0.3', namespace: t, name: {name}, version: '{version}' }}\n"


class Watched(SqliteStore):
    """A real store that tells what it commits, waits at a gate, and fails when told to."""

    gate = threading.Event()
    failure = None
    batches: list[dict]

    def commit(self, batch):
        assert Watched.gate.wait(20)
        self._seen(batch, super().commit)

    def commit_now(self, batch):
        if not Watched.gate.is_set() or Watched.failure is not None:
            return False
        return self._seen(batch, super().commit_now)

    def _seen(self, batch, commit):
        if Watched.failure is not None:
            raise Watched.failure
        done = commit(batch)
        if done is not False:
            Watched.batches.append({"runs": len(batch.runs), "rows": len(batch.journal)})
        return done


class Desk:
    """Opens engines, and closes them after the test.

    Its clock moves on as soon as nothing is on its way, and on a busy machine not before: only a
    test whose functions do not answer asks for `impatience`.
    """

    def __init__(self, folder):
        self.folder = folder
        self.clock = VirtualClock(patience=120)
        self.stacks = {}
        self.copies = 0
        self.store = Watched

    def impatience(self):
        """Let the time move on although a function has not answered; say so at first."""
        self.clock = VirtualClock(patience=0.3)

    async def open(self, name="runs.db", **more):
        stack = AsyncExitStack()
        opened = batuta.open(f"sqlite:///{self.folder}/{name}", **{"clock": self.clock, **more})
        engine = await stack.enter_async_context(opened)
        self.stacks[engine] = stack
        return engine

    async def close(self, engine):
        await self.stacks.pop(engine).aclose()

    async def close_all(self):
        Watched.gate.set()
        Watched.failure = None
        for engine in list(self.stacks):
            await self.close(engine)

    def crash(self, name="runs.db"):
        """Return the name of a store as a crash at this moment would leave this one."""
        self.copies += 1
        copy = f"crashed-{self.copies}.db"
        source = sqlite3.connect(self.folder / name)
        target = sqlite3.connect(self.folder / copy)
        source.backup(target)
        source.close()
        target.close()
        return copy

    async def run(self, engine, do, data=None, **more):
        """Deploy a workflow and start a run of it."""
        await engine.deploy(workflow(do, **more))
        return await engine.start(f"t/{more.get('name', 'w')}", data)

    def hold(self):
        """Let no commit through from now on."""
        Watched.gate.clear()

    def let_go(self):
        Watched.gate.set()

    def fail(self, failure):
        """Let every commit fail, or none with None."""
        Watched.failure = failure

    def bytes(self):
        """Return all that stands in the files of the store."""
        return b"".join(path.read_bytes() for path in self.folder.glob("*.db*") if path.is_file())


def workflow(do, *, name="w", version="1.0.0", head=""):
    """Return a document with these tasks."""
    return HEAD.format(name=name, version=version) + head + f"\ndo:\n{do}\n"


async def until(condition):
    """Let others run until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- the condition is the engine's, it has no event
            await asyncio.sleep(0)


@pytest.fixture
async def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(wiring, "SqliteStore", Watched)
    Watched.gate.set()
    Watched.failure, Watched.batches = None, []
    desk = Desk(tmp_path)
    yield desk
    await desk.close_all()


class Calls:
    """A function whose calls are recorded, and answered when the test says so."""

    def __init__(self):
        self.keys: list[str] = []
        self.answers: asyncio.Queue | None = None

    def function(self, name="act"):
        calls = self

        async def act(context: batuta.Context, x=None):
            calls.keys.append(context.idempotency_key)
            if calls.answers is None:
                return {"x": x}
            answer = await calls.answers.get()
            if isinstance(answer, Exception):
                raise answer
            return answer

        act.__name__ = name
        return batuta.function(act)


@pytest.fixture
def calls():
    return Calls()
