"""What is kept of requests: who asked for what, what was answered before, and keys to ask with.

*Audit rows* say who changed what. *Remembered* requests let the same request, sent again, have its
effect once. Both are written by `Store.commit` as part of a `Batch`, in the transaction of what
they tell of; here is how they are read. *API keys* let programs and people in; of a key itself only
a digest is kept.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody changed something: `who` came `by` a token, key or session, and did `action`.

    `target` is what it was done to (a run, a workflow, a key). `number` is given by the store.
    """

    number: int = 0
    at: int
    who: str
    by: str
    action: str
    target: str
    detail: dict[str, Any] = {}


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is known by a key of its sender's.

    `scope` is whose key it is and for what, `digest` tells whether it is the same request, `run` is
    the run that it starts ("" when it starts none).
    """

    scope: str
    key: str
    digest: str
    run: str = ""
    at: int


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key to ask with. `digest` is what the secret part is verified against.

    Times are epoch milliseconds; one that has expired or is revoked lets nobody in. `grants` are
    what it allows besides what its role does.
    """

    id: str
    name: str
    role: str
    namespaces: tuple[str, ...]
    digest: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    grants: tuple[str, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is done to many runs: `view` is how far it has come, `runs` which (JSON).

    `owner` is the conductor of the process that does it, `state` running or what it ended as, `at`
    when it was asked for (epoch milliseconds).
    """

    id: str
    owner: str
    state: str
    at: int
    view: bytes
    runs: bytes


class Records(Protocol):
    """Reads what is kept of requests, and keeps keys.

    Promises: as for `Store`: what a commit, or keeping or noting something, has returned for is
        found here. A remembered request that starts a run is in the store if and only if that run's
        first row is; a second one of the same scope and key is refused, as a run that exists is.
    Failure: `UnavailableError` means that nothing was written or read, and may be asked again.
    Cancellation: the reads return at once.
    Order: audit rows come newest first, by their numbers; keys in the order of their making.
    Repetition: keeping a key of an id that exists is a `ConflictError`; revoking again changes
        nothing.
    """

    def audits(
        self,
        *,
        before: int | None = None,
        who: str | None = None,
        target: str | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Return audit rows with smaller numbers, newest first, of somebody or about something."""
        ...

    def purge_audits(self, before: int, limit: int) -> int:
        """Forget audit rows of before a time, the oldest first, `limit` at most; say how many."""
        ...

    def remembered(self, scope: str, key: str) -> Remembered | None:
        """Return a request that was remembered."""
        ...

    def keep_key(self, key: ApiKey) -> None:
        """Keep a new key."""
        ...

    def revoke_key(self, key_id: str, at: int) -> bool:
        """Let nobody in by a key any more; say whether there is such a key."""
        ...

    def key(self, key_id: str) -> ApiKey | None:
        """Return a key."""
        ...

    def keep_job(self, job: Job) -> None:
        """Keep a new job."""
        ...

    def note_job(self, job: Job, *, was: str) -> bool:
        """Note a job's owner, state and view, if its owner `was` this; say whether it was."""
        ...

    def job(self, job_id: str) -> Job | None:
        """Return a job."""
        ...

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are running, oldest first."""
        ...

    def all_keys(self) -> list[ApiKey]:
        """Return all keys, those too that let nobody in any more."""
        ...
