"""What a listen, or a whole workflow, hears of the world.

Owns reading types off event filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.choreography.within import roots_of, tasks_in
from batuta.definition import model
from batuta.expressions import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator


def heard_types(workflow: model.Workflow) -> frozenset[str] | None:
    """Return the types of the events that a workflow's listens and schedule hear, None for any."""
    found: set[str] = set()
    for to in _consumptions(workflow):
        types = heard_by(to)
        if types is None:
            return None
        found |= types
    return frozenset(found)


def _consumptions(workflow: model.Workflow) -> Iterator[model.Consumption]:
    if workflow.schedule is not None and workflow.schedule.on is not None:
        yield workflow.schedule.on
    for _, root in roots_of(workflow, {}):
        for task in tasks_in(root):
            if isinstance(task, model.ListenTask):
                yield task.to


def heard_by(to: model.Consumption) -> set[str] | None:
    """Return the types of the events that may be consumed; None for any."""
    types: set[str] = set()
    for filters in (to.filters, None if to.until_events is None else to.until_events.filters):
        if filters is None:
            continue
        fixed = [fixed_type(one) for one in filters]
        if not fixed or None in fixed:
            return None
        types |= {type_ for type_ in fixed if type_ is not None}
    return types


def fixed_type(one: model.EventFilter) -> str | None:
    """Return the type that a filter wants, None when that is computed or left open."""
    wanted = one.attributes.get("type")
    return None if is_computed(wanted) else wanted


def is_computed(value: Any) -> bool:
    """Say whether a value is no text, or one that is evaluated."""
    return not isinstance(value, str) or unwrap(value) is not None
