"""A workflow as a graph that people look at: its tasks, and how control gets from one to another.

Owns which edges are drawn. A task that holds others leads to the first of them (a fork to each);
what follows it is drawn from it and not from the last of them, since the page shows the inner ones
inside of it. A jump (`then`, a case) leads to the task that it names; `end` is a node of its own,
and so is `start`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.choreography.within import tasks_in
from batuta.definition import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batuta.definition.places import Places

START, END = "start", "end"
_LONGEST = 120


class GraphNode(NamedTuple):
    """A task, or where a run begins or ends; `parent` is the task that it stands in."""

    id: str
    name: str
    kind: str
    participant: str | None
    parent: str | None
    line: int | None
    summary: str


class GraphEdge(NamedTuple):
    """How control goes on: `kind` is next, branch, case, catch, loop, compensate or event."""

    start: str
    end: str
    label: str
    kind: str


class Graph:
    """The graph of one workflow."""

    def __init__(self, workflow: model.Workflow, places: Places) -> None:
        """Draw.

        Args:
            workflow: checked.
            places: of the text that lines are told of.
        """
        self._places = places
        self.nodes = [GraphNode(START, START, START, None, None, None, "")]
        self.edges: list[GraphEdge] = []
        self._sequence(workflow.do, None, START, ("", "next"), END)
        self.nodes.append(GraphNode(END, END, END, None, None, None, ""))
        self._events(workflow)

    def _node(self, task: model.Task, parent: str | None) -> None:
        self.nodes.append(
            GraphNode(
                task.reference,
                task.name,
                kind_of(task),
                task.participant,
                parent,
                self._places.of(task.reference).line,
                summary_of(task),
            )
        )

    def _sequence(
        self,
        tasks: Sequence[model.Task],
        parent: str | None,
        source: str,
        entry: tuple[str, str],
        after: str | None,
    ) -> None:
        """Draw tasks in their order, entered from `source`; `after` follows the last."""
        if not tasks:
            return
        self.edges.append(GraphEdge(source, tasks[0].reference, *entry))
        named = {task.name: task.reference for task in tasks}
        for task, following in zip(
            tasks, [*(one.reference for one in tasks[1:]), after], strict=True
        ):
            self._node(task, parent)
            targets = {**named, "continue": following, "exit": None, "end": END}
            if isinstance(task, model.SwitchTask):
                self._cases(task, targets)
            else:
                self._lead(task.reference, targets.get(task.then), "", "next")
            self._inner(task)

    def _lead(self, start: str, end: str | None, label: str, kind: str) -> None:
        if end is not None:
            self.edges.append(GraphEdge(start, end, label, kind))

    def _cases(self, task: model.SwitchTask, targets: dict[str, str | None]) -> None:
        for case in task.cases:
            label = case.name if case.when is None else f"{case.name}: {case.when}"
            self._lead(task.reference, targets.get(case.then), _short(label), "case")
        if all(case.when is not None for case in task.cases):
            self._lead(task.reference, targets.get(task.then), "otherwise", "case")

    def _inner(self, task: model.Task) -> None:
        here = task.reference
        match task:
            case model.DoTask():
                self._sequence(task.do, here, here, ("", "next"), None)
            case model.ForTask():
                self._sequence(task.do, here, here, (f"each {task.each}", "loop"), None)
            case model.ForkTask():
                for branch in task.branches:
                    label = "first wins" if task.compete else ""
                    self._sequence((branch,), here, here, (label, "branch"), None)
            case model.TryTask():
                self._sequence(task.do, here, here, ("", "next"), None)
                label = "" if task.catch_filter is None else _short(_pairs(task.catch_filter))
                self._sequence(task.catch_do or (), here, here, (label, "catch"), None)
            case model.ListenTask() | model.CallTask() if task.iterator is not None:
                self._sequence(task.iterator.do, here, here, ("each event", "loop"), None)
            case _:
                pass
        if task.compensate is not None:
            self._node(task.compensate, here)
            self.edges.append(GraphEdge(here, task.compensate.reference, "undo", "compensate"))

    def _events(self, workflow: model.Workflow) -> None:
        """Draw from each emit to the listens of the same workflow that name its type."""
        tasks = [one for root in workflow.do for one in tasks_in(root)]
        for emit in tasks:
            if not isinstance(emit, model.EmitTask):
                continue
            kind = emit.attributes.get("type")
            for listen in tasks:
                if isinstance(listen, model.ListenTask) and kind in types_of(listen.to):
                    self.edges.append(
                        GraphEdge(emit.reference, listen.reference, str(kind), "event")
                    )


def kind_of(task: model.Task) -> str:
    """Return a task's kind as the DSL names it."""
    return type(task).__name__.removesuffix("Task").lower()


def types_of(consumption: model.Consumption) -> list[str]:
    """Return the event types that filters name as plain texts."""
    found = (one.attributes.get("type") for one in consumption.filters)
    return [one for one in found if isinstance(one, str) and "${" not in one]


def summary_of(task: model.Task) -> str:  # noqa: C901 -- a case per kind of task
    """Return in a few words what a task does."""
    match task:
        case model.CallTask():
            endpoint = task.arguments.get("endpoint")
            uri = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
            method = task.arguments.get("method")
            text = " ".join(str(one) for one in (task.target, method, uri) if one)
        case model.RunTask():
            named = task.arguments.get("name") or task.arguments.get("image")
            text = f"{task.process} {named or ''}"
        case model.EmitTask():
            text = str(task.attributes.get("type", "an event"))
        case model.ListenTask():
            text = f"{task.to.mode} of {', '.join(types_of(task.to)) or 'any event'}"
        case model.WaitTask():
            text = _duration(task.duration)
        case model.RaiseTask():
            text = str(task.error.type)
        case model.SetTask():
            text = ", ".join(task.value) if isinstance(task.value, dict) else str(task.value)
        case model.ForTask():
            text = f"{task.each} in {task.collection}"
        case model.ForkTask():
            text = f"{len(task.branches)} branches{', the first wins' if task.compete else ''}"
        case model.SwitchTask():
            text = ", ".join(case.name for case in task.cases)
        case model.TryTask():
            text = "" if task.retry is None else "tries again"
        case _:
            text = ""
    return _short(text.strip())


def _duration(duration: model.Duration) -> str:
    if duration.milliseconds is None:
        return str(duration.expression)
    return f"{duration.milliseconds / 1_000:g} s"


def _pairs(values: dict[str, Any]) -> str:
    pairs: Iterable[str] = (f"{name} {value}" for name, value in values.items())
    return ", ".join(pairs)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
