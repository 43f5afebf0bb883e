"""What lies around a list of tasks while the graph of a workflow is built (`weaving`).

Owns the names of the vertices that control may leave a list by, and what the tasks in it inherit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batuta.choreography.flow import Step


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is undone together: control enters at `choose`, and is at `undone` after each task."""

    choose: int
    undone: int


@dataclass(frozen=True, slots=True)
class Around:
    """The scope of a list of tasks: where its end, `exit`, `end` and a fault lead, and the rest.

    `timer` is where an overdue timeout of this scope or those around it leads. `caller` is the
    owner of the function call around, `elsewhere` says that the function has a file of its own,
    `extended` that extensions apply, `within` is the listen in whose `foreach` this is, and
    `undoes` the number of what this undoes.
    """

    done: int
    left: int
    end: int
    fault: int
    timer: int
    undoing: Undoing
    caller: str | None = None
    elsewhere: bool = False
    extended: bool = True
    within: Step | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A function as one call, or one owner, has it."""

    enters: int
    around: Around
