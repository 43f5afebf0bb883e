"""What is simulated on a seed: a workflow, runs of it, and what is done to them from outside.

Times are far apart: a workflow's own are months, and delays and outages at most an hour. So hardly
anything that follows from two causes happens at nearly the same time, and what comes first in one
control model comes first in the other. Where it does not, the outcome hinges on chance: `nudged`
makes that visible.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from batuta.testing.generator import random_workflow
from batuta.testing.simulation.faults import chance
from batuta.testing.writing import CHILD, COMPOSITES, EVENT_TYPES, LEAVES

SAME, FAILING = "first(repeat(.))", "error(first(repeat(.)))"
"""Expressions that the sandbox of a simulation knows: the same value, and a failure."""

_INSTEAD = {
    "${ . }": f"${{ {SAME} }}",
    "${ 1 + {} }": f"${{ {FAILING} }}",
    "${ $workflow.id }": "${ $workflow.input }",
}
"""What may stand in the place of an expression: what is slow, and what only the start tells."""

PARTICIPANTS = ("orders", "stock", "payments")
BEFORE, BEHIND = PAUSES = ("pause", "rest")
"""Tasks that are there to take time."""
LONGEST_MS = 100_000_000_000
"""How long a task takes at most."""

FAMILY = 10
"""How many characters the id of a run has in common with those of its sub-workflows."""

START_MS = 1_767_225_600_000
SCALE = 20_000
APART_MS = 12 * 3_600_000
"""By how much any two times of a workflow differ: by more than messages and clocks are late."""

NUDGE_MS = 3_600_000
"""As long as messages, outages and wrong clocks may hold anything up."""

CHILD_DOCUMENT: dict[str, Any] = {
    "document": {
        "dsl": "1.0.3",
        "namespace": "generated",
        "name": CHILD,
        "version": "1.0.0",
        "metadata": {"participants": {name: {} for name in PARTICIPANTS}},
    },
    "do": [
        {"first": {"call": "reserve", "with": {}, "metadata": {"participant": "stock"}}},
        {"second": {"call": "ship", "with": {}, "metadata": {"participant": "orders"}}},
    ],
}


class Move(NamedTuple):
    """Something done from outside: start, send, cancel, suspend or resume."""

    at: int
    what: str
    run: str
    number: int = 0


class Scenario(NamedTuple):
    """All of it."""

    documents: tuple[dict[str, Any], ...]
    moves: tuple[Move, ...]
    fails_in: int = 4
    """One in so many tasks faults."""


def scenario(seed: int, *, runs: int = 4) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(seed)  # noqa: S311 -- it has to be the same each time
    depth = random.choice((2, 3))
    leaves = random.sample(LEAVES, random.randint(2, len(LEAVES)))
    document = random_workflow(
        random,
        participants=PARTICIPANTS,
        unhurried=True,
        depth=depth,
        kinds=(*leaves, *COMPOSITES),
    )
    document = _slowed(document, random, [])
    moves: list[Move] = []
    for number in range(random.randint(1, runs)):
        run = f"01SIM{number:0{FAMILY - 5}d}{'0' * (26 - FAMILY)}"
        begins = START_MS + random.randint(0, LONGEST_MS)
        moves.append(Move(begins, "start", run, random.randint(0, 3)))
        _disturb(moves, run, begins, random)
    for _ in range(random.choice((0, 5, 10, 20))):
        at = START_MS + random.randint(0, 4 * LONGEST_MS)
        moves.append(Move(at, "send", "", random.randint(0, 7)))
    fails_in = random.choice((4, 10, 30))
    return Scenario((document, CHILD_DOCUMENT), tuple(sorted(moves)), fails_in)


def _disturb(moves: list[Move], run: str, begins: int, random: Random) -> None:
    at = begins
    for what in random.choice(((), (), (), ("cancel",), ("suspend",), ("suspend", "cancel"))):
        at += random.randint(LONGEST_MS // 50, 2 * LONGEST_MS)
        moves.append(Move(at, what, run, random.randint(0, 3)))
        if what == "suspend":
            at += random.randint(LONGEST_MS // 50, 2 * LONGEST_MS)
            moves.append(Move(at, "resume", run))


def _slowed(value: Any, random: Random, times: list[int], *, beside: bool = False) -> Any:
    """Return a document whose times are longer still, and all of them `APART_MS` apart.

    A wait that is about as long as the timeout around it leaves to a slow message, or to a clock
    that is wrong, which of the two comes first. What lies `beside` others may be ended by them, or
    end them.

    Args:
        value: a part of the document.
        random: decides.
        times: those that are used, to which this adds.
        beside: whether this lies beside others.
    """
    if isinstance(value, list):
        return [_slowed(one, random, times, beside=beside) for one in value]
    if isinstance(value, str):
        other = _INSTEAD.get(value)
        return other if other is not None and random.randint(1, 4) == 1 else value
    if not isinstance(value, dict):
        return value
    if set(value) == {"milliseconds"}:
        time = value["milliseconds"] * SCALE
        time += random.randint(0, time // 4)
        while any(abs(time - other) < APART_MS for other in times):
            time += APART_MS
        times.append(time)
        return {"milliseconds": time}
    slowed = {
        name: _slowed(one, random, times, beside=beside or name in {"branches", "functions"})
        for name, one in value.items()
    }
    if "emit" in slowed:
        return _apart(slowed, before=True, behind=beside)
    alone = slowed.get("run", {}).get("await") is False
    return _apart(slowed, before=False, behind=True) if alone else slowed


def _apart(task: dict[str, Any], *, before: bool, behind: bool) -> dict[str, Any]:
    """Return a task with pauses before it and behind it.

    Two events of one instant may be heard in any order, so none follows another at once. And what
    follows from an event elsewhere must not meet what follows here: the end of a fork, say, that
    ends the branch that has heard the event. Nor must the end of a run meet the beginning of a task
    that it does not wait for: whether that still begins is chance.
    """
    pause: dict[str, Any] = {"call": "reserve", "with": {}}
    owner = task.get("metadata", {}).get("participant")
    if owner is not None:
        pause["metadata"] = {"participant": owner}
    around = {name: one for name, one in task.items() if name in {"then", "if", "output", "export"}}
    tasks = [{"tell": {name: one for name, one in task.items() if name not in around}}]
    if before:
        tasks.insert(0, {BEFORE: pause})
    if behind:
        tasks.append({BEHIND: {**pause, "output": {"as": "${ $input }"}}})
    return {**around, "do": tasks}


def nudged(given: Scenario, seed: int) -> Scenario:
    """Return the scenario with all that is done from outside a little later."""
    moves = [
        one._replace(at=one.at + chance(seed, f"nudge {place}") % NUDGE_MS)
        for place, one in enumerate(given.moves)
    ]
    return given._replace(moves=tuple(sorted(moves)))


def sent(at: int, number: int) -> dict[str, Any]:
    """Return the event of a move."""
    return {
        "specversion": "1.0",
        "id": f"sent {at}",
        "source": "/outside",
        "type": EVENT_TYPES[number % 3],
        "data": {"key": number % 2} if number > 3 else "text",  # noqa: PLR2004 -- half of them
    }
