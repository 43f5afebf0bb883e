"""Triggers: what starts runs by itself, when it last did, and when it will."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.app.views import text_time
from batuta.choreography.hearing import heard_by

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.definition.model import Schedule
    from batuta.runtime.conductor.schedules import Prospect


class TriggerView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a workflow's schedule: `kind` is every, cron, after or on.

    `expression` is the length of time (ISO 8601), the five fields, or how many events; `events` are
    the types that start a run, empty for any. Of `on`, nobody knows when.
    """

    workflow: str
    kind: str
    expression: str
    next_at: str | None
    last_at: str | None
    last_run: str | None
    events: list[str]


def triggers(engine: Engine) -> list[TriggerView]:
    """Return what starts runs of the latest versions of all workflows."""
    return [_view(one) for one in engine.serving.schedules.prospects()]


def _view(one: Prospect) -> TriggerView:
    row = one.row
    has_fired = row is not None and bool(row.run) and one.kind != "on"
    return TriggerView(
        workflow=one.identity,
        kind=one.kind,
        expression=_expression(one.kind, one.schedule),
        next_at=text_time(one.due),
        last_at=text_time(row.at) if row is not None and has_fired else None,
        last_run=row.run if row is not None and has_fired else None,
        events=_events(one),
    )


def _expression(kind: str, schedule: Schedule) -> str:
    match kind:
        case "every":
            return _duration(schedule.every_ms or 0)
        case "after":
            return _duration(schedule.after_ms or 0)
        case "cron":
            return schedule.cron or ""
        case _:
            return schedule.on.mode if schedule.on is not None else ""


def _events(one: Prospect) -> list[str]:
    if one.kind != "on" or one.schedule.on is None:
        return []
    return sorted(heard_by(one.schedule.on) or ())


def _duration(milliseconds: int) -> str:
    return f"PT{milliseconds / 1_000:g}S"
