"""A server over an engine of its own, on a free port of this machine, and clients for it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

import batuta
from batuta.server.serving import serving
from batuta.wiring.surroundings import Surroundings, surroundings

GREETING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: greeting
  version: '1.0.0'
  title: A greeting
  metadata: { participants: { desk: { title: Front desk } }, participant: desk }
do:
  - greet: { call: greet, with: { name: '${ .name // "world" }' } }
  - shape: { set: { text: '${ . }' } }
"""

WAITING = """\
document: {dsl: '1.0.3', namespace: demo, name: waiting, version: '1.0.0'}
do:
  - hear: { listen: { to: { one: { with: { type: com.acme.go } } } } }
"""

FAILING = """\
document: {dsl: '1.0.3', namespace: demo, name: failing, version: '1.0.0'}
do:
  - greet: { call: greet, with: { name: Ada } }
  - break: { call: breaks, with: {} }
"""


@batuta.function
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@batuta.function
async def breaks() -> str:
    raise ValueError("broken")


@dataclass
class Served:
    """A server that runs: its engine, and a client with the local token."""

    engine: batuta.Engine
    around: Surroundings
    http: httpx2.AsyncClient
    address: str
    token: str

    def stranger(self) -> httpx2.AsyncClient:
        """Return a client without credentials."""
        return httpx2.AsyncClient(base_url=self.address)

    async def get(self, path: str, **query):
        """Ask for something that has to be there."""
        answer = await self.http.get(f"/api/v1{path}", params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body=None, *, status: int = 200, **rest):
        """Send JSON, or what `rest` says; returns the answer's JSON."""
        sent = rest if body is None else {"json": body, **rest}
        answer = await self.http.post(f"/api/v1{path}", **sent)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def deploy(self, text: str) -> str:
        """Deploy a workflow over HTTP; returns its identity."""
        sent = {"content": text, "headers": {"content-type": "application/yaml"}}
        return (await self.post("/workflows", status=201, **sent))["identity"]

    async def ended(self, workflow: str, data=None, **more) -> dict:
        """Start a run over HTTP, wait for its end, and return it."""
        run = await self.post("/runs", {"workflow": workflow, "input": data, **more}, status=201)
        await self.engine.result(run["id"], 10)
        return await self.get(f"/runs/{run['id']}")


@asynccontextmanager
async def looking_around(settings, secrets):
    with surroundings(settings, secrets) as around:
        yield around


@pytest.fixture
def opened(tmp_path):
    """Opens a server, each time over the same store, as after a restart."""

    @asynccontextmanager
    async def opening(secrets=None, **more):
        given = {"store": f"sqlite:///{tmp_path}/batuta.db", "folder": str(tmp_path), **more}
        settings = batuta.Settings(**given)
        async with (
            batuta.open(functions=[greet, breaks], settings=settings) as engine,
            looking_around(settings, secrets) as around,
            serving(engine, around, port=0) as at,
            httpx2.AsyncClient(
                base_url=at.address,
                headers={"authorization": f"Bearer {at.token}"},
                timeout=60,
            ) as http,
        ):
            yield Served(engine, around, http, at.address, at.token)

    return opening


@pytest.fixture
async def served(opened):
    """A server with three workflows: `demo/greeting`, `demo/waiting`, `demo/failing`."""
    async with opened() as one:
        for text in (GREETING, WAITING, FAILING):
            await one.deploy(text)
        yield one
