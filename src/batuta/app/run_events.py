"""The events of one run, for both control models: made when they are asked for, kept nowhere.

An orchestrated run's are derived from its journal; what it asked of participants over a bus, and
all of a choreographed run, is read back from there by the numbers that a viewer has noted. What the
bus does not keep any more is left out. Owns their order (by time), the pages, and how much of an
event's data is shown.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.views import text_time
from batuta.errors import BatutaError, RequestError
from batuta.insight.exchanges import Exchange, of_journal, of_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.app.engine import Engine
    from batuta.ports.bus import Bus, Delivered
    from batuta.ports.store import RunRow
    from batuta.ports.views import Exchanged

MOST_DATA = 16_384
"""Bytes of an event's data, as JSON, that are shown."""
SPARSE = 8
"""Messages of others that are read with one of the run's, rather than asking for each."""
_FIRST = (-1, 0, "")
_NUMBER = re.compile("[0-9]{1,18}")
Place = tuple[int, int, str]


class RunEventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a run.

    `direction` is in, out or handed (control goes on with it, `to` these participants). Of data
    that is too large only the size in bytes is shown, as `cut`. Times are RFC 3339 texts in UTC.
    """

    at: str
    direction: str
    participant: str | None
    to: tuple[str, ...]
    task: str | None
    event: dict[str, Any]
    cut: int | None = None


class RunEvents(msgspec.Struct, frozen=True):
    """A page of them; `next` is what to give as `after`."""

    items: list[RunEventView]
    next: str | None


async def events_of(
    engine: Engine, run_id: str, *, after: str | None = None, limit: int = 100
) -> RunEvents:
    """Return the events that concern a run, by time, the oldest first.

    Args:
        engine: where the run is known.
        run_id: the run.
        after: `next` of the page before.
        limit: how many at most.

    Raises:
        NotFoundError: there is no such run.
        RequestError: `after` is no place.
        UnavailableError: the bus cannot be reached.
    """
    row = engine.row(run_id)
    place = _FIRST if after is None else _read(after)
    own: list[Exchange] = []
    if row.control != CHOREOGRAPHED:
        behind = (one for one in _of_journal(engine, row) if one.place > place)
        own = list(islice(behind, limit + 1))
    # A page has what comes first of both; what is not shown now comes with the next.
    found = sorted(
        [*own, *await _on_bus(engine, run_id, place, limit + 1)], key=lambda one: one.place
    )
    shown = [_view(one, engine) for one in found[:limit]]
    is_more = len(found) > limit
    return RunEvents(shown, _written(found[limit - 1].place) if is_more else None)


def _of_journal(engine: Engine, row: RunRow) -> Iterator[Exchange]:
    """Yield what a conductor's journal tells, sorted: clocks may have been set back meanwhile."""
    try:
        program = engine.programs.of(row.workflow, row.digest)
    except BatutaError:
        return
    began = row.started_at if row.origin is not None else 0
    told = of_journal(program, engine.store.journal(row.id), began=began)
    yield from sorted(told, key=lambda one: one.place)


async def _on_bus(engine: Engine, run_id: str, place: Place, limit: int) -> list[Exchange]:
    known = await engine.meeting.known()
    if known is None:
        return []
    await known.viewer.catch_up()
    found: list[Exchange] = []
    while len(found) < limit:
        noted = engine.meeting.views.exchanged(run_id, place, limit - len(found))
        if not noted:
            break
        messages = await _messages(known.bus, sorted({one.number for one in noted}))
        found += _meanings(noted, messages)
        last = noted[-1]
        place = (last.at, last.number, last.task)
    return found


def _meanings(noted: list[Exchanged], messages: dict[int, Delivered]) -> Iterator[Exchange]:
    for one in noted:
        message = messages.get(one.number)
        if message is None:
            continue  # the bus does not keep it any more
        try:
            yield of_message(message, one)
        except (msgspec.DecodeError, ValueError):
            continue


async def _messages(bus: Bus, numbers: list[int]) -> dict[int, Delivered]:
    """Return messages by their numbers, those that lie near each other read together."""
    found: dict[int, Delivered] = {}
    start = 0
    while start < len(numbers):
        end = start + 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] <= SPARSE:
            end += 1
        first, last = numbers[start], numbers[end - 1]
        page = await bus.history(after=first - 1, limit=last - first + 1)
        found.update((one.number, one) for one in page if one.number <= last)
        start = end
    return found


def _view(one: Exchange, engine: Engine) -> RunEventView:
    event: dict[str, Any] = engine.conductor.keeper.mask(one.event)
    size = len(msgspec.json.encode(event.get("data")))
    cut = size > MOST_DATA
    if cut:
        event = {name: value for name, value in event.items() if name != "data"}
    return RunEventView(
        at=text_time(one.place[0]) or "",
        direction=one.way,
        participant=one.participant,
        to=one.to,
        task=one.task,
        event=event,
        cut=size if cut else None,
    )


def _written(place: Place) -> str:
    return f"{place[0]}-{place[1]}-{place[2]}"


def _read(text: str) -> Place:
    at, _, rest = text.partition("-")
    number, dash, last = rest.partition("-")
    if not (_NUMBER.fullmatch(at) and _NUMBER.fullmatch(number) and dash):
        raise RequestError(
            f"after: {text!r} is no place among the events of a run",
            hint="give the `next` of the page before",
        )
    return int(at), int(number), last
