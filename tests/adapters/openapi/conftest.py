"""Documents by name, a stub of the network, and a caller over both."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from batuta.adapters.callers.http import HttpClient
from batuta.adapters.callers.openapi import DocumentStore, OpenApiCaller
from batuta.ports.caller import Call, Fault

URI = "https://api.test/docs/openapi.json"


class StubResources:
    """Serves documents from memory and counts how often it is asked."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.reads: list[tuple[str, Any]] = []
        self.fault: Fault | None = None

    async def read(self, uri: str, authentication: dict[str, Any] | None = None) -> bytes:
        self.reads.append((uri, authentication))
        if self.fault is not None:
            raise self.fault
        if uri not in self.content:
            raise Fault("communication", 404, "Not Found", uri)
        return self.content[uri]


class StubSecrets:
    """One secret, `<<key>>`, whose value is `k3y-value`."""

    def reveal(self, value: Any) -> Any:
        return json.loads(json.dumps(value).replace("<<key>>", "k3y-value"))

    def redact(self, value: Any) -> Any:
        return json.loads(json.dumps(value).replace("k3y-value", "<<key>>"))

    def get(self, name: str) -> Any:
        raise Fault("authorization", 403, "Secret not available", name)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def resources():
    return StubResources()


@pytest.fixture
def sent() -> list[httpx2.Request]:
    """The requests that went out."""
    return []


@pytest.fixture
def answers() -> list[httpx2.Response]:
    """Answers to give before the default one."""
    return []


@pytest.fixture
def caller(resources, sent, answers, clock):
    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return answers.pop(0) if answers else httpx2.Response(200, json={"ok": True})

    client = HttpClient(transport=httpx2.MockTransport(handle))
    documents = DocumentStore(resources, now=clock)
    return OpenApiCaller(client, StubSecrets(), resources, documents=documents)


@pytest.fixture
def perform(caller, resources):
    """Call an operation of a document given as data (or bytes, or already served)."""

    async def run(
        document: Any, operation: str = "op", /, parameters: Any = None, uri: str = URI, **more: Any
    ) -> Any:
        if document is not None:
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            resources.content[uri] = content
        given = {name: more.pop(name) for name in ("input", "authentication") if name in more}
        arguments = {
            "document": {"endpoint": uri},
            "operationId": operation,
            "parameters": parameters,
            **more,
        }
        return await caller(
            Call(
                run_id="run-1",
                workflow="tests/openapi:1.0.0",
                reference="/do/0/ask",
                name="ask",
                kind="call",
                target="openapi",
                arguments=arguments,
                idempotency_key="key-1",
                **given,
            )
        )

    return run


@pytest.fixture
def faulted():
    async def run(awaitable: Any) -> Fault:
        with pytest.raises(Fault) as caught:
            await awaitable
        return caught.value

    return run


def make_v3(operation: dict[str, Any], path: str = "/things", method: str = "get", **root: Any):
    return {
        "openapi": "3.0.3",
        "servers": [{"url": "https://api.test/v1"}],
        "paths": {path: {method: {"operationId": "op", **operation}}},
        **root,
    }


def make_v2(operation: dict[str, Any], path: str = "/things", method: str = "get", **root: Any):
    return {
        "swagger": "2.0",
        "host": "api.test",
        "basePath": "/v2",
        "schemes": ["http", "https"],
        "paths": {path: {method: {"operationId": "op", **operation}}},
        **root,
    }


@pytest.fixture
def v3():
    return make_v3


@pytest.fixture
def v2():
    return make_v2
