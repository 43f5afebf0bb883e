"""The oracle's share of records: `ports.records.Records` in three collections."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import ConflictError

if TYPE_CHECKING:
    from batuta.ports.records import ApiKey, AuditRow, Job, Remembered
    from batuta.ports.store import Batch


class MemoryRecords:
    """What is kept of requests; all stores of one memory share it."""

    def __init__(self) -> None:
        self._audits: list[AuditRow] = []
        self._numbered = 0
        self._remembered: dict[tuple[str, str], Remembered] = {}
        self._keys: dict[str, ApiKey] = {}
        self._jobs: dict[str, Job] = {}

    def check(self, batch: Batch) -> None:
        """Refuse a batch that starts a run by a request that was remembered.

        Raises:
            ConflictError: it does; its message names the run.
        """
        for one in batch.remembered:
            if one.run and (one.scope, one.key) in self._remembered:
                raise ConflictError(one.run, hint="this request has started another run")

    def write(self, batch: Batch) -> None:
        """Take what a batch has."""
        for one in batch.audits:
            self._numbered += 1
            number = self._numbered
            self._audits.append(msgspec.structs.replace(one, number=number))
        for one in batch.remembered:
            self._remembered.setdefault((one.scope, one.key), one)

    def purge(self, before: int) -> None:
        """Forget requests."""
        kept = {key: one for key, one in self._remembered.items() if one.at >= before}
        self._remembered = kept
        self._jobs = {
            name: one
            for name, one in self._jobs.items()
            if one.at >= before or one.state == "running"
        }

    def audits(
        self,
        *,
        before: int | None = None,
        who: str | None = None,
        target: str | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Return audit rows. See the port."""
        found = [
            one
            for one in reversed(self._audits)
            if one.number < (before or sys.maxsize)
            and who in {None, one.who}
            and target in {None, one.target}
        ]
        return found[:limit]

    def purge_audits(self, before: int, limit: int) -> int:
        """Forget audit rows. See the port."""
        old = sorted((one for one in self._audits if one.at < before), key=lambda one: one.at)
        gone = {one.number for one in old[:limit]}
        self._audits = [one for one in self._audits if one.number not in gone]
        return len(gone)

    def remembered(self, scope: str, key: str) -> Remembered | None:
        """Return a request that was remembered. See the port."""
        return self._remembered.get((scope, key))

    def keep_key(self, key: ApiKey) -> None:
        """Keep a new key. See the port."""
        if key.id in self._keys:
            raise ConflictError(f"there is a key {key.id} already")
        self._keys[key.id] = key

    def revoke_key(self, key_id: str, at: int) -> bool:
        """Let nobody in by a key any more. See the port."""
        known = self._keys.get(key_id)
        if known is not None and known.revoked_at is None:
            self._keys[key_id] = msgspec.structs.replace(known, revoked_at=at)
        return known is not None

    def key(self, key_id: str) -> ApiKey | None:
        """Return a key. See the port."""
        return self._keys.get(key_id)

    def keep_job(self, job: Job) -> None:
        """Keep a new job. See the port."""
        self._jobs[job.id] = job

    def note_job(self, job: Job, *, was: str) -> bool:
        """Note how far a job has come. See the port."""
        known = self._jobs.get(job.id)
        if known is None or known.owner != was or known.state != "running":
            return False
        self._jobs[job.id] = msgspec.structs.replace(
            known, owner=job.owner, state=job.state, view=job.view
        )
        return True

    def job(self, job_id: str) -> Job | None:
        """Return a job. See the port."""
        return self._jobs.get(job_id)

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are running. See the port."""
        return [one for _, one in sorted(self._jobs.items()) if one.state == "running"]

    def all_keys(self) -> list[ApiKey]:
        """Return all keys. See the port."""
        return sorted(self._keys.values(), key=lambda one: (one.created_at, one.id))
