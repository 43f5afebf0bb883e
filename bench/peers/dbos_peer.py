"""DBOS Transact (PyPI `dbos`): durable execution as a library, on SQLite or PostgreSQL.

At its defaults: plain functions, a thread per running workflow, the pool of connections it comes
with, SQLite as it opens it. Tuned: a bounded number of threads and a larger pool, on SQLite also
the write-ahead log; `--tuned async` with asynchronous workflows, `--tuned threads` with plain
functions (in `w4` every waiting run needs its thread, so there their number stays unbounded).
Durability is never lowered: SQLite keeps
`synchronous=FULL` and PostgreSQL the `fsync` and `synchronous_commit` that it is found with.

In `w1` at the defaults a run's end is read inside the workflow, just before DBOS writes its status.
"""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from measuring import (
    BRANCHES,
    SCRATCH,
    STEPS,
    Asked,
    Measured,
    Stopwatch,
    asked,
    give_up_after,
    machine,
    report,
    result_body,
    rss_bytes,
    under_own_python,
)

DATABASE = "batuta_bench_dbos"
SERVER = "postgresql://postgres@127.0.0.1:5432"
LIMIT_S = 540
TUNED = {"sys_db_pool_size": 32, "max_executor_threads": 32}
WAIT_S = 3600.0

under_own_python("dbos")

from dbos import DBOS  # noqa: E402 -- importable only under the peer's own python

ended: dict[int, float] = {}


@DBOS.step()
def step(run: int, number: int) -> dict[str, Any]:
    return result_body(run, number)


@DBOS.workflow()
def sequence(run: int) -> None:
    for number in range(STEPS):
        step(run, number)
    ended[run] = time.perf_counter()


@DBOS.workflow()
def branch(run: int, number: int) -> dict[str, Any]:
    return step(run, number)


@DBOS.workflow()
def fan(run: int) -> int:
    handles = [DBOS.start_workflow(branch, run, number) for number in range(BRANCHES)]
    return len([handle.get_result() for handle in handles])


@DBOS.workflow()
def waiting(_run: int) -> None:
    DBOS.recv("never", timeout_seconds=WAIT_S)


@DBOS.step()
async def step_async(run: int, number: int) -> dict[str, Any]:
    return result_body(run, number)


@DBOS.workflow()
async def sequence_async(run: int) -> None:
    for number in range(STEPS):
        await step_async(run, number)


@DBOS.workflow()
async def fan_async(run: int) -> int:
    return len(await asyncio.gather(*(step_async(run, number) for number in range(BRANCHES))))


@DBOS.workflow()
async def waiting_async(_run: int) -> None:
    await DBOS.recv_async("never", timeout_seconds=WAIT_S)


def _at_once(runs: int) -> Measured:
    watch = Stopwatch()
    begun, handles = {}, []
    for run in range(runs):
        begun[run] = time.perf_counter()
        handles.append(DBOS.start_workflow(sequence, run))
    for handle in handles:
        handle.get_result()
    seconds = watch.read()
    times = [ended[run] - begun[run] for run in range(runs)]
    return Measured(tasks=runs * STEPS, seconds=seconds, times_s=times)


def _alone(flow: Callable[[int], Any], runs: int, tasks: int, per: int) -> Measured:
    watch = Stopwatch()
    times = []
    for run in range(runs):
        one = Stopwatch()
        flow(run)
        times.append(one.read() / per)
    return Measured(tasks=runs * tasks, seconds=watch.read(), times_s=times)


def _wait(runs: int, durable: Callable[[], int]) -> Measured:
    before, already = rss_bytes(), durable()
    watch = Stopwatch()
    for run in range(runs):
        DBOS.start_workflow(waiting, run)
    while durable() - already < runs:
        time.sleep(0.02)
    seconds = watch.read()
    grown = (rss_bytes() - before) / runs
    return Measured(tasks=runs, seconds=seconds, times_s=[], rss_bytes_per_run=grown)


def at_defaults(what: Asked, durable: Callable[[], int]) -> Measured:
    """Plain functions."""
    step_of = {
        "w1": lambda: _at_once(what.runs),
        "latency": lambda: _alone(sequence, what.runs, STEPS, STEPS),
        "w2": lambda: _alone(fan, what.runs, BRANCHES, 1),
        "w4": lambda: _wait(what.runs, durable),
    }
    return step_of[what.work]()


async def tuned(what: Asked, durable: Callable[[], int]) -> Measured:
    """Asynchronous functions."""

    async def timed(flow: Callable[[int], Any], run: int) -> float:
        one = Stopwatch()
        handle = await DBOS.start_workflow_async(flow, run)
        await handle.get_result()
        return one.read()

    runs = what.runs
    before, already = rss_bytes(), durable()
    watch = Stopwatch()
    if what.work == "w1":
        times = await asyncio.gather(*(timed(sequence_async, run) for run in range(runs)))
        return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=list(times))
    if what.work == "latency":
        times = [await timed(sequence_async, run) / STEPS for run in range(runs)]
        return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=times)
    if what.work == "w2":
        times = [await timed(fan_async, run) for run in range(runs)]
        return Measured(tasks=runs * BRANCHES, seconds=watch.read(), times_s=times)
    await asyncio.gather(*(DBOS.start_workflow_async(waiting_async, run) for run in range(runs)))
    while durable() - already < runs:
        await asyncio.sleep(0.02)
    seconds = watch.read()
    grown = (rss_bytes() - before) / runs
    return Measured(tasks=runs, seconds=seconds, times_s=[], rss_bytes_per_run=grown)


def on_sqlite(what: Asked, folder: Path) -> tuple[str, Callable[[], int], dict[str, Any]]:
    """A new file: its address, a count of durable steps, its settings."""
    path = folder / "dbos.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        if what.tuned:
            db.execute("pragma journal_mode=wal")
        mode = db.execute("pragma journal_mode").fetchone()[0]
        synchronous = db.execute("pragma synchronous").fetchone()[0]

    def durable() -> int:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
            return db.execute("select count(*) from operation_outputs").fetchone()[0]

    return f"sqlite:///{path}", durable, {"journal_mode": mode, "synchronous": synchronous}


def on_postgres() -> tuple[str, Callable[[], int], dict[str, Any]]:
    """A new database: its address, a count of durable steps, the server's settings."""
    import psycopg

    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as db:
        db.execute(f"drop database if exists {DATABASE} with (force)")
        db.execute(f"create database {DATABASE}")
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
        settings = {name: db.execute(f"show {name}").fetchone()[0] for name in names}
    reader = psycopg.connect(f"{SERVER}/{DATABASE}", autocommit=True)

    def durable() -> int:
        return reader.execute("select count(*) from dbos.operation_outputs").fetchone()[0]

    return f"{SERVER}/{DATABASE}", durable, settings


def drop_postgres() -> None:
    import psycopg

    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as db:
        db.execute(f"drop database if exists {DATABASE} with (force)")


def _options(what: Asked) -> dict[str, Any]:
    """The configuration beyond the name and the address of the database."""
    if not what.tuned:
        return {}
    if what.tuned == "threads" and what.work == "w4":
        return {"sys_db_pool_size": TUNED["sys_db_pool_size"]}
    return TUNED


def main() -> None:
    what = asked("DBOS Transact.", tunings=("async", "threads"))
    give_up_after(LIMIT_S, "dbos", what)
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    make = on_postgres if what.store == "postgres" else lambda: on_sqlite(what, folder)
    address, durable, settings = make()
    options = _options(what)
    DBOS(
        config={
            "name": "bench",
            "system_database_url": address,
            "log_level": "ERROR",
            **options,
        }
    )

    def finish(found: Measured) -> NoReturn:
        """Report and leave at once: workflows that wait hold threads for an hour."""
        found.settings = settings | options | machine()
        report("dbos", version("dbos"), what, found)
        if what.store == "postgres":
            drop_postgres()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    async def asynchronously() -> None:
        DBOS.launch()  # inside the loop, so that asynchronous workflows run on it
        finish(await tuned(what, durable))

    if what.tuned == "async":
        asyncio.run(asynchronously())
    DBOS.launch()
    finish(at_defaults(what, durable))


if __name__ == "__main__":
    main()
