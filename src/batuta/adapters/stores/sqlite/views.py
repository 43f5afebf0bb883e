"""What was seen of choreographed runs. The contract is `ports.views.Views`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.adapters.stores.sqlite import queries
from batuta.adapters.stores.sqlite.promises import end_promises, see_promises
from batuta.adapters.stores.sqlite.writing import key_texts
from batuta.ports.views import Exchanged

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable
    from contextlib import AbstractContextManager

    from batuta.ports.sla import Notes
    from batuta.ports.views import Report, Sighting

SQL = queries.load()


class ViewKeeper:
    """Writes and reads what was seen; a store gives it its connections."""

    def _all(self, name: str, *values: Any) -> list[sqlite3.Row]:
        raise NotImplementedError

    def _alone(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def see(
        self,
        sightings: Collection[Sighting],
        reports: Iterable[Report],
        bus: str,
        place: int,
        notes: Notes | None = None,
        exchanged: Iterable[Exchanged] = (),
    ) -> None:
        """Write down what was read from a bus. See the port."""
        with self._alone() as writer:
            for one in sightings:
                known = (one.run, one.workflow, one.digest, one.started_at, one.parent, one.setup)
                writer.execute(SQL["see_run"], (*known, one.keys, one.origin))
                if one.keys is not None:
                    texts = key_texts([(one.run, one.keys)])
                    writer.executemany(SQL["see_key"], [(*text, one.keys) for text in texts])
            writer.executemany(
                SQL["report"],
                [
                    (r.run, r.key, r.what, r.attempt, r.at, r.place, r.position, r.body)
                    for r in reports
                ],
            )
            writer.executemany(
                SQL["note_exchanged"],
                [(one.run, one.at, one.number, one.task, one.participant) for one in exchanged],
            )
            if notes is not None:
                see_promises(writer, notes.made)
                end_promises(writer, notes.ended)
                writer.executemany(SQL["see_moved"], notes.checked)
            for one in sightings:
                if one.status is not None:
                    told = (one.run, one.status, one.ended_at, one.output, one.fault)
                    writer.execute(SQL["see_status"], told)
            if bus:
                writer.execute(SQL["put_viewed"], (bus, place))

    def status(self, run: str) -> str | None:
        """Return a run's status. See the port."""
        rows = self._all("run_status", run)
        return rows[0][0] if rows else None

    def reports(self, run: str) -> list[bytes]:
        """Return what was told of a run's tasks. See the port."""
        return [row[0] for row in self._all("reports", run)]

    def exchanged(self, run: str, after: tuple[int, int, str], limit: int = 100) -> list[Exchanged]:
        """Return which messages concern a run. See the port."""
        return [Exchanged(*row) for row in self._all("exchanged", run, *after, limit)]

    def to_check(self, now: int, limit: int = 100) -> list[str]:
        """Return runs to look at. See the port."""
        return [row[0] for row in self._all("to_check", now, limit)]

    def next_check(self) -> int | None:
        """Return when to look next. See the port."""
        return self._all("next_check")[0][0]

    def place(self, bus: str) -> int:
        """Return how far a bus was read. See the port."""
        rows = self._all("viewed", bus)
        return rows[0][0] if rows else 0
