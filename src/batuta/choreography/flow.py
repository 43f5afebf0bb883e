"""Where control can go between tasks that act: a workflow as a graph.

Owns the translation of the document into a `spread.Graph`, and what can be asked of it: with which
causes control gets to a task, which branches report to which join, who may end the run. It repeats
as edges what the kernel does as handlers (`kernel/flow.py` and one file per kind of task), and is
sound by leaning to too many edges: a path here that no run takes costs an event that somebody
ignores, a missing one costs an event to everybody (`Types.handover`).

What is told, when control goes elsewhere, is the last thing that ended (the kernel's `Cause`): a
task that acts, a fork, a scope by its timeout; else the start. Where control comes to a participant
and goes on without anything having ended there (a listen iterates, a branch ended the run) nothing
is told, and the event is a handover.

The graph itself is built by `weaving`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from batuta.choreography.spread import Graph, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.choreography.spread import Cause
    from batuta.definition import model

HANDOVER = Told("handover")


class Step(NamedTuple):
    """A task that acts, as control gets to it from one place.

    `owner` None is whoever holds control. `arrives` is the vertex before it, `ended` and `failed`
    are those behind it. `within` is the listen in whose `foreach` it stands, `undoes` the number of
    the completed task that it undoes (`Flow.due`).
    """

    task: model.Task
    owner: str | None
    external: bool
    arrives: int
    ended: int
    failed: int
    within: Step | None
    undoes: int | None


class Join(NamedTuple):
    """A fork: who holds control at `arrives` keeps the join, to which `branches` report.

    Control goes on from `joins` when they have.
    """

    task: model.ForkTask
    arrives: int
    joins: int
    branches: tuple[int, ...]


class Called(NamedTuple):
    """A call of a function, whose arguments are evaluated by who holds control at `begins`."""

    task: model.Task
    function: model.Task
    owner: str | None
    begins: int


class Decision(NamedTuple):
    """An edge that is taken when a condition holds, or, with `holds` False, when it does not."""

    condition: str
    holds: bool


@dataclass(slots=True)
class Flow:
    """The graph, and what of the workflow its vertices are."""

    graph: Graph = field(default_factory=Graph)
    steps: list[Step] = field(default_factory=list[Step])
    joins: list[Join] = field(default_factory=list[Join])
    calls: list[Called] = field(default_factory=list[Called])
    decisions: dict[tuple[int, int], Decision] = field(
        default_factory=dict[tuple[int, int], Decision]
    )
    due: list[int] = field(default_factory=list[int])
    """Of each task that can be undone: the set of causes with which that may be due."""
    begun: int = 0
    """The vertex at which a run begins."""
    over: int = 0
    """The vertex at which the run has ended."""

    def causes(self, step: Step) -> Iterator[Cause]:
        """Yield the causes with which control may come to a step."""
        among = self.due[step.undoes] if step.undoes is not None and self.due else -1
        return self.graph.reaching(step.arrives, among)

    def holders(self, step: Step) -> frozenset[str]:
        """Return who performs a step, or has it performed: its owner, or who may hold control."""
        if step.owner is not None and not step.external:
            return frozenset({step.owner})
        return self.graph.holders(step.arrives)
