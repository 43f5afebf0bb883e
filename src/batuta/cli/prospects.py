"""How it is told what a run waits for, and what is not right with it: lines of text from views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.cli import accounts
from batuta.cli.paper import clean, say, short_json, styled

if TYPE_CHECKING:
    from batuta.app.knowing import AwaitedEventView, ExpectedView, KnownView

_TONES = {"violation": "bad", "stuck": "bad", "late": "warn"}
_MOST = 20


def say_findings(known: KnownView) -> None:
    """Tell what is not right with a run, if anything."""
    findings = known.conformance.findings
    for one in findings[:_MOST]:
        verdict = styled(f"{one.verdict}:", _TONES.get(one.verdict, "dim"), err=False)
        where = f"{clean(one.reference)}: " if one.reference else ""
        allowed = f", expected {clean(one.allowed)}" if one.allowed else ""
        say(f"{verdict} {where}{clean(one.came)}{allowed}")
    if len(findings) > _MOST:
        say(f"  ... and {len(findings) - _MOST} more: --json shows all")


def say_expected(known: KnownView, now: int) -> None:
    """Tell what is expected next, from whom, and since when."""
    if not known.expected:
        return
    say(styled("expected next:", "dim", err=False))
    for one in known.expected[:_MOST]:
        say(f"  {_expected(one, now)}")
    if len(known.expected) > _MOST:
        say(f"  ... and {len(known.expected) - _MOST} more: --json shows all")


def _expected(one: ExpectedView, now: int) -> str:
    who = clean(one.participant or "the conductor")
    task = f"{clean(one.name)} ({clean(one.reference)})" if one.reference else "the run"
    if one.what == "event":
        what = " or ".join(map(_event, one.events)) or "an event"
        told = f"{what}, for {who} at {task}"
    elif one.what == "resume":
        told = "somebody to resume the run"
    elif one.what == "child":
        told = f"the end of run {one.run}, for {task}" if one.run else f"the end of {task}"
    else:
        verb = {
            "begin": "begin",
            "finish": "finish",
            "time": "go on when its time comes from",
            "retry": "try again",
        }.get(one.what, "go on from")
        told = f"{who} to {verb} {task}"
    waited = accounts.lasting(max(0, now - accounts.milliseconds(one.since)))
    due = "" if one.due is None else f", due {accounts.plain_time(one.due)}"
    return f"{told}; since {waited}{due}"


def _event(event: AwaitedEventView) -> str:
    name = clean(event.type or "any event")
    where = [
        clean(source) if value is None else f"{clean(source)} = {short_json(value)}"
        for source, value in event.correlate.items()
    ]
    return f"{name} where {' and '.join(where)}" if where else name
