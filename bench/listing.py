"""Lists of runs out of a million: how long each filter that is offered takes to answer.

    python bench/listing.py --work listing [--runs 1000000] [--store FILE]

Builds a SQLite store through the port (or takes FILE, and builds it there if it is absent), as a
year of work of several teams would leave it, and asks for pages of fifty as the page of runs does:
each filter alone, filters together, the tenth page of each, and what finds little or nothing in
much. Every answer is timed from the query in texts to the views. p99 and p50 are over all answers,
`settings.p95_ms` too, and `settings.slowest` names the worst filters with their own p95.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import batuta
from batuta.adapters.clock import SystemClock
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.app.knowing import Knowing
from batuta.app.listing import Listing, RunQuery
from batuta.app.verdicts import Verdicts
from batuta.app.views import row_view
from batuta.definition.error_types import BASE
from batuta.ports.store import Batch, RunRow
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.programs import Programs
from peers.measuring import Asked, Measured, machine, percentile, report

RUNS = 1_000_000
TIMES = 7
"""How often each question is asked."""
START_MS, YEAR_MS = 1_750_000_000_000, 365 * 86_400_000
WORKFLOWS, VERSIONS, TEAMS = 40, 5, ("desk", "stock", "cards", "vans", "books")
STATUSES = (
    ("completed", 0.90),
    ("faulted", 0.07),
    ("cancelled", 0.01),
    ("waiting", 0.015),
    ("running", 0.005),
)
ERRORS = (BASE + "timeout", BASE + "communication", "https://shop.example/errors/out-of-stock")


def build(path: Path, runs: int) -> None:
    """Fill a store."""
    chance = random.Random(7)
    store = SqliteStore(path)
    names = [f"team{number % 8}/flow-{number}" for number in range(WORKFLOWS)]
    for number, name in enumerate(names):
        for version in range(VERSIONS):
            metadata = {"participants": {TEAMS[number % 5]: {}, TEAMS[(number + 1) % 5]: {}}}
            identity = f"{name}:1.{version}.0"
            namespace, _, short = name.partition("/")
            about = {"namespace": namespace, "name": short, "version": f"1.{version}.0"}
            document = {
                "document": {"dsl": "1.0.3", **about, "metadata": metadata},
                "do": [{"a": {"set": {"b": 1}}}],
            }
            text = json.dumps({"document": document}).encode()
            store.deploy(identity, f"{number}-{version}", text, 1)
    # Some workflows have most of the runs, as some have in life.
    weights = [1 / (1 + number) for number in range(WORKFLOWS)]
    for first in range(0, runs, 5_000):
        batch = Batch()
        for number in range(first, min(first + 5_000, runs)):
            row = a_run(chance, number, runs, chance.choices(names, weights)[0])
            batch.runs.append(row)
            if number % 2 == 0:
                keys = {
                    "order": f"A-{number}",
                    "customer": f"C{min(int(chance.expovariate(1 / 2_000)), 20_000)}",
                    "region": ("eu", "us")[row.workflow[4] in "0123"],
                }
                batch.keys.append((row.id, json.dumps(keys).encode()))
        store.commit(batch)
    store.close()


def a_run(chance: random.Random, number: int, runs: int, name: str) -> RunRow:
    """Return a run of the year, the number telling how far the year has come."""
    started = START_MS + number * YEAR_MS // runs
    (status,) = chance.choices([one[0] for one in STATUSES], [one[1] for one in STATUSES])
    ended = None if status in {"waiting", "running"} else started + 5_000
    fault = None
    if status == "faulted":
        kind = chance.choices(ERRORS, (0.5, 0.49, 0.01))[0]
        fault = json.dumps({"type": kind, "status": 500, "title": "It went wrong"}).encode()
    return RunRow(
        id=new_run_id(started),
        workflow=f"{name}:1.{min(number * VERSIONS // runs, VERSIONS - 1)}.0",
        control="choreographed" if chance.random() < 0.3 else "orchestrated",
        status=status,
        started_at=started,
        ended_at=ended,
        owner="c",
        output=b'{"done": true, "note": "%s"}' % (b"x" * 120) if status == "completed" else None,
        fault=fault,
        stuck=started + 60_000 if ended is None and chance.random() < 0.02 else None,
    )


def time_text(share: float) -> str:
    """Return the moment when this share of the year was over."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((START_MS + share * YEAR_MS) / 1000))


def questions(newest: str) -> dict[str, RunQuery]:
    """Return what is asked, by what it is called."""
    middle = {"since": time_text(0.4), "until": time_text(0.41)}
    old = {"until": time_text(0.05)}
    return {
        "everything": RunQuery(),
        "workflow, with most": RunQuery(workflow="team0/flow-0"),
        "workflow, with fewest": RunQuery(workflow="team7/flow-39"),
        "workflow, unknown": RunQuery(workflow="team7/nothing"),
        "version": RunQuery(version="1.2.0"),
        "workflow and version": RunQuery(workflow="team0/flow-0", version="1.0.0"),
        "control": RunQuery(control="choreographed"),
        "participant": RunQuery(participant="vans"),
        "participant, unknown": RunQuery(participant="nobody"),
        "status, frequent": RunQuery(status=("completed",)),
        "status, rare": RunQuery(status=("running",)),
        "status, none": RunQuery(status=("suspended",)),
        "statuses": RunQuery(status=("running", "waiting", "suspended")),
        "stuck": RunQuery(stuck=True),
        "not stuck": RunQuery(stuck=False),
        "time": RunQuery(**middle),
        "time, long ago": RunQuery(**old),
        "error, frequent": RunQuery(error="timeout"),
        "error, rare": RunQuery(error=ERRORS[2]),
        "error, none": RunQuery(error="validation"),
        "key, unique": RunQuery(keys={"order": "A-4712"}),
        "key, unknown": RunQuery(keys={"order": "B-1"}),
        "key, of many": RunQuery(keys={"customer": "C12"}),
        "key, of half": RunQuery(keys={"region": "eu"}),
        "search, one": RunQuery(q="A-471200"),
        "search, many": RunQuery(q="A-4"),
        "search, an id": RunQuery(q=newest[:12]),
        "search, nothing": RunQuery(q="zzz"),
        "status and time": RunQuery(status=("faulted",), **middle),
        "rare status, long ago": RunQuery(status=("running",), **old),
        "workflow, status, control": RunQuery(
            workflow="team0/flow-0", status=("faulted",), control="choreographed"
        ),
        "participant, status, time": RunQuery(participant="books", status=("faulted",), **middle),
        "error and workflow": RunQuery(error=ERRORS[2], workflow="team7/flow-39"),
        "stuck and participant": RunQuery(stuck=True, participant="desk"),
        "key and status": RunQuery(keys={"region": "us"}, status=("running",)),
        "key and error": RunQuery(keys={"region": "eu"}, error=ERRORS[2]),
        "two keys": RunQuery(keys={"region": "eu", "customer": "C0"}),
        "key of half, workflow of none of it": RunQuery(
            keys={"region": "eu"}, workflow="team0/flow-0"
        ),
        "key and a time long ago": RunQuery(keys={"region": "eu"}, **old),
        "everything at once": RunQuery(
            workflow="team0/flow-0",
            version="1.3.0",
            control="orchestrated",
            participant="desk",
            status=("completed",),
            since=time_text(0.1),
            keys={"region": "us"},
        ),
    }


def asked_all(store: SqliteStore) -> dict[str, list[float]]:
    """Return how long each answer took, in seconds, by what was asked."""
    knowing = Knowing(store, Programs(store), store, SystemClock(), lambda value: value)
    listing = Listing(
        store,
        lambda row: row_view(row, row.status, row.problem),
        store,
        Verdicts(knowing).of,
    )
    newest = store.runs(limit=1).rows[0].id
    # The first of all questions reads the documents: once in a process's life.
    listing.with_part("desk")
    times: dict[str, list[float]] = {}
    for name, query in questions(newest).items():
        for _ in range(TIMES):
            after: str | None = None
            for page in range(10):
                began = time.perf_counter()
                found = listing.find(query, after=after, limit=50)
                took = time.perf_counter() - began
                if page in {0, 9}:
                    key = name if page == 0 else f"{name}, tenth page"
                    times.setdefault(key, []).append(took)
                after = found.next
                if after is None:
                    break
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=("listing",), default="listing")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    scratch = Path(__file__).resolve().parent / ".work"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = given.store or Path(folder, "runs.db")
        built = 0.0
        if not path.exists():
            began = time.perf_counter()
            build(path, given.runs)
            built = time.perf_counter() - began
        store = SqliteStore(path)
        began = time.perf_counter()
        times = asked_all(store)
        seconds = time.perf_counter() - began
        store.close()
        size = path.stat().st_size
    every = [one for many in times.values() for one in many]
    worst = sorted(times, key=lambda name: -percentile(times[name], 0.95))[:5]
    found = Measured(tasks=len(every), seconds=seconds, times_s=every)
    found.settings = {
        **machine(),
        "p95_ms": round(percentile(every, 0.95) * 1000, 2),
        "slowest": {name: round(percentile(times[name], 0.95) * 1000, 2) for name in worst},
        "questions": len(times),
        "build_s": round(built, 1),
        "store_mb": round(size / 1e6),
    }
    what = Asked(work=given.work, runs=given.runs, store="sqlite", tuned="")
    report("batuta", batuta.__version__, what, found)


if __name__ == "__main__":
    main()
