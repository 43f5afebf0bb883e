"""What is known of a run beyond how it stands: what is expected next, and whether all is right.

The same for both control models: of an orchestrated run it is derived from its journal and the
state that leads to, of a choreographed one from what its participants have told. Owns where either
comes from, and the shape in which it is answered; what it means is `insight`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.app.board import PromiseView, promise_view
from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.views import text_time
from batuta.choreography.owners import starter
from batuta.errors import BatutaError, KernelBug
from batuta.insight.conformance import EXPECTED_MS, Conformance, Rules, Standing, conformance
from batuta.insight.expected import Expected, of_account, of_state
from batuta.insight.timeline import Account, account_of, told
from batuta.runtime.shared.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.app.choreography import Seen
    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program
    from batuta.ports.clock import Clock
    from batuta.ports.store import RunRow, Store
    from batuta.runtime.shared.programs import Programs


class AwaitedEventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is waited for: its type (null: any), and expressions over it with values."""

    type: str | None
    correlate: dict[str, Any]


class ExpectedView(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen next in a run, and from whom (`insight.expected`).

    `what` is begin, finish, event, time, child, retry, go on or resume. A null participant is the
    conductor. Times are RFC 3339 texts in UTC; `due` is null where nothing says it.
    """

    reference: str
    path: str
    name: str
    kind: str
    participant: str | None
    what: str
    since: str
    due: str | None
    events: tuple[AwaitedEventView, ...] = ()
    run: str | None = None


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a run that is not as it should be (`insight.conformance`)."""

    verdict: str
    reference: str
    path: str
    what: str
    came: str
    allowed: str
    at: str


class ConformanceView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run goes as its workflow says: ok, violation, late, stuck or inconclusive."""

    verdict: str
    findings: tuple[FindingView, ...]


class KnownView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run besides its `RunView`; `participants` take part in its workflow.

    `sla` is what was promised of it and its tasks, by when that began.
    """

    participants: tuple[str, ...]
    conformance: ConformanceView
    expected: tuple[ExpectedView, ...]
    sla: tuple[PromiseView, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class Known(NamedTuple):
    """The same as values; `account` is None where a run's history is not to be had."""

    account: Account | None
    expected: list[Expected]
    conformance: Conformance


class Knowing:
    """Answers what is known of runs."""

    def __init__(
        self,
        store: Store,
        programs: Programs,
        views: Seen,
        clock: Clock,
        mask: Callable[[Any], Any],
    ) -> None:
        """Prepare.

        Args:
            store: the journals.
            programs: the deployed workflows.
            views: what was seen of choreographed runs, and promised of all.
            clock: the time.
            mask: puts stars for secrets.
        """
        self._store = store
        self._programs = programs
        self._views = views
        self._clock = clock
        self._mask = mask
        self.expected_ms = EXPECTED_MS
        """Within what time somebody is expected to act where no SLA says it."""
        self._rules: dict[tuple[str, str | None], Rules] = {}

    def about(self, row: RunRow) -> KnownView:
        """Return what is known of a run, as it is shown."""
        known = self.known(row)
        rules = self.rules(row)
        return KnownView(
            participants=() if rules is None else rules.participants,
            conformance=ConformanceView(
                verdict=known.conformance.verdict,
                findings=tuple(
                    FindingView(
                        verdict=one.verdict,
                        reference=one.reference,
                        path=one.path,
                        what=one.what,
                        came=one.came,
                        allowed=one.allowed,
                        at=text_time(one.at) or "",
                    )
                    for one in known.conformance.findings
                ),
            ),
            expected=tuple(map(self._expected_view, known.expected)),
            sla=tuple(map(promise_view, self._views.promises_of(row.id))),
        )

    def known(self, row: RunRow) -> Known:
        """Return what is known of a run."""
        rules = self.rules(row)
        if row.control == CHOREOGRAPHED:
            account, expected = self._told(row, rules)
        elif rules is None:
            account, expected = None, []
        else:
            account, expected = self._replayed(row, rules.program)
        standing = Standing(row.status, row.started_at, row.ended_at, self._clock.now())
        verdict = conformance(rules, account, expected, standing, self.expected_ms)
        return Known(account, expected, verdict)

    def rules(self, row: RunRow) -> Rules | None:
        """Return what a run's workflow allows, None if that version is not known here."""
        key = (row.workflow, row.digest)
        rules = self._rules.get(key)
        if rules is None:
            try:
                program = self._programs.of(row.workflow, row.digest)
            except BatutaError:
                return None
            rules = self._rules[key] = Rules(program, self._programs.functions_of(program))
        return rules

    def _replayed(self, row: RunRow, program: Program) -> tuple[Account | None, list[Expected]]:
        watch: Watch = []
        try:
            state, _, ledger = replay(program, self._store.journal(row.id), watch=watch)
        except KernelBug:
            return None, []
        return account_of(watch), of_state(program, state, ledger, row.started_at)

    def _told(self, row: RunRow, rules: Rules | None) -> tuple[Account, list[Expected]]:
        account = told(self._views.reports(row.id))
        first = None
        if rules is not None:
            workflow = rules.program.workflow
            first = starter(workflow, self._programs.functions_of(rules.program))
        expected = of_account(
            account,
            program=None if rules is None else rules.program,
            status=row.status,
            first=first,
            began=row.started_at,
        )
        return account, expected

    def _expected_view(self, one: Expected) -> ExpectedView:
        events = tuple(
            AwaitedEventView(type=event.type, correlate=self._mask(event.correlate))
            for event in one.events
        )
        return ExpectedView(
            reference=one.reference,
            path=one.path,
            name=one.name,
            kind=one.kind,
            participant=one.participant,
            what=one.what,
            since=text_time(one.since) or "",
            due=text_time(one.due),
            events=events,
            run=one.run,
        )
