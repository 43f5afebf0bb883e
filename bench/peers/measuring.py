"""What every peer's script shares: one command line, one result line, one meaning of each figure.

Standard library only: each script runs in its peer's own environment.

The work (`--work`), the same for all:

- `w1`: `--runs` runs are started at once; each does ten steps one after the other, and each step's
  result of about 200 bytes is durable before the next step begins. p50/p99: one run from its start
  to its end.
- `latency`: the same run, alone, `--runs` times one after the other. p50/p99: a run's time divided
  by its ten tasks, so starting and ending the run are included.
- `w2`: one run of 100 parallel branches of one task each and a join, `--runs` times one after the
  other. p50/p99: one such run.
- `w4`: `--runs` runs are started that wait for an event that does not come. A task is one start,
  counted once the wait is durable. `rss_bytes_per_run` is what the processes grew by.
- `w3`: `--runs` chains are started at once; each is passed on ten times among five participants
  that share nothing but a bus. A task is one hop: a participant takes a message, does a step with a
  result of about 200 bytes, and publishes what makes the next one go on. p50/p99: one chain.
- `w3-alone`: chains one after the other. p50/p99: a chain's time divided by its ten hops.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS = 10
BRANCHES = 100
HOPS = 10
PARTICIPANTS = "abcde"
WORKS = ("w1", "latency", "w2", "w4")
RUNS = {"w1": 2000, "latency": 50, "w2": 20, "w4": 2000, "raw": 2000, "w3": 2000, "w3-alone": 100}
SCRATCH = Path(__file__).resolve().parents[1] / ".work"


def result_body(run: int | str, step: int) -> dict[str, Any]:
    """What one task returns: about 200 bytes as JSON, different for every task."""
    name = f"{run}-{step}"
    return {
        "run": str(run),
        "step": step,
        "state": "done",
        "note": (name + " ") * (140 // len(name)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command line."""

    work: str
    runs: int
    store: str
    tuned: str
    """How it is tuned; empty at the peer's defaults."""


@dataclass(slots=True, kw_only=True)
class Measured:
    """What one measurement found; times in seconds, sizes in bytes."""

    tasks: int
    seconds: float
    times_s: list[float]
    rss_bytes_per_run: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def asked(
    title: str,
    *,
    works: tuple[str, ...] = WORKS,
    store: str = "sqlite",
    tunings: tuple[str, ...] = ("yes",),
) -> Asked:
    """Read the command line that all peers have; a bare `--tuned` means the first of `tunings`."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--work", choices=works, required=True)
    parser.add_argument("--runs", type=int, metavar="N", help=f"default: {RUNS}")
    parser.add_argument("--store", choices=("sqlite", "postgres", "own"), default=store)
    parser.add_argument(
        "--tuned",
        nargs="?",
        choices=tunings,
        const=tunings[0],
        default="",
        help="not at the peer's defaults",
    )
    found = parser.parse_args()
    runs = found.runs or RUNS[found.work]
    return Asked(work=found.work, runs=runs, store=found.store, tuned=found.tuned)


def report(peer: str, version: str, what: Asked, found: Measured) -> None:
    """Print the one result line."""
    line: dict[str, Any] = {
        "peer": peer,
        "version": version,
        "work": what.work,
        "store": what.store,
        "tuned": what.tuned,
        "runs": what.runs,
        "tasks": found.tasks,
        "seconds": round(found.seconds, 4),
        "tasks_per_s": round(found.tasks / found.seconds, 1),
        "p50_ms": _ms(found.times_s, 0.50),
        "p99_ms": _ms(found.times_s, 0.99),
    }
    if found.rss_bytes_per_run is not None:
        line["rss_bytes_per_run"] = round(found.rss_bytes_per_run)
    line["settings"] = found.settings
    print(json.dumps(line), flush=True)


def skip(peer: str, what: Asked, reason: str) -> None:
    """Print a line that says why there is no figure, and end well: others can go on."""
    print(
        json.dumps({"peer": peer, "work": what.work, "store": what.store, "skipped": reason}),
        flush=True,
    )
    sys.exit(0)


def give_up_after(
    seconds: int, peer: str, what: Asked, clean_up: Callable[[], object] = lambda: None
) -> None:
    """Bound the whole measurement: past this, say so and end, whatever threads are doing."""

    def give_up() -> None:
        line = {"peer": peer, "work": what.work, "store": what.store, "tuned": what.tuned}
        line |= {"runs": what.runs, "skipped": f"not finished within {seconds} s"}
        print(json.dumps(line), flush=True)
        clean_up()
        os._exit(0)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()


def rss_bytes(*pids: int) -> int:
    """Resident memory of these processes together; of this one when none is named."""
    total = 0
    for pid in pids or (os.getpid(),):
        status = Path(f"/proc/{pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        total += int(line.split()[1]) * 1024
    return total


def machine() -> dict[str, Any]:
    """What the figures depend on and no setting says."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def under_own_python(peer: str) -> None:
    """Start this script again with the interpreter of the peer's own environment."""
    own = SCRATCH / peer / "venv" / "bin" / "python"
    if Path(sys.prefix) == own.parents[1]:
        return
    if not own.exists():
        print(json.dumps({"peer": peer, "skipped": "not installed: run bench/peers/install.py"}))
        sys.exit(0)
    os.execv(own, [str(own), *sys.argv])


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _ms(times_s: list[float], share: float) -> float | None:
    return round(percentile(times_s, share) * 1000, 3) if times_s else None


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.started = time.perf_counter()

    def read(self) -> float:
        return time.perf_counter() - self.started
