"""Reading what a participant sent, took and put aside. The contract is `ports.mail.Mailbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.ports.mail import DEAD, Outgoing, Parked, Reason, Served, Tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_encode = msgspec.json.Encoder().encode


class MailReader:
    """The reading half of the mail; a store gives it its connection."""

    def _all(self, name: str, *values: Any) -> list[sqlite3.Row]:
        raise NotImplementedError

    def has_taken(self, run: str, message: str) -> bool:
        """Say whether a message is in the inbox. See the port."""
        return bool(self._all("has_taken", run, message))

    def last_taken(self, run: str, prefix: str) -> str | None:
        """Return the greatest name in a run's inbox that begins so. See the port."""
        return self._all("last_taken", run, prefix)[0][0]

    def known(self, runs: Iterable[str]) -> set[str]:
        """Return which runs were ever known here. See the port."""
        return {row[0] for row in self._all("known", _encode([*runs]).decode())}

    def outbox(self, after: int = 0, *, limit: int = 1000) -> list[Outgoing]:
        """Return what is still to be published. See the port."""
        return [Outgoing(*row) for row in self._all("outbox", after, limit)]

    def parked(self, why: str = DEAD, *, after: int = 0, limit: int = 100) -> list[Parked]:
        """Return what was put aside. See the port."""
        return [Parked(**dict(row)) for row in self._all("parked", why, after, limit)]

    def parked_one(self, number: int) -> Parked | None:
        """Return one message that was put aside. See the port."""
        rows = self._all("parked_one", number)
        return Parked(**dict(rows[0])) if rows else None

    def tally(self) -> Tally:
        """Return how much lies here. See the port."""
        return Tally(*self._all("tally")[0])

    def reasons(self, why: str = DEAD) -> list[Reason]:
        """Return why messages are parked. See the port."""
        return [Reason(*row) for row in self._all("reasons", why)]

    def served(self, run: str, key: str) -> Served | None:
        """Return what came of a request. See the port."""
        rows = self._all("served", run, key)
        return Served(**dict(rows[0])) if rows else None

    def unanswered(self) -> list[Served]:
        """Return the requests that are still to be answered. See the port."""
        return [Served(**dict(row)) for row in self._all("unanswered")]
