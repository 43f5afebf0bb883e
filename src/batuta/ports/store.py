"""Where runs are kept: the port of the journal and of what is derived from it.

The journal is the truth: per run, the events that `kernel.step` took, in order. Everything else in
a store (run rows, subscriptions, snapshots) is written in the same transaction and could be rebuilt
from it. What one transaction holds is a `Batch`, which collects the transitions of many runs.

Some runs are *hidden*: they are no run of a workflow but wait for the events that start one. Their
workflow's name has `HIDDEN` in it; lists leave them out, and only who serves schedules adopts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from batuta.errors import ConflictError
from batuta.ports.listing import EVERY
from batuta.ports.sla import Notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.ports.listing import RunFilter, RunPage, RunTally
    from batuta.ports.mail import Outgoing, Parked, Served
    from batuta.ports.records import AuditRow, Remembered


_MOST_USERS = 3
HIDDEN = "#"
"""Marks the workflow of a hidden run; no identity of a deployed workflow can have it."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run as lists show it. Times are epoch milliseconds, `output` and `fault` JSON text.

    `status` is running, waiting (only a timer or an event can move it: it needs no memory),
    suspended, completed, faulted or cancelled. `owner` is the conductor that drives it, `wake_at`
    when a waiting run must be woken, `first_event` the number from which on it hears events,
    `digest` that of the document it goes by. `keys` are the business keys that it is found by (a
    JSON object), `stuck` since when nobody has acted who should have, `check_at` when to see next
    whether that is so (of a choreographed run).
    """

    id: str
    workflow: str
    control: str = "orchestrated"
    status: str = "running"
    started_at: int
    ended_at: int | None = None
    wake_at: int | None = None
    owner: str | None = None
    parent: str | None = None
    parent_key: str | None = None
    origin: str | None = None
    first_event: int = 0
    output: bytes | None = None
    fault: bytes | None = None
    problem: str | None = None
    setup: str | None = None
    digest: str | None = None
    keys: bytes | None = None
    stuck: int | None = None
    check_at: int | None = None


class JournalRow(msgspec.Struct, frozen=True, array_like=True):
    """One event that a run took: `body` is its JSON, `answers` the sandbox's, if it was asked."""

    run: str
    seq: int
    at: int
    body: bytes
    answers: bytes | None = None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Who waits for which events. Empty `type` means any; `source` and `value` one correlation."""

    run: str
    token: str
    key: str
    type: str = ""
    source: str = ""
    value: str = ""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A published event and its place in the order of all events."""

    number: int
    at: int
    event: dict[str, Any]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What another process asks of a run's conductor: `body` is a kernel event as JSON."""

    id: int
    run: str
    body: bytes


class ScheduleRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far one schedule of a workflow has come.

    `kind` is every, cron, after or on. `number` grows with each fire, `at` is when the latest was
    due (of the row that comes first: when the schedule was first served) and `run` the id of the
    run that it led to. For `on`, `run` is the hidden run that listens now, to events with numbers
    greater than `first_event` except those in `heard`.
    """

    identity: str
    kind: str
    number: int
    at: int
    run: str = ""
    first_event: int = 0
    heard: tuple[int, ...] = ()


class GatheredRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event that waits for the rest of its group, so that one run starts for all of it.

    `scope` is what waits, `key` what the events of a group have in common, `group` the number of
    the group's first event, `slot` which of the awaited events this is, `value` what the run will
    be given of it. `run` is the hidden run that heard it.
    """

    scope: str
    key: str
    group: int
    slot: int
    at: int
    value: Any
    run: str = ""


class Change(msgspec.Struct, kw_only=True):
    """How a run's row changes with a transaction; None keeps what is there, except `wake_at`.

    An empty `problem` says that there is none any more. `was` is no part of what is written: status
    and `wake_at` as they stood before this transaction, if whoever notes the change knows them.
    """

    status: str
    wake_at: int | None = None
    ended_at: int | None = None
    output: bytes | None = None
    fault: bytes | None = None
    problem: str | None = None
    was: tuple[str, int | None] | None = None


class Batch:
    """One transaction in the making: all of it becomes durable, or nothing."""

    __slots__ = (
        "asks",
        "audits",
        "changes",
        "cursor",
        "dependents",
        "done_requests",
        "events",
        "gathered",
        "heard",
        "inbox",
        "journal",
        "keys",
        "notes",
        "numbers",
        "outbox",
        "parked",
        "redriven",
        "released",
        "remembered",
        "runs",
        "schedules",
        "sent",
        "served",
        "snapshots",
        "subscriptions",
        "unparked",
        "unserved",
        "unsubscriptions",
    )

    def __init__(self) -> None:
        self.runs: list[RunRow] = []
        self.journal: list[tuple[str, int, int, bytes, bytes | None]] = []
        self.changes: dict[str, Change] = {}
        self.keys: list[tuple[str, bytes]] = []
        """(run, JSON object): what a run that begins in this batch, or before, is found by."""
        self.subscriptions: list[Subscription] = []
        self.unsubscriptions: list[tuple[str, str]] = []
        """(run, key); the empty key means all of the run."""
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.snapshots: list[tuple[str, int, bytes]] = []
        self.asks: list[tuple[str, bytes]] = []
        """Requests as by `ask`, but in this transaction: (run, body)."""
        self.done_requests: list[int] = []
        self.cursor: tuple[str, int] | None = None
        self.schedules: list[ScheduleRow] = []
        """A row whose number is not greater than the one kept changes nothing."""
        self.gathered: list[GatheredRow] = []
        self.released: list[tuple[str, str, str, int]] = []
        """(run, scope, key, group): the group is complete, and forgotten; `run` heard the last."""
        self.dependents: list[tuple[str, str]] = []
        """(run, cause): the run starts because of what the batch says of the other run."""
        self.inbox: list[tuple[str, str]] = []
        """(run, message): taken by a participant; one that is there already stays."""
        self.outbox: list[Outgoing] = []
        self.sent: list[int] = []
        """Numbers of the outbox that the bus has."""
        self.heard: list[tuple[int, int, dict[str, Any]]] = []
        """(number, time, event): events from a bus, under the numbers that they have there."""
        self.parked: list[Parked] = []
        """One that is parked already, from the same place in the bus, changes nothing."""
        self.redriven: list[int] = []
        """Numbers of what is parked and is to be taken again."""
        self.unparked: list[int] = []
        """Numbers of what is parked no more."""
        self.served: list[Served] = []
        """What was asked for from elsewhere, as it stands now: takes the place of what stood."""
        self.unserved: list[tuple[str, str]] = []
        """(run, key) of requests that are forgotten as if they had never come."""
        self.audits: list[AuditRow] = []
        self.remembered: list[Remembered] = []
        """One that starts a run is refused with it when there is one of its scope and key; one that
        starts none then changes nothing."""
        self.notes = Notes()
        """What is promised, and who is told what is not kept (`ports.sla`)."""
        self.numbers: list[int] = []
        """Set by the store: the numbers given to `events`, in order."""

    def __bool__(self) -> bool:
        """Say whether there is anything to commit."""
        return bool(
            self.journal
            or self.runs
            or self.changes
            or self.events
            or self.keys
            or self.notes
            or self.subscriptions
            or self.unsubscriptions
            or self.snapshots
            or self.asks
            or self.done_requests
            or self.cursor
            or self.schedules
            or self.gathered
            or self.released
            or self.inbox
            or self.outbox
            or self.sent
            or self.heard
            or self.parked
            or self.redriven
            or self.unparked
            or self.served
            or self.unserved
            or self.audits
            or self.remembered
        )


def in_use(identity: str, users: list[str], *, replace: bool) -> ConflictError:
    """Return the refusal of another content for a deployed version; `users` have not ended."""
    if users and replace:
        shown = ", ".join(users[:_MOST_USERS]) + (", ..." if len(users) > _MOST_USERS else "")
        return ConflictError(
            f"{identity} is deployed with another content, and is in use: {shown} has not ended",
            hint="give the changed workflow a new version in `document.version`, or let what uses "
            "the old one end (`batuta runs cancel ID`)",
        )
    return ConflictError(
        f"{identity} is deployed already, with another content",
        hint="give the changed workflow a new version in `document.version`",
    )


class Store(Protocol):
    """Keeps runs.

    Promises: what `commit` returned for survives the death of the process and of the machine; a
        journal row, once written, never changes; numbers of events grow in the order of commits.
    Failure: `UnavailableError` means nothing was written and the same batch may be tried again (a
        full disk, a locked file); `ConflictError` that another process has written a run's next
        journal row (its message names the run): nothing was written; `CorruptError` that the store
        must not be used any more.
    Cancellation: `commit` cannot be cancelled; the reads return at once.
    Order: batches are durable in the order in which `commit` is called.
    Repetition: a batch must be committed once; rows are keyed, so that a second time is refused.

    `commit` is called from one thread, the reads from another.
    """

    def commit(self, batch: Batch) -> None:
        """Make a batch durable."""
        ...

    def commit_now(self, batch: Batch) -> bool:
        """Make a batch durable if that needs no waiting for others; else say False.

        Called on the thread of the reads, never while `commit` is under way. False, and every
        error, means that nothing was written.
        """
        ...

    def deploy(
        self, identity: str, digest: str, source: bytes, at: int, *, replace: bool = False
    ) -> None:
        """Keep a workflow's document; the same version with another digest is a ConflictError.

        With `replace` it takes the other's place, unless a run of the version has not ended, hidden
        or not: then it is a ConflictError all the same. What a run goes by is kept with the run.
        """
        ...

    def workflow(self, identity: str) -> bytes | None:
        """Return a document (JSON) by `namespace/name:version`."""
        ...

    def digest(self, identity: str) -> str | None:
        """Return the digest with which a version is deployed now."""
        ...

    def deployed_at(self, identity: str) -> int | None:
        """Return when a version was deployed, or its text last replaced (epoch milliseconds)."""
        ...

    def document(self, digest: str) -> bytes | None:
        """Return a document by its digest: that of a version, or of a run that is still known."""
        ...

    def workflows(self, prefix: str = "") -> list[str]:
        """Return the identities that start with `prefix`, in the order of their deployment."""
        ...

    def run(self, run_id: str) -> RunRow | None:
        """Return one run's row."""
        ...

    def runs(
        self, where: RunFilter = EVERY, *, before: str | None = None, limit: int = 50
    ) -> RunPage:
        """Return runs, newest first (by when they started, then by id), none of them hidden.

        Args:
            where: which runs.
            before: the id of the last run looked at (`RunPage.next`).
            limit: how many at most.

        Raises:
            NotFoundError: there is no run `before`: it was purged.
        """
        ...

    def count_runs(self, since: int) -> list[RunTally]:
        """Return how many runs there are, none of them hidden, and none of those that are none.

        Those that have ended count if they started at `since` or later, the others all; those that
        are stuck count twice, once as such. This may take a second for a million runs: it may be
        called from any thread.
        """
        ...

    def journal(self, run_id: str, after: int = 0) -> Iterator[JournalRow]:
        """Return a run's events with `seq` greater than `after`, in order."""
        ...

    def snapshot(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the latest snapshot of a run and the seq it stands at."""
        ...

    def live(self, owner: str) -> list[RunRow]:
        """Return an owner's runs that are under way (running), oldest first."""
        ...

    def owners(self, *, hidden: bool = False) -> list[str]:
        """Return the owners of runs that have not ended; of hidden ones too, if asked."""
        ...

    def adopt(self, owner: str, orphaned: str, *, hidden: bool = False) -> list[RunRow]:
        """Give all runs of one owner that have not ended to another; returns them, oldest first.

        In the same transaction the adopting owner's place in the events goes back to the other's,
        if that was behind. Hidden runs stay where they are, unless asked for.
        """
        ...

    def cursor(self, owner: str) -> int | None:
        """Return the number of the last event that an owner has dealt with, if it ever has."""
        ...

    def due(self, owner: str, now: int, limit: int) -> list[RunRow]:
        """Return an owner's waiting runs that are due, the longest overdue first."""
        ...

    def next_wake(self, owner: str) -> int | None:
        """Return when the next of an owner's waiting runs is due."""
        ...

    def last_event(self) -> int:
        """Return the number of the newest event, 0 when there is none."""
        ...

    def events(
        self, after: int, *, types: tuple[str, ...] = (), limit: int = 1000
    ) -> list[StoredEvent]:
        """Return events with greater numbers, of the given types (of all when none is given)."""
        ...

    def sources(self, event_type: str) -> list[str]:
        """Return the distinct correlation sources of subscriptions that may mean a type."""
        ...

    def subscribers(self, event_type: str, source: str, value: str) -> list[str]:
        """Return the ids of the runs that have such a subscription; "" sources are uncorrelated."""
        ...

    def subscriptions(self, run_id: str) -> list[Subscription]:
        """Return a run's subscriptions."""
        ...

    def ask(self, run_id: str, body: bytes) -> None:
        """Leave a request for the conductor of a run."""
        ...

    def requests(self, owner: str) -> list[Request]:
        """Return the requests for an owner's runs, oldest first."""
        ...

    def schedules(self, identity: str) -> list[ScheduleRow]:
        """Return how far the schedules of a workflow have come."""
        ...

    def gathered(self, scope: str, key: str) -> list[GatheredRow]:
        """Return what waits for the rest of its group, by group and slot."""
        ...

    def under_way(self, workflow: str) -> list[RunRow]:
        """Return the runs of exactly this workflow that have not ended, hidden or not."""
        ...

    def name(self) -> str:
        """Return what the store is called where several meet: random, and the same for ever."""
        ...

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        ...

    def purge(self, ended_before: int, *, limit: int = 1000) -> int:
        """Forget runs that ended before a time, and old events; returns how many runs.

        What a schedule still goes by is kept; a group of events that waits for the rest longer than
        that is not.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
