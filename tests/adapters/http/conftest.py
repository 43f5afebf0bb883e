"""A real HTTP server on 127.0.0.1, and a secret source with two secrets."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from batuta.adapters.callers.http import Allow, CheckedTransport, HttpCaller, HttpClient, Limits
from batuta.ports.caller import Call, Fault


@dataclass
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(
        status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers}
    )


Handler = Callable[[Received], Reply]
RawHandler = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


class LocalServer:
    """Answers with `handler`; `raw`, when set, writes to the socket itself."""

    def __init__(self) -> None:
        self.handler: Handler = lambda _: json_reply({"ok": True})
        self.raw: RawHandler | None = None
        self.received: list[Received] = []
        self.url = ""
        self.port = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await self._read(reader)) is not None:
                self.received.append(request)
                if self.raw is not None:
                    await self.raw(request, writer)
                    break
                reply = self.handler(request)
                headers = {"Content-Length": str(len(reply.body)), **reply.headers}
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                content = b"" if request.method == "HEAD" else reply.body
                writer.write(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received | None:
        line = await reader.readline()
        if not line:
            return None
        method, target, _ = line.decode().split(" ", 2)
        headers: dict[str, str] = {}
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Received(method, target, headers, body)


@asynccontextmanager
async def running_server(**options: Any):
    local = LocalServer()
    server = await asyncio.start_server(local.serve, "127.0.0.1", 0, **options)
    local.port = server.sockets[0].getsockname()[1]
    local.url = f"{'https' if options else 'http'}://127.0.0.1:{local.port}"
    try:
        yield local
    finally:
        server.close()


@pytest.fixture
async def server():
    async with running_server() as local:
        yield local


@pytest.fixture
async def other_server():
    async with running_server() as local:
        yield local


class FakeSecrets:
    """Placeholders look like `<<secret:NAME>>`."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def _texts(self) -> dict[str, str]:
        return {name: value for name, value in self.values.items() if isinstance(value, str)}

    def reveal(self, value: Any) -> Any:
        return self._replaced(value, {f"<<secret:{n}>>": v for n, v in self._texts().items()})

    def redact(self, value: Any) -> Any:
        return self._replaced(value, {v: f"<<secret:{n}>>" for n, v in self._texts().items()})

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise Fault("authorization", 403, "Secret not available", name)
        return self.values[name]

    def _replaced(self, value: Any, table: dict[str, str]) -> Any:
        match value:
            case str():
                for old, new in table.items():
                    value = value.replace(old, new)
                return value
            case list():
                return [self._replaced(item, table) for item in value]
            case dict():
                return {name: self._replaced(item, table) for name, item in value.items()}
            case _:
                return value


@pytest.fixture
def secrets() -> FakeSecrets:
    return FakeSecrets({"apiKey": "s3cr3t/k&y=1", "token": "tok-0123456789"})


@pytest.fixture(scope="session")
def trust():
    """One TLS context for all tests: reading the system's certificates takes long."""
    return ssl.create_default_context()


@pytest.fixture
async def client(trust):
    transport = CheckedTransport(Allow.local(), ssl_context=trust)
    client = HttpClient(transport=transport, limits=Limits(total_s=5, body_bytes=100_000))
    yield client
    await client.close()


@pytest.fixture
def caller(client: HttpClient, secrets: FakeSecrets) -> HttpCaller:
    return HttpCaller(client, secrets)


def make_call(**arguments: Any) -> Call:
    extra = {
        name: arguments.pop(name)
        for name in ("input", "authentication", "deadline_ms")
        if name in arguments
    }
    return Call(
        run_id="run-1",
        workflow="tests/http:1.0.0",
        reference="/do/0/ask",
        name="ask",
        kind="call",
        target="http",
        arguments=arguments,
        idempotency_key="run-1/do/0/ask/1",
        **extra,
    )


@pytest.fixture
def call():
    return make_call


@pytest.fixture
def get(caller: HttpCaller, server: LocalServer):
    """Perform a GET of a path of the local server."""

    async def perform(path: str = "/", **arguments: Any) -> Any:
        endpoint = path if "://" in path else server.url + path
        return await caller(make_call(method="get", endpoint=endpoint, **arguments))

    return perform


@pytest.fixture
def send(caller: HttpCaller, server: LocalServer):
    """Perform a POST to the local server and return what the server received."""

    async def perform(path: str = "/", **arguments: Any) -> Received:
        arguments.setdefault("method", "post")
        await caller(make_call(endpoint=server.url + path, **arguments))
        return server.received[-1]

    return perform


@pytest.fixture
def faulted():
    """Await something that faults; return the fault."""

    async def perform(awaitable: Awaitable[Any]) -> Fault:
        with pytest.raises(Fault) as caught:
            await awaitable
        return caught.value

    return perform


@pytest.fixture
def reply():
    return Reply


@pytest.fixture
def answer_json():
    return json_reply


@pytest.fixture
def sent(get, server):
    """Call with a policy; return the Authorization header that arrived."""

    async def perform(policy, **arguments):
        await get("/", authentication=policy, **arguments)
        return server.received[-1].headers.get("authorization")

    return perform


@pytest.fixture
def replied():
    """Make a reply: `replied(200, {"a": 1})`, or with bytes and headers of its own."""

    def made(status: int = 200, body: Any = b"", headers: dict[str, str] | None = None) -> Reply:
        if isinstance(body, bytes):
            return Reply(status, body, headers or {})
        json_type = {"Content-Type": "application/json"}
        return Reply(status, json.dumps(body).encode(), headers or json_type)

    return made
