"""Simulates seeds under both control models: says what differs, what is discarded, how fast it is.

    .venv/bin/python tools/simulate.py --from 0 --seeds 500
    .venv/bin/python tools/simulate.py --seed 17

`--new` takes seeds that nobody has looked at: they follow from the commit, so that whoever has it
can run them again. `--resume FILE` notes how far it has come, and goes on from there the next time.
What is found is made small, printed, and written into `tests/simulation/found`, where the tests
replay it from then on.

Run by `make sim`, `make fresh` (CI) and `make nightly`. Exits with 1 when something is found, or
when more differences are thrown away than may be.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from batuta.testing.simulation import (
    DISCARDED_AT_MOST,
    Discarded,
    Found,
    Tally,
    compare,
    hunt,
    shrink,
)

ROOT = Path(__file__).parent.parent
FOUND = ROOT / "tests" / "simulation" / "found"
DIGITS = 9
"""Of a commit's id: seeds from there on are never those of another one, as far as chance goes."""
TELL_EVERY_S = 10.0


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, help="look at this one only")
    parser.add_argument("--from", type=int, default=0, dest="first", help="begin with this seed")
    parser.add_argument("--new", action="store_true", help="begin with the commit's first seed")
    parser.add_argument("--seeds", type=int, help="how many")
    parser.add_argument("--seconds", type=float, help="how long")
    parser.add_argument("--most", type=int, default=1, help="findings after which to stop")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--resume", type=Path, help="a file to note the progress in")
    return parser.parse_args()


def first_of_commit() -> int:
    """Return the first of the seeds that follow from the commit."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"new seeds follow from the commit, and git tells none: {found.stderr}")
    return int(found.stdout[:DIGITS], 16)


def keep(found: Found) -> None:
    """Make a finding small, print it, and write it where the tests replay it."""
    print(f"seed {found.seed}: {found.what}\n\nmaking it small ...", flush=True)
    small = shrink(found)
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"seed-{small.seed}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(small)))
    print(f"{small}\n\nkept as {path.relative_to(ROOT)}\n", flush=True)


def look_at(seed: int) -> int:
    """Look at one seed; returns the exit code."""
    result = compare(seed)
    if isinstance(result, Found):
        keep(result)
        return 1
    if isinstance(result, Discarded):
        print(f"seed {seed} hinges on chance: a conductor alone does not agree with itself either")
        print(result.what)
    else:
        print(f"seed {seed}: both control models agree")
    return 0


class Teller:
    """Says now and then how far a hunt has come, and notes it in a file."""

    def __init__(self, tally: Tally, resume: Path | None) -> None:
        self.began = self.told = time.monotonic()
        self.runs_before = tally.runs
        self.resume = resume

    def __call__(self, tally: Tally) -> None:
        """A batch was looked at."""
        if time.monotonic() - self.told >= TELL_EVERY_S:
            self.tell(tally)

    def tell(self, tally: Tally) -> None:
        """Say how far it has come."""
        self.told = time.monotonic()
        rate = (tally.runs - self.runs_before) / (self.told - self.began)
        share = len(tally.discarded) / max(1, tally.seeds)
        print(
            f"  {tally.seeds:,} seeds, {tally.runs:,} whole runs, {rate:,.0f} runs/s; "
            f"{len(tally.discarded):,} discarded ({share:.2%}), {len(tally.found)} found",
            flush=True,
        )
        if self.resume is not None:
            self.resume.parent.mkdir(parents=True, exist_ok=True)
            new = self.resume.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(tally))
            new.replace(self.resume)


def begun(first: int, resume: Path | None) -> Tally:
    """Return where to go on: behind what was noted, if it began with the same seed."""
    if resume is not None and resume.exists():
        noted = msgspec.json.decode(resume.read_bytes(), type=Tally)
        if noted.first == first:
            return noted
    return Tally(first, first)


def main() -> int:
    """Look at the seeds that are asked for."""
    asked = arguments()
    logging.disable(logging.CRITICAL)  # what dies in a simulation has much to say
    if asked.seed is not None:
        return look_at(asked.seed)
    first = first_of_commit() if asked.new else asked.first
    tally = begun(first, asked.resume)
    kept = len(tally.found)
    before = None if asked.seeds is None else first + asked.seeds
    until = "" if before is None else f" to {before - 1}"
    span = "" if asked.seconds is None else f", for {asked.seconds:g} s"
    print(f"seeds {tally.next}{until}{span}, with {asked.workers} processes", flush=True)
    teller = Teller(tally, asked.resume)
    try:
        hunt(
            tally,
            before=before,
            seconds=asked.seconds,
            most=kept + asked.most,
            workers=asked.workers,
            told=teller,
        )
    finally:
        teller.tell(tally)
    for found in tally.found[kept : kept + asked.most]:
        keep(found)
    if tally.discards_too_much:
        print(f"more than {DISCARDED_AT_MOST:.0%} of the seeds were thrown away as chance:")
        print(f"  {tally.discarded[:20]}")
    for found in tally.found:
        print(f"again with: make sim SEED={found.seed}")
    return 1 if tally.found or tally.discards_too_much else 0


if __name__ == "__main__":
    sys.exit(main())
