"""Whatever a simulation thinks up goes as its workflow says: no verdict is a false alarm.

The same seeds under both control models, with all their faults: what a conductor's journals tell,
and what participants told on the bus, is held against the workflow when all runs have ended.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest

from batuta.insight.conformance import Rules, Standing, conformance
from batuta.insight.expected import of_account, of_state
from batuta.insight.sightings import Seen, note
from batuta.insight.timeline import account_of
from batuta.kernel.lifecycle import Happened
from batuta.runtime.shared.replay import replay
from batuta.testing.memory_store import MemoryStore
from batuta.testing.simulation import Faults, Shelf, World, scenario

decode = msgspec.json.Decoder(Happened).decode


def simulated(seed, *, choreographed):
    given = scenario(seed)
    world = World(given, Shelf(given.documents), Faults(seed), choreographed=choreographed)
    world.run()
    return world


def orchestrated_verdicts(world):
    store = MemoryStore(world.conductor.memory)
    for row in store.runs(limit=1_000).rows:
        program, watch = world.shelf.program(row.workflow), []
        state, _, ledger = replay(program, store.journal(row.id), watch=watch)
        expected = of_state(program, state, ledger, row.started_at)
        run = Standing(row.status, row.started_at, row.ended_at, row.ended_at)
        yield expected, conformance(Rules(program, {}), account_of(watch), expected, run)


def choreographed_verdicts(world):
    seen = Seen()
    for message in world.broker.messages:
        note(message, seen)
    told = defaultdict(dict)
    for one in seen.reports:
        told[one.run].setdefault((one.key, one.what, one.attempt), one)
    for run, sightings in seen.runs.items():
        end = next(one for one in sightings if one.ended_at is not None)
        program = world.shelf.program(end.workflow)
        reports = sorted(told[run].values(), key=lambda one: (one.at, one.place, one.position))
        account = account_of(decode(one.body) for one in reports)
        expected = of_account(
            account, program=program, status=end.status, first=None, began=end.started_at
        )
        # The clocks of a simulation differ by more than any SLA: no document of it has one.
        standing = Standing(end.status, end.started_at, end.ended_at, end.ended_at)
        yield expected, conformance(Rules(program, {}), account, expected, standing)


# The others found tasks of which nobody was told in the end, or not before others.
@pytest.mark.slow
@pytest.mark.parametrize(
    "seeds", [range(15), (112, 118, 137, 155, 158, 186)], ids=["first", "told"]
)
@pytest.mark.parametrize("choreographed", [False, True], ids=["orchestrated", "choreographed"])
def test_every_run_of_a_simulation_conforms(seeds, choreographed):
    verdicts = choreographed_verdicts if choreographed else orchestrated_verdicts
    runs = 0
    for seed in seeds:
        for expected, found in verdicts(simulated(seed, choreographed=choreographed)):
            runs += 1
            assert found.verdict == "ok", (seed, found.findings)
            assert expected == []
    assert runs > len(seeds)
