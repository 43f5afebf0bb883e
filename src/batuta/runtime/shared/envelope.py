"""What participants tell each other: CloudEvents, with what is ours in extension attributes.

Owns how an event of a choreographed run is written and read. Its `data` is what the business sees:
the output of the task that ended, the problem of one that faulted. Everything that only
participants of ours need is in attributes whose names begin with `batuta` (CloudEvents 1.0,
"Extension Context Attributes"): which run of which version this is about, and the *hand*, an opaque
text with the tokens that go on from here, branches that ended, and what the tasks have lived
through since. An event that a run publishes for the world, and that moves no run, only says whose
it is: `batutaabout` is the run, `batutaby` the participant. Nobody but viewers reads that.

Every id is derived from the run and what happened in it, so that whoever tells it twice (after a
crash) tells the same. What an event is known by everywhere (on the bus, in inboxes) is its *name*,
made of source and id, which together are unique (CloudEvents 1.0, "id").
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.events import BranchEnded, Facts
from batuta.kernel.faults import FaultData
from batuta.kernel.lifecycle import Happened
from batuta.kernel.tokens import Handed
from batuta.kernel.transition import iso8601
from batuta.ports.bus import LONGEST_NAME, Message

if TYPE_CHECKING:
    from batuta.kernel.program import Program

OURS = "batuta"
"""How the names of our attributes begin."""


class UnfitError(Exception):
    """A message is not what it would have to be; the text says why.

    It will not be another time either: it is put aside at once.
    """


class Hand(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What only participants read: tokens before their next tasks, branches that ended, reports."""

    facts: Facts
    tokens: tuple[Handed, ...] = ()
    branches: tuple[BranchEnded, ...] = ()
    keepers: tuple[str, ...] = ()
    """The participants that keep the joins of `branches`, in the same order."""
    reports: tuple[Happened, ...] = ()
    keys: dict[str, Any] = {}
    """What the run is found by, told by whoever has evaluated it."""
    owners: tuple[str, ...] = ()
    """The participants whose tasks `tokens` are about to enter, in the same order."""


class Ask(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The data of a control event. `what` is cancel, suspend, resume or leave (a branch)."""

    what: str
    compensate: bool = True
    branch: str = ""


class End(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The data of the event that says how a run ended."""

    status: str
    output: Any = None
    error: FaultData | None = None


class Envelope(msgspec.Struct, gc=False, omit_defaults=True):
    """A CloudEvent as it is read first: its data and the hand are still closed."""

    id: str
    source: str
    type: str
    specversion: str = "1.0"
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: str | None = None
    batutarun: str | None = None
    batutaworkflow: str = ""
    batutadigest: str | None = None
    batutatask: str = ""
    batutafrom: str = ""
    batutakey: str | None = None
    batutaattempt: int = 1
    batutaidempotency: str = ""
    batutadeadline: str | None = None
    batutacall: str | None = None
    batutaparent: str | None = None
    batutaparentkey: str | None = None
    batutahand: str | None = None
    batutaabout: str | None = None
    batutaby: str = ""


encode = msgspec.json.Encoder().encode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_hand = msgspec.json.Decoder(Hand).decode
decode_ask = msgspec.json.Decoder(Ask).decode
decode_end = msgspec.json.Decoder(End).decode
decode_event = msgspec.json.Decoder(dict[str, Any]).decode


def attributes(program: Program, run: str) -> dict[str, Any]:
    """Return the attributes that say which run of which workflow an event belongs to."""
    workflow = program.workflow
    return {
        "batutarun": run,
        "batutaworkflow": workflow.identity,
        "batutadigest": workflow.digest,
    }


def event(
    program: Program, run: str, *, name: str, kind: str, now: int, data: Any, sender: str = ""
) -> dict[str, Any]:
    """Return an event about a run, without a hand.

    Args:
        program: the run's.
        run: its id.
        name: its id: what makes it this event and no other.
        kind: its CloudEvent type (`choreography.types`).
        now: epoch milliseconds.
        data: JSON.
        sender: the participant that tells it, "" for who asks from outside.
    """
    document = program.workflow.document
    source = f"/{document.namespace}/{document.name}"
    return {
        "specversion": "1.0",
        "id": name,
        "source": f"{source}/{sender}" if sender else source,
        "type": kind,
        "subject": run,
        "time": iso8601(now),
        "datacontenttype": "application/json",
        "data": data,
        **attributes(program, run),
        **({"batutafrom": sender} if sender else {}),
    }


def name_of(source: str, id_: str) -> str:
    """Return what an event is known by: the same for the same source and id, for ever.

    An occurrence deep inside of a document has a longer id than a bus carries; its digest stands
    for it.
    """
    name = f"{source}\n{id_}"
    # A character has four bytes at most: few names have to be encoded to be measured.
    if len(name) * 4 > LONGEST_NAME and len(name.encode()) > LONGEST_NAME:
        return blake2b(name.encode(), digest_size=32).hexdigest()
    return name


def message_of(told: dict[str, Any]) -> Message:
    """Return an event as the bus carries it."""
    return Message(name_of(told["source"], told["id"]), told["type"], encode(told))


def bare(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as listens hear it: without what is only for participants."""
    return {name: value for name, value in event.items() if not name.startswith(OURS)}
