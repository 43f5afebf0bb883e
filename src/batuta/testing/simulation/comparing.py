"""Simulating a seed under both control models, and comparing what comes of it.

Owns when two outcomes agree, and what is done with a seed on which they do not: the finding is made
small, kind of fault by kind of fault, then the workflow and what is done to it, then fault by
fault, and says how it is found again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from batuta.errors import DefinitionError
from batuta.testing.reducing import reduced
from batuta.testing.simulation.faults import KINDS, Faults
from batuta.testing.simulation.scenario import Scenario, nudged, scenario
from batuta.testing.simulation.shelf import Shelf
from batuta.testing.simulation.world import Outcome, SimulationFailure, World

if TYPE_CHECKING:
    from batuta.testing.simulation.scenario import Move

NUDGES = 4
"""How often a scenario is tried with other delays, to see whether its outcome hinges on them."""


class Found(msgspec.Struct, frozen=True):
    """What went wrong on a seed, and what it took."""

    seed: int
    what: str
    given: Scenario
    kinds: tuple[str, ...]
    """The kinds of faults that were allowed."""
    faults: tuple[str, ...]
    """The names of those that came."""

    def is_like(self, other: object) -> TypeGuard[Found]:
        """Say whether something is another finding, and of the same sort."""
        return isinstance(other, Found) and _sort(self.what) == _sort(other.what)

    def __str__(self) -> str:
        """Tell a person what was found, and how to find it again."""
        lines = [
            f"seed {self.seed}: {self.what}",
            "",
            f"again with: make sim SEED={self.seed}",
            f"kinds of faults that it takes: {', '.join(self.kinds) or 'none'}",
            f"faults: {len(self.faults)}",
            *(f"  {name!r}" for name in self.faults[:SHOWN]),
            "moves:",
            *(f"  {tuple(move)}" for move in self.given.moves),
            json.dumps(self.given.documents[0], indent=1),
        ]
        return "\n".join(lines)


class Discarded(msgspec.Struct, frozen=True):
    """A difference that is no finding, because a conductor alone comes to several outcomes too."""

    seed: int
    what: str


SHOWN = 40
"""Faults that are printed."""


def _sort(what: str) -> str:
    return what.partition("\n")[0].partition(":")[0]


def simulate(
    given: Scenario, shelf: Shelf, faults: Faults, *, choreographed: bool, nudge: int | None = None
) -> tuple[Outcome, list[str]]:
    """Run a scenario under one control model; returns how it ended and what happened.

    Args:
        given: what is run, and what is done to it.
        shelf: the scenario's documents, compiled.
        faults: what goes wrong.
        choreographed: by participants, or by one conductor.
        nudge: None, or a number that decides how much later every task answers.

    Raises:
        SimulationFailure: something happened that must not.
    """
    world = World(given, shelf, faults, choreographed=choreographed, nudge=nudge)
    return world.run(), world.trace


def compare(
    seed: int,
    *,
    kinds: tuple[str, ...] = KINDS,
    only: frozenset[str] | None = None,
    given: Scenario | None = None,
) -> Found | Discarded | None:
    """Simulate a seed under both control models; returns what is wrong, None if nothing is.

    Outcomes that differ because the workflow leaves something to chance are no finding: then a
    conductor alone, without any fault, comes to several, depending on how long tasks take. They are
    told all the same: a workflow of which that is thrown away has hardly been looked at.

    Args:
        seed: decides the scenario and the faults.
        kinds: the kinds of faults that may occur.
        only: the names of the faults that may occur, None for all.
        given: another scenario than the seed's.
    """
    given = given or scenario(seed)
    shelf = Shelf(given.documents)
    happened: list[str] = []
    outcomes: list[Outcome] = []
    for choreographed in (False, True):
        faults = Faults(seed, kinds=kinds, only=only)
        try:
            outcome, _ = simulate(given, shelf, faults, choreographed=choreographed)
        except Exception as error:  # noqa: BLE001 -- whatever breaks on a seed is a finding
            happened += faults.happened
            model = "choreographed" if choreographed else "orchestrated"
            broken = "" if isinstance(error, SimulationFailure) else f"{type(error).__name__}: "
            return Found(seed, f"{model}: {broken}{error}", given, kinds, tuple(happened))
        happened += faults.happened
        outcomes.append(outcome)
    different = _difference(*outcomes)
    if different is None:
        return None
    if hinges_on_chance(seed, given, shelf):
        return Discarded(seed, different)
    return Found(seed, different, given, kinds, tuple(happened))


def hinges_on_chance(seed: int, given: Scenario, shelf: Shelf) -> bool:
    """Say whether the outcome of a scenario depends on things that happen at nearly one time."""
    outcomes: list[Outcome] = []
    for nudge in (None, *range(NUDGES)):
        faults = Faults(seed, kinds=())
        later = given if nudge is None else nudged(given, nudge)
        outcome, _ = simulate(later, shelf, faults, choreographed=False, nudge=nudge)
        # What is sent from outside is named by its time.
        outcomes.append(msgspec.structs.replace(outcome, events=[]))
    return any(one != outcomes[0] for one in outcomes[1:])


def _difference(whole: Outcome, parts: Outcome) -> str | None:
    for name in Outcome.__struct_fields__:
        one, other = getattr(whole, name), getattr(parts, name)
        if one != other:
            return f"{name} differ\n  orchestrated:  {one}\n  choreographed: {other}"
    return None


# -- making a finding small ------------------------------------------------------------------------


def shrink(found: Found, *, tries: int = 400) -> Found:
    """Return the same finding, or one that is as bad, with as little as it takes.

    Args:
        found: what `compare` has found.
        tries: how many simulations that may cost, about.
    """
    for kind in found.kinds:
        fewer = tuple(one for one in found.kinds if one != kind)
        again = compare(found.seed, kinds=fewer, given=found.given)
        found = again if found.is_like(again) else found
    found = _with_less_to_run(found, tries // 2)
    return _with_fewer_faults(found, tries // 2)


def _with_less_to_run(found: Found, tries: int) -> Found:
    smallest = found

    def fails(document: dict[str, Any], moves: tuple[Move, ...]) -> bool:
        nonlocal smallest
        documents = (document, *found.given.documents[1:])
        given = found.given._replace(documents=documents, moves=moves)
        try:
            again = compare(found.seed, kinds=found.kinds, given=given)
        except (DefinitionError, KeyError):
            return False  # it is no workflow any more, or a run is suspended that was never started
        if not found.is_like(again):
            return False
        smallest = again
        return True

    reduced(found.given.documents[0], found.given.moves, fails, tries=tries)
    return smallest


def _with_fewer_faults(found: Found, tries: int) -> Found:
    faults = list(dict.fromkeys(found.faults))
    size = max(1, len(faults) // 2)
    while tries > 0 and faults:
        for start in range(0, len(faults), size):
            rest = faults[:start] + faults[start + size :]
            tries -= 1
            again = compare(found.seed, kinds=found.kinds, only=frozenset(rest), given=found.given)
            if found.is_like(again):
                found, faults = again, rest
                break
        else:
            if size == 1:
                break
            size //= 2
    return found
