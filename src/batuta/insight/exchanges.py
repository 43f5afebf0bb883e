"""The events that went into a run, came out of it, or handed control over in it. Pure.

Of an orchestrated run its journal tells: what its listens took is in there, what it published
follows from it. Of a choreographed run every message is on the bus; here is what each means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import KernelBug
from batuta.kernel.codec import decode_answers, decode_event
from batuta.kernel.commands import Publish
from batuta.kernel.evaluation import NeedsEvaluation
from batuta.kernel.events import Heard
from batuta.kernel.step import NEW, step
from batuta.runtime.shared.envelope import bare, decode_envelope, decode_hand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batuta.kernel.lifecycle import Happened, Watch
    from batuta.kernel.program import Program
    from batuta.ports.bus import Delivered
    from batuta.ports.store import JournalRow
    from batuta.ports.views import Exchanged

IN, OUT, HANDED = "in", "out", "handed"
"""Ways: into the run, out of it, from one participant to another."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a run.

    `place` orders them: epoch milliseconds, the number on the bus (0: from the journal), a text.
    `participant` published it, or took it; None is a conductor, or somebody from outside. `to` are
    those whose turn it is then. `task` is the reference of the task that ended, or listened.
    """

    place: tuple[int, int, str]
    way: str
    participant: str | None
    to: tuple[str, ...] = ()
    task: str | None = None
    event: dict[str, Any]


def of_journal(
    program: Program, rows: Iterable[JournalRow], *, began: int = 0
) -> Iterator[Exchange]:
    """Yield what a run heard and published, in the order of its journal.

    Args:
        program: the run's own version of its workflow.
        rows: its whole journal.
        began: when the run itself began (epoch milliseconds): what comes from the history of the
            run that it repeats, that one has published.

    Raises:
        KernelBug: the history does not fit the code.
    """
    state = NEW
    for row in rows:
        event = decode_event(row.body)
        watch: Watch = []
        answers = decode_answers(row.answers) if row.answers else ()
        try:
            taken = step(program, state, event, row.at, answers, watch)
        except NeedsEvaluation as need:
            raise KernelBug(
                f"row {row.seq} of run {row.run} asks for {need.source!r}, which its history does "
                "not hold"
            ) from None
        state = taken.state
        position = 0
        if isinstance(event, Heard):
            for one in watch:
                if one.what == "heard":
                    yield Exchange(
                        place=_place(row, position),
                        way=IN,
                        participant=one.participant,
                        task=one.reference,
                        event=event.event,
                    )
                    position += 1
        for command in taken.commands:
            if isinstance(command, Publish) and row.at >= began:
                told = _teller(watch, row.run, command.event)
                yield Exchange(
                    place=_place(row, position),
                    way=OUT,
                    participant=None if told is None else told.participant,
                    task=None if told is None else told.reference,
                    event=command.event,
                )
                position += 1


def _place(row: JournalRow, position: int) -> tuple[int, int, str]:
    return row.at, 0, f"{row.seq:012}.{position:04}"


def _teller(watch: Watch, run: str, event: dict[str, Any]) -> Happened | None:
    """Return the end of the task that an event tells of, where its id says which that is."""
    for one in watch:
        if one.what == "completed" and event["id"] in {
            f"{run}{one.key}",
            f"{run}{one.key}/completed",
        }:
            return one
    return None


def of_message(message: Delivered, noted: Exchanged) -> Exchange:
    """Return what a message means to a run that it concerns.

    Raises:
        ValueError: it is no event.
    """
    envelope = decode_envelope(message.body)
    decoded: dict[str, Any] = msgspec.json.decode(message.body)
    event = bare(decoded)
    place = (noted.at, noted.number, noted.task)
    if noted.task:
        return Exchange(
            place=place, way=IN, participant=noted.participant, task=noted.task, event=event
        )
    sender = envelope.batutafrom or envelope.batutaby or None
    way, to = OUT, ()
    if envelope.batutahand is not None:
        hand = decode_hand(envelope.batutahand)
        to = tuple(dict.fromkeys((*filter(None, hand.owners), *hand.keepers)))
        way = HANDED if to else OUT
    elif envelope.batutakey is not None:
        way = HANDED
    elif envelope.batutarun is not None and sender is None:
        way = IN  # the start, or something that somebody asks of the run
    return Exchange(
        place=place,
        way=way,
        participant=sender,
        to=to,
        task=envelope.batutatask or None,
        event=event,
    )
