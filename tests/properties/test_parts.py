"""A run in parts ends like a run as a whole: the kernel's half of the two models' equivalence.

Random workflows over several participants are driven over the kernel alone. First twice at once, by
one driver that holds all of a run and by one per participant, whose messages take no time, come in
any order and some of them twice: both must end the same, at the same time, with the same effects.
What a workflow leaves to chance cannot be compared, so the documents are `unhurried` (`generator`),
answers take times that depend on the occurrence of a task alone, and a suspended run is brought
only one thing to hold back: what several participants hold they take at one instant, in no order.

Then by participants alone whose messages take any time. That decides who is first, so there is
nothing to compare with; but the run must end, once, everywhere, with everything undone that was to
be undone, and keep every invariant on the way.

Both come from seeds (`BATUTA_SEEDS`: how many of them), which is many times as fast as a
strategy. A failing one is made small and printed.
"""

from __future__ import annotations

import json
import os
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from world import Moves, World

from batuta.definition import check
from batuta.kernel.events import CancelAsked
from batuta.kernel.frames import occurrence_path
from batuta.kernel.program import Program, compile_workflow
from batuta.kernel.state import TERMINAL
from batuta.testing.generator import random_workflow
from batuta.testing.reducing import reduced

if TYPE_CHECKING:
    from collections.abc import Callable

PARTICIPANTS = ("orders", "stock", "payments")
BATCH = 50
BATCHES = -(-int(os.environ.get("BATUTA_SEEDS", "200")) // BATCH)
ROUNDS = 40


def compiled(document: dict[str, Any]) -> Program | None:
    report = check(json.dumps(document))
    return None if report.workflow is None else compile_workflow(report.workflow)


def moves_of(random: Random) -> Moves:
    kinds = ["send"] * 10 + ["cancel", "suspend", "resume", "resume"]
    count = random.randint(0, 12)
    return [
        (random.randint(1, 20_000_000), random.choice(kinds), random.randint(0, 7))
        for _ in range(count)
    ]


def hold(check_one: Callable[..., None], seed: int, **manner: Any) -> None:
    """Check what holds for the run of a seed; say with which small document it does not."""
    random = Random(seed)
    depth = random.choice((3, 3, 4))
    document = random_workflow(random, participants=PARTICIPANTS, depth=depth, **manner)
    moves = moves_of(random)

    def why(document: dict[str, Any], moves: Moves) -> str | None:
        program = compiled(document)
        if program is None:
            return None
        try:
            check_one(program, seed, moves)
        except Exception as error:  # noqa: BLE001 -- a crash is a failure like any other
            return f"{type(error).__name__}: {error}"
        return None

    if why(document, moves) is None:
        return
    small, few = reduced(document, moves, lambda *one: why(*one) is not None)
    pytest.fail(f"seed {seed}: {why(small, few)}\n{json.dumps(small, indent=1)}\nmoves {few}")


def ends_alike(program: Program, seed: int, moves: Moves) -> None:
    fails_in = (4, 10, 30)[seed % 3]
    whole = World(program, seed, (None,), fails_in=fails_in).run({"order": 1}, moves)
    careful = seed % 5 == 0
    parts = World(program, seed, PARTICIPANTS, careful=careful, fails_in=fails_in)
    assert parts.run({"order": 1}, moves).outcome() == whole.outcome()


def keeps_its_promises(program: Program, seed: int, moves: Moves) -> None:
    latency = (10, 1_000, 1_000_000, 5_000_000)[seed % 4]
    world = World(program, seed, PARTICIPANTS, latency=latency, fails_in=(4, 10, 30)[seed % 3])
    world.run({"order": 1}, moves)
    bring_to_an_end(world)
    assert len(world.finished) == 1, world.finished
    while world.pass_time():
        pass
    assert {part.status for part in world.parts.values()} <= TERMINAL
    spared = any(isinstance(one, CancelAsked) and not one.compensate for one in world.asks)
    if world.finished[0].status != "completed" and not spared:
        assert still_owed(world) == set()


def bring_to_an_end(world: World) -> None:
    for number in range(ROUNDS):
        if world.finished:
            return
        world.control("resume", 0)
        world.send_event(number % 6)
        world.settle()
        world.pass_times()
    if not world.finished:
        # It listens to what nobody sends any more: such a run ends when it is told to.
        world.control("cancel", 0)
        world.settle()
        world.pass_times()


def still_owed(world: World) -> set[str]:
    """Return the occurrences that completed and were not undone since, as the timelines tell it.

    Only of tasks that are performed: a scope that `end` leaves is told to have completed, too.
    """
    owed: set[str] = set()
    watch = [one for part in world.parts.values() for one in part.watch]
    for one in sorted(watch, key=lambda one: one.at):
        occurrence = occurrence_path(one.path)
        node = world.program.nodes[one.reference]
        if one.reference.endswith("/metadata/compensate"):
            if one.what == "completed" or (one.what == "cancelled" and "end" in str(node.task)):
                owed.discard(one.reference.removesuffix("/metadata/compensate") + occurrence)
        elif one.what == "completed" and node.compensate is not None and node.acts:
            owed.add(one.reference + occurrence)
    return owed


@pytest.mark.sim
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_run_in_parts_ends_like_a_whole_one(batch):
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        hold(ends_alike, seed, unhurried=True)


@pytest.mark.sim
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_run_whose_messages_take_any_time_keeps_its_promises(batch):
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        hold(keeps_its_promises, seed)
