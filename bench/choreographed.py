"""Batuta's side of W3: chains of ten hops across five participants, each with its own store.

A hop is a message taken by a participant, its task performed, and what follows published: the start
event is the first, and the run has ended when its last event has come out of the bus. Works:

- `w3`: `--runs` chains at once. `w3-alone`: chains one after the other; a chain's time divided by
  its ten hops.
- `w1-spread` and `w1-single`: the ten sequential tasks of `w1`, spread over five participants (ten
  hops: the work of `w3`) or all of one participant (none), in one process; what counts is
  `cpu_us_per_task`, beside that of `w1` by a conductor (`engine.py`).

`--bus` is the embedded one or NATS JetStream (a server of our own, `sync_interval: always`, its
store on the same disk). With `--processes 5` each participant has a process of its own.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import (
    HOPS,
    PARTICIPANTS,
    RUNS,
    SCRATCH,
    Asked,
    Measured,
    machine,
    report,
    result_body,
)
from nats_server import serving

import batuta
from batuta.adapters.clock import SystemClock
from batuta.definition import check
from batuta.kernel.program import compile_workflow
from batuta.ports.bus import Bus, Delivered, Message
from batuta.runtime.shared.driving.dedicated import dedicated
from batuta.runtime.shared.envelope import decode_end, decode_envelope, encode, event
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.programs import Deployed, Deployment, digest_of, encode_deployed
from batuta.wiring.buses import open_bus
from batuta.wiring.participants import participant
from batuta.wiring.settings import Settings
from batuta.wiring.tools import tools

WORKS = {"w3": RUNS["w3"], "w3-alone": RUNS["w3-alone"], "w1-spread": 2_000, "w1-single": 2_000}


@batuta.function
async def work(run: str, step: int) -> dict:
    return result_body(run, step)


def chain(name: str, participants: str) -> str:
    """The workflow: ten tasks, one participant after the other."""
    named = ", ".join(f"{one}: {{}}" for one in sorted(set(participants)))
    task = (
        "  - t{0}: {{ call: work, with: {{ run: '${{ $workflow.input.run }}', step: {0} }},"
        " metadata: {{ participant: {1} }} }}\n"
    )
    return (
        f"document: {{ dsl: '1.0.3', namespace: bench, name: {name}, version: '1.0.0',"
        f" metadata: {{ participants: {{ {named} }} }} }}\ndo:\n"
        + "".join(task.format(step, participants[step % len(participants)]) for step in range(HOPS))
    )


WORKFLOW = check(chain("w3", PARTICIPANTS)).workflow
SINGLE = check(chain("w1", PARTICIPANTS[0])).workflow


def deployment(workflow: batuta.definition.Workflow) -> Deployment:
    deployed = Deployed(workflow.source)
    return Deployment(workflow.identity, digest_of(workflow, deployed), encode_deployed(deployed))


@asynccontextmanager
async def participants(names: str, url: str, folder: Path) -> AsyncIterator[Bus]:
    """Run participants in this process, over one connection to the bus."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        wired = await stack.enter_async_context(tools(Settings(), [work], {}, None, clock))
        bus = open_bus(url)
        await bus.start()
        stack.push_async_callback(bus.close)
        for name in names:
            await stack.enter_async_context(
                participant(
                    name,
                    folder / f"{name}.db",
                    bus,
                    wired,
                    clock,
                    [deployment(WORKFLOW), deployment(SINGLE)],
                )
            )
        yield bus


async def child(name: str, url: str, folder: Path) -> None:
    """One participant as a process, until its standard input is closed."""
    async with participants(name, url, folder):
        with dedicated():
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.read)


class Starter:
    """Starts runs by their first event, and sees them end in the bus, as anybody could."""

    def __init__(self, bus: Bus, workflow: batuta.definition.Workflow) -> None:
        self.bus = bus
        self.clock = SystemClock()
        self.program = compile_workflow(workflow)
        self.digest = deployment(workflow).digest
        self.began: dict[str, float] = {}
        self.times: list[float] = []
        self.ends: dict[str, asyncio.Future[None]] = {}

    async def watch(self) -> None:
        kind = f"batuta.bench.{self.program.workflow.document.name}.ended"
        self.consumption = await self.bus.consume("viewer", frozenset({kind}), self.view)

    def view(self, messages: list[Delivered]) -> None:
        now = time.perf_counter()
        for message in messages:
            envelope = decode_envelope(message.body)
            end = decode_end(envelope.data)
            if end.status != "completed" or end.output["step"] != HOPS - 1:
                raise SystemExit(f"run {envelope.batutarun} ended {end.status}: {end.error}")
            self.times.append(now - self.began.pop(envelope.batutarun or ""))
            self.ends.pop(envelope.batutarun or "").set_result(None)
        self.consumption.acknowledge([message.number for message in messages])

    async def run(self, number: int) -> None:
        run = new_run_id(self.clock.now())
        document = self.program.workflow.document
        told = event(
            self.program,
            run,
            name=f"{run}/start",
            kind=f"batuta.bench.{document.name}.start",
            now=self.clock.now(),
            data={"run": str(number)},
        )
        told["batutadigest"] = self.digest
        ended = self.ends[run] = asyncio.get_running_loop().create_future()
        self.began[run] = time.perf_counter()
        message = Message(f"{told['source']}\n{told['id']}", told["type"], encode(told))
        await self.bus.publish([message])
        await ended


async def measured(starter: Starter, work: str, runs: int) -> Measured:
    await starter.watch()
    for number in range(20):
        await starter.run(number)
    starter.times.clear()
    cpu, began = time.process_time(), time.perf_counter()
    if work == "w3-alone":
        for number in range(runs):
            await starter.run(number)
    else:
        await asyncio.gather(*(starter.run(number) for number in range(runs)))
    seconds = time.perf_counter() - began
    times = [one / HOPS for one in starter.times] if work == "w3-alone" else starter.times
    found = Measured(tasks=runs * HOPS, seconds=seconds, times_s=times)
    found.settings["cpu_us_per_task"] = round((time.process_time() - cpu) / found.tasks * 1e6, 1)
    return found


async def in_one(work: str, runs: int, url: str, folder: Path) -> Measured:
    single = work == "w1-single"
    async with participants(PARTICIPANTS[: 1 if single else None], url, folder) as bus:
        with dedicated():
            return await measured(Starter(bus, SINGLE if single else WORKFLOW), work, runs)


async def in_five(work: str, runs: int, url: str, folder: Path) -> Measured:
    line = [sys.executable, __file__, "--work", work, "--bus", url, "--folder", str(folder)]
    children = [
        subprocess.Popen(
            [*line, "--child", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in PARTICIPANTS
    ]
    bus = open_bus(url)
    try:
        for one in children:
            assert one.stdout is not None
            assert await asyncio.to_thread(one.stdout.readline) == "ready\n"
        await bus.start()
        with dedicated():
            found = await measured(Starter(bus, WORKFLOW), work, runs)
    finally:
        for one in children:
            one.communicate("")
        await bus.close()
    found.settings.pop("cpu_us_per_task")
    return found


async def bodies(folder: Path) -> list[bytes]:
    """The messages of one chain, in their order: its start, what is handed over, its end."""
    async with participants(PARTICIPANTS, f"sqlite:///{folder}/bodies.db", folder) as bus:
        starter = Starter(bus, WORKFLOW)
        await starter.watch()
        await starter.run(0)
        return [one.body for one in await bus.history()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=WORKS, required=True)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--bus", default="embedded", help="embedded or nats")
    parser.add_argument("--processes", type=int, choices=(1, 5), default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.child:
        asyncio.run(child(found.child, found.bus, found.folder))
        return
    runs = found.runs or WORKS[found.work]
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as place:
        folder = Path(place)
        perform = in_one if found.processes == 1 else in_five
        if found.bus == "nats":
            with serving(folder) as server:
                result = asyncio.run(perform(found.work, runs, server.url, folder))
                used = server.cpu_s() / result.tasks
                result.settings["server_cpu_us_per_task"] = round(used * 1e6, 1)
        else:
            url = f"sqlite:///{folder}/bus.db"
            result = asyncio.run(perform(found.work, runs, url, folder))
    result.settings |= {
        **machine(),
        "processes": found.processes,
        "load_average": os.getloadavg()[0],
    }
    what = Asked(work=found.work, runs=runs, store=found.bus, tuned="")
    report("batuta", batuta.__version__, what, result)


if __name__ == "__main__":
    main()
