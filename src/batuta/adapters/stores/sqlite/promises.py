"""Soft deadlines and alerts. The contracts are `ports.sla.Promises` and `ports.alerts.Alerts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.stores.sqlite import queries
from batuta.ports.alerts import Alert
from batuta.ports.sla import BROKEN, KEPT, OPEN, WARNED, Promise, Tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from batuta.ports.sla import Notes

SQL = queries.load()
STATES = (KEPT, OPEN, WARNED, BROKEN)
"""By how bad they are."""


def write_notes(writer: sqlite3.Connection, notes: Notes) -> None:
    """Write what a batch says of promises, alerts and who is stuck."""
    statement = SQL["make_promises"].replace("?1", ", ".join("?" * 12))
    writer.executemany(statement, [_values(one) for one in notes.made])
    end_promises(writer, notes.ended)
    for told in notes.told:
        name = "tell_warned" if told.what == WARNED else "tell_breached"
        writer.execute(SQL[name], (told.run, told.key, told.at))
    writer.executemany(
        SQL["put_alert"],
        [
            (
                one.id, one.channel, one.group, one.run, one.at, one.body, one.next_at,
                one.attempts, one.outcome, one.ended_at,
            )
            for one in notes.alerts
        ],
    )  # fmt: skip
    writer.executemany(SQL["mark_stuck"], notes.stuck)
    writer.executemany(SQL["mark_checked"], notes.checked)


def see_promises(writer: sqlite3.Connection, made: Iterable[Promise]) -> None:
    """Write promises of which a viewer has read."""
    writer.executemany(SQL["see_promise"], [_values(one) for one in made])


def end_promises(writer: sqlite3.Connection, ended: Iterable[tuple[str, str, int]]) -> None:
    """Write which promises have ended."""
    writer.executemany(SQL["end_promise"], list(ended))


def _values(one: Promise) -> tuple[Any, ...]:
    return (
        one.run, one.key, one.workflow, one.control, one.reference, one.name, one.participant,
        one.acts, one.since, one.warn_at, one.due_at, one.next_at,
    )  # fmt: skip


class PromiseReader:
    """Reads promises, and keeps alerts; a store gives it its connections."""

    def _all(self, name: str, *values: Any) -> list[sqlite3.Row]:
        raise NotImplementedError

    def _alone(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def promises_due(self, owner: str, now: int, limit: int = 500) -> list[Promise]:
        """Return promises of which there is something to tell. See the port."""
        return [_promise(row) for row in self._all("promises_due", owner, now, limit)]

    def next_promise(self, owner: str) -> int | None:
        """Return when there is something to tell next. See the port."""
        rows = self._all("next_promise", owner)
        return rows[0][0] if rows else None

    def promises_of(self, run: str) -> list[Promise]:
        """Return a run's promises. See the port."""
        return [_promise(row) for row in self._all("promises_of", run)]

    def open_promises(self, limit: int = 100) -> list[Promise]:
        """Return promises whose task has not ended. See the port."""
        return [_promise(row) for row in self._all("promises_open", limit)]

    def tallies(self, since: int) -> list[Tally]:
        """Return what became of promises. See the port."""
        return [Tally(*row) for row in self._all("tallies", since)]

    def promise_states(self, runs: list[str]) -> dict[str, str]:
        """Return the worst states. See the port."""
        text = msgspec.json.encode(runs).decode()
        return {row[0]: STATES[row[1]] for row in self._all("promise_states", text)}

    # -- alerts ------------------------------------------------------------------------------------

    def alerts_due(self, now: int, limit: int = 20) -> list[Alert]:
        """Return the alerts to send. See the port."""
        return [Alert(**dict(row)) for row in self._all("alerts_due", now, limit)]

    def next_alert(self) -> int | None:
        """Return when the next is to be sent. See the port."""
        return self._all("next_alert")[0][0]

    def claim_alert(self, alert: Alert, until: int) -> bool:
        """Take an alert for sending. See the port."""
        claimed = (alert.id, alert.channel, alert.next_at, until)
        with self._alone() as writer:
            return writer.execute(SQL["claim_alert"], claimed).rowcount == 1

    def put_off_alert(self, alert: Alert, until: int) -> None:
        """Let an alert be tried again. See the port."""
        with self._alone() as writer:
            writer.execute(SQL["put_off_alert"], (alert.id, alert.channel, until))

    def end_alert(self, alert: Alert, outcome: str, at: int) -> None:
        """Note what became of an alert. See the port."""
        with self._alone() as writer:
            writer.execute(SQL["end_alert"], (alert.id, alert.channel, outcome, at))

    def last_alert(self, channel: str, group: str) -> tuple[int | None, int]:
        """Return when an alert was sent last. See the port."""
        sent = self._all("last_sent", channel, group)[0][0]
        return sent, self._all("cooled_since", channel, group, sent or 0)[0][0]


def _promise(row: sqlite3.Row) -> Promise:
    values: dict[str, Any] = dict(row)
    del values["next_at"]
    values["acts"] = bool(values["acts"])
    return Promise(**values)
