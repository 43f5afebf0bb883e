"""The SQLite store. The contract is `batuta.ports.store.Store`.

Two connections: one writes, from the committer's thread; one reads, from the event loop's. A commit
writes a whole batch (`writing`) in one transaction and one sync.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.stores.sqlite import queries
from batuta.adapters.stores.sqlite.connection import (
    BUSY_MS,
    connect,
    meaning_of,
    migrate,
    translated,
)
from batuta.adapters.stores.sqlite.listing import RunLister
from batuta.adapters.stores.sqlite.mail import MailReader
from batuta.adapters.stores.sqlite.promises import PromiseReader
from batuta.adapters.stores.sqlite.records import RecordKeeper
from batuta.adapters.stores.sqlite.views import ViewKeeper
from batuta.adapters.stores.sqlite.writing import write
from batuta.errors import BatutaError, ConflictError
from batuta.ports.store import (
    Batch,
    GatheredRow,
    JournalRow,
    Request,
    RunRow,
    ScheduleRow,
    StoredEvent,
    Subscription,
    in_use,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

SQL = queries.load()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class SqliteStore(MailReader, ViewKeeper, RunLister, RecordKeeper, PromiseReader):
    """A store in one file."""

    def __init__(self, path: Path) -> None:
        """Open (and create, and migrate) the file.

        Raises:
            UnavailableError: it is locked, read-only or on a full disk.
            CorruptError: it is not a database, or a damaged one.
            RequestError: a newer version of Batuta has written it.
        """
        self.path = path
        self._writing = threading.Lock()
        self._patience_ms = BUSY_MS
        with translated(path), ExitStack() as opened:
            self._writer = connect(path)
            opened.callback(self._writer.close)
            migrate(self._writer, path)
            self._reader = connect(path)
            opened.callback(self._reader.close)
            self._reader.row_factory = sqlite3.Row
            self._reader.execute("PRAGMA query_only = ON")
            opened.pop_all()

    # -- writing -----------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. See the port."""
        with self._writing:
            with translated(self.path):
                self._wait_for_locks(BUSY_MS)
                self._writer.execute("BEGIN IMMEDIATE")
            self._finish(batch)

    def commit_now(self, batch: Batch) -> bool:
        """Make a batch durable unless others write. See the port."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            self._wait_for_locks(0)
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.Error:
                return False
            self._finish(batch)
            return True
        finally:
            self._writing.release()

    def _wait_for_locks(self, milliseconds: int) -> None:
        if self._patience_ms != milliseconds:
            self._patience_ms = milliseconds
            self._writer.execute(f"PRAGMA busy_timeout = {milliseconds}")

    def _finish(self, batch: Batch) -> None:
        """Write a batch into the transaction that has begun, and end it."""
        try:
            write(self._writer, batch)
            self._writer.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._roll_back()
            with translated(self.path):
                meaning = self._lost(batch, error)
            raise meaning from error
        except sqlite3.Error as error:
            self._roll_back()
            raise meaning_of(error, self.path) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            # Where the disk fails, so may this: SQLite then rolls back when the file is used again.
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")

    def _lost(self, batch: Batch, error: sqlite3.Error) -> BatutaError:
        """Name the run that another process has moved; without one it is no matter of processes."""
        for run, seq, *_ in batch.journal:
            taken = self._writer.execute(
                "SELECT 1 FROM journal WHERE run = ? AND seq = ?", (run, seq)
            ).fetchone()
            if taken:
                return ConflictError(run, hint="another process drives this run now")
        for run in batch.runs:
            if self._writer.execute(SQL["run"], (run.id,)).fetchone():
                return ConflictError(run.id, hint="a run of this id exists already")
        for one in batch.remembered:
            known = self._writer.execute(SQL["remembered"], (one.scope, one.key)).fetchone()
            if one.run and known:
                return ConflictError(one.run, hint="this request has started another run")
        seen: set[str] = set()
        for run in batch.runs:
            if run.id in seen:
                return ConflictError(run.id, hint="a batch starts a run once")
            seen.add(run.id)
        return meaning_of(error, self.path)

    def deploy(
        self, identity: str, digest: str, source: bytes, at: int, *, replace: bool = False
    ) -> None:
        """Keep a workflow's document. See the port."""
        with self._alone() as writer:
            writer.execute(SQL["deploy"], (identity, digest, at))
            if writer.execute(SQL["digest"], (identity,)).fetchone()[0] != digest:
                users = writer.execute(SQL["users"], (identity,)).fetchall()
                if users or not replace:
                    raise in_use(identity, [row[0] for row in users], replace=replace)
                writer.execute(SQL["redeploy"], (identity, digest, at))
            writer.execute(SQL["keep_document"], (digest, source))

    def adopt(self, owner: str, orphaned: str, *, hidden: bool = False) -> list[RunRow]:
        """Give runs to another owner. See the port."""
        with self._alone() as writer:
            cursor = writer.execute(SQL["adopt"], (owner, orphaned, hidden))
            names = [column[0] for column in cursor.description]
            rows = [RunRow(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
            if rows:
                first = min(row.first_event for row in rows)
                writer.execute(SQL["adopt_cursor"], (owner, orphaned, first))
                writer.execute(SQL["drop_cursor"], (orphaned,))
        return sorted(rows, key=lambda row: row.id)

    def ask(self, run_id: str, body: bytes) -> None:
        """Leave a request. See the port."""
        with self._alone() as writer:
            writer.execute(SQL["ask"], (run_id, body))

    def purge(self, ended_before: int, *, limit: int = 1000) -> int:
        """Forget old runs and events. See the port."""
        with self._alone() as writer:
            ids = writer.execute(SQL["purgeable"], (ended_before, limit)).fetchall()
            writer.executemany(SQL["note_past"], ids)
            for name in (
                "journal",
                "snapshot",
                "requests",
                "inbox",
                "reports",
                "exchanged",
                "keys",
                "promises",
                "run",
            ):
                writer.executemany(SQL[f"purge_{name}"], ids)
            writer.execute(SQL["purge_documents"])
            writer.execute(SQL["purge_cursors"])
            writer.execute(SQL["purge_gathered"], (ended_before,))
            writer.execute(SQL["purge_late"], (ended_before,))
            writer.execute(SQL["purge_served"], (ended_before,))
            writer.execute(SQL["purge_remembered"], (ended_before,))
            writer.execute(SQL["purge_jobs"], (ended_before,))
            writer.execute(SQL["purge_alerts"], (ended_before,))
            writer.execute(SQL["purge_events"], (ended_before,))
        return len(ids)

    @contextmanager
    def _alone(self) -> Generator[sqlite3.Connection]:
        """Write in a transaction of its own, after the one under way."""
        with self._writing, translated(self.path):
            self._wait_for_locks(BUSY_MS)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                self._roll_back()

    # -- reading -----------------------------------------------------------------------------------

    def _all(self, name: str, *values: Any) -> list[sqlite3.Row]:
        with translated(self.path):
            return self._reader.execute(SQL[name], values).fetchall()

    def _one(self, name: str, *values: Any) -> sqlite3.Row | None:
        rows = self._all(name, *values)
        return rows[0] if rows else None

    def workflow(self, identity: str) -> bytes | None:
        """Return a document. See the port."""
        row = self._one("workflow", identity)
        return None if row is None else row[0]

    def digest(self, identity: str) -> str | None:
        """Return the digest of what is deployed. See the port."""
        row = self._one("digest", identity)
        return None if row is None else row[0]

    def deployed_at(self, identity: str) -> int | None:
        """Return when a version was deployed. See the port."""
        row = self._one("deployed_at", identity)
        return None if row is None else row[0]

    def document(self, digest: str) -> bytes | None:
        """Return a document by its digest. See the port."""
        row = self._one("document", digest)
        return None if row is None else row[0]

    def workflows(self, prefix: str = "") -> list[str]:
        """Return identities. See the port."""
        return [row[0] for row in self._all("workflows", prefix)]

    def run(self, run_id: str) -> RunRow | None:
        """Return one run's row. See the port."""
        row = self._one("run", run_id)
        return None if row is None else RunRow(**dict(row))

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalRow]:
        """Return a run's events. See the port."""
        for row in self._all("journal", run_id, after):
            yield JournalRow(*row)

    def snapshot(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the latest snapshot. See the port."""
        row = self._one("snapshot", run_id)
        return None if row is None else (row[0], row[1])

    def live(self, owner: str) -> list[RunRow]:
        """Return an owner's running runs. See the port."""
        return [RunRow(**dict(row)) for row in self._all("live", owner)]

    def owners(self, *, hidden: bool = False) -> list[str]:
        """Return the owners of unended runs. See the port."""
        return [row[0] for row in self._all("owners", hidden)]

    def cursor(self, owner: str) -> int | None:
        """Return an owner's place in the events. See the port."""
        row = self._one("cursor", owner)
        return None if row is None else row[0]

    def due(self, owner: str, now: int, limit: int) -> list[RunRow]:
        """Return due runs. See the port."""
        return [RunRow(**dict(row)) for row in self._all("due", owner, now, limit)]

    def next_wake(self, owner: str) -> int | None:
        """Return the next due time. See the port."""
        row = self._one("next_wake", owner)
        return None if row is None else row[0]

    def last_event(self) -> int:
        """Return the newest event's number. See the port."""
        row = self._one("last_event")
        return 0 if row is None or row[0] is None else row[0]

    def events(
        self, after: int, *, types: tuple[str, ...] = (), limit: int = 1000
    ) -> list[StoredEvent]:
        """Return events. See the port."""
        if types:
            rows = self._all("events_of_types", after, _encode(types).decode(), limit)
        else:
            rows = self._all("events", after, limit)
        return [StoredEvent(number=row[0], at=row[1], event=_decode(row[2])) for row in rows]

    def sources(self, event_type: str) -> list[str]:
        """Return correlation sources. See the port."""
        return [row[0] for row in self._all("sources", event_type)]

    def subscribers(self, event_type: str, source: str, value: str) -> list[str]:
        """Return subscribed runs. See the port."""
        return [row[0] for row in self._all("subscribers", event_type, source, value)]

    def subscriptions(self, run_id: str) -> list[Subscription]:
        """Return a run's subscriptions. See the port."""
        return [Subscription(**dict(row)) for row in self._all("subscriptions", run_id)]

    def requests(self, owner: str) -> list[Request]:
        """Return requests for an owner's runs. See the port."""
        return [Request(**dict(row)) for row in self._all("requests", owner)]

    def schedules(self, identity: str) -> list[ScheduleRow]:
        """Return how far schedules have come. See the port."""
        found: list[ScheduleRow] = []
        for row in self._all("schedules", identity):
            values: dict[str, Any] = {**dict(row), "heard": tuple(_decode(row["heard"]))}
            found.append(ScheduleRow(**values))
        return found

    def gathered(self, scope: str, key: str) -> list[GatheredRow]:
        """Return what waits for the rest of its group. See the port."""
        found: list[GatheredRow] = []
        for row in self._all("gathered", scope, key):
            values: dict[str, Any] = {**dict(row), "value": _decode(row["value"])}
            found.append(GatheredRow(**values))
        return found

    def under_way(self, workflow: str) -> list[RunRow]:
        """Return a workflow's unended runs. See the port."""
        return [RunRow(**dict(row)) for row in self._all("under_way", workflow)]

    def name(self) -> str:
        """Return what the store is called. See the port."""
        return str(self._all("store_name")[0][0])

    def version(self) -> int:
        """Return a number that changes with other processes' writes. See the port."""
        with translated(self.path):
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close both connections. See the port."""
        self._reader.close()
        self._writer.close()
