"""Both control models agree on whatever a seed thinks up, and whatever goes wrong meanwhile.

A few seeds, the same ones each time: `make sim SEEDS=20000` looks at as many, `make sim SEED=17` at
one (`tools/simulate.py`). What those find is made small, printed, and written to the folder `found`
beside this, where it is replayed here: so a failing seed stays a test, even when the generator
makes another workflow of that seed one day.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from batuta.testing.simulation import (
    DISCARDED_AT_MOST,
    KINDS,
    Discarded,
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
BATCHES = [range(at, at + 25) for at in range(0, 100, 25)]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_both_models_agree_whatever_goes_wrong(seeds):
    discarded = []
    for seed in seeds:
        result = compare(seed)
        if isinstance(result, Discarded):
            discarded.append(result)
        elif result is not None:
            pytest.fail(str(shrink(result)))
    assert len(discarded) <= DISCARDED_AT_MOST * len(seeds), str(discarded)


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
