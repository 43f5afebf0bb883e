"""A participant that is killed at any of its commits goes on where the last whole one ended.

Right behind a commit, nothing of what it would have released has happened: nothing was begun, sent
or acknowledged. Right before the next one, all of that has.
"""

import asyncio
import itertools
import json
from contextlib import AsyncExitStack

import pytest

import batuta
from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.definition import check
from batuta.errors import CorruptError
from batuta.ports.bus import Message
from batuta.runtime.shared.programs import Deployed, Deployment, encode_deployed
from batuta.wiring import participants
from batuta.wiring.settings import Settings
from batuta.wiring.tools import tools

PATIENCE_S = 20
TICKS = map(str, itertools.count())
TEXT = """\
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0', metadata: { participant: one } }
do:
  - first: { call: act, with: { what: first } }
  - heard:
      listen:
        to: { one: { with: { type: go }, correlate: { n: { from: .data.n, expect: '${ 7 }' } } } }
  - second: { call: act, with: { what: second } }
"""


class Mortal(SqliteStore):
    """A store whose process is gone behind so many commits, or before the one that follows.

    Each takes so long that what was acknowledged before it has reached the bus.
    """

    left = 0
    behind = True
    tick = None

    def commit(self, batch):
        Mortal.tick()
        if Mortal.left == 0:
            raise CorruptError("dead")
        super().commit(batch)
        Mortal.left -= 1
        if Mortal.left == 0 and Mortal.behind:
            raise CorruptError("dead")

    def commit_now(self, _):
        return False


@pytest.fixture(autouse=True)
def mortal(monkeypatch):
    monkeypatch.setattr(participants, "SqliteStore", Mortal)


class Yard:
    """One bus, one participant that dies and comes back, and what it did."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = SystemClock()
        self.done = []
        self.ended = asyncio.Event()

    async def __aenter__(self):
        self.bus = SqliteBus(self.folder / "bus.db", self.clock)
        await self.bus.start()
        self.end = await self.bus.consume("test", frozenset({"batuta.t.w.ended"}), self.take)
        return self

    async def __aexit__(self, *_):
        await self.bus.close()

    def take(self, messages):
        assert [json.loads(one.body)["data"]["status"] for one in messages] == ["completed"]
        self.end.acknowledge([one.number for one in messages])
        self.ended.set()

    async def publish(self, kind, name, **attributes):
        event = {"specversion": "1.0", "id": name, "source": "/test", "type": kind}
        body = json.dumps({**event, **attributes}).encode()
        await self.bus.publish([Message(f"/test\n{name}", kind, body)])

    async def begin(self):
        about = {"batutarun": "r", "batutaworkflow": "t/w:1.0.0", "data": {}}
        await self.publish("batuta.t.w.start", "start", **about)

    async def go(self):
        await self.publish("go", "go", data={"n": 7})

    async def tick(self):
        """Publish what nobody hears; acknowledgements made before it go along."""
        await self.publish("tick", next(TICKS))

    async def live(self, commits, *, late=False):
        """Take part until so many commits are made or the run has ended; say whether it has.

        With `late`, the event that it listens for comes once it waits for it.
        """
        loop = asyncio.get_running_loop()
        Mortal.left = commits
        Mortal.tick = lambda: asyncio.run_coroutine_threadsafe(self.tick(), loop).result(PATIENCE_S)
        workflow = check(TEXT).workflow
        source = encode_deployed(Deployed(workflow.source))
        deployed = [Deployment(workflow.identity, workflow.digest, source)]

        @batuta.function
        async def act(what: str, context: batuta.Context) -> str:
            while await self.bus.lag("one"):
                # So long that what came before this task is done with, as far as it can be.
                await self.tick()
            self.done.append(context.idempotency_key)
            return what

        async with AsyncExitStack() as stack:
            wired = await stack.enter_async_context(tools(Settings(), [act], {}, None, self.clock))
            one = participants.participant(
                "one", self.folder / "one.db", self.bus, wired, self.clock, deployed
            )
            driver = await stack.enter_async_context(one)
            async with asyncio.timeout(PATIENCE_S):
                while not self.ended.is_set() and driver.failure is None:
                    if late and driver.is_settled and driver.store.sources("go"):
                        late = False
                        await self.go()
                    await self.tick()
        return self.ended.is_set()


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["before the listen", "at the listen"])
@pytest.mark.parametrize("behind", [False, True], ids=["before a commit", "behind a commit"])
async def test_what_is_heard_survives_a_death_at_any_commit(tmp_path, monkeypatch, late, behind):
    monkeypatch.setattr(Mortal, "behind", behind)
    commits, whole = 1, False
    while not whole:
        folder = tmp_path / str(commits)
        folder.mkdir()
        async with Yard(folder) as yard:
            await yard.begin()
            if not late:
                await yard.go()
            whole = await yard.live(commits, late=late)
            assert whole or await yard.live(1_000, late=late)
            assert set(yard.done) == {"r/do/0/first", "r/do/2/second"}
        commits += 1
    assert commits > 4
