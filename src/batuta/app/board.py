"""The board of soft deadlines: what was promised, what was kept, and what is open now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.views import text_time
from batuta.errors import BatutaError

if TYPE_CHECKING:
    from batuta.definition.model import Sla
    from batuta.ports.clock import Clock
    from batuta.ports.sla import Promise, Promises, Tally
    from batuta.runtime.shared.programs import Programs

DAY_MS = 86_400_000
MOST_OPEN = 100


class PromiseView(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `state` is open, warned, breached or met; the reference null is the whole run.

    Times are RFC 3339 texts in UTC.
    """

    run: str
    workflow: str
    reference: str | None
    path: str
    name: str
    participant: str | None
    state: str
    since: str
    due_at: str = msgspec.field(name="dueAt")
    warned_at: str | None = msgspec.field(name="warnedAt")
    breached_at: str | None = msgspec.field(name="breachedAt")
    ended_at: str | None = msgspec.field(name="endedAt")


class SlaView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the promises of one task (or workflow: reference null) that began lately.

    `within` and `warn` are milliseconds, as the version says that is meant; null where it is not
    deployed here. `open`, `met` and `breached` are all there were, `warned` those warned of among
    them. `burn` is the part of those decided (met or breached) that were breached, 0 to 1.
    """

    workflow: str
    reference: str | None
    name: str
    within: int | None
    warn: int | None
    open: int
    met: int
    warned: int
    breached: int
    burn: float


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """The board: `items` since a time, and what is `open` now, that due first first."""

    since: str
    items: tuple[SlaView, ...]
    open: tuple[PromiseView, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class Board:
    """Answers how soft deadlines are kept."""

    def __init__(self, promises: Promises, programs: Programs, clock: Clock) -> None:
        self._promises = promises
        self._programs = programs
        self._clock = clock

    def show(self, *, within_ms: int = DAY_MS) -> BoardView:
        """Return the board of the promises that began in the last so many milliseconds."""
        since = self._clock.now() - within_ms
        return BoardView(
            since=text_time(since) or "",
            items=tuple(map(self._item, self._promises.tallies(since))),
            open=tuple(map(promise_view, self._promises.open_promises(MOST_OPEN))),
        )

    def of_run(self, run: str) -> tuple[PromiseView, ...]:
        """Return the promises of one run, by when they began."""
        return tuple(map(promise_view, self._promises.promises_of(run)))

    def _item(self, tally: Tally) -> SlaView:
        sla = self._sla(tally.workflow, tally.reference)
        decided = tally.met + tally.breached
        return SlaView(
            workflow=tally.workflow,
            reference=tally.reference or None,
            name=tally.name,
            within=None if sla is None else sla.within_ms,
            warn=None if sla is None else sla.warn_ms,
            open=tally.open,
            met=tally.met,
            warned=tally.warned,
            breached=tally.breached,
            burn=tally.breached / decided if decided else 0.0,
        )

    def _sla(self, workflow: str, reference: str) -> Sla | None:
        try:
            program = self._programs.get(workflow)
        except BatutaError:
            return None
        if not reference:
            return program.workflow.sla
        node = program.nodes.get(reference)
        return None if node is None else node.task.sla


def promise_view(one: Promise) -> PromiseView:
    """Return a promise as it is shown."""
    return PromiseView(
        run=one.run,
        workflow=one.workflow,
        reference=one.reference or None,
        path=one.key[len(one.reference) :],
        name=one.name,
        participant=one.participant,
        state=one.state,
        since=text_time(one.since) or "",
        due_at=text_time(one.due_at) or "",
        warned_at=text_time(one.warned_at),
        breached_at=text_time(one.breached_at),
        ended_at=text_time(one.ended_at),
    )
