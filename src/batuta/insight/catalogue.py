"""What there is to connect: the types of events, who publishes and who hears them, and services.

Read off workflows; nothing is asked of anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.hearing import fixed_type, heard_by, is_computed
from batuta.choreography.within import roots_of, tasks_in
from batuta.definition import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class EventEntry(msgspec.Struct, kw_only=True):
    """A type of event. Who publishes or hears it is a participant, or else a workflow."""

    type: str
    producers: list[str] = []
    consumers: list[str] = []
    schema: Any = None


class ServiceEntry(msgspec.Struct, kw_only=True):
    """A service that tasks call: `kind` is http, openapi, asyncapi or grpc, `at` its address."""

    kind: str
    at: str
    tasks: list[str] = []


class Catalogue(msgspec.Struct, kw_only=True):
    """The events and services that workflows name."""

    events: list[EventEntry]
    services: list[ServiceEntry]


def catalogue(
    workflows: Iterable[tuple[model.Workflow, Mapping[str, model.Task]]],
    hearing: Iterable[tuple[str, str]] = (),
) -> Catalogue:
    """Return what workflows name.

    Args:
        workflows: each with the functions from elsewhere that it calls.
        hearing: types that participants hear by their rules, and who; of those that workflows name.
    """
    events: dict[str, EventEntry] = {}
    services: dict[tuple[str, str], ServiceEntry] = {}
    for workflow, functions in workflows:
        for type_, producer, consumer in _told(workflow, functions):
            entry = events.setdefault(type_, EventEntry(type=type_))
            _add(entry.producers, producer)
            _add(entry.consumers, consumer)
        for kind, at, task in _called(workflow, functions):
            service = services.setdefault((kind, at), ServiceEntry(kind=kind, at=at))
            _add(service.tasks, f"{workflow.identity}{task}")
    for type_, consumer in hearing:
        if type_ in events:
            _add(events[type_].consumers, consumer)
    return Catalogue(
        events=sorted(events.values(), key=lambda one: one.type),
        services=sorted(services.values(), key=lambda one: (one.kind, one.at)),
    )


def _add(names: list[str], name: str | None) -> None:
    if name is not None and name not in names:
        names.append(name)


def _told(
    workflow: model.Workflow, functions: Mapping[str, model.Task]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield (type, who publishes it, who hears it) of every event that is named."""
    here = workflow.identity
    if workflow.schedule is not None and workflow.schedule.on is not None:
        for type_ in heard_by(workflow.schedule.on) or ():
            yield type_, None, here
    for task in _tasks(workflow, functions):
        who = task.participant or here
        if task.event is not None:
            yield task.event, who, None
        if isinstance(task, model.EmitTask):
            type_ = task.attributes.get("type")
            if isinstance(type_, str) and not is_computed(type_):
                yield type_, who, None
        elif isinstance(task, model.ListenTask):
            for one in task.to.filters:
                type_ = fixed_type(one)
                if type_ is not None:
                    yield type_, None, who


def _called(
    workflow: model.Workflow, functions: Mapping[str, model.Task]
) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, address, reference) of every service that a task calls."""
    for task in _tasks(workflow, functions):
        if not isinstance(task, model.CallTask):
            continue
        if task.target == "http":
            place = task.arguments.get("endpoint")
        elif task.target in {"openapi", "asyncapi"}:
            document = task.arguments.get("document")
            place = document.get("endpoint") if isinstance(document, dict) else None
        elif task.target == "grpc":
            proto = task.arguments.get("proto")
            place = proto.get("endpoint") if isinstance(proto, dict) else None
        else:
            continue
        at = place.get("uri") if isinstance(place, dict) else place
        if isinstance(at, str):
            yield task.target, at, task.reference


def _tasks(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> Iterator[model.Task]:
    for _, root in roots_of(workflow, functions):
        yield from tasks_in(root)
