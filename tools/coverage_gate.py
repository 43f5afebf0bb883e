"""The coverage gate: what each package must reach, and whether it did.

Reads the combined data of the last measured test run (`make pytest`) and compares every package
with its floor. A floor is a promise, so it only rises. Lines and branches count alike, which is the
figure that coverage itself prints.

Run by `make test`; exits with 1 when a floor is missed, naming the lines that no test took.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import coverage

FLOOR = 85.0
"""For a package that is not named below. Adapters and drivers also hold the answers to failures
that only `make chaos` brings about, and what runs in a killed process is never reported."""

FLOORS = {
    # The pure packages decide what a workflow means. Nothing there needs a failing machine to be
    # reached, so a line without a test is a line without a reason.
    "definition": 100.0,
    "errors.py": 100.0,
    "kernel": 100.0,
    # To be 100 again: a few ways to go wrong in it have no document of their own yet.
    "choreography": 99.0,
}


@dataclass
class Tally:
    """What was measured of one package: counts of lines and branches, and what is missing."""

    covered: int = 0
    total: int = 0
    missing: list[str] = field(default_factory=list[str])

    def add(self, path: PurePath, measured: dict[str, Any]) -> None:
        """Count one file's `measured` section of coverage's JSON report."""
        summary = measured["summary"]
        self.covered += summary["covered_lines"] + summary.get("covered_branches", 0)
        self.total += summary["num_statements"] + summary.get("num_branches", 0)
        lines = [str(line) for line in measured["missing_lines"]]
        branches = [f"{start}->{end}" for start, end in measured.get("missing_branches", [])]
        if lines or branches:
            self.missing.append(f"{path}: {', '.join(lines + branches)}")

    @property
    def percent(self) -> float:
        """Covered, of a hundred; a package without code is covered."""
        return 100.0 * self.covered / self.total if self.total else 100.0


def measured_files() -> dict[str, Any]:
    """Return the `files` section of coverage's JSON report."""
    data = coverage.Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "coverage.json")
        data.json_report(outfile=str(target))
        return json.loads(target.read_text(encoding="utf-8"))["files"]


def tally(files: dict[str, Any]) -> dict[str, Tally]:
    """Sum `files` up by the first part of their path below `batuta`, sorted by name."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for name, measured in files.items():
        path = PurePath(name)
        below = path.parts[path.parts.index("batuta") + 1 :]
        tallies[below[0]].add(path, measured)
    return dict(sorted(tallies.items()))


def main() -> int:
    """Print one line per package and, for each that misses its floor, what no test took."""
    tallies = tally(measured_files())
    failed = False
    for name, package in tallies.items():
        floor = FLOORS.get(name, FLOOR)
        missed = package.percent < floor
        failed |= missed
        verdict = "  BELOW ITS FLOOR" if missed else ""
        print(f"  {name:<16} {package.percent:6.1f} %  (floor {floor:.0f}){verdict}")
        if missed:
            print("\n".join(f"      {line}" for line in package.missing))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
