"""The bar: what an asyncio loop and SQLite can do when nothing stands between them.

No engine, no expressions, no recovery: coroutines that journal the rows which a durable engine
cannot avoid, one per start and one per result (run id, sequence number, kind, a JSON body of about
200 bytes), by group commit into SQLite (WAL, synchronous=FULL). A step begins only once the commit
that holds the result before it has returned. What an engine measures below this is its own cost.

Several straightforward ways are tried (commit inline or in a thread; one statement per row or
many rows per statement; keyed by run and sequence, or appended) and the fastest is reported, with
all of them in `settings.tried`. `--work raw` is the limit of the disk and of SQLite: the same rows
committed in the same groups, with no loop at all.
"""

import asyncio
import concurrent.futures
import itertools
import json
import os
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from measuring import (
    BRANCHES,
    SCRATCH,
    STEPS,
    Asked,
    Measured,
    Stopwatch,
    asked,
    machine,
    report,
    result_body,
    rss_bytes,
    skip,
)

Row = tuple[int, int, str, str]
COLUMNS = 4
ROWS_PER_STATEMENT = 100

LAYOUTS = {
    "append": "create table journal (run integer, seq integer, kind text, body text)",
    "keyed": "create table journal (run integer, seq integer, kind text, body text,"
    " primary key (run, seq)) without rowid",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write the journal."""

    layout: str
    threaded: bool
    multi: bool

    @property
    def name(self) -> str:
        commit = "thread" if self.threaded else "inline"
        return f"{self.layout}/{commit}/{'multi-row' if self.multi else 'executemany'}"


class Journal:
    """Group commit: everything asked for while one commit runs goes into the next."""

    def __init__(self, path: Path, way: Way) -> None:
        self.way = way
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.executescript(
            f"pragma journal_mode=wal; pragma synchronous=full; {LAYOUTS[way.layout]};"
        )
        self.commits = 0
        self.waiting: list[Row] = []
        self.group: asyncio.Future[None] | None = None
        self.writer: asyncio.Task[None] | None = None
        self.thread = concurrent.futures.ThreadPoolExecutor(1) if way.threaded else None

    def append(self, row: Row) -> Awaitable[None]:
        """Ask for a row; what is returned is done once the row is durable."""
        self.waiting.append(row)
        loop = asyncio.get_running_loop()
        if self.group is None:
            self.group = loop.create_future()
            if self.writer is None or self.writer.done():
                self.writer = loop.create_task(self._write())
        return self.group

    async def _write(self) -> None:
        while self.group is not None:
            rows, group = self.waiting, self.group
            self.waiting, self.group = [], None
            if self.thread:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self.thread, self.commit, rows)
            else:
                self.commit(rows)
            group.set_result(None)
            if not self.thread:
                await asyncio.sleep(0)

    def commit(self, rows: list[Row]) -> None:
        """One transaction."""
        self.db.execute("begin immediate")
        if self.way.multi:
            whole = len(rows) - len(rows) % ROWS_PER_STATEMENT
            for start in range(0, whole, ROWS_PER_STATEMENT):
                some = rows[start : start + ROWS_PER_STATEMENT]
                self.db.execute(MANY, tuple(itertools.chain.from_iterable(some)))
            rows = rows[whole:]
        self.db.executemany(ONE, rows)
        self.db.execute("commit")
        self.commits += 1

    def close(self) -> None:
        if self.thread:
            self.thread.shutdown()
        self.db.close()


ONE = "insert into journal values (?, ?, ?, ?)"
MANY = "insert into journal values " + ", ".join(["(?, ?, ?, ?)"] * ROWS_PER_STATEMENT)


async def step(run: int, number: int) -> dict[str, object]:
    """The task itself: costs nothing but its result."""
    return result_body(run, number)


async def sequence(journal: Journal, run: int) -> float:
    """A run of ten steps; how long it took."""
    watch = Stopwatch()
    await journal.append((run, 0, "started", "{}"))
    for number in range(1, STEPS + 1):
        body = json.dumps(await step(run, number))
        await journal.append((run, number, "completed", body))
    return watch.read()


async def fan(journal: Journal, run: int) -> float:
    """A run of a hundred branches and a join; how long it took."""

    async def branch(number: int) -> None:
        await journal.append((run, number, "completed", json.dumps(await step(run, number))))

    watch = Stopwatch()
    await journal.append((run, 0, "started", "{}"))
    await asyncio.gather(*(branch(number) for number in range(1, BRANCHES + 1)))
    await journal.append((run, BRANCHES + 1, "joined", "{}"))
    return watch.read()


async def w1(journal: Journal, runs: int) -> Measured:
    watch = Stopwatch()
    times = await asyncio.gather(*(sequence(journal, run) for run in range(runs)))
    return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=list(times))


async def latency(journal: Journal, runs: int) -> Measured:
    watch = Stopwatch()
    times = [await sequence(journal, run) / STEPS for run in range(runs)]
    return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=times)


async def w2(journal: Journal, runs: int) -> Measured:
    watch = Stopwatch()
    times = [await fan(journal, run) for run in range(runs)]
    return Measured(tasks=runs * BRANCHES, seconds=watch.read(), times_s=times)


async def w4(journal: Journal, runs: int) -> Measured:
    """Runs that wait: a row each, then a coroutine on a future that nothing sets."""
    loop = asyncio.get_running_loop()
    never: list[asyncio.Future[None]] = []

    async def wait(run: int, started: asyncio.Future[float], watch: Stopwatch) -> None:
        await journal.append((run, 0, "waiting", json.dumps(await step(run, 0))))
        started.set_result(watch.read())
        event = loop.create_future()
        never.append(event)
        await event

    before = rss_bytes()
    watch = Stopwatch()
    starts = [loop.create_future() for _ in range(runs)]
    waits = [loop.create_task(wait(run, starts[run], watch)) for run in range(runs)]
    times = await asyncio.gather(*starts)
    seconds = watch.read()
    grown = rss_bytes() - before
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return Measured(
        tasks=runs, seconds=seconds, times_s=times, rss_bytes_per_run=max(0, grown) / runs
    )


async def raw(journal: Journal, runs: int) -> Measured:
    """The rows of `w1`, made beforehand, in the groups in which `w1` commits them."""
    groups = [
        [(run, number, "completed", json.dumps(result_body(run, number))) for run in range(runs)]
        for number in range(STEPS)
    ]
    watch = Stopwatch()
    times = []
    for rows in groups:
        commit = Stopwatch()
        journal.commit(rows)
        times.append(commit.read())
    return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=times)


WORK: dict[str, Callable[[Journal, int], Awaitable[Measured]]] = {
    "w1": w1,
    "latency": latency,
    "w2": w2,
    "w4": w4,
    "raw": raw,
}


def measure(what: Asked, way: Way) -> Measured:
    """One measurement on a new file."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        journal = Journal(Path(folder) / "journal.sqlite", way)

        async def work() -> Measured:
            return await WORK[what.work](journal, what.runs)

        found = asyncio.run(work())
        found.settings = {"way": way.name, "commits": journal.commits}
        journal.close()
    return found


def ways(work: str) -> list[Way]:
    """What to try; a single run commits one row at a time, so statements make no difference."""
    multis = (False, True) if work in {"w1", "w4", "raw"} else (False,)
    threads = (False,) if work == "raw" else (False, True)
    return [
        Way(layout, threaded, multi)
        for layout in LAYOUTS
        for threaded in threads
        for multi in multis
    ]


def main() -> None:
    what = asked("The floor: asyncio and SQLite alone.", works=(*WORK,))
    if what.store != "sqlite":
        skip("floor", what, "the floor is measured on SQLite only")
    SCRATCH.mkdir(exist_ok=True)
    tried = {way.name: measure(what, way) for way in ways(what.work)}
    best = min(tried.values(), key=lambda found: found.seconds)
    if best.rss_bytes_per_run is not None:  # later ways reuse what the first one freed
        best.rss_bytes_per_run = max(found.rss_bytes_per_run or 0 for found in tried.values())
    best.settings |= machine() | {
        "journal_mode": "wal",
        "synchronous": "full",
        "tried": {name: round(found.tasks / found.seconds) for name, found in tried.items()},
        "load_average": os.getloadavg()[0],
    }
    report("floor", "1", what, best)


if __name__ == "__main__":
    main()
