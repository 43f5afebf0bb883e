"""The process of a server that is measured, and the handle on it.

It is what `batuta up` serves: an engine over a store of its own, with the API and the page. On its
stdin it is told to drive runs itself (how many at once, how many times, and how often), a line
each, so that work can be given to the engine that costs the server no requests.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import SCRATCH, STEPS

import batuta
from asking import Place
from batuta.runtime.shared.driving.dedicated import dedicated
from batuta.server.serving import serving
from batuta.wiring.surroundings import surroundings
from engine import HEAD, sequence, w1, work

QUICK = HEAD.format(name="quick") + "  - done: { set: { order: '${ .order }', state: done } }\n"
ENDING = HEAD.format(name="ending") + "  - over: { call: ends, with: {} }\n"
SHORT_S = 0.05


@batuta.function
async def ends() -> dict:
    """Take a moment, and say when it was over, by the clock that all processes here share."""
    await asyncio.sleep(SHORT_S)
    return {"over": time.perf_counter()}


async def serve(folder: str) -> None:
    """Be the server, until stdin closes; prints where it is, and what came of each line."""
    settings = batuta.Settings(store=f"sqlite:///{folder}/batuta.db", folder=folder)
    with surroundings(settings) as around:
        async with (
            batuta.open(functions=[work, ends], settings=settings) as engine,
            serving(engine, around, port=0) as at,
        ):
            for text in (QUICK, ENDING, sequence("w1", STEPS)):
                await engine.deploy(text)
            with dedicated():
                _say({"address": at.address, "token": at.token})
                while line := await asyncio.to_thread(sys.stdin.readline):
                    _say(await driven(engine, *map(int, line.split())))


async def driven(
    engine: batuta.Engine, runs: int, waves: int = 1, every_ms: int = 0
) -> dict[str, float]:
    """Drive so many runs of `w1` at once, and so many times, one wave after the other."""
    began, cpu = time.perf_counter(), time.process_time()
    for wave in range(waves):
        await asyncio.sleep(max(0.0, began + wave * every_ms / 1000 - time.perf_counter()))
        await w1(engine, runs)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    tasks = runs * waves * STEPS
    return {"seconds": seconds, "tasks": tasks, "cpu_us": round(cpu / tasks * 1e6, 1)}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Child:
    """Another process of this benchmark: it gets lines, and answers each with a line of JSON."""

    def __init__(self, *line: str, processor: int | None = None) -> None:
        """Start it, on one processor alone or on all."""
        self.process = subprocess.Popen(
            [sys.executable, *line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if processor is not None:
            # Before it has threads: they begin where the one that starts them is.
            os.sched_setaffinity(self.process.pid, {processor})

    def hear(self) -> dict[str, Any]:
        told = self.process.stdout.readline()
        if not told:
            raise RuntimeError(f"a process of the benchmark ended: {self.process.wait(30)}")
        return json.loads(told)

    def tell(self, line: str) -> None:
        print(line, file=self.process.stdin, flush=True)

    def ask(self, line: str) -> dict[str, Any]:
        self.tell(line)
        return self.hear()

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.process.pid)

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(30)


class Server(Child):
    """The process of a server."""

    def __init__(self, folder: str, *, processor: int | None = None) -> None:
        super().__init__(__file__, folder, processor=processor)
        told = self.hear()
        self.place = Place.of(told["address"], told["token"])


@contextmanager
def served(*, processor: int | None = None) -> Generator[Server]:
    """Run a server over a store of its own until the block ends."""
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        server = Server(folder, processor=processor)
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
