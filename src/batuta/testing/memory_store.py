"""The oracle: the port `Store` in a few dictionaries, to compare real stores with.

Owns the meaning of every operation, said as simply as possible, without an index, a transaction log
or a file. It is also a store for tests that need none of them. A `Memory` is what a file is to a
real store: several stores, as of several processes, may be open on one.

Not for production: it forgets everything when the process ends.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import ConflictError
from batuta.ports.listing import EVERY, RunFilter, RunPage, RunTally
from batuta.ports.mail import LATE, Outgoing, Parked, Served
from batuta.ports.store import (
    HIDDEN,
    Batch,
    Change,
    GatheredRow,
    JournalRow,
    Request,
    RunRow,
    ScheduleRow,
    StoredEvent,
    Subscription,
    in_use,
)
from batuta.testing.memory_listing import is_shown, page_of, tally_of
from batuta.testing.memory_mail import MemoryMailbox, write_mail
from batuta.testing.memory_promises import MemoryPromises
from batuta.testing.memory_records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from batuta.ports.sla import Notes


class Memory:
    """What the stores opened on it share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.workflows: dict[str, tuple[str, int]] = {}
        self.documents: dict[str, bytes] = {}
        self.runs: dict[str, RunRow] = {}
        self.journal: dict[str, dict[int, JournalRow]] = {}
        self.snapshots: dict[str, tuple[int, bytes]] = {}
        self.events: dict[int, StoredEvent] = {}
        self.identities: dict[tuple[str, str], int] = {}
        self.subscriptions: list[Subscription] = []
        self.requests: dict[int, Request] = {}
        self.cursors: dict[str, int] = {}
        self.schedules: dict[tuple[str, str], ScheduleRow] = {}
        self.gathered: list[GatheredRow] = []
        self.inbox: dict[str, set[str]] = {}
        self.outbox: dict[int, Outgoing] = {}
        self.parked: dict[int, Parked] = {}
        self.records = MemoryRecords()
        self.promises = MemoryPromises(self.runs)
        self.past: set[str] = set()
        self.served: dict[tuple[str, str], Served] = {}
        self.name = token_hex(16)
        self.last_parked = 0
        self.last_event = 0
        self.last_request = 0
        self.writes = 0


class MemoryStore(MemoryMailbox):
    """A store in memory. The contracts are `ports.store.Store` and `ports.mail.Mailbox`."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()

    @contextmanager
    def _writing(self) -> Generator[Memory]:
        with self._memory.lock:
            yield self._memory
            self._memory.writes += 1

    # -- writing -----------------------------------------------------------------------------------

    def commit_now(self, batch: Batch) -> bool:
        """Make a batch durable. See the port."""
        self.commit(batch)
        return True

    def commit(self, batch: Batch) -> None:  # noqa: C901, PLR0912 -- one short paragraph per table
        """Make a batch durable. See the port."""
        with self._writing() as memory:
            _refuse_conflicts(memory, batch)
            memory.records.check(batch)
            for row in batch.runs:
                memory.runs[row.id] = row
            for run, seq, at, body, answers in batch.journal:
                memory.journal.setdefault(run, {})[seq] = JournalRow(run, seq, at, body, answers)
            for run, change in batch.changes.items():
                _change(memory, run, change)
            for run, keys in batch.keys:
                if run in memory.runs:
                    memory.runs[run] = msgspec.structs.replace(memory.runs[run], keys=keys)
            for run, key in batch.unsubscriptions:
                memory.subscriptions = [
                    one
                    for one in memory.subscriptions
                    if one.run != run or (key and one.key != key)
                ]
            memory.subscriptions += batch.subscriptions
            batch.numbers = [_publish(memory, at, event) for at, event in batch.events]
            for run, seq, state in batch.snapshots:
                if run not in memory.snapshots or memory.snapshots[run][0] < seq:
                    memory.snapshots[run] = (seq, state)
            for run, body in batch.asks:
                _ask(memory, run, body)
            for request in batch.done_requests:
                memory.requests.pop(request, None)
            if batch.cursor is not None:
                owner, number = batch.cursor
                memory.cursors[owner] = max(number, memory.cursors.get(owner, number))
            memory.gathered += batch.gathered
            for _, scope, key, group in batch.released:
                memory.gathered = [
                    one
                    for one in memory.gathered
                    if (one.scope, one.key, one.group) != (scope, key, group)
                ]
            for row in batch.schedules:
                kept = memory.schedules.get((row.identity, row.kind))
                if kept is None or kept.number < row.number:
                    memory.schedules[row.identity, row.kind] = row
            write_mail(memory, batch)
            memory.records.write(batch)
            memory.promises.write(batch.notes)
            _mark(memory, batch.notes)

    def deploy(
        self, identity: str, digest: str, source: bytes, at: int, *, replace: bool = False
    ) -> None:
        """Keep a workflow's document. See the port."""
        with self._writing() as memory:
            kept, _ = memory.workflows.setdefault(identity, (digest, at))
            if kept != digest:
                users = [
                    row.id for row in self._unended() if row.workflow.split(HIDDEN)[0] == identity
                ]
                if users or not replace:
                    raise in_use(identity, users, replace=replace)
                memory.workflows[identity] = (digest, at)
            memory.documents.setdefault(digest, source)

    def adopt(self, owner: str, orphaned: str, *, hidden: bool = False) -> list[RunRow]:
        """Give runs to another owner. See the port."""
        with self._writing() as memory:
            adopted = [
                msgspec.structs.replace(row, owner=owner)
                for row in memory.runs.values()
                if row.owner == orphaned and row.ended_at is None and (hidden or is_shown(row))
            ]
            for row in adopted:
                memory.runs[row.id] = row
            if adopted:
                first = min(row.first_event for row in adopted)
                place = memory.cursors.get(orphaned, first)
                memory.cursors[owner] = min(place, memory.cursors.get(owner, place))
                if not any(_is_live(row, orphaned) for row in memory.runs.values()):
                    memory.cursors.pop(orphaned, None)
        return sorted(adopted, key=lambda row: row.id)

    def ask(self, run_id: str, body: bytes) -> None:
        """Leave a request. See the port."""
        with self._writing() as memory:
            _ask(memory, run_id, body)

    def purge(self, ended_before: int, *, limit: int = 1000) -> int:
        """Forget old runs and events. See the port."""
        with self._writing() as memory:
            scheduled = {row.run for row in memory.schedules.values()}
            old = sorted(
                (row.ended_at, row.id)
                for row in memory.runs.values()
                if row.ended_at is not None and row.ended_at < ended_before
                if row.id not in scheduled
            )[:limit]
            for _, run in old:
                if memory.runs.pop(run).control == "choreographed":
                    memory.past.add(run)
                memory.inbox.pop(run, None)
                memory.journal.pop(run, None)
                memory.snapshots.pop(run, None)
                for request in [one for one in memory.requests.values() if one.run == run]:
                    del memory.requests[request.id]
            memory.records.purge(ended_before)
            memory.promises.purge([run for _, run in old], ended_before)
            memory.gathered = [one for one in memory.gathered if one.at >= ended_before]
            for late in [one for one in memory.parked.values() if one.why == LATE]:
                if late.at < ended_before:
                    del memory.parked[late.number]
            for served in [one for one in memory.served.values() if one.at < ended_before]:
                key = (served.run, served.key)
                memory.served[key] = msgspec.structs.replace(served, answer=None)
            used = {row.digest for row in memory.runs.values()}
            used |= {digest for digest, _ in memory.workflows.values()}
            for digest in memory.documents.keys() - used:
                del memory.documents[digest]
            owners = {row.owner for row in memory.runs.values() if row.ended_at is None}
            memory.cursors = {
                owner: number for owner, number in memory.cursors.items() if owner in owners
            }
            needed = [row.first_event for row in memory.runs.values() if row.ended_at is None]
            needed += memory.cursors.values()
            for event in list(memory.events.values()):
                if event.at < ended_before and all(event.number <= one for one in needed):
                    del memory.events[event.number]
                    del memory.identities[_identity(event.event)]
        return len(old)

    # -- reading -----------------------------------------------------------------------------------

    def workflow(self, identity: str) -> bytes | None:
        """Return a document. See the port."""
        digest = self.digest(identity)
        return None if digest is None else self.document(digest)

    def digest(self, identity: str) -> str | None:
        """Return the digest of what is deployed. See the port."""
        kept = self._memory.workflows.get(identity)
        return None if kept is None else kept[0]

    def deployed_at(self, identity: str) -> int | None:
        """Return when a version was deployed. See the port."""
        kept = self._memory.workflows.get(identity)
        return None if kept is None else kept[1]

    def document(self, digest: str) -> bytes | None:
        """Return a document by its digest. See the port."""
        return self._memory.documents.get(digest)

    def workflows(self, prefix: str = "") -> list[str]:
        """Return identities. See the port."""
        kept = self._memory.workflows
        return sorted(
            (identity for identity in kept if identity.startswith(prefix)),
            key=lambda identity: (kept[identity][1], identity),
        )

    def run(self, run_id: str) -> RunRow | None:
        """Return one run's row. See the port."""
        return self._memory.runs.get(run_id)

    def runs(
        self, where: RunFilter = EVERY, *, before: str | None = None, limit: int = 50
    ) -> RunPage:
        """Return runs, newest first. See the port."""
        return page_of(self._memory.runs, where, before=before, limit=limit)

    def count_runs(self, since: int) -> list[RunTally]:
        """Return how many runs there are. See the port."""
        return tally_of(self._memory.runs, since)

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalRow]:
        """Return a run's events. See the port."""
        rows = self._memory.journal.get(run_id, {})
        return iter([rows[seq] for seq in sorted(rows) if seq > after])

    def snapshot(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the latest snapshot. See the port."""
        return self._memory.snapshots.get(run_id)

    def live(self, owner: str) -> list[RunRow]:
        """Return an owner's running runs. See the port."""
        return [row for row in self._unended() if row.owner == owner and row.status == "running"]

    def owners(self, *, hidden: bool = False) -> list[str]:
        """Return the owners of unended runs. See the port."""
        rows = [row for row in self._unended() if hidden or is_shown(row)]
        return sorted({row.owner for row in rows if row.owner is not None})

    def cursor(self, owner: str) -> int | None:
        """Return an owner's place in the events. See the port."""
        return self._memory.cursors.get(owner)

    def due(self, owner: str, now: int, limit: int) -> list[RunRow]:
        """Return due runs. See the port."""
        rows = [
            (row.wake_at, row.id, row)
            for row in self._memory.runs.values()
            if row.owner == owner and row.wake_at is not None and row.wake_at <= now
        ]
        return [row for _, _, row in sorted(rows)[:limit]]

    def next_wake(self, owner: str) -> int | None:
        """Return the next due time. See the port."""
        rows = [row for row in self._memory.runs.values() if row.owner == owner]
        return min((row.wake_at for row in rows if row.wake_at is not None), default=None)

    def last_event(self) -> int:
        """Return the newest event's number. See the port."""
        return max(self._memory.events, default=0)

    def events(
        self, after: int, *, types: tuple[str, ...] = (), limit: int = 1000
    ) -> list[StoredEvent]:
        """Return events. See the port."""
        return [
            self._memory.events[number]
            for number in sorted(self._memory.events)
            if number > after
            if not types or self._memory.events[number].event["type"] in types
        ][:limit]

    def sources(self, event_type: str) -> list[str]:
        """Return correlation sources. See the port."""
        return sorted(
            {one.source for one in self._memory.subscriptions if one.type in {event_type, ""}}
        )

    def subscribers(self, event_type: str, source: str, value: str) -> list[str]:
        """Return subscribed runs. See the port."""
        return sorted(
            {
                one.run
                for one in self._memory.subscriptions
                if one.type in {event_type, ""} and (one.source, one.value) == (source, value)
            }
        )

    def subscriptions(self, run_id: str) -> list[Subscription]:
        """Return a run's subscriptions. See the port."""
        return [one for one in self._memory.subscriptions if one.run == run_id]

    def requests(self, owner: str) -> list[Request]:
        """Return requests for an owner's runs. See the port."""
        runs = self._memory.runs
        return [
            one
            for one in self._memory.requests.values()
            if one.run in runs and runs[one.run].owner == owner
        ]

    def schedules(self, identity: str) -> list[ScheduleRow]:
        """Return how far schedules have come. See the port."""
        rows = [row for row in self._memory.schedules.values() if row.identity == identity]
        return sorted(rows, key=lambda row: row.kind)

    def gathered(self, scope: str, key: str) -> list[GatheredRow]:
        """Return what waits for the rest of its group. See the port."""
        found = [one for one in self._memory.gathered if (one.scope, one.key) == (scope, key)]
        return sorted(found, key=lambda one: (one.group, one.slot))

    def under_way(self, workflow: str) -> list[RunRow]:
        """Return a workflow's unended runs. See the port."""
        return [row for row in self._unended() if row.workflow == workflow]

    def name(self) -> str:
        """Return what the store is called. See the port."""
        return self._memory.name

    def version(self) -> int:
        """Return a number that changes with other processes' writes. See the port."""
        return self._memory.writes

    def close(self) -> None:
        """Do nothing: the memory outlives the stores open on it. See the port."""

    def _unended(self) -> list[RunRow]:
        rows = [row for row in self._memory.runs.values() if row.ended_at is None]
        return sorted(rows, key=lambda row: row.id)


def _mark(memory: Memory, notes: Notes) -> None:
    """Note in the runs' rows who is stuck, and when to see whether somebody is."""
    marks = [(run, "stuck", at) for run, at in notes.stuck]
    marks += [(run, "check_at", at) for run, at in notes.checked]
    for run, name, at in marks:
        row = memory.runs.get(run)
        if row is not None and row.ended_at is None:
            memory.runs[run] = msgspec.structs.replace(row, **{name: at})


def _refuse_conflicts(memory: Memory, batch: Batch) -> None:
    for run, seq, *_ in batch.journal:
        if seq in memory.journal.get(run, {}):
            raise ConflictError(run, hint="another process drives this run now")
    for row in batch.runs:
        if row.id in memory.runs:
            raise ConflictError(row.id, hint="a run of this id exists already")
    started: set[str] = set()
    for row in batch.runs:
        if row.id in started:
            raise ConflictError(row.id, hint="a batch starts a run once")
        started.add(row.id)


def _change(memory: Memory, run: str, change: Change) -> None:
    row = memory.runs.get(run)
    if row is None or row.ended_at is not None:
        return
    kept: dict[str, Any] = {
        name: value
        for name in ("ended_at", "output", "fault", "problem")
        if (value := getattr(change, name)) is not None
    }
    if change.problem == "":
        kept["problem"] = None
    memory.runs[run] = msgspec.structs.replace(
        row, status=change.status, wake_at=change.wake_at, **kept
    )


def _ask(memory: Memory, run: str, body: bytes) -> None:
    memory.last_request += 1
    number = memory.last_request
    memory.requests[number] = Request(id=number, run=run, body=body)


def _publish(memory: Memory, at: int, event: dict[str, Any]) -> int:
    known = memory.identities.get(_identity(event))
    if known is not None:
        return known
    memory.last_event += 1
    number = memory.identities[_identity(event)] = memory.last_event
    memory.events[number] = StoredEvent(number=number, at=at, event=event)
    return number


def _identity(event: dict[str, Any]) -> tuple[str, str]:
    return event["source"], event["id"]


def _is_live(row: RunRow, owner: str) -> bool:
    return row.owner == owner and row.ended_at is None
