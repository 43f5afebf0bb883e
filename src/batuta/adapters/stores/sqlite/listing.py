"""Lists of runs out of a million. The contract is `Store.runs`; what may be asked is in the port.

One question has several ways to its answer, each a walk along an index, newest first: by time, by
parent, by the ranges of workflow, control model and status (of failed or stuck runs only, if those
are asked for), by one business key, by a text. The way is chosen that passes the fewest runs; what
else is asked for is looked at run by run. Only between a key and something else that also has very
many runs there is no narrow way: then looking stops after a while, and says from where to go on.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.adapters.stores.sqlite import queries
from batuta.adapters.stores.sqlite.connection import connect, translated
from batuta.ports.listing import (
    CONTROLS,
    EVERY,
    LONGEST_VALUE,
    MOST_BY_TEXT,
    MOST_LOOKED_AT,
    STATUSES,
    RunFilter,
    RunPage,
    RunTally,
    gone,
)
from batuta.ports.store import RunRow

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

SQL = queries.load()
LAST = sys.maxsize
AFTER_ALL = chr(0x10FFFF)
FEW = 2_000
"""Runs that are worth walking past without asking whether another way has fewer."""
MOST_AT_ONCE = 2_000
NARROWER = {
    "runs_failed": "AND r.fault IS NOT NULL AND :error = iif("
    "json_valid(CAST(r.fault AS TEXT)), json_extract(CAST(r.fault AS TEXT), '$.type'), '')",
    "runs_stuck": "AND r.ended_at IS NULL AND (r.stuck IS NOT NULL OR r.problem IS NOT NULL)",
    "runs_listed": "",
}
"""What an index of the order of `runs_listed` demands besides."""

_encode = msgspec.json.Encoder().encode


class _Way(NamedTuple):
    """A statement that gives the next runs, newest first, and what it is given besides a place."""

    statement: str
    given: dict[str, Any]


class RunLister:
    """Answers lists; a store gives it its connection for reading."""

    path: Path
    _reader: sqlite3.Connection

    def runs(
        self, where: RunFilter = EVERY, *, before: str | None = None, limit: int = 50
    ) -> RunPage:
        """Return runs, newest first. See the port."""
        if where.identities is not None and not where.identities:
            return RunPage([])
        place = self._first_place(where, before)
        way = self._way(where, place)
        asked = _asked(where)
        rows: list[RunRow] = []
        size, looked = limit, 0
        while True:
            given = {**way.given, **place, "limit": size}
            found = self._select(way.statement, given)
            if found:
                place["at"], place["id"] = found[-1]
            ids = _text([one[1] for one in found])
            fitting = self._select(
                SQL["listed_rows"], {**asked, "ids": ids, "limit": limit - len(rows)}
            )
            rows += [RunRow(**dict(row)) for row in fitting]
            looked += len(found)
            if len(rows) == limit:
                return RunPage(rows, rows[-1].id)
            if len(found) < size:
                return RunPage(rows)
            if looked >= MOST_LOOKED_AT:
                return RunPage(rows, place["id"])
            size = min(4 * size, MOST_AT_ONCE)

    def count_runs(self, since: int) -> list[RunTally]:
        """Return how many runs there are. See the port."""
        with translated(self.path), closing(connect(self.path)) as own:
            # A connection of its own: the other one is its thread's.
            own.execute("PRAGMA query_only = ON")
            found = own.execute(SQL["listed_workflows"], {"low": "", "high": AFTER_ALL})
            given = {
                "workflows": _text([row[0] for row in found]),
                "controls": _text(CONTROLS),
                "statuses": _text(STATUSES),
                "since": since,
            }
            counted = own.execute(SQL["tally_runs"], given).fetchall()
            counted += own.execute(SQL["tally_stuck"]).fetchall()
        return [RunTally(*row) for row in counted]

    def _select(self, statement: str, given: dict[str, Any]) -> list[sqlite3.Row]:
        with translated(self.path):
            return self._reader.execute(statement, given).fetchall()

    def _first_place(self, where: RunFilter, before: str | None) -> dict[str, Any]:
        """Return where to begin: all that is asked for has started before this, or is older."""
        at, id_ = LAST if where.until is None else where.until, ""
        if before is not None:
            with translated(self.path):
                row = self._reader.execute(SQL["place_of_run"], (before,)).fetchone()
            if row is None:
                raise gone(before)
            at, id_ = min((at, id_), (row[0], before))
        return {"since": -1 if where.since is None else where.since, "at": at, "id": id_}

    # -- which way ---------------------------------------------------------------------------------

    def _way(self, where: RunFilter, place: dict[str, Any]) -> _Way:
        if where.parent is not None:
            return _Way(SQL["listed_of_parent"], {"parent": where.parent})
        if where.keys:
            return self._way_by_key(where, place)
        if where.text is not None:
            low = where.text
            given = {"low": low, "high": low + AFTER_ALL, "most": MOST_BY_TEXT}
            return _Way(SQL["listed_by_text"], given)
        return self._way_by_ranges(where) or _Way(SQL["listed_by_time"], {})

    def _way_by_key(self, where: RunFilter, place: dict[str, Any]) -> _Way:
        """Return the way past the fewest runs: along a key, or what else is asked for."""
        fewest, best = LAST, _Way("", {})
        for name, value in where.keys.items():
            given = {"name": name, "value": value[:LONGEST_VALUE]}
            count = self._count(SQL["count_by_key"], {**given, **place})
            if count < fewest:
                fewest, best = count, _Way(SQL["listed_by_key"], given)
        if fewest >= FEW:
            ranges = self._way_by_ranges(where)
            if ranges is not None:
                counted = _along(SQL["count_listed"], _index_for(where))
                if self._count(counted, {**ranges.given, **place}) < FEW:
                    return ranges
        return best

    def _count(self, statement: str, given: dict[str, Any]) -> int:
        return self._select(statement, {**given, "limit": FEW})[0][0]

    def _way_by_ranges(self, where: RunFilter) -> _Way | None:
        """Return the way along workflows, control models and statuses; None if all are meant."""
        index = _index_for(where)
        narrowing = (where.workflow, where.version, where.identities, where.control, where.statuses)
        if index == "runs_listed" and not any(narrowing):
            return None
        given = {
            "workflows": _text(self._workflows(where)),
            "controls": _text(CONTROLS if where.control is None else (where.control,)),
            "statuses": _text(where.statuses or STATUSES),
            "error": where.error,
        }
        return _Way(_along(SQL["listed"], index), given)

    def _workflows(self, where: RunFilter) -> list[str]:
        """Return the identities of those that have runs, as far as asked for."""
        low, high = "", AFTER_ALL
        if where.workflow is not None:
            if ":" in where.workflow:
                low, high = where.workflow, where.workflow + chr(0)
            else:
                low, high = f"{where.workflow}:", f"{where.workflow};"
        found = [
            row[0] for row in self._select(SQL["listed_workflows"], {"low": low, "high": high})
        ]
        if where.version is not None:
            found = [one for one in found if one.endswith(f":{where.version}")]
        if where.identities is not None:
            found = [one for one in found if one in where.identities]
        return found


def _index_for(where: RunFilter) -> str:
    if where.error is not None:
        return "runs_failed"
    return "runs_stuck" if where.stuck else "runs_listed"


def _along(statement: str, index: str) -> str:
    """Return a statement that walks along another index of the same order."""
    return statement.replace("runs_listed", index).replace("/* narrower */", NARROWER[index])


def _asked(where: RunFilter) -> dict[str, Any]:
    """Return what each run is held against."""
    identities = None if where.identities is None else _text(sorted(where.identities))
    return {
        "workflow": where.workflow,
        "version": where.version,
        "identities": identities,
        "control": where.control,
        "statuses": _text(where.statuses) if where.statuses else None,
        "stuck": where.stuck,
        "error": where.error,
        "parent": where.parent,
        "text": where.text,
        "keys": _text({name: value[:LONGEST_VALUE] for name, value in where.keys.items()}),
    }


def _text(value: Any) -> str:
    return _encode(value).decode()
