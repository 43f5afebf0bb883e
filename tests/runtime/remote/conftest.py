"""A conductor or participants over one bus, and a service that is not ours on the same bus."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import Leases
from batuta.definition import check
from batuta.kernel.program import compile_workflow
from batuta.ports.bus import Message
from batuta.runtime.conductor.answers import Asking
from batuta.runtime.conductor.conductor import Conductor
from batuta.runtime.conductor.succession import Succession
from batuta.runtime.shared.envelope import encode, event
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.programs import Deployed, Deployment, Programs, encode_deployed
from batuta.wiring.participants import participant
from batuta.wiring.settings import Settings
from batuta.wiring.tools import tools

# Test folders are no packages, and pytest puts none on the path.
sys.path.insert(0, str(Path(__file__).parent))

PATIENCE_S = 20


class Service:
    """A service of others: it consumes its requests and answers as it is told to."""

    def __init__(self, bus, answer, task):
        self.bus = bus
        self.task = task
        self.answer = answer
        self.heard = []
        self.arrived = asyncio.Event()

    async def start(self):
        types = frozenset({f"batuta.t.w.{self.task}.requested"})
        self.consumption = await self.bus.consume("fraud", types, self._take)

    def _take(self, messages):
        for one in messages:
            self.heard.append(json.loads(one.body))
            self.arrived.set()
            if self.answer is not None:
                asyncio.get_running_loop().create_task(self.reply(self.heard[-1], *self.answer))
        self.consumption.acknowledge([one.number for one in messages])

    async def reply(self, request, kind, data, **changes):
        """Publish the answer to a request."""
        answer = {
            "specversion": "1.0",
            "id": f"{request['batutakey']}-{len(changes)}-{kind}",
            "source": "/fraud",
            "type": f"batuta.t.w.{self.task}.{kind}",
            "data": data,
            "batutarun": request["batutarun"],
            "batutatask": request["batutatask"],
            "batutakey": request["batutakey"],
            **changes,
        }
        body = json.dumps(answer).encode()
        name = f"{answer['batutarun']}{answer['id']}"
        await self.bus.publish([Message(name, answer["type"], body)])


class Yard:
    """Opens drivers over one bus in one folder."""

    def __init__(self, folder, stack):
        self.folder = folder
        self.stack = stack
        self.clock = SystemClock()
        self.settings = Settings()

    async def start(self):
        self.bus = SqliteBus(self.folder / "bus.db", self.clock)
        await self.bus.start()
        self.stack.push_async_callback(self.bus.close)

    async def service(self, *answer, task="check"):
        service = Service(self.bus, answer or None, task)
        await service.start()
        return service

    def deployment(self, text):
        workflow = check(text).workflow
        source = encode_deployed(Deployed(workflow.source))
        return Deployment(workflow.identity, workflow.digest, source)

    @asynccontextmanager
    async def conductor(self, text, *, bus=True, functions=(), secrets=None, remote=frozenset()):
        """Drive whole runs, until the block ends; takes over what an earlier one left."""
        path = self.folder / "runs.db"
        settings = tools(self.settings, functions, secrets or {}, None, self.clock)
        async with settings as wired:
            kept, leases = SqliteStore(path), Leases(path)
            lease = leases.take()
            one = self.deployment(text)
            kept.deploy(one.identity, one.digest, one.source, self.clock.now())
            driver = Conductor(
                kept,
                Programs(kept),
                wired.performer,
                wired.sandbox,
                self.clock,
                owner=lease.owner,
                keeper=wired.keeper,
                asking=Asking(self.bus, kept, remote) if bus else None,
            )
            await Succession(driver, leases.is_alive).take_over()
            await driver.start()
            try:
                yield driver
            finally:
                await driver.stop()
                lease.give_up()
                kept.close()

    async def begin(self, conductor, data):
        """Start a run of the one workflow that there is; return its id."""
        program = conductor.programs.get("t/w:1.0.0")
        run_id = new_run_id(self.clock.now())
        conductor.begin(program, data, run_id=run_id)
        await conductor.durable()
        return run_id

    async def end(self, conductor, run_id):
        """Return the row of a run that has ended."""
        await asyncio.wait_for(conductor.until_ended(run_id), PATIENCE_S)
        await conductor.durable()
        return conductor.store.run(run_id)

    async def participant(self, name, text, functions=()):
        """Drive a participant's part of runs, until the test ends."""
        settings = tools(self.settings, functions, {}, None, self.clock)
        wired = await self.stack.enter_async_context(settings)
        path = self.folder / f"{name}.db"
        deployed = [self.deployment(text)]
        opened = participant(name, path, self.bus, wired, self.clock, deployed)
        return await self.stack.enter_async_context(opened)

    async def choreographed(self, text, data):
        """Run without a conductor; return the data of the event that tells the end."""
        program = compile_workflow(check(text).workflow)
        run_id = new_run_id(self.clock.now())
        ended = asyncio.get_running_loop().create_future()

        def look(messages):
            for one in messages:
                told = json.loads(one.body)
                if told["batutarun"] == run_id and not ended.done():
                    ended.set_result(told["data"])

        await self.bus.consume(f"look/{run_id}", frozenset({"batuta.t.w.ended"}), look)
        asked = event(
            program,
            run_id,
            name=f"{run_id}/start",
            kind="batuta.t.w.start",
            now=self.clock.now(),
            data=data,
        )
        await self.bus.publish([Message(run_id, asked["type"], encode(asked))])
        return await asyncio.wait_for(ended, PATIENCE_S)


@pytest.fixture
async def yard(tmp_path):
    async with AsyncExitStack() as stack:
        made = Yard(tmp_path, stack)
        await made.start()
        yield made
