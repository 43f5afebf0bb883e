"""A projection as a picture: a flowchart in Mermaid, one box per participant.

Owns the picture: a task that acts is a node in the box of who performs it, and so is a fork in that
of who joins it; an arrow leads to what may begin next. Where control goes to somebody else it has
the name of the event that says so, and after a fault it is dotted. What undoes a task hangs on it
without a head: on which events that begins is left to the rules, and so are conditions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from batuta.choreography.weaving import flow_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.choreography.flow import Flow, Join, Step
    from batuta.choreography.projection import Projection
    from batuta.definition import model

_STRANGE = re.compile(r"[^\w .,:/()'+-]")
_SHAPES = {
    "call": '["{}"]',
    "run": '["{}"]',
    "listen": '>"{}"]',
    "wait": '(["{}"])',
    "emit": '[/"{}"/]',
    "fork": '{{"{}"}}',
}
_UNDOES = "/metadata/compensate"


class _Place(NamedTuple):
    """A node of the picture: who it belongs to, and what it is."""

    owner: str
    reference: str
    shape: str


_START = _Place("", "", "start")


def drawn(
    projection: Projection, functions: Mapping[str, model.Task], name: str | None = None
) -> str:
    """Return a Mermaid flowchart of who acts on what.

    Args:
        projection: of the workflow.
        functions: functions from catalogues and addresses, as it was projected with.
        name: a participant, to draw only what leads to it and from it; None for all.
    """
    return _Drawing(projection, flow_of(projection.workflow, functions), name).text()


class _Drawing:
    def __init__(self, projection: Projection, flow: Flow, name: str | None) -> None:
        self._workflow = projection.workflow
        self._types = projection.types
        self._flow = flow
        self._name = name
        self._external = {one.name for one in projection.parts.values() if one.external}
        self._ids: dict[_Place, str] = {}
        self._arrows: dict[str, None] = {}
        self._places: dict[int, _Place] = {}
        """Where control stops on its way: before a task that acts, at the end of a branch, at what
        follows a join, which only the join leads to."""
        self._joins: set[int] = set()

    def text(self) -> str:
        steps = [one for one in self._flow.steps if self._flow.graph.is_reached(one.arrives)]
        joins = [one for one in self._flow.joins if self._flow.graph.is_reached(one.arrives)]
        self._places |= {step.arrives: self._of_step(step) for step in steps}
        for join in joins:
            if join.branches:
                ends = (*join.branches, join.joins)
                self._places |= dict.fromkeys(ends, self._of_join(join))
                self._joins.add(join.joins)
        self._lead(_START, self._flow.begun, "start", self._types.start)
        for step in steps:
            place, reference = self._of_step(step), step.task.reference
            if _UNDOES in reference:
                self._hang(place)
                continue
            completed = self._types.completed(reference)
            if step.external:
                completed = self._types.performed(reference)
            self._lead(place, step.ended, "completed", completed)
            self._lead(place, step.failed, "faulted", "faulted")
        for join in joins:
            reference = join.task.reference
            completed = self._types.completed(reference)
            self._lead(self._of_join(join), join.joins, "completed", completed)
        return self._written()

    def _of_step(self, step: Step) -> _Place:
        owner = step.owner or min(self._flow.holders(step))
        kind = type(step.task).__name__.removesuffix("Task").lower()
        return _Place(owner, step.task.reference, kind)

    def _of_join(self, join: Join) -> _Place:
        return _Place(min(self._flow.graph.holders(join.arrives)), join.task.reference, "fork")

    def _lead(self, place: _Place, vertex: int, how: str, label: str) -> None:
        """Draw the arrows from a place to everything that control may come to next."""
        waiting, seen = [vertex], {vertex}
        while waiting:
            at = waiting.pop(0)
            target = self._places.get(at)
            if target is not None and at != vertex:
                if at not in self._joins and _UNDOES not in target.reference:
                    self._arrow(place, target, how, label)
                continue
            following = [end for end in self._flow.graph.edges[at] if end not in seen]
            seen.update(following)
            waiting += following

    def _arrow(self, place: _Place, target: _Place, how: str, label: str) -> None:
        if self._name is not None and self._name not in {place.owner, target.owner}:
            return
        if target.owner in self._external and place.owner not in self._external:
            label = self._types.requested(target.reference)
        if how == "faulted":
            line, label = "-.->", "faulted"
        else:
            line = "-->"
        named = how == "faulted" or place.owner != target.owner
        label = _text(label.removeprefix(f"{self._types.prefix}."))
        between = f'{line}|"{label}"|' if named else line
        self._arrows.setdefault(f"{self._node(place)} {between} {self._node(target)}")

    def _hang(self, place: _Place) -> None:
        """Draw what undoes a task, with the task if that is drawn itself."""
        if self._name not in {None, place.owner}:
            return
        undone = place.reference.partition(_UNDOES)[0]
        node = self._node(place)
        for one in dict.fromkeys(self._places.values()):
            if one.reference == undone:
                self._arrows.setdefault(f"{self._node(one)} -.- {node}")

    def _node(self, place: _Place) -> str:
        return self._ids.setdefault(place, "start" if place is _START else f"t{len(self._ids)}")

    def _written(self) -> str:
        lines = ["flowchart LR"]
        boxes: dict[str, list[str]] = {}
        for place, node in self._ids.items():
            if place is not _START:
                label = _text(self._types.names[place.reference])
                boxes.setdefault(place.owner, []).append(node + _SHAPES[place.shape].format(label))
        for number, (name, nodes) in enumerate(boxes.items()):
            lines.append(f'  subgraph p{number}["{self._title(name)}"]')
            lines += [f"    {node}" for node in nodes]
            lines.append("  end")
        if _START in self._ids:
            lines.append('  start(("start"))')
        return "\n".join([*lines, *(f"  {arrow}" for arrow in self._arrows)]) + "\n"

    def _title(self, name: str) -> str:
        declared = self._workflow.participants.get(name)
        return _text(f"{name}: {declared.title}" if declared and declared.title else name)


def _text(text: str) -> str:
    """Return a text as a label can hold it; other signs by their number."""
    return _STRANGE.sub(lambda found: f"#{ord(found[0])};", text)
