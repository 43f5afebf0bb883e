"""What lists of runs mean, said as simply as possible: the oracle's part of `Store.runs`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.ports.listing import LONGEST_VALUE, STUCK, RunPage, RunTally, gone, texts_of
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.ports.listing import RunFilter
    from batuta.ports.store import RunRow


UNENDED = frozenset({"running", "waiting", "suspended"})


def page_of(
    known: Mapping[str, RunRow], where: RunFilter, *, before: str | None, limit: int
) -> RunPage:
    """Return the newest of the runs that are meant. See `Store.runs`."""
    if before is not None and before not in known:
        raise gone(before)
    older = None if before is None else _age(known[before])
    found = [
        row
        for row in sorted(known.values(), key=_age, reverse=True)
        if is_shown(row) and _is_meant(row, where)
        if older is None or _age(row) < older
    ]
    rows = found[:limit]
    return RunPage(rows, rows[-1].id if len(rows) == limit else None)


def tally_of(known: Mapping[str, RunRow], since: int) -> list[RunTally]:
    """Return how many runs there are. See `Store.count_runs`."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in known.values():
        if is_shown(row) and (row.status in UNENDED or row.started_at >= since):
            counts[row.workflow, row.control, row.status] += 1
        if is_shown(row) and _is_stuck(row):
            counts[row.workflow, row.control, STUCK] += 1
    return [RunTally(*key, count) for key, count in counts.items()]


def _is_stuck(row: RunRow) -> bool:
    return row.ended_at is None and (row.stuck is not None or row.problem is not None)


def is_shown(row: RunRow) -> bool:
    """Say whether a run is one of a workflow, and no hidden one."""
    return HIDDEN not in row.workflow


def _age(row: RunRow) -> tuple[int, str]:
    return row.started_at, row.id


def _is_meant(row: RunRow, where: RunFilter) -> bool:
    name, _, version = row.workflow.rpartition(":")
    keys = {} if row.keys is None else msgspec.json.decode(row.keys, type=dict[str, Any])
    texts = {key: texts_of(value) for key, value in keys.items()}
    begins = [row.id, *(text for many in texts.values() for text in many)]
    return all(
        (
            where.workflow is None or where.workflow in {row.workflow, name},
            where.version is None or where.version == version,
            where.identities is None or row.workflow in where.identities,
            where.control is None or where.control == row.control,
            not where.statuses or row.status in where.statuses,
            where.stuck is None or where.stuck == _is_stuck(row),
            where.since is None or row.started_at >= where.since,
            where.until is None or row.started_at < where.until,
            where.error is None or where.error == _error_of(row),
            where.parent is None or where.parent == row.parent,
            where.text is None or any(one.startswith(where.text) for one in begins),
            all(value[:LONGEST_VALUE] in texts.get(key, ()) for key, value in where.keys.items()),
        )
    )


def _error_of(row: RunRow) -> str | None:
    return None if row.fault is None else msgspec.json.decode(row.fault).get("type")
