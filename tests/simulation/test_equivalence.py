"""Both control models agree on whatever a seed thinks up, and whatever goes wrong meanwhile.

`make sim SEEDS=20000` looks at as many seeds, `make sim SEED=17` at one. What is found is made
small, printed, and written to the folder `found` beside this, where the default run replays it: so
a failing seed stays a test, even when the generator makes another workflow of that seed one day.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from batuta.testing.simulation import (
    KINDS,
    Faults,
    Found,
    Shelf,
    compare,
    hinges_on_chance,
    scenario,
    shrink,
    simulate,
)

FOUND = Path(__file__).parent / "found"
KEPT = sorted(FOUND.glob("*.json"))
SEED = os.environ.get("BATUTA_SEED", "")
SEEDS = int(os.environ.get("BATUTA_SEEDS", "40"))
BATCH = 20
BATCHES = [range(at, min(at + BATCH, SEEDS)) for at in range(0, SEEDS, BATCH)]
if SEED:
    BATCHES = [range(int(SEED), int(SEED) + 1)]


def report(found: Found) -> str:
    """Return the finding as small as it gets, and keep it if many seeds are being looked at."""
    small = shrink(found)
    if SEED or "BATUTA_SEEDS" in os.environ:
        FOUND.mkdir(exist_ok=True)
        path = FOUND / f"seed-{small.seed}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(small)))
    return str(small)


@pytest.mark.sim
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_both_models_agree_whatever_goes_wrong(seeds):
    for seed in seeds:
        found = compare(seed)
        if found is not None:
            pytest.fail(report(found))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path):
    kept = msgspec.json.decode(path.read_bytes(), type=Found)
    found = compare(kept.seed, kinds=kept.kinds, given=kept.given)
    assert found is None, str(found)


@pytest.mark.parametrize("choreographed", [False, True])
def test_a_seed_happens_the_same_way_each_time(choreographed):
    given = scenario(7)
    shelf = Shelf(given.documents)
    one, other = (simulate(given, shelf, Faults(7), choreographed=choreographed) for _ in range(2))
    assert one == other
    assert len(one[1]) > 10, "nothing happens in it"


def test_hardly_any_scenario_hinges_on_chance():
    given = [scenario(seed) for seed in range(20)]
    chancy = [
        seed for seed, one in enumerate(given) if hinges_on_chance(seed, one, Shelf(one.documents))
    ]
    assert chancy == []


def test_every_kind_of_fault_comes():
    seen: set[str] = set()
    for seed in range(100):
        given = scenario(seed)
        faults = Faults(seed)
        simulate(given, Shelf(given.documents), faults, choreographed=True)
        seen |= {name.partition(":")[0] for name in faults.happened}
        if seen == set(KINDS):
            return
    assert seen == set(KINDS)
