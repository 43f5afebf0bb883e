"""Whether a run goes as its workflow says: what came is held against what was allowed. Pure.

What participants tell comes from several clocks, so times order nothing here: a run is compared as
a partial order. A task may begin when one that it may follow has ended, or at the beginning of its
scope, once that has begun; each by the participant that it belongs to. Whether the data would have
led there is not asked, so what is found is wrong for certain.

Owns the verdicts, and when somebody is late or stuck:

- *violation*: something came that nothing allowed;
- *stuck*: nobody acted who should have, within the SLA of the task, or else within the time in
  which somebody is expected to act (a wait: after it is over; an event: only if there is an SLA);
- *late*: somebody did, or does, after the SLA of the task or of the workflow;
- *inconclusive*: not enough is known to say;
- *ok*: none of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from batuta.choreography.owners import is_external, owned_tasks, participants_of
from batuta.insight.expected import CHILD, EVENT, RESUME, TIME
from batuta.insight.places import is_inside, orders_of, scope_of
from batuta.kernel.reporting import UNTOLD
from batuta.kernel.state import COMPLETED, FAULTED, TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batuta.definition.model import Task
    from batuta.insight.expected import Expected
    from batuta.insight.places import Order
    from batuta.insight.timeline import Account, TaskLine
    from batuta.kernel.program import Program

OK, VIOLATION, STUCK, LATE, INCONCLUSIVE = "ok", "violation", "stuck", "late", "inconclusive"
_WORST = (VIOLATION, STUCK, LATE, INCONCLUSIVE)

EXPECTED_MS = 300_000
"""Within what time somebody is expected to act where no SLA says it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be.

    `came` is what happened, or did not; `allowed` what should have. `at` is when it came, or since
    when it is awaited (epoch milliseconds). The reference "" is the run as a whole.
    """

    verdict: str
    reference: str
    path: str = ""
    what: str
    came: str
    allowed: str
    at: int


class Conformance(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a run: that of its worst finding."""

    verdict: str
    findings: tuple[Finding, ...] = ()


class Rules:
    """What a workflow allows, found once per version."""

    def __init__(self, program: Program, functions: Mapping[str, Task]) -> None:
        """Derive the rules.

        Args:
            program: the whole workflow, compiled.
            functions: functions from elsewhere, as it was compiled with.
        """
        self.program = program
        self.orders = orders_of(program)
        self.participants = participants_of(program.workflow, functions)
        self.detached = frozenset(
            node.reference
            for node in program.nodes.values()
            if node.kind == "run" and not node.own.wait
        )
        """Tasks that control does not wait for."""
        self._owners: dict[str, set[str | None]] = {}
        for task, owner in owned_tasks(program.workflow, functions):
            self._owners.setdefault(task.reference, set()).add(owner)

    def may_perform(self, line: TaskLine) -> tuple[str, ...]:
        """Return who may have begun a task; nobody in particular: empty."""
        owners = self._owners.get(line.reference, set())
        return () if None in owners else tuple(sorted(one for one in owners if one is not None))

    def may_tell(self, line: TaskLine) -> bool:
        """Say whether who told of a task may have: its participant, or anybody for a service."""
        who = self.may_perform(line)
        return (
            not line.by
            or not who
            or line.by in who
            or is_external(self.program.workflow, line.participant)
        )


class Standing(NamedTuple):
    """How a run stands: its row, in short; times are epoch milliseconds."""

    status: str
    started_at: int
    ended_at: int | None
    now: int


def conformance(
    rules: Rules | None,
    account: Account | None,
    expected: list[Expected],
    run: Standing,
    expected_ms: int = EXPECTED_MS,
) -> Conformance:
    """Return the verdict on a run.

    Args:
        rules: its workflow's, None where that version is not known here.
        account: what its tasks lived through, None where that cannot be known any more.
        expected: what is expected next in it.
        run: how it stands.
        expected_ms: in what time somebody is expected to act where no SLA says it.
    """
    findings: list[Finding] = []
    if rules is None or account is None:
        what = "workflow" if rules is None else "history"
        findings.append(
            Finding(
                verdict=INCONCLUSIVE,
                reference="",
                what=what,
                came=f"the {what} of this run is not known here",
                allowed="",
                at=run.started_at,
            )
        )
    else:
        findings += _out_of_order(rules, account)
        findings += _untold(account, run)
        findings += _late(rules.program, account, run)
    findings += _stuck(expected, run, expected_ms)
    verdicts = {one.verdict for one in findings}
    verdict = next((one for one in _WORST if one in verdicts), OK)
    return Conformance(verdict=verdict, findings=tuple(findings))


# -- violations ------------------------------------------------------------------------------------


def _out_of_order(rules: Rules, account: Account) -> Iterator[Finding]:
    begun: dict[tuple[str, str], list[TaskLine]] = {}
    for line in account.lines:
        begun.setdefault((line.reference, scope_of(line.path)), []).append(line)
    done = {
        (line.reference, scope_of(line.path))
        for line in account.lines
        if line.status == COMPLETED or line.reference in rules.detached
    }
    done |= {(one.reference, scope_of(one.path)) for one in account.untold if one.what == COMPLETED}
    for line in account.lines:
        order = rules.orders.get(line.reference)
        if order is None:
            allowed = f"the tasks of {rules.program.workflow.identity}"
            yield _violation(line, "unknown task", _came(line), allowed)
            continue
        who = rules.may_perform(line)
        if (who and line.participant not in who) or not rules.may_tell(line):
            came = f"{_came(line)} by {line.by or line.participant or 'nobody'}"
            yield _violation(line, "wrong participant", came, " or ".join(who))
        scope = scope_of(line.path)
        follows = any((before, scope) in done for before in order.after)
        if not follows and not (order.begins and _is_in_scope(rules, line, begun)):
            yield _violation(line, "out of order", _came(line), _allowed(rules, order, line))


def _is_in_scope(
    rules: Rules, line: TaskLine, begun: dict[tuple[str, str], list[TaskLine]]
) -> bool:
    """Say whether the task around one has begun; what no task of the document is around has."""
    node = rules.program.nodes[line.reference]
    while node.wrapper is not None:
        node = node.wrapper
    if node.parent is None or node.parent.kind in UNTOLD:
        return True
    around = node.parent.described
    return any(
        is_inside((other.reference, other.path), (line.reference, line.path))
        for (reference, _), others in begun.items()
        if reference == around.reference
        for other in others
    )


def _came(line: TaskLine) -> str:
    return f"{line.name} ({line.reference}) began"


def _allowed(rules: Rules, order: Order, line: TaskLine) -> str:
    names = {one: rules.program.nodes[one].name for one in order.after}
    before = [f"{name} ({reference}) has completed" for reference, name in sorted(names.items())]
    if order.begins:
        before.insert(0, "what it stands in has begun")
    return f"{line.name} once {', or '.join(before)}" if before else "nothing leads there"


def _violation(line: TaskLine, what: str, came: str, allowed: str) -> Finding:
    return Finding(
        verdict=VIOLATION,
        reference=line.reference,
        path=line.path,
        what=what,
        came=came,
        allowed=allowed,
        at=line.started_at,
    )


def _untold(account: Account, run: Standing) -> Iterator[Finding]:
    """Yield what must have happened, and was not told."""
    for one in account.untold:
        if one.what == FAULTED:
            continue  # what is wrong with a task may show before it begins
        yield Finding(
            verdict=INCONCLUSIVE,
            reference=one.reference,
            path=one.path,
            what="untold start",
            came="an end without a start",
            allowed="its start is told first",
            at=one.at,
        )
    if run.status != COMPLETED:
        return
    for line in account.lines:
        if line.status == "running":
            yield Finding(
                verdict=INCONCLUSIVE,
                reference=line.reference,
                path=line.path,
                what="untold end",
                came="the run completed, and nobody told how this task ended",
                allowed="its end is told",
                at=line.started_at,
            )


# -- late and stuck --------------------------------------------------------------------------------


def _late(program: Program, account: Account, run: Standing) -> Iterator[Finding]:
    until = run.now if run.ended_at is None else run.ended_at
    sla = program.workflow.sla
    if sla is not None and until - run.started_at > sla.within_ms:
        yield _after_sla("", "", until - run.started_at, sla.within_ms, run.started_at)
    for line in account.lines:
        node = program.nodes.get(line.reference)
        if node is None or node.task.sla is None:
            continue
        within = node.task.sla.within_ms
        took = (until if line.ended_at is None else line.ended_at) - line.since
        if took > within:
            yield _after_sla(line.reference, line.path, took, within, line.since)


def _after_sla(reference: str, path: str, took: int, within: int, since: int) -> Finding:
    return Finding(
        verdict=LATE,
        reference=reference,
        path=path,
        what="sla",
        came=f"{took} ms",
        allowed=f"{within} ms",
        at=since,
    )


def _stuck(expected: list[Expected], run: Standing, expected_ms: int) -> Iterator[Finding]:
    if run.status in TERMINAL:
        return
    for one in expected:
        limit = stuck_at(one, expected_ms)
        if limit is not None and run.now > limit:
            who = one.participant or "the conductor"
            yield Finding(
                verdict=STUCK,
                reference=one.reference,
                path=one.path,
                what=one.what,
                came=f"nothing of {who} for {run.now - one.since} ms",
                allowed=f"{who} to {_wanted(one)} within {limit - one.since} ms",
                at=one.since,
            )


def stuck_at(one: Expected, expected_ms: int) -> int | None:
    """Return from when on nobody has acted who should have (epoch milliseconds), if ever.

    A soft or hard deadline of the task says it, else the time in which somebody is expected to act.
    """
    if one.what == RESUME:
        return None
    if one.what in {EVENT, CHILD}:
        return one.due
    if one.what == TIME:
        return None if one.due is None else one.due + expected_ms
    return one.since + expected_ms if one.due is None else one.due


def _wanted(one: Expected) -> str:
    what = {"begin": "begin", "finish": "finish", "retry": "try again", TIME: "wake up after"}
    name = f"{one.name} ({one.reference})" if one.reference else "the run"
    return f"{what.get(one.what, 'go on from')} {name}"
