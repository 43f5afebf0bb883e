"""A hunt looks at every seed in order, stops when it is to, and counts what is thrown away."""

from __future__ import annotations

import itertools
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest

from batuta.testing.simulation import (
    Discarded,
    Found,
    Tally,
    compare,
    hunt,
    scenario,
    shrink,
)
from batuta.testing.simulation.faults import chance
from batuta.testing.simulation.scenario import LONGEST_MS, START_MS, Move, Scenario

from .planted import tokens_are_taken_by_everybody

SCRIPT = Path(__file__).parents[2] / "tools" / "simulate.py"
RUN = "01SIM".ljust(26, "0")


def runs_in(seeds):
    return 2 * sum(move.what == "start" for seed in seeds for move in scenario(seed).moves)


def race(seed, lead_ms):
    """Return a scenario in which a task elsewhere ends so much earlier than a wait here."""
    takes = 1 + chance(seed, f"takes {RUN} /do/0/t0/fork/branches/0/t1") % LONGEST_MS
    taking = {"participants": {"orders": {}, "stock": {}}, "participant": "orders"}
    elsewhere = {"call": "ship", "with": {}, "metadata": {"participant": "stock"}}
    here = {"wait": {"milliseconds": takes + lead_ms}}
    document = {
        "document": {
            "dsl": "1.0.3",
            "namespace": "generated",
            "name": "workflow",
            "version": "1.0.0",
            "metadata": taking,
        },
        "do": [{"t0": {"fork": {"compete": True, "branches": [{"t1": elsewhere}, {"t2": here}]}}}],
    }
    return Scenario((document,), (Move(START_MS, "start", RUN),), fails_in=10**12)


def test_what_a_few_messages_decide_is_discarded_and_said():
    result = compare(3, given=race(3, 1))
    assert isinstance(result, Discarded)
    assert (result.seed, result.what.partition("\n")[0]) == (3, "runs differ")
    assert compare(3, given=race(3, LONGEST_MS)) is None


@pytest.mark.parametrize(("seeds", "most"), [(20, 1), (50, 1), (100, 3), (1_000, 30)])
def test_hardly_anything_may_be_thrown_away(seeds, most):
    assert not Tally(0, seeds, discarded=list(range(most))).discards_too_much
    assert Tally(0, seeds, discarded=list(range(most + 1))).discards_too_much


@pytest.mark.slow
def test_a_hunt_looks_at_all_seeds_and_goes_on_where_it_was():
    tally = Tally(5, 5)
    hunt(tally, before=30)
    assert (tally.next, tally.runs, tally.found) == (30, runs_in(range(5, 30)), [])
    seen = []
    hunt(tally, before=33, told=lambda one: seen.append(one.next))
    assert seen == [33]
    assert (tally.seeds, tally.runs) == (28, runs_in(range(5, 33)))


@pytest.mark.slow
def test_several_processes_come_to_the_same():
    tally = Tally(0, 0)
    hunt(tally, before=45, workers=2)
    assert (tally.next, tally.runs, tally.found) == (45, runs_in(range(45)), [])


@pytest.mark.slow
def test_a_hunt_begins_nothing_more_when_its_time_is_over():
    tally = Tally(0, 0)
    hunt(tally, seconds=2.5, now=itertools.count().__next__)
    assert tally.next == 40
    hunt(tally, seconds=0)
    assert tally.next == 40


@pytest.mark.slow
def test_a_hunt_ends_with_what_it_finds(monkeypatch):
    tokens_are_taken_by_everybody(monkeypatch)
    tally = Tally(0, 0)
    hunt(tally, before=1_000)
    assert tally.found
    assert tally.next == 20


def simulated(*options):
    return subprocess.run(
        [sys.executable, SCRIPT, "--workers", "1", *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_program_says_what_it_did_and_goes_on_from_what_it_noted(tmp_path):
    noted = tmp_path / "noted.json"
    done = simulated("--from", 7, "--seeds", 20, "--resume", noted)
    assert done.returncode == 0, done.stderr
    assert "seeds 7 to 26, with 1 processes" in done.stdout
    assert f"  20 seeds, {runs_in(range(7, 27))} whole runs" in done.stdout
    assert "0 discarded (0.00%), 0 found" in done.stdout

    again = simulated("--from", 7, "--seeds", 30, "--resume", noted)
    assert "seeds 27 to 36" in again.stdout
    assert "  30 seeds, " in again.stdout
    assert "seeds 8 to 8" in simulated("--from", 8, "--seeds", 1, "--resume", noted).stdout


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--seeds", "60", "--workers", "1"], ["--seed", "0"]])
def test_what_the_program_finds_fails_is_kept_and_says_how_to_find_it_again(
    options, monkeypatch, tmp_path, capsys
):
    program = runpy.run_path(str(SCRIPT))
    main = program["main"]
    scope = main.__globals__
    tokens_are_taken_by_everybody(monkeypatch)
    monkeypatch.setitem(scope, "ROOT", tmp_path)
    monkeypatch.setitem(scope, "FOUND", tmp_path / "found")
    monkeypatch.setitem(scope, "shrink", partial(shrink, tries=4))
    monkeypatch.setattr(sys, "argv", ["simulate.py", *options])
    assert main() == 1
    (kept, *_) = sorted(tmp_path.glob("found/seed-*.json"))
    seed = msgspec.json.decode(kept.read_bytes(), type=Found).seed
    said = capsys.readouterr().out
    assert f"make sim SEED={seed}" in said
    assert f"kept as found/seed-{seed}.json" in said


@pytest.mark.slow
def test_new_seeds_follow_from_the_commit():
    if not SCRIPT.parents[1].joinpath(".git").exists():
        pytest.skip("new seeds follow from a commit, and this is no clone")
    one, other = (simulated("--new", "--seeds", 0).stdout for _ in range(2))
    assert one == other
    assert one.startswith("seeds ")


@pytest.mark.slow
def test_one_seed_is_looked_at_alone():
    assert simulated("--seed", 3).stdout == "seed 3: both control models agree\n"
