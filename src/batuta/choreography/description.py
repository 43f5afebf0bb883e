"""A projection as plain values, for people and other programs to read.

Owns the shape of what `batuta project` prints. A participant sees its own tasks whole, and of the
others' nothing but the names of their events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.choreography.projection import Part, Projection
    from batuta.choreography.rules import Rule
    from batuta.definition import model

_ELSEWHERE = frozenset({"metadata", "then"})
"""Of a task's definition: what is no part of what it does."""


def described(
    projection: Projection, tasks: Mapping[str, model.Task], name: str | None = None
) -> dict[str, Any]:
    """Return what each participant does on its own, or what one does.

    Args:
        projection: of the workflow.
        tasks: all its tasks by reference (`within.tasks_of`).
        name: the participant, None for all.
    """
    parts = projection.parts if name is None else {name: projection.parts[name]}
    return {
        "workflow": projection.workflow.identity,
        "begins": projection.first,
        "participants": {
            part.name: _participant(projection, part, tasks) for part in parts.values()
        },
    }


def _participant(
    projection: Projection, part: Part, tasks: Mapping[str, model.Task]
) -> dict[str, Any]:
    names = projection.types.names
    told: dict[str, Any] = {}
    declared = projection.workflow.participants.get(part.name)
    if declared is not None:
        told |= {"title": declared.title, "owner": declared.owner, "external": declared.external}
        told = {key: value for key, value in told.items() if value}
    told["rules"] = [_rule(rule, names) for rule in part.rules]
    if not part.external:
        told["hears"] = "everything" if part.hears is None else sorted(part.hears)
    told["tasks"] = {
        name: {"at": reference, "does": _does(tasks[reference])}
        for reference, name in names.items()
        if reference in part.tasks
    }
    return told


def _rule(rule: Rule, names: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"events": list(rule.on)}
    if rule.undoes:
        told["undoes"] = names[rule.undoes]
    if rule.join:
        told["joins"] = names[rule.join]
    if rule.when:
        told["when"] = rule.when[0] if len(rule.when) == 1 else list(rule.when)
    told["perform"] = [names[reference] for reference in rule.perform]
    told["publish"] = list(rule.publish)
    return told


def _does(task: model.Task) -> Any:
    return {key: value for key, value in task.definition.items() if key not in _ELSEWHERE}
