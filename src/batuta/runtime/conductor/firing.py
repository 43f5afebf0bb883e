"""When a schedule fires: pure arithmetic on what the store keeps of it.

* `every`: one interval after the workflow was first served, then each interval, whatever its runs
  do.
* `cron`: five fields, in UTC; the minutes that match after the workflow was first served.
* `after`: at once when first served, then that long after the run before has ended, however it
  ended. Runs that somebody else starts do not count.

Misfires, for all three: fires that were missed while nobody served are made up for by one, for the
latest of them; then the schedule goes on as if nothing had been missed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cronsim import CronSim

if TYPE_CHECKING:
    from batuta.definition.model import Schedule
    from batuta.ports.store import ScheduleRow

KINDS = ("every", "cron", "after")


class Fire(NamedTuple):
    """A fire: its number among those of its schedule, and when it was due (epoch milliseconds)."""

    number: int
    at: int


class Outlook(NamedTuple):
    """What is due now, and when to look again (epoch milliseconds; None: something else tells)."""

    fire: Fire | None
    following: int | None


def has(schedule: Schedule, kind: str) -> bool:
    """Say whether a schedule has a part of this kind."""
    parts = {"every": schedule.every_ms, "cron": schedule.cron, "after": schedule.after_ms}
    return parts[kind] is not None


def first_number(kind: str, now: int) -> int:
    """Return the number before the first fire's, for a schedule that is first served now."""
    return now if kind == "cron" else 0


def outlook(
    kind: str, schedule: Schedule, row: ScheduleRow, now: int, ended_at: int | None
) -> Outlook:
    """Say what one part of a schedule means now.

    Args:
        kind: every, cron or after.
        schedule: the workflow's.
        row: how far it has come.
        now: epoch milliseconds.
        ended_at: when the run of the latest fire ended, None if it has not. Read by `after` only.
    """
    if kind == "every":
        return _every(schedule.every_ms or 1, row, now)
    if kind == "cron":
        return _cron(schedule.cron or "", row, now)
    return _after(schedule.after_ms or 0, row, now, ended_at)


def _every(interval: int, row: ScheduleRow, now: int) -> Outlook:
    passed = (now - row.at) // interval
    if passed <= 0:
        return Outlook(None, row.at + interval)
    latest = row.at + passed * interval
    return Outlook(Fire(row.number + passed, latest), latest + interval)


def _cron(text: str, row: ScheduleRow, now: int) -> Outlook:
    moment = datetime.fromtimestamp(now // 1000, UTC)
    # The simulation gives the times strictly before and after the one it starts from.
    latest = _epoch(next(CronSim(text, moment + timedelta(seconds=1), reverse=True), None))
    following = _epoch(next(CronSim(text, moment), None))
    if latest is None or latest <= row.at:
        return Outlook(None, following)
    return Outlook(Fire(latest, latest), following)


def _epoch(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp()) * 1000


def _after(delay: int, row: ScheduleRow, now: int, ended_at: int | None) -> Outlook:
    if not row.run:
        due = row.at
    elif ended_at is None:
        return Outlook(None, None)
    else:
        due = ended_at + delay
    if due > now:
        return Outlook(None, due)
    return Outlook(Fire(row.number + 1, due), None)
