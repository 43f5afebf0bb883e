"""Finding runs: what people ask in texts, as the store takes it.

Owns the words of a query and their errors, which workflows a participant takes part in, and the
page of views that answers. Does not own how a million runs are looked through (the store does).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.definition.error_types import BASE, STATUSES
from batuta.errors import RequestError
from batuta.ports.listing import CONTROLS, RunFilter
from batuta.ports.listing import STATUSES as RUN_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batuta.app.views import RunView
    from batuta.ports.sla import Promises
    from batuta.ports.store import RunRow, Store


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs, in the texts that people and programs write; all that is said has to hold.

    `workflow` is `namespace/name` or `namespace/name:version`. `participant` has a part in the
    runs' workflows. `stuck` runs are those in which nobody acts who should. `since` and `until` are
    RFC 3339 times (with an offset) around the start. `error` is the type of the fault, a whole URI
    or the last part of a standard one (`timeout`). `keys` are business keys with their values; `q`
    begins the run's id, or the value of one of its keys.
    """

    workflow: str | None = None
    version: str | None = None
    control: str | None = None
    participant: str | None = None
    status: tuple[str, ...] = ()
    stuck: bool | None = None
    since: str | None = None
    until: str | None = None
    error: str | None = None
    keys: dict[str, str] = {}
    q: str | None = None


class FoundRuns(NamedTuple):
    """A page of runs, newest first. `next` is what to give as `after` for older ones.

    A page may have fewer runs than were asked for, and none, and yet a `next`: then so many were
    looked at that it was time to answer. `sla` says of each run of which anything was promised the
    worst that has become of it: open, met, warned or breached. `conformance` are verdicts, for
    those that have one (`verdicts`).
    """

    items: list[RunView]
    next: str | None
    sla: dict[str, str]
    conformance: dict[str, str]


class Listing:
    """Finds runs in one store."""

    def __init__(
        self,
        store: Store,
        show: Callable[[RunRow], RunView],
        promises: Promises,
        verdicts: Callable[[list[RunRow], dict[str, str]], dict[str, str]],
    ) -> None:
        """Prepare.

        Args:
            store: the runs.
            show: makes a view of a run.
            promises: what was promised of them.
            verdicts: tells whether some of them conform, given how their promises stand.
        """
        self._store = store
        self._show = show
        self._promises = promises
        self._verdicts = verdicts
        self._named: dict[str, frozenset[str]] = {}
        """By digest: the participants that a document names."""

    def find(
        self,
        query: RunQuery,
        *,
        after: str | None = None,
        limit: int = 50,
        within: frozenset[str] | None = None,
    ) -> FoundRuns:
        """Return a page of runs.

        Args:
            query: what is asked for.
            after: `next` of the page before.
            limit: how many at most.
            within: the identities of the workflows whose runs may be shown; None for all.

        Raises:
            RequestError: something in the query is not what it should be; the message begins with
                its name.
            NotFoundError: there is no run `after` any more.
        """
        where = self.filter(query)
        if within is not None:
            named = within if where.identities is None else where.identities & within
            where = msgspec.structs.replace(where, identities=named)
        page = self._store.runs(where, before=after, limit=limit)
        sla = self._promises.promise_states([row.id for row in page.rows])
        views = [self._show(row) for row in page.rows]
        return FoundRuns(views, page.next, sla, self._verdicts(page.rows, sla))

    def filter(self, query: RunQuery) -> RunFilter:
        """Return what a query means to a store.

        Raises:
            RequestError: see `find`.
        """
        _one_of("control", (query.control,) if query.control is not None else (), CONTROLS)
        _one_of("status", query.status, RUN_STATUSES)
        return RunFilter(
            workflow=query.workflow,
            version=query.version,
            identities=None if query.participant is None else self.with_part(query.participant),
            control=query.control,
            statuses=query.status,
            stuck=query.stuck,
            since=_time("since", query.since),
            until=_time("until", query.until),
            error=None if query.error is None else _error_type(query.error),
            keys=query.keys,
            text=query.q or None,
        )

    def with_part(self, participant: str) -> frozenset[str]:
        """Return the identities of the deployed workflows that a participant has a part in."""
        return frozenset(
            identity
            for identity in self._store.workflows()
            if participant in self._named_in(self._store.digest(identity) or "")
        )

    def _named_in(self, digest: str) -> frozenset[str]:
        named = self._named.get(digest)
        if named is None:
            source = self._store.document(digest)
            deployed = None if source is None else msgspec.json.decode(source)
            named = self._named[digest] = frozenset(_participants_in(deployed))
        return named


def _participants_in(value: Any) -> Iterator[str]:
    """Yield every participant that a document, or a function beside it, names or declares."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            metadata = one.get("metadata")
            if isinstance(metadata, dict):
                participant, declared = metadata.get("participant"), metadata.get("participants")
                if isinstance(participant, str):
                    yield participant
                if isinstance(declared, dict):
                    yield from declared
            left += one.values()


def _one_of(field: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for one in given:
        if one not in known:
            raise RequestError(f"{field}: there is no {one!r}", hint=f"one of {', '.join(known)}")


def _time(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise RequestError(
            f"{field}: {text!r} is no time", hint="write it as 2026-01-31T12:00:00Z (RFC 3339)"
        )
    return round(time.timestamp() * 1_000)


def _error_type(text: str) -> str:
    return BASE + text if text in STATUSES else text
