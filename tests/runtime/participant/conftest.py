"""Participants over the embedded bus and stores of their own, on a time that the test moves.

`place` stands for everybody else: it publishes whatever may come along, and sees all that is told.
"""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

import batuta
from batuta.adapters.buses.sqlite import SqliteBus
from batuta.definition import check
from batuta.kernel.program import compile_workflow
from batuta.ports.bus import Message
from batuta.ports.mail import DEAD, LATE
from batuta.ports.store import Batch
from batuta.runtime.shared.envelope import encode, event, name_of
from batuta.runtime.shared.programs import Deployed, Deployment, encode_deployed
from batuta.testing.clock import VirtualClock
from batuta.wiring.participants import participant
from batuta.wiring.settings import Settings
from batuta.wiring.tools import tools

PATIENCE_S = 30
STEP_MS = 200


def deployment(text):
    workflow = check(text).workflow
    return Deployment(
        workflow.identity, workflow.digest, encode_deployed(Deployed(workflow.source))
    )


class Place:
    """One bus, and the participants that meet on it."""

    def __init__(self, folder, stack):
        self.folder = folder
        self.stack = stack
        self.clock = VirtualClock(patience=120)
        self.bus = SqliteBus(folder / "bus.db", self.clock)

    @asynccontextmanager
    async def participant(self, name, text, functions=(), *, store=None, **more):
        """Be a participant until the block ends; again means over the same store."""
        path = self.folder / f"{store or name}.db"
        async with tools(Settings(), functions, {}, None, self.clock) as wired:
            deployments = [deployment(text)] if text else []
            one = participant(name, path, self.bus, wired, self.clock, deployments, **more)
            async with one as driver:
                yield driver

    async def joins(self, name, text, functions=(), **more):
        """Be a participant until the test ends."""
        return await self.stack.enter_async_context(self.participant(name, text, functions, **more))

    async def publish(self, kind, body, *, name=None):
        """Publish a body as it is, or an event; its name is made of source and id."""
        if isinstance(body, dict):
            body = {"specversion": "1.0", "source": "/test", "type": kind, **body}
            name = name or name_of(body["source"], body["id"])
            body = encode(body)
        await self.bus.publish([Message(name or "nameless", kind, body)])

    def about(self, text, run, kind, name, data=None, **attributes):
        """Return an event about a run, as participants and starters write them."""
        program = compile_workflow(check(text).workflow)
        told = event(program, run, name=name, kind=kind, now=self.clock.now(), data=data)
        return {**told, **attributes}

    async def start(self, text, run, data=None, **attributes):
        """Publish what starts a run."""
        kind = f"batuta.{check(text).workflow.identity.partition(':')[0].replace('/', '.')}.start"
        told = self.about(text, run, kind, f"{run}/start", data, **attributes)
        await self.publish(kind, told)

    async def told(self, kind, run=None):
        """Return all events of a type, of one run if it is named."""
        events = [json.loads(one.body) for one in await self.bus.history(types=frozenset({kind}))]
        return [one for one in events if run is None or one.get("batutarun") == run]

    async def ended(self, run, kind="batuta.t.w.ended"):
        """Wait until a run has ended; return what its end tells."""
        found = await self.until(lambda: self.told(kind, run))
        assert len(found) == 1
        return found[0]["data"]

    async def until(self, condition):
        """Move the time on until a condition holds; returns what it gives."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = condition()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                # The bus and the stores work in threads: as long as this question takes at least.
                await self.bus.newest()
                await self.clock.advance(STEP_MS)

    async def dead(self, driver, count=1):
        """Wait until so many messages are put aside; returns their reasons."""
        await self.until(lambda: len(driver.mail.parked(DEAD)) >= count)
        found = driver.mail.parked(DEAD)
        assert len(found) == count
        return [one.reason for one in found]

    async def late(self, driver, count=1):
        """Wait until so many messages are noted as late; returns their reasons."""
        await self.until(lambda: len(driver.mail.parked(LATE)) >= count)
        found = driver.mail.parked(LATE)
        assert len(found) == count
        return [one.reason for one in found]

    async def done_with(self, name):
        """Wait until a participant has acknowledged everything."""

        async def is_done():
            return not await self.bus.lag(name)

        await self.until(is_done)

    def wish(self, driver, **wishes):
        """Write into a store what a person wants to be done with parked messages."""
        batch = Batch()
        for name, numbers in wishes.items():
            setattr(batch, name, numbers)
        driver.store.commit(batch)


@pytest.fixture
async def place(tmp_path):
    async with AsyncExitStack() as stack:
        made = Place(tmp_path, stack)
        await made.bus.start()
        stack.push_async_callback(made.bus.close)
        yield made


@pytest.fixture
def done():
    """The keys under which `act` was performed, in order."""
    return []


@pytest.fixture
def act(done):
    """A function that counts one further, and is noted."""

    @batuta.function
    def act(x: int, context: batuta.Context) -> int:
        done.append(context.idempotency_key)
        return x + 1

    return act
