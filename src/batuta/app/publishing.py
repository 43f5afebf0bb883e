"""Publishing events that somebody made: CloudEvents from outside, several at once.

Owns what is no event, or none that may come from outside: attributes of ours steer runs that
participants drive, so nobody else may set them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from batuta.app.asking import plain
from batuta.choreography.types import RESERVED
from batuta.errors import BatutaError, RequestError
from batuta.kernel.transition import iso8601
from batuta.ports.bus import check_name
from batuta.runtime.shared.envelope import OURS

if TYPE_CHECKING:
    from batuta.app.engine import Engine

_TEXTS = ("id", "source", "type")
_OPTIONAL_TEXTS = ("subject", "time", "datacontenttype", "dataschema", "data_base64")


def checked(event: Any, at: int) -> dict[str, Any]:
    """Return an event as it is published at `at` (epoch milliseconds), with a time.

    Raises:
        RequestError: it is none as CloudEvents 1.0 has them, or has an attribute of ours.
    """
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise RequestError(
            "this is no CloudEvent: it has to be an object with specversion 1.0",
            hint="CloudEvents 1.0 wants specversion, id, source and type",
        )
    for name in _TEXTS:
        if not isinstance(event.get(name), str):
            raise RequestError(f"an event has to have {name}, a text that is not empty")
        check_name(f"{name} of an event", event[name])
    if event["type"].startswith(RESERVED):
        raise RequestError(
            f"{event['type']!r} is a type of ours, under which nobody else publishes",
            hint=f"choose a type that does not begin with {RESERVED!r}",
        )
    for name, value in event.items():
        _check_attribute(name, value)
    shown: dict[str, Any] = plain(event, "the event")
    return shown if shown.get("time") else {**shown, "time": iso8601(at)}


def _check_attribute(name: str, value: Any) -> None:
    if name == "data":
        return
    if name in _OPTIONAL_TEXTS:
        if value is not None and not isinstance(value, str):
            raise RequestError(f"{name} of an event is a text, not {value!r}")
        if name == "time" and value is not None:
            _check_time(value)
        return
    if not (name.isalnum() and name.islower() and name.isascii()):
        raise RequestError(
            f"{name!r} is no name of an event attribute",
            hint="CloudEvents 1.0 allows lower case letters and digits only",
        )
    if name.startswith(OURS):
        raise RequestError(
            f"{name} is an attribute of ours, which nobody else may set",
            hint="publish what happened; runs hear it by its type",
        )
    if not isinstance(value, str | bool | int):
        raise RequestError(f"{name} of an event is a text, a number or a boolean, not {value!r}")


def _check_time(text: str) -> None:
    try:
        has_offset = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        has_offset = False
    if not has_offset:
        raise RequestError(f"{text!r} is no time", hint="write RFC 3339: 2026-11-21T18:00:00Z")


async def publish_all(engine: Engine, events: list[Any]) -> int:
    """Publish events in their order, all of them or none; returns how many, once they are durable.

    One that was published before, by source and id, is not published again.

    Raises:
        RequestError: one is no event; the message says which.
    """
    now = engine.clock.now()
    made: list[dict[str, Any]] = []
    for number, one in enumerate(events):
        try:
            made.append(checked(one, now))
        except BatutaError as error:
            raise RequestError(f"event {number}: {error.message}", hint=error.hint) from None
    known = await engine.meeting.known()
    engine.conductor.committer.batch.events += [(now, one) for one in made]
    await engine.conductor.durable()
    if known is not None:
        await known.bridge.carry()
    return len(made)
