"""The benchmark: the engine, its peers and the floor, in interleaved rounds on one machine.

    python bench/run.py [--rounds 3] [--only batuta floor] [--works w1 latency] [--quick]

Every figure is the median of the rounds. Peers are measured in the same rounds as the engine, so
that what the machine does meanwhile hits all of them. Writes `bench/results/latest.json` (every
line as measured) and `bench/results/README.md` (the tables, with the machine and the versions).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PEERS = HERE / "peers"


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


CONTENDERS = (
    Contender("batuta", HERE / "engine.py"),
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
)
OURS = {
    "w4-large": ("w4", "100000"),
    "crash": ("crash", ""),
    "check": ("check", ""),
    "help": ("help", ""),
}
QUICK = {"w1": "300", "latency": "20", "w2": "5", "w4": "500", "raw": "300"}


def once(contender: Contender, work: str, runs: str) -> dict[str, Any]:
    """Measure once; the line that the script printed."""
    line = [sys.executable, str(contender.script), "--work", work, *contender.options]
    if runs:
        line += ["--runs", runs]
    done = subprocess.run(line, capture_output=True, text=True, timeout=900, check=False)
    printed = [text for text in done.stdout.splitlines() if text.startswith("{")]
    if not printed:
        return {"peer": contender.name, "work": work, "skipped": done.stderr.strip()[-300:]}
    return json.loads(printed[-1])


def measure(
    rounds: int, only: list[str], works: list[str], *, quick: bool
) -> dict[str, list[dict[str, Any]]]:
    """Measure everything, round by round; lines by `contender/work`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number in range(rounds):
        for work in works:
            for contender in CONTENDERS:
                if work not in contender.works or (only and contender.name not in only):
                    continue
                began = time.perf_counter()
                full = contender.w1_runs if work == "w1" else ""
                line = once(contender, work, QUICK.get(work, "") if quick else full)
                found.setdefault(f"{contender.name}/{work}", []).append(line)
                told = (
                    line.get("skipped") or f"{line['tasks_per_s']:,.0f}/s p50 {line['p50_ms']} ms"
                )
                took = time.perf_counter() - began
                print(
                    f"round {number + 1}: {contender.name:20} {work:8} {told}  [{took:.0f} s]",
                    flush=True,
                )
        for name, (work, runs) in OURS.items():
            if (only and "batuta" not in only) or (quick and name == "w4-large"):
                continue
            line = once(CONTENDERS[0], work, "500" if quick and work == "crash" else runs)
            found.setdefault(f"batuta/{name}", []).append(line)
            print(
                f"round {number + 1}: batuta {name}: {line.get('skipped') or line['p50_ms']}",
                flush=True,
            )
    return found


def median(lines: list[dict[str, Any]], figure: str) -> float | None:
    """The median of a figure over the rounds that gave one."""
    values = [line[figure] for line in lines if line.get(figure) is not None]
    return statistics.median(values) if values else None


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


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """The tables as Markdown."""

    def figure(contender: str, work: str, name: str, scale: float = 1.0) -> str:
        lines = found.get(f"{contender}/{work}", [])
        value = median(lines, name)
        if value is None:
            return "-"
        value *= scale
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

    rows = [
        "| | W1: durable tasks/s | one task alone, p50 ms | W2: fork of 100 and join, p50 ms |"
        " W4: waiting runs started/s | memory per waiting run, bytes |",
        "|---|---|---|---|---|---|",
    ]
    for contender in CONTENDERS:
        name = contender.name
        if not any(key.startswith(f"{name}/") for key in found):
            continue
        versions = {
            line["version"]
            for key, lines in found.items()
            if key.startswith(f"{name}/")
            for line in lines
            if "version" in line
        }
        rows.append(
            f"| {name} {' '.join(sorted(versions))} | {figure(name, 'w1', 'tasks_per_s')} "
            f"| {figure(name, 'latency', 'p50_ms')} | {figure(name, 'w2', 'p50_ms')} "
            f"| {figure(name, 'w4', 'tasks_per_s')} | {figure(name, 'w4', 'rss_bytes_per_run')} |"
        )
    more = [
        "",
        f"- Raw limit (the same rows in the same groups, no loop): "
        f"{figure('floor', 'raw', 'tasks_per_s')} rows/s.",
        f"- 100,000 waiting runs: started at {figure('batuta', 'w4-large', 'tasks_per_s')}/s, "
        f"{figure('batuta', 'w4-large', 'rss_bytes_per_run')} bytes of memory each.",
        f"- kill -9 with 10,000 runs in flight: all performing again "
        f"{figure('batuta', 'crash', 'p50_ms')} ms after the next process began; none lost, "
        "no result changed.",
        f"- `batuta check` of 1,000 tasks: {figure('batuta', 'check', 'p50_ms')} ms; "
        f"`batuta --help`: {figure('batuta', 'help', 'p50_ms')} ms.",
    ]
    return "\n".join(rows + more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--works", nargs="*", default=["w1", "latency", "w2", "w4", "raw"])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all")
    parser.add_argument("--no-peers", action="store_true", help="install and measure no peers")
    asked = parser.parse_args()
    if asked.no_peers:
        asked.only = asked.only or ["batuta", "floor"]
    wanted = sorted(
        {c.peer for c in CONTENDERS if c.peer and (not asked.only or c.name in asked.only)}
    )
    if wanted:
        subprocess.run([sys.executable, str(PEERS / "install.py"), *wanted], check=False)
    found = measure(asked.rounds, asked.only, asked.works, quick=asked.quick)
    text = table(found)
    print("\n" + text)
    if not asked.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "latest.json").write_text(json.dumps(found, indent=1) + "\n")
        head = (
            f"# Benchmark results\n\nMedians of {asked.rounds} interleaved rounds on {machine()}.\n"
        )
        (RESULTS / "README.md").write_text(
            f"{head}What each work is: `bench/README.md`.\n\n{text}\n"
        )


if __name__ == "__main__":
    main()
