"""What is kept of requests. The contract is `ports.records.Records`."""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.stores.sqlite import queries
from batuta.errors import ConflictError
from batuta.ports.records import ApiKey, AuditRow, Job, Remembered

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SQL = queries.load()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class RecordKeeper:
    """Writes and reads records; a store gives it its connections."""

    def _all(self, name: str, *values: Any) -> list[sqlite3.Row]:
        raise NotImplementedError

    def _alone(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def audits(
        self,
        *,
        before: int | None = None,
        who: str | None = None,
        target: str | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Return audit rows. See the port."""
        found: list[AuditRow] = []
        for row in self._all("audits", before or sys.maxsize, who, target, limit):
            values: dict[str, Any] = {**dict(row), "detail": _decode(row["detail"])}
            found.append(AuditRow(**values))
        return found

    def purge_audits(self, before: int, limit: int) -> int:
        """Forget audit rows. See the port."""
        with self._alone() as writer:
            return writer.execute(SQL["purge_audits"], (before, limit)).rowcount

    def remembered(self, scope: str, key: str) -> Remembered | None:
        """Return a request that was remembered. See the port."""
        rows = self._all("remembered", scope, key)
        return Remembered(**dict(rows[0])) if rows else None

    def keep_key(self, key: ApiKey) -> None:
        """Keep a new key. See the port."""
        values = [getattr(key, name) for name in ApiKey.__struct_fields__]
        values[3], values[-1] = (_encode(one).decode() for one in (key.namespaces, key.grants))
        with self._alone() as writer:
            try:
                writer.execute(SQL["keep_key"], values)
            except sqlite3.IntegrityError:
                raise ConflictError(f"there is a key {key.id} already") from None

    def revoke_key(self, key_id: str, at: int) -> bool:
        """Let nobody in by a key any more. See the port."""
        with self._alone() as writer:
            return writer.execute(SQL["revoke_key"], (key_id, at)).rowcount == 1

    def key(self, key_id: str) -> ApiKey | None:
        """Return a key. See the port."""
        rows = self._all("api_key", key_id)
        return _key(rows[0]) if rows else None

    def keep_job(self, job: Job) -> None:
        """Keep a new job. See the port."""
        with self._alone() as writer:
            writer.execute(
                SQL["keep_job"], (job.id, job.owner, job.state, job.at, job.view, job.runs)
            )

    def note_job(self, job: Job, *, was: str) -> bool:
        """Note how far a job has come. See the port."""
        noted = (job.id, was, job.owner, job.state, job.view)
        with self._alone() as writer:
            return writer.execute(SQL["note_job"], noted).rowcount == 1

    def job(self, job_id: str) -> Job | None:
        """Return a job. See the port."""
        rows = self._all("job", job_id)
        return Job(**dict(rows[0])) if rows else None

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are running. See the port."""
        return [Job(**dict(row)) for row in self._all("open_jobs")]

    def all_keys(self) -> list[ApiKey]:
        """Return all keys. See the port."""
        return [_key(row) for row in self._all("api_keys")]


def _key(row: sqlite3.Row) -> ApiKey:
    lists = {name: tuple(_decode(row[name])) for name in ("namespaces", "grants")}
    values: dict[str, Any] = {**dict(row), **lists}
    return ApiKey(**values)
