"""The rules of participants, for people to read.

Owns finding, for each task at which control comes to a participant, on which events it does, under
which conditions of the document, what the participant then performs before control leaves it again,
and which events that publishes. The conditions are shown as written: whoever publishes the event
has evaluated them, and its event says where control goes.

Nothing runs by these: `projection` owns what a participant hears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batuta.choreography.hearing import is_computed
from batuta.choreography.spread import Told
from batuta.definition import model
from batuta.expressions import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.choreography.flow import Flow, Join, Step
    from batuta.choreography.types import Types

_MOST_PATHS = 8
"""Ways to one task that are told apart by their conditions; with more, none is shown."""
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """On one of these events, when one of these conditions holds, do this and publish that.

    `on` and `publish` hold types. `when` is empty where no condition decides. `perform` holds
    references, in the order in which control may come to them; of one is performed what it does
    come to. `join` is the reference of the fork whose branches the rule waits for, `undoes` that of
    the task that is undone because what it belongs to is given up.
    """

    on: tuple[str, ...]
    when: tuple[str, ...]
    perform: tuple[str, ...]
    publish: tuple[str, ...]
    join: str = ""
    undoes: str = ""


class Rules:
    """Finds the rules of a flow's participants."""

    def __init__(self, flow: Flow, types: Types, first: str) -> None:
        self._flow = flow
        self._graph = flow.graph
        self._types = types
        self._first = first
        self._steps: dict[int, Step] = {step.arrives: step for step in flow.steps}
        self._into: list[list[int]] = [[] for _ in self._graph.edges]
        for start, ends in enumerate(self._graph.edges):
            for end in ends:
                self._into[end].append(start)
        self._sent: dict[str, set[Told]] = {}

    def of(self, name: str) -> tuple[Rule, ...]:
        """Return what a participant does: as control comes to it, then what it undoes."""
        found: dict[Rule, None] = {}
        if name == self._first:
            found.setdefault(self._begun(name))
        for step in self._flow.steps:
            if step.owner == name and self._graph.is_reached(step.arrives):
                rule = self._requested(step) if step.external else self._entered(step, name)
                if rule is not None:
                    found.setdefault(rule)
        for join in self._flow.joins:
            if name in self._graph.holders(join.arrives):
                rule = self._joined(join, name)
                if rule is not None:
                    found.setdefault(rule)
        return tuple(sorted(found, key=lambda rule: rule.undoes != ""))

    def _begun(self, name: str) -> Rule:
        tasks, publish = self._stretch(self._flow.begun, name)
        return Rule((self._types.start,), (), tasks, publish)

    def _requested(self, step: Step) -> Rule:
        reference, types = step.task.reference, self._types
        answers = (types.performed(reference), types.faulted(reference))
        return Rule((types.requested(reference),), (), (reference,), answers)

    def _entered(self, step: Step, name: str) -> Rule | None:
        causes = [cause for cause in self._flow.causes(step) if cause.holder != name]
        if not causes:
            return None
        tasks, publish = self._stretch(step.arrives, name)
        undone, undoing, _ = step.task.reference.partition("/metadata/compensate")
        return Rule(
            self._named(cause.told for cause in causes),
            self._conditions(step.arrives),
            tasks,
            publish,
            undoes=undone if undoing else "",
        )

    def _joined(self, join: Join, name: str) -> Rule | None:
        told = self._reporting(join, name)
        if not told:
            return None
        reference = join.task.reference
        tasks, publish = self._stretch(join.joins, name)
        return Rule(self._named(told), (), tasks, publish, reference)

    def _reporting(self, join: Join, name: str) -> list[Told]:
        """Return what branches elsewhere tell the participant that keeps a join."""
        return [
            cause.told
            for end in join.branches
            for cause in self._graph.reaching(end)
            if cause.holder != name
        ]

    def _kept(self, name: str) -> set[int]:
        """Return the vertices that only the rules for joins lead to."""
        return {join.joins for join in self._flow.joins if self._reporting(join, name)}

    def _named(self, told: Iterable[Told]) -> tuple[str, ...]:
        return _once(self._types.of(one.what, one.reference) for one in told)

    def _stretch(self, start: int, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what a participant performs from a vertex on, and what that publishes.

        What it undoes is left out, unless the vertex stands before that: it has a rule of its own.
        """
        performed: dict[str, None] = {}
        publish: list[str] = []
        begins = self._steps.get(start)
        undoing = begins is not None and begins.undoes is not None
        waiting, seen = [start], {start, *self._kept(name)}
        while waiting and len(performed) < _MOST_STEPS:
            vertex = waiting.pop(0)
            step = self._steps.get(vertex)
            if step is not None:
                undone_elsewhere = step.undoes is not None and not undoing
                if undone_elsewhere or name not in self._flow.holders(step):
                    continue
                publish += self._asking(step)
                if not step.external:
                    performed.setdefault(step.task.reference)
            publish += self._telling(vertex, name)
            following = [end for end in self._graph.edges[vertex] if end not in seen]
            seen.update(following)
            waiting += following
        publish.sort(key=lambda type_: type_ == self._types.ended)
        return tuple(performed), _once(publish)

    def _asking(self, step: Step) -> list[str]:
        """Return the types that performing a step publishes, or having it performed."""
        if step.external:
            return [self._types.requested(step.task.reference)]
        return _business(step.task)

    def _telling(self, vertex: int, name: str) -> list[str]:
        """Return the types under which control may leave a participant at a vertex."""
        if vertex == self._flow.over:
            return [self._types.ended]
        told = Told("start") if vertex == self._flow.begun else self._graph.told(vertex)
        if told is None or told not in self._sent_by(name):
            return []
        return [self._types.of(told.what, told.reference)]

    def _sent_by(self, name: str) -> set[Told]:
        """Return what a participant tells when control, or the result of a branch, leaves it."""
        sent = self._sent.get(name)
        if sent is None:
            sent = self._sent[name] = set()
            for step in self._flow.steps:
                if step.owner not in {None, name} and not step.external:
                    causes = self._flow.causes(step)
                    sent |= {cause.told for cause in causes if cause.holder == name}
            for join in self._flow.joins:
                if self._graph.holders(join.arrives) - {name}:
                    for end in join.branches:
                        causes = self._graph.reaching(end)
                        sent |= {cause.told for cause in causes if cause.holder == name}
        return sent

    def _conditions(self, vertex: int) -> tuple[str, ...]:
        """Return the conditions under which control gets to a vertex, one text per way."""
        ways: dict[str, None] = {}
        waiting: list[tuple[int, tuple[str, ...], frozenset[int]]] = [
            (vertex, (), frozenset({vertex}))
        ]
        while waiting:
            if len(waiting) > _MOST_PATHS or len(ways) > _MOST_PATHS:
                return ()
            at, conditions, seen = waiting.pop()
            before = [one for one in self._into[at] if one not in seen]
            if not before or (at != vertex and self._graph.is_telling(at)):
                if not conditions:
                    return ()
                ways.setdefault(" and ".join(reversed(conditions)))
                continue
            for one in before:
                decision = self._flow.decisions.get((one, at))
                more = () if decision is None else (_written(decision.condition, decision.holds),)
                waiting.append((one, (*conditions, *more), seen | {one}))
        return tuple(ways)


def _business(task: model.Task) -> list[str]:
    """Return the types of the events that a task publishes for the business."""
    types = [] if task.event is None else [task.event]
    if isinstance(task, model.EmitTask) and not is_computed(task.attributes.get("type")):
        types.insert(0, task.attributes["type"])
    return types


def _written(condition: str, holds: bool) -> str:
    text = unwrap(condition) or condition
    return text if holds else f"not ({text})"


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
