"""The file of the embedded bus: its settings, and what is read from it and written to it.

**Delivery does not wait for the disk; `publish` does.** A transaction is written without a sync
(WAL, synchronous=NORMAL) and its messages are delivered at once; one sync of the log then serves
all publications under way (`syncing.py`), and only after it does `publish` return. This is right
because the publisher keeps a message until then:

- A process that is killed loses nothing: what it wrote is the kernel's already.
- A power loss cuts the log off after some transaction. Places of consumers lie in the same log, so
  they go back together with the messages: nothing is lost but what nobody's `publish` has returned
  for, and its publisher publishes it again. Who has acted on it already knows it by its id.
- A number that went back with its message must not be given to another one. So numbers are
  microseconds of the clock, or one more than the last: a machine that starts again is past them.

NORMAL and not OFF: SQLite then still syncs the log's new header before it writes over the old log,
and a checkpoint syncs the log before it copies from it and the file after. Without that, a power
loss could leave old and new parts of the log that fit together by chance, and damage the file.

Checkpoints are never made by the connection that writes, as that one works on the event loop.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import time
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.adapters.buses.sqlite.place import Place
from batuta.adapters.buses.sqlite.tail import PAGE_BYTES, Page
from batuta.adapters.stores.sqlite import queries
from batuta.adapters.stores.sqlite.connection import BUSY_MS, connect, migrate, translated
from batuta.ports.bus import Delivered, claimed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batuta.ports.bus import Message

HERE = "batuta.adapters.buses.sqlite"
SQL = queries.load(HERE)

MOST_ROWS = 128
"""Messages per statement; smaller statements have half as many each, so that few texts exist."""

MOST_LISTS = 1_000
"""Lists of types that are kept as text."""

RETRY_PAUSE_S = 0.000_5
"""SQLite's own waiting for a lock starts with milliseconds; transactions here take a tenth."""


class ConsumerRow(NamedTuple):
    """A durable consumer as the file has it."""

    types: frozenset[str] | None
    place: Place
    revision: int


class BusFile:
    """One connection to the file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open (and create, and migrate) the file.

        Raises:
            UnavailableError: it is locked, read-only or on a full disk.
            CorruptError: it is not a database, or a damaged one.
            RequestError: a newer version of Batuta has written it.
        """
        self.path = path
        self._kinds: dict[str, int] = {}
        self._lists: dict[frozenset[str], str] = {}
        with translated(path):
            self.connection = connect(path)
            try:
                migrate(self.connection, path, queries.migrations(HERE))
                self.connection.execute("PRAGMA synchronous = NORMAL")
                self.connection.execute("PRAGMA wal_autocheckpoint = 0")
                self.connection.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                self.connection.close()
                raise

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    # -- transactions ------------------------------------------------------------------------------

    def begin(self, *, patient: bool) -> bool:
        """Begin to write; unless patient, say False at once when somebody else writes."""
        deadline = time.monotonic() + BUSY_MS / 1000
        while True:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if not patient:
                    return False
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_PAUSE_S)
            else:
                return True

    def commit(self) -> None:
        """End the transaction; others see it at once, the disk has it after a sync of the log."""
        self.connection.execute("COMMIT")

    def roll_back(self) -> None:
        """Give the transaction up."""
        self._kinds.clear()
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite then rolls back when the file is used again
                self.connection.execute("ROLLBACK")

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    # -- messages ----------------------------------------------------------------------------------

    def newest(self) -> int:
        """Return the newest message's number, 0 when there is none."""
        return self.connection.execute(SQL["newest"]).fetchone()[0] or 0

    def publish(self, messages: Sequence[Message], newest: int, now: int) -> list[Delivered]:
        """Write messages; returns those that are new, with their numbers."""
        number = max(newest + 1, now * 1_000)
        kinds = self._kinds
        rows: list[tuple[int, int, str, bytes]] = []
        for message in messages:
            kind = kinds.get(message.type) or self._kind(message.type, add=True)
            rows.append((number, kind, message.id, message.body))
            number += 1
        written = 0
        start, size = 0, MOST_ROWS
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            places = ", ".join(["(?, ?, ?, ?)"] * size)
            written += self.connection.execute(
                f"INSERT OR IGNORE INTO messages VALUES {places}",  # noqa: S608 -- only places of values
                list(chain.from_iterable(rows[start : start + size])),
            ).rowcount
            start += size
        fresh = [
            Delivered(row[0], message.id, message.type, message.body, 1)
            for row, message in zip(rows, messages, strict=True)
        ]
        if written < len(rows):
            kept = self.connection.execute(SQL["kept_between"], (rows[0][0], rows[-1][0]))
            numbers = {row[0] for row in kept}
            fresh = [one for one in fresh if one.number in numbers]
        return fresh

    def _kind(self, name: str, *, add: bool = False) -> int:
        """Return a type's number, 0 when no message has ever been of it."""
        row = self.connection.execute(SQL["kind"], (name,)).fetchone()
        if row is None and add:
            row = self.connection.execute(SQL["add_kind"], (name,)).fetchone()
        if row is None:
            return 0
        self._kinds[name] = row[0]
        return row[0]

    def page(self, after: int, types: frozenset[str] | None, most: int, attempt: int = 1) -> Page:
        """Read a stretch: the next messages of these types, as many as are asked for at most.

        Fewer come when they are large. The page reaches to the newest message if there are no more.
        """
        if self.connection.in_transaction:
            return self._page(after, types, most, attempt)
        self.connection.execute("BEGIN")
        try:
            return self._page(after, types, most, attempt)
        finally:
            self.connection.execute("COMMIT")

    def _page(self, after: int, types: frozenset[str] | None, most: int, attempt: int) -> Page:
        newest = self.newest()
        if types is None:
            rows = self.connection.execute(SQL["after"], (after, most))
        else:
            rows = self._of_types(after, types, most)
        found: list[Delivered] = []
        size = 0
        for row in rows:
            number, identity, name, body = row
            found.append(Delivered(number, identity, name, body, attempt))
            size += len(body)
            if size >= PAGE_BYTES:
                break
        cut = len(found) == most or size >= PAGE_BYTES
        upto = found[-1].number if cut else max(newest, after)
        return Page(after, upto, found, is_last=not cut)

    def _of_types(self, after: int, types: frozenset[str], most: int) -> Any:
        """Yield rows of some types in order, by the index: what lies between is not looked at."""
        kinds = [kind for one in types if (kind := self._kinds.get(one) or self._kind(one))]
        by_kind = [
            self.connection.execute(SQL["numbers_of_kind"], (kind, after, most)).fetchall()
            for kind in kinds
        ]
        for count, (number,) in enumerate(heapq.merge(*by_kind)):
            if count == most:
                return
            yield self.connection.execute(SQL["message"], (number,)).fetchone()

    def message(self, number: int) -> Delivered:
        """Return one message; what is not acknowledged is kept."""
        row = self.connection.execute(SQL["message"], (number,)).fetchone()
        number, identity, name, body = row
        return Delivered(number, identity, name, body, 1)

    # -- consumers ---------------------------------------------------------------------------------

    def revision(self, name: str) -> int | None:
        """Return the revision of a consumer's row, if there is one."""
        row = self.connection.execute(SQL["revision"], (name,)).fetchone()
        return None if row is None else row[0]

    def consumer(self, name: str) -> ConsumerRow | None:
        """Return a consumer, if there is one."""
        row = self.connection.execute(SQL["consumer"], (name,)).fetchone()
        return None if row is None else _consumer(row)

    def put_consumer(
        self, name: str, types: frozenset[str] | None, place: Place, revision: int
    ) -> None:
        """Write a consumer."""
        values = (name, self._listed(types), place.given, place.kept(), revision)
        self.connection.execute(SQL["put_consumer"], values)

    def _listed(self, types: frozenset[str] | None) -> str | None:
        """Return types as the file has them; a consumer's are the same from turn to turn."""
        if types is None:
            return None
        if types not in self._lists:
            if len(self._lists) >= MOST_LISTS:
                self._lists.clear()
            self._lists[types] = json.dumps(sorted(types))
        return self._lists[types]

    def forget(self, name: str) -> None:
        """Drop a consumer, and whose its name is."""
        self.connection.execute(SQL["forget"], (name,))
        self.connection.execute(SQL["unclaim"], (name,))

    def claim(self, name: str, holder: str, *, take_over: bool) -> None:
        """Write down whose a name is. In a transaction of its own.

        It need not be synced: the place of whoever consumes under the name lies behind it in the
        log.

        Raises:
            ClaimedError: it is another's, and is not to be taken over.
        """
        with translated(self.path):
            self.begin(patient=True)
            try:
                row = self.connection.execute(SQL["holder"], (name,)).fetchone()
                if row is None or (take_over and row[0] != holder):
                    self.connection.execute(SQL["claim"], (name, holder))
                elif row[0] != holder:
                    raise claimed(name, row[0])
                self.commit()
            finally:
                self.roll_back()

    def lag(self, name: str) -> int | None:
        """Return how much a consumer has not acknowledged; None if it does not exist."""
        row = self.consumer(name)
        if row is None:
            return None
        given = row.place.given
        if row.types is None:
            waiting = self.connection.execute(SQL["count_after"], (given,)).fetchone()[0]
        else:
            waiting = sum(
                self.connection.execute(SQL["count_of_kind"], (kind, given)).fetchone()[0]
                for one in row.types
                if (kind := self._kind(one))
            )
        return waiting + row.place.unacknowledged()

    # -- retention ---------------------------------------------------------------------------------

    def purge(self, before: int, most: int) -> int:
        """Drop old messages, `most` at a time; returns how many. In a transaction of its own."""
        self.begin(patient=True)
        try:
            floor = min([before, self.newest(), *map(self._needed, self._consumers())])
            dropped = self.connection.execute(SQL["purge"], (floor, most)).rowcount
            self.commit()
        finally:
            self.roll_back()
        return dropped

    def _consumers(self) -> list[ConsumerRow]:
        return [_consumer(row) for row in self.connection.execute(SQL["consumers"])]

    def _needed(self, consumer: ConsumerRow) -> int:
        """Return the first number that a consumer still needs."""
        place = consumer.place
        waiting = [place.given + 1]
        if consumer.types is not None:
            firsts = [
                self.connection.execute(SQL["first_of_kind"], (kind, place.given)).fetchone()[0]
                for one in consumer.types
                if (kind := self._kind(one))
            ]
            # Of other types nothing is needed, not even what comes before the place has moved on.
            waiting = [first for first in firsts if first is not None]
        return min([*waiting, *(min(loan.numbers) for loan in place.loans)], default=1 << 62)


def _consumer(row: Any) -> ConsumerRow:
    types = None if row[0] is None else frozenset[str](json.loads(row[0]))
    return ConsumerRow(types, Place(row[1], row[2]), row[3])
