"""Killed at any moment (SIGKILL), a conductor's successor goes on as if nothing had happened.

The load (`load.py`) runs in a process of its own, is killed again and again, and is started again
on the same file until all of its runs have ended; meanwhile this process publishes the events that
some of them wait for. Then everything must be as in an undisturbed load: no run lost, the same
outcome of each, no recorded row changed, and each effect there, once by its key.

A failing test is repeated by the seed in its message: `BATUTA_SEED=...`.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import batuta

LOAD = Path(__file__).with_name("load.py")
SEED = int(os.environ.get("BATUTA_SEED") or 20_261_121)
KILLED = -9


class Place:
    """One store, its world, and the load that is driven on it."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir()
        self.store, self.world, self.count = folder / "runs.db", folder / "world.db", count
        self.kills = self.published = 0
        self.rows: dict[tuple[str, int], tuple] = {}
        self.ends: dict[str, tuple] = {}

    def start(self, moment: str | None = None) -> subprocess.Popen:
        words = [str(self.store), str(self.world), str(self.count), *([moment] if moment else [])]
        return subprocess.Popen(
            [sys.executable, str(LOAD), *words], stdout=subprocess.PIPE, text=True
        )

    def run_and_kill(self, delay: float, moment: str | None = None) -> bool:
        """Let the load go on for a while, and kill it; says whether that was before its end."""
        child = self.start(moment)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(delay)
        child.kill()
        child.communicate()
        assert child.returncode in {0, KILLED}, "it ends well, or is killed"
        self.kills += child.returncode == KILLED
        self.look()
        return child.returncode == KILLED

    async def finish(self) -> None:
        """Let the load come to its end."""
        child = self.start()
        assert child.stdout.readline() == "started\n"
        await self.publish()
        # Not `communicate`: it would miss what was read ahead with the first line.
        said = child.stdout.read()
        assert (said, child.wait(10)) == ("done\n", 0)
        child.stdout.close()
        self.look()

    async def publish(self) -> None:
        """Publish what the runs listen for that have begun."""
        self.published += 1
        async with batuta.open(f"sqlite:///{self.store}") as engine:
            for n in range(self.count):
                await engine.publish("go", {"n": n}, event_id=f"go {n} {self.published}")

    def query(self, text: str) -> list[tuple]:
        db = sqlite3.connect(self.store, timeout=30)
        try:
            return db.execute(text).fetchall()
        except sqlite3.OperationalError:
            # It may have been killed before the tables were there; then nothing was to be lost.
            if self.rows:
                raise
            return []
        finally:
            db.close()

    def look(self) -> None:
        """Compare with the last look: what was written stays, byte by byte."""
        rows = {row[:2]: row for row in self.query("SELECT * FROM journal ORDER BY run, seq")}
        for key, row in self.rows.items():
            assert rows.get(key) == row, f"row {key} has changed"
        ends = {
            row[0]: row
            for row in self.query("SELECT id, status, ended_at, output, fault FROM runs")
            if row[2] is not None
        }
        for run, end in self.ends.items():
            assert ends.get(run) == end, f"the end of {run} has changed"
        self.rows, self.ends = rows, ends

    def outcomes(self) -> dict[str, tuple]:
        """Return how each run ended; sub-workflows by what they said, as their ids are derived."""
        found = self.query("SELECT id, workflow, status, output, fault, problem FROM runs")
        assert all(problem is None for *_, problem in found)
        return {
            run if "child" not in workflow else (output or b"").decode(): (status, output, fault)
            for run, workflow, status, output, fault, _ in found
        }

    def effects(self) -> list[tuple]:
        """Return what happened, each once by its key; runs' ids are part of the keys."""
        db = sqlite3.connect(self.world)
        found = db.execute("SELECT key, what, n FROM effects ORDER BY key").fetchall()
        db.close()
        return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a load of some size comes to when nobody disturbs it."""
    known: dict[int, tuple] = {}

    async def load(count: int):
        if count not in known:
            place = Place(tmp_path_factory.mktemp("undisturbed") / str(count), count)
            await place.finish()
            known[count] = (place.outcomes(), place.effects())
        return known[count]

    return load


def check(place: Place, wanted: tuple) -> None:
    """Compare with an undisturbed load."""
    outcomes, effects = wanted
    again = f"BATUTA_SEED={SEED}"
    assert place.outcomes().keys() == outcomes.keys(), f"a run is lost, or there twice: {again}"
    assert place.outcomes() == outcomes, again
    assert place.effects() == effects, again
    assert place.query("SELECT count(*) FROM subscriptions") == [(0,)]
    assert place.query("PRAGMA integrity_check") == [("ok",)]
    for run, seq, rows in place.query("SELECT run, max(seq), count(*) FROM journal GROUP BY run"):
        assert seq == rows, f"the journal of {run} has no gaps"


async def chaos(place: Place, chance: random.Random, kills: int, longest: float) -> None:
    """Kill so many times, with events coming in between, and then let it come to its end."""
    for number in range(kills):
        if number in {kills // 3, 2 * kills // 3}:
            await place.publish()
        # Half of them by the clock, half at the boundaries of commits, where it matters most.
        moment = chance.choice([None, "commit", "committed"])
        if moment is not None:
            place.run_and_kill(longest, f"{moment}:{chance.randint(1, 30)}")
        else:
            place.run_and_kill(chance.uniform(0.05, longest))
    await place.finish()


@pytest.mark.slow
async def test_a_load_that_is_killed_ten_times_comes_to_the_same(tmp_path, undisturbed):
    place = Place(tmp_path / "load", 18)
    wanted = await undisturbed(18)

    await chaos(place, random.Random(SEED), 10, 0.9)

    assert place.kills >= 5
    check(place, wanted)


@pytest.mark.slow
@pytest.mark.parametrize(
    "moments",
    [
        ["commit:1"],
        ["committed:1"],
        ["commit:2", "commit:1", "committed:1"],
        ["committed:9", "adopted:1", "adopted:1"],
        ["commit:12", "adopted:1", "commit:1", "committed:2"],
    ],
    ids="+".join,
)
async def test_a_load_that_dies_at_the_worst_moments_comes_to_the_same(
    tmp_path, undisturbed, moments
):
    place = Place(tmp_path / "load", 9)
    wanted = await undisturbed(9)

    died = [place.run_and_kill(30, moment) for moment in moments]
    await place.finish()

    assert died == [True] * len(moments), "each moment came"
    check(place, wanted)


@pytest.mark.chaos
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("part", range(10))
async def test_loads_that_are_killed_two_hundred_times_come_to_the_same(
    tmp_path, undisturbed, part
):
    place = Place(tmp_path / "load", 48)
    wanted = await undisturbed(48)

    kills, chance = 0, random.Random(SEED + part)
    while kills < 20:
        before = place.kills
        await chaos(place, chance, 10, 1.5)
        check(place, wanted)
        kills += place.kills - before
        if kills < 20:
            place = Place(tmp_path / f"load{kills}", 48)
