"""The whole runtime in one process, on a seed: real drivers, with everything around them simulated.

A scenario (`scenario`) is run under each control model (`simulate`): by one conductor, and by
participants over a bus. Time is virtual, disks are in memory, services answer as the seed wants it;
the bus delays, reorders, loses and repeats messages, and processes are killed between any two
things that they do (`faults`). In the end everything is healed and every run has to end, and both
models have to agree (`compare`).

What it finds is made small (`shrink`), and printed with the command that finds it again. `hunt`
looks at many seeds, in several processes.
"""

from batuta.testing.simulation.comparing import (
    Discarded,
    Found,
    compare,
    hinges_on_chance,
    shrink,
    simulate,
)
from batuta.testing.simulation.faults import KINDS, Faults
from batuta.testing.simulation.hunting import DISCARDED_AT_MOST, Tally, hunt
from batuta.testing.simulation.scenario import Move, Scenario, scenario
from batuta.testing.simulation.shelf import Shelf
from batuta.testing.simulation.world import Outcome, SimulationFailure, World

__all__ = [
    "DISCARDED_AT_MOST",
    "KINDS",
    "Discarded",
    "Faults",
    "Found",
    "Move",
    "Outcome",
    "Scenario",
    "Shelf",
    "SimulationFailure",
    "Tally",
    "World",
    "compare",
    "hinges_on_chance",
    "hunt",
    "scenario",
    "shrink",
    "simulate",
]
