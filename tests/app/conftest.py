"""An engine over a file, in front of a web of files that this process serves to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

import batuta


@dataclass
class Web:
    """Every host there is: files by their address, and who asked for them."""

    files: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)
    is_down: bool = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_down:
            raise httpx2.ConnectError("no route to host", request=request)
        self.asked.append(str(request.url))
        self.credentials.append(request.headers.get("authorization"))
        text = self.files.get(str(request.url))
        return httpx2.Response(404) if text is None else httpx2.Response(200, text=text)

    def function(self, name: str, text: str, catalog: str = "https://one.example") -> str:
        """Put a function into a catalogue; returns its address."""
        place, version = name.split(":")
        uri = f"{catalog}/functions/{place}/{version}/function.yaml"
        self.files[uri] = text
        return uri


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def opened(tmp_path, web):
    """Opens an engine, each time over the same file, as after a restart."""

    @asynccontextmanager
    async def opening(*functions, secrets=None):
        async with batuta.open(
            f"sqlite:///{tmp_path}/store.db",
            functions=functions,
            secrets=secrets or {},
            settings=batuta.Settings(folder=str(tmp_path)),
            transport=httpx2.MockTransport(web.answer),
            resume=True,
        ) as engine:
            yield engine

    return opening


@pytest.fixture
def workflow():
    """A document with these tasks, YAML in one line each, and this `use`."""

    def written(*tasks: str, use: str = "{}", version: str = "1.0.0", schedule: str = "") -> str:
        lines = [
            f"document: {{dsl: '1.0.3', namespace: t, name: w, version: '{version}'}}",
            f"use: {use}",
            *([f"schedule: {schedule}"] if schedule else []),
            "do:",
            *(f"  - step{number}: {task}" for number, task in enumerate(tasks)),
        ]
        return "\n".join(lines) + "\n"

    return written


@pytest.fixture
def result():
    """Deploys a text, runs it and returns the run as it ended."""

    async def ended(engine, text, data=None):
        run = await engine.start(await engine.deploy(text), data)
        return await run.result(10)

    return ended
