"""Starts and publications over HTTP: how many a second are durable, and how long each takes.

    python bench/server.py --work http-start [--runs 20000]

- `http-start`: `POST /api/v1/runs` of a workflow with one pure task; an answer of 201 says that the
  run is durable. As many connections as `CONNECTIONS` send one request after the other, as fast as
  answers come: that is `tasks_per_s`. Then requests are sent at half of that rate, whatever the
  answers do, and p50/p99 are from when a request was due to its answer.
- `http-publish`: the same for `POST /api/v1/events`, one structured CloudEvent each.

The server is a process of its own, as `batuta up` has it; the client speaks bare HTTP/1.1, so that
on two cores one is left for it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import SCRATCH, Asked, Measured, machine, report

import batuta
from batuta.runtime.shared.driving.dedicated import dedicated
from batuta.server.serving import serving
from batuta.wiring.surroundings import surroundings

RUNS = 20_000
CONNECTIONS = 64
WORKFLOW = """\
document: { dsl: '1.0.3', namespace: bench, name: quick, version: '1.0.0' }
do:
  - done: { set: { order: '${ .order }', state: done } }
"""


async def serve(folder: str) -> None:
    """Be the server, until stdin closes; prints where it is."""
    settings = batuta.Settings(store=f"sqlite:///{folder}/batuta.db", folder=folder)
    with surroundings(settings) as around:
        async with (
            batuta.open(settings=settings) as engine,
            serving(engine, around, port=0) as at,
        ):
            await engine.deploy(WORKFLOW)
            with dedicated():
                print(json.dumps({"address": at.address, "token": at.token}), flush=True)
                await asyncio.to_thread(sys.stdin.read)


class Client:
    """Connections that send one kind of request."""

    def __init__(self, work: str, place: dict[str, str]) -> None:
        self.host, self.port = place["address"].removeprefix("http://").split(":")
        self.token = place["token"]
        self.work = work
        self.number = 0

    def request(self) -> bytes:
        self.number += 1
        if self.work == "http-start":
            path, media = "/api/v1/runs", "application/json"
            said = {"workflow": "bench/quick", "input": {"order": self.number}}
        else:
            path, media = "/api/v1/events", "application/cloudevents+json"
            event = {"specversion": "1.0", "source": "/bench", "type": "bench.done"}
            said = {**event, "id": str(self.number), "data": {"order": self.number}}
        body = json.dumps(said).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, int(self.port))

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.request())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head[9:12] in {b"201", b"202"}, head
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))

    async def as_fast_as_it_goes(self, requests: int) -> float:
        left = requests

        async def line() -> None:
            nonlocal left
            reader, writer = await self.connection()
            while left > 0:
                left -= 1
                await self.one(reader, writer)
            writer.close()

        began = time.perf_counter()
        await asyncio.gather(*(line() for _ in range(CONNECTIONS)))
        return time.perf_counter() - began

    async def at_a_rate(self, requests: int, per_s: float) -> list[float]:
        idle: asyncio.Queue = asyncio.Queue()
        for _ in range(CONNECTIONS * 4):
            idle.put_nowait(await self.connection())
        times: list[float] = []

        async def due(at: float) -> None:
            pair = await idle.get()
            await self.one(*pair)
            idle.put_nowait(pair)
            times.append(time.perf_counter() - at)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(requests):
                at = began + number / per_s
                while (ahead := at - time.perf_counter()) > 0:
                    await asyncio.sleep(min(ahead, 0.001))
                group.create_task(due(at))
        return times


async def measure(work: str, requests: int, place: dict[str, str]) -> Measured:
    client = Client(work, place)
    await client.as_fast_as_it_goes(requests // 10)
    seconds = await client.as_fast_as_it_goes(requests)
    half = requests / seconds / 2
    times = await client.at_a_rate(int(half * 5), half)
    return Measured(
        tasks=requests,
        seconds=seconds,
        times_s=times,
        settings={"connections": CONNECTIONS, "paced_per_s": round(half), **machine()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=("http-start", "http-publish"))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(asked.serve))
        return
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            place = json.loads(server.stdout.readline())
            found = asyncio.run(measure(asked.work, asked.runs, place))
        finally:
            server.stdin.close()
            server.wait(30)
    what = Asked(work=asked.work, runs=asked.runs, store="sqlite", tuned="")
    report("batuta http", batuta.__version__, what, found)


if __name__ == "__main__":
    main()
