"""What one message on the bus tells of a choreographed run. Pure.

Participants tell what their tasks have lived through, and hand control to each other. Both is kept:
a task that was handed to somebody who does nothing must show, and only the message that went there
tells of it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.types import RESERVED, prefix_of
from batuta.kernel.lifecycle import Happened
from batuta.ports.views import Exchanged, Report, Sighting
from batuta.runtime.shared.envelope import (
    Envelope,
    decode_ask,
    decode_end,
    decode_envelope,
    decode_hand,
    encode,
)

if TYPE_CHECKING:
    from batuta.ports.bus import Delivered
    from batuta.runtime.shared.envelope import Hand

_log = logging.getLogger("batuta.viewer")

HEARD = "heard"
"""What happened to a listen that consumed an event (`Happened`)."""

HANDED = "handed"
"""What happened to a task that control has gone to, and that has not begun yet (`Happened`)."""


class Seen:
    """What messages tell: of runs, and of their tasks, as it is kept and as it is told."""

    __slots__ = ("exchanged", "fresh", "reports", "runs", "time")

    def __init__(self) -> None:
        self.exchanged: list[Exchanged] = []
        self.runs: dict[str, list[Sighting]] = {}
        self.reports: list[Report] = []
        self.fresh: dict[str, list[Happened]] = {}
        self.time = 0
        """When the last message was told that says so: those that do not say it are as old."""


def note(message: Delivered, seen: Seen) -> None:
    """Add what a message tells; one that cannot be read tells nothing."""
    try:
        envelope = decode_envelope(message.body)
        run = envelope.batutarun or envelope.batutaabout
        if run:
            at = seen.time = _milliseconds(envelope.time) or seen.time
            if not (message.type.startswith(RESERVED) and message.type.endswith(".progress")):
                seen.exchanged.append(Exchanged(run, at, message.number))
            if envelope.batutarun:
                _note_event(message, envelope, at, seen)
    except (msgspec.DecodeError, ValueError) as error:
        # Whoever should have taken it says what is wrong with it.
        _log.debug("message %s tells nothing: %s", message.id, error)


def _note_event(message: Delivered, envelope: Envelope, at: int, seen: Seen) -> None:
    run = envelope.batutarun or ""
    name = envelope.batutaworkflow.partition(":")[0]
    prefix = prefix_of(*name.split("/", 1))
    known: dict[str, Any] = {
        "run": run,
        "workflow": envelope.batutaworkflow,
        "digest": envelope.batutadigest,
        "parent": envelope.batutaparent,
        "started_at": at,
    }
    if envelope.batutahand is not None:
        hand = decode_hand(envelope.batutahand)
        known["started_at"] = hand.facts.started or at
        known["parent"] = hand.facts.parent
        known["keys"] = encode(hand.keys) if hand.keys else None
        _note_reports(message, envelope, hand, at, seen)
    if message.type == f"{prefix}.ended":
        end = decode_end(envelope.data)
        known["status"] = end.status
        known["ended_at"] = at
        if end.status == "completed":
            known["output"] = encode(end.output)
        if end.error is not None:
            known["fault"] = encode(end.error.as_json())
    elif message.type == f"{prefix}.control":
        what = decode_ask(envelope.data).what
        if what in {"suspend", "resume"}:
            known["status"] = "suspended" if what == "suspend" else "running"
    seen.runs.setdefault(run, []).append(Sighting(**known))


def _note_reports(message: Delivered, envelope: Envelope, hand: Hand, at: int, seen: Seen) -> None:
    run = envelope.batutarun or ""
    announced = _announced(envelope, hand.reports)
    told: list[Happened] = []
    for position, one in enumerate(hand.reports):
        output = msgspec.json.decode(envelope.data) if position == announced else one.output
        told.append(msgspec.structs.replace(one, output=output, by=envelope.batutafrom))
    told += _handed(envelope, hand, at)
    told = [one for one in told if not _is_heard(run, one, seen)]
    for position, one in enumerate(told):
        seen.reports.append(
            Report(
                run, one.key, one.what, one.attempt, one.at, message.number, position, encode(one)
            )
        )
    seen.fresh.setdefault(run, []).extend(told)


def _is_heard(run: str, one: Happened, seen: Seen) -> bool:
    """Note which event a listen heard, if that is what is told."""
    if one.what == HEARD:
        seen.exchanged.append(Exchanged(run, one.at, one.number, one.reference, one.participant))
    return one.what == HEARD


def _handed(envelope: Envelope, hand: Hand, at: int) -> list[Happened]:
    """Return which tasks control has gone to."""
    found: list[Happened] = []
    for sent, owner in zip(hand.tokens, hand.owners, strict=False):
        reference = sent.token.entering or ""
        path = sent.stack[0].inner if sent.stack else ""
        name = reference.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        found.append(
            Happened(
                HANDED,
                reference + path,
                reference,
                name,
                kind="",
                participant=owner or None,
                attempt=1,
                iteration=None,
                path=path,
                at=at,
                by=envelope.batutafrom,
            )
        )
    return found


def _announced(envelope: Envelope, reports: tuple[Happened, ...]) -> int | None:
    """Return which report an event's `data` belongs to: the completion that it announces."""
    for position in range(len(reports) - 1, -1, -1):
        one = reports[position]
        if one.reference == envelope.batutatask:
            return position if one.what == "completed" else None
    return None


def _milliseconds(time: str | None) -> int:
    if time is None:
        return 0
    return round(datetime.fromisoformat(time).timestamp() * 1_000)
