"""Batuta's own side of the benchmark: the same works as the peers, through the public API.

Besides the peers' works (`peers/measuring.py` says what each counts):

- `crash`: `--runs` runs are in flight, each in its third step, when their process is killed
  (SIGKILL). p50 is the time from the start of the next process until every run performs its third
  step again; then all must end with the outputs that they would have had.
- `long`: one run of `--runs` tasks is killed near its end; p50 is the time until it goes on.
- `check`: `batuta check` on a file of `--runs` tasks, as a command. `help`: `batuta --help`.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import (
    BRANCHES,
    RUNS,
    STEPS,
    Asked,
    Measured,
    machine,
    report,
    result_body,
    rss_bytes,
)

import batuta
from batuta.runtime.shared.driving.dedicated import dedicated

OURS = {"crash": 10_000, "long": 100_000, "check": 1_000, "help": 10}
HEAD = "document: {{ dsl: '1.0.3', namespace: bench, name: {name}, version: '1.0.0' }}\ndo:\n"


@batuta.function
async def work(run: str, step: int) -> dict:
    return result_body(run, step)


@batuta.function
async def hold(run: str) -> dict:
    """Step three of `crash`: notes that it was reached, then never returns in the first process."""
    held.add(run)
    if to_be_killed:
        await asyncio.sleep(3600)
    return result_body(run, 2)


held: set[str] = set()
to_be_killed: list[bool] = []


def sequence(name: str, steps: int) -> str:
    task = "  - t{0}: {{ call: work, with: {{ run: '${{ $workflow.input.run }}', step: {0} }} }}\n"
    return HEAD.format(name=name) + "".join(task.format(step) for step in range(steps))


def forking() -> str:
    branch = "          - b{0}: {{ call: work, with: {{ run: r, step: {0} }} }}\n"
    branches = "".join(branch.format(at) for at in range(BRANCHES))
    return HEAD.format(name="w2") + "  - all:\n      fork:\n        branches:\n" + branches


WAITING = (
    HEAD.format(name="w4")
    + "  - wait: { listen: { to: { one: { with: { type: bench.never } } } } }\n"
)
HELD = HEAD.format(name="crash") + (
    "  - a: { call: work, with: { run: '${ $workflow.input.run }', step: 0 } }\n"
    "  - b: { call: work, with: { run: '${ $workflow.input.run }', step: 1 },"
    " export: { as: '{ second: . }' } }\n"
    "  - c: { call: hold, with: { run: '${ $workflow.input.run }' } }\n"
    "  - d: { set: '${ { third: ., second: $context.second } }' }\n"
)


def opened(folder: str, **more: object):
    return batuta.open(f"sqlite:///{folder}/bench.db", functions=[work, hold], **more)


async def measured(what: Asked, folder: str) -> Measured:
    async with opened(folder) as engine:
        with dedicated():
            return await worked(engine, what)


async def worked(engine: batuta.Engine, what: Asked) -> Measured:
    if what.work == "w1":
        return await w1(engine, what.runs)
    if what.work == "latency":
        return await alone(engine, what.runs, sequence("latency", STEPS), STEPS)
    if what.work == "w2":
        return await alone(engine, what.runs, forking(), BRANCHES)
    return await w4(engine, what.runs)


async def w1(engine: batuta.Engine, runs: int) -> Measured:
    name = await engine.deploy(sequence("w1", STEPS))
    times: list[float] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        run = await engine.start(name, {"run": str(number)})
        view = await run.result()
        if view.status != "completed" or view.output["step"] != STEPS - 1:
            raise SystemExit(f"run {run.id} ended {view.status}: {view.error}")
        times.append(time.perf_counter() - began)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(runs)))
    seconds = time.perf_counter() - began
    found = Measured(tasks=runs * STEPS, seconds=seconds, times_s=times)
    found.settings["cpu_us_per_task"] = round((time.process_time() - cpu) / found.tasks * 1e6, 1)
    return found


async def alone(engine: batuta.Engine, runs: int, text: str, tasks: int) -> Measured:
    name = await engine.deploy(text)
    times: list[float] = []
    began = time.perf_counter()
    for number in range(runs):
        start = time.perf_counter()
        run = await engine.start(name, {"run": str(number)})
        view = await run.result()
        if view.status != "completed":
            raise SystemExit(f"run {run.id} ended {view.status}: {view.error}")
        times.append((time.perf_counter() - start) / (tasks if tasks == STEPS else 1))
    seconds = time.perf_counter() - began
    return Measured(tasks=runs * tasks, seconds=seconds, times_s=times)


async def w4(engine: batuta.Engine, runs: int) -> Measured:
    name = await engine.deploy(WAITING)
    await (await engine.start(name, {"run": "first"})).result(0.05)
    before = rss_bytes()
    began = time.perf_counter()
    group = 500
    for first in range(0, runs, group):
        await asyncio.gather(
            *(engine.start(name, {"run": str(at)}) for at in range(first, min(first + group, runs)))
        )
    seconds = time.perf_counter() - began
    while engine.conductor.runs:
        await asyncio.sleep(0.01)
    grown = (rss_bytes() - before) / runs
    return Measured(tasks=runs, seconds=seconds, times_s=[], rss_bytes_per_run=grown)


async def in_flight(folder: str, runs: int) -> None:
    """The process that is killed: brings all runs to their third step, says so, and stays."""
    to_be_killed.append(True)
    async with opened(folder) as engine:
        name = await engine.deploy(HELD)
        for first in range(0, runs, 500):
            await asyncio.gather(
                *(
                    engine.start(name, {"run": str(at)})
                    for at in range(first, min(first + 500, runs))
                )
            )
        while len(held) < runs:
            await asyncio.sleep(0.01)
        print("in flight", flush=True)
        await asyncio.sleep(3600)


async def crash(folder: str, runs: int) -> Measured:
    killed = subprocess.Popen(
        [sys.executable, __file__, "--in-flight", folder, "--runs", str(runs), "--work", "crash"],
        stdout=subprocess.PIPE,
    )
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    began = time.perf_counter()
    async with opened(folder, resume=True) as engine:
        while len(held) < runs:
            await asyncio.sleep(0.005)
        resumed = time.perf_counter() - began
        done: list[batuta.RunView] = []
        while len(done) < runs:
            await asyncio.sleep(0.2)
            done = engine.runs(status="completed", limit=runs + 1)
        for view in done:
            number = view.output["third"]["run"]
            expected = {"third": result_body(number, 2), "second": result_body(number, 1)}
            if view.output != expected:
                raise SystemExit(f"run {view.id} has another result: {view.output}")
        if len({view.output["third"]["run"] for view in done}) != runs:
            raise SystemExit("a run was lost")
    return Measured(tasks=runs, seconds=resumed, times_s=[resumed])


def command(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "batuta", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def checked(folder: str, tasks: int) -> Measured:
    path = Path(folder, "large.yaml")
    path.write_text(sequence("large", tasks))
    times = [command("check", str(path)) for _ in range(5)]
    return Measured(tasks=tasks * 5, seconds=sum(times), times_s=times)


def helped(times_asked: int) -> Measured:
    times = [command("--help") for _ in range(times_asked)]
    return Measured(tasks=times_asked, seconds=sum(times), times_s=times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=(*RUNS, *OURS), required=True)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--in-flight", metavar="FOLDER", help=argparse.SUPPRESS)
    found = parser.parse_args()
    runs = found.runs or {**RUNS, **OURS}[found.work]
    what = Asked(work=found.work, runs=runs, store="sqlite", tuned="")
    if found.in_flight:
        asyncio.run(in_flight(found.in_flight, runs))
        return
    scratch = Path(__file__).resolve().parent / ".work"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        os.chdir(folder)
        if what.work == "crash":
            result = asyncio.run(crash(".", runs))
        elif what.work == "check":
            result = checked(".", runs)
        elif what.work == "help":
            result = helped(runs)
        else:
            result = asyncio.run(measured(what, "."))
        result.settings |= {**machine(), "synchronous": "FULL", "journal_mode": "wal"}
        report("batuta", batuta.__version__, what, result)
        os.chdir("/")


if __name__ == "__main__":
    main()
