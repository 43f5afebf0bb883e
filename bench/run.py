"""The benchmark: the engine, its peers and the floor, in interleaved rounds on one machine.

    python bench/run.py [--rounds 3] [--only batuta floor] [--works w1 latency] [--quick]

Every figure is the median of the rounds. Peers are measured in the same rounds as the engine, so
that what the machine does meanwhile hits all of them, and ratios are of one run of rounds. There
are groups of works, one per control model, one for looking at runs and one for the server
(`tables.py`); what is measured of a group replaces what was known of it. Writes
`bench/results/*.json` (every line as measured, a file per group) and `bench/results/README.md` (the
tables, with the machine and the versions).

Choreography alone: `python bench/run.py --works w3 w3-alone w1-spread w1-single`.
Lists of a million runs alone: `python bench/run.py --works listing`.
The server alone: `python bench/run.py --works http-start http-publish pages page-delay`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tables import CHOREOGRAPHED, LOOKING, ORCHESTRATED, SERVED, Found, tables

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PEERS = HERE / "peers"
LIMIT_S = 900


@dataclass(frozen=True)
class Contender:
    """One thing to measure: its name in the tables, and how to start it."""

    name: str
    script: Path
    options: tuple[str, ...] = ()
    works: tuple[str, ...] = ("w1", "latency", "w2", "w4")
    peer: str = ""
    w1_runs: str = ""
    """Fewer runs at once than the 2,000 of the others, where those would take minutes."""


GROUPS = {
    "orchestrated": ORCHESTRATED,
    "choreographed": CHOREOGRAPHED,
    "looking": LOOKING,
    "served": SERVED,
}
"""The file of results that each group of works has."""

NATS, FIVE = ("--bus", "nats"), ("--processes", "5")
W3 = ("w3", "w3-alone")

CONTENDERS = (
    Contender(
        "batuta",
        HERE / "engine.py",
        works=(*ORCHESTRATED[:4], "w4-large", "crash", "check", "help", "w1-spread"),
    ),
    Contender("floor", PEERS / "floor.py", works=("w1", "latency", "w2", "raw")),
    Contender("restate", PEERS / "restate_peer.py", peer="restate"),
    Contender(
        "restate tuned", PEERS / "restate_peer.py", ("--tuned",), ("w1", "latency"), "restate"
    ),
    Contender(
        "dbos sqlite", PEERS / "dbos_peer.py", ("--store", "sqlite"), peer="dbos", w1_runs="500"
    ),
    Contender(
        "dbos postgres", PEERS / "dbos_peer.py", ("--store", "postgres"), peer="dbos", w1_runs="500"
    ),
    Contender(
        "dbos postgres tuned",
        PEERS / "dbos_peer.py",
        ("--store", "postgres", "--tuned"),
        ("w1", "latency"),
        "dbos",
        "500",
    ),
    Contender("batuta lists", HERE / "listing.py", works=LOOKING),
    Contender("batuta server", HERE / "server.py", works=SERVED),
    Contender("batuta embedded", HERE / "choreographed.py", works=CHOREOGRAPHED),
    Contender("batuta embedded, five processes", HERE / "choreographed.py", FIVE, W3),
    Contender("batuta nats", HERE / "choreographed.py", NATS, W3),
    Contender("batuta nats, five processes", HERE / "choreographed.py", (*NATS, *FIVE), W3),
    Contender("nats bare", PEERS / "nats_bare.py", works=W3),
    Contender("faststream", PEERS / "faststream_peer.py", works=W3, peer="faststream"),
    Contender(
        "faststream batches", PEERS / "faststream_peer.py", ("--tuned",), ("w3",), "faststream"
    ),
)
BY_ANOTHER_NAME = {"w4-large": ("w4", "100000")}
"""Works that a script knows under another name, with the number of runs."""

QUICK = {
    "w1": "300",
    "latency": "20",
    "w2": "5",
    "w4": "500",
    "w4-large": "500",
    "raw": "300",
    "crash": "500",
    "w3": "50",
    "w3-alone": "3",
    "w1-spread": "50",
    "w1-single": "50",
    "listing": "20000",
    "http-start": "300",
    "http-publish": "300",
    "pages": "50",
    "page-delay": "5",
}


def once(contender: Contender, work: str, *, quick: bool) -> dict[str, Any]:
    """Measure once; the line that the script printed."""
    asked, runs = BY_ANOTHER_NAME.get(work, (work, ""))
    if work == "w1-spread" and contender.name == "batuta":
        asked = "w1"  # the conductor's side of it
    if work == "w1":
        runs = contender.w1_runs
    if quick:
        runs = QUICK.get(work, runs)
    line = [sys.executable, str(contender.script), "--work", asked, *contender.options]
    if runs:
        line += ["--runs", runs]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"peer": contender.name, "work": work, "skipped": f"not within {LIMIT_S} s"}
    printed = [text for text in done.stdout.splitlines() if text.startswith("{")]
    if not printed:
        return {"peer": contender.name, "work": work, "skipped": done.stderr.strip()[-300:]}
    return json.loads(printed[-1])


def measure(rounds: int, only: list[str], works: list[str], *, quick: bool) -> Found:
    """Measure everything, round by round; lines by `contender/work`."""
    found: Found = {}
    for number in range(rounds):
        for work in works:
            for contender in CONTENDERS:
                if work not in contender.works or (only and contender.name not in only):
                    continue
                began = time.perf_counter()
                line = once(contender, work, quick=quick)
                found.setdefault(f"{contender.name}/{work}", []).append(line)
                told = (
                    line.get("skipped") or f"{line['tasks_per_s']:,.0f}/s p50 {line['p50_ms']} ms"
                )
                took = time.perf_counter() - began
                print(
                    f"round {number + 1}: {contender.name:31} {work:9} {told}  [{took:.0f} s]",
                    flush=True,
                )
    return found


def machine() -> str:
    """The machine, in one line."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} x {cpu}, Linux {platform.release()}, Python {platform.python_version()}"
    )


def keep(found: Found, rounds: int) -> None:
    """Write what was measured, group by group, and the tables of all that is known."""
    RESULTS.mkdir(exist_ok=True)
    text = "# Benchmark results\n\nWhat each work is: `bench/README.md`.\n"
    for name, works in GROUPS.items():
        path = RESULTS / f"{name}.json"
        lines = {key: value for key, value in found.items() if key.rpartition("/")[2] in works}
        if lines:
            known = {"machine": machine(), "rounds": rounds, "lines": lines}
            path.write_text(json.dumps(known, indent=1) + "\n")
        elif path.exists():
            known = json.loads(path.read_text())
        else:
            continue
        text += (
            f"\n## {name.capitalize()}\n\nMedians of {known['rounds']} interleaved rounds on "
            f"{known['machine']}.\n\n{tables(known['lines'], order())}\n"
        )
    (RESULTS / "README.md").write_text(text)


def order() -> list[str]:
    """The names of all that is measured, as the tables have them."""
    return [contender.name for contender in CONTENDERS]


def main() -> None:
    known = [work for works in GROUPS.values() for work in works]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], choices=order(), metavar="NAME")
    parser.add_argument("--works", nargs="*", default=known, choices=known, metavar="WORK")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all")
    parser.add_argument("--no-peers", action="store_true", help="install and measure no peers")
    asked = parser.parse_args()
    if asked.no_peers:
        asked.only = asked.only or [one.name for one in CONTENDERS if not one.peer]
    wanted = sorted(
        {
            one.peer
            for one in CONTENDERS
            if one.peer
            and (not asked.only or one.name in asked.only)
            and set(one.works) & set(asked.works)
        }
    )
    if wanted:
        subprocess.run([sys.executable, str(PEERS / "install.py"), *wanted], check=False)
    found = measure(asked.rounds, asked.only, asked.works, quick=asked.quick)
    print("\n" + tables(found, order()))
    if not asked.quick:
        keep(found, asked.rounds)


if __name__ == "__main__":
    main()
