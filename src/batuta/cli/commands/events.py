"""`batuta events`: publishing CloudEvents, and looking at those that were published."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING, Any

import click

from batuta.choreography.types import RESERVED
from batuta.cli import helping, options, paper, words
from batuta.cli.interruption import interruptible
from batuta.cli.opening import chosen, engine
from batuta.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.app.engine import Engine
    from batuta.ports.store import StoredEvent

LAST = 20
"""Events shown when nobody says from where on."""
PAGE = 1_000
LOOK_S = 0.1
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,64}")
_OWN = {
    "type": "TYPE is the first argument",
    "source": "use --source",
    "subject": "use --subject",
    "data": "use --data",
    "datacontenttype": "data is always JSON",
    "specversion": "it is always 1.0",
    "time": "it is when the event is published",
}


@click.group(help=helping.EVENTS)
def events() -> None:
    """Find the command."""


@options.command(events, help=helping.EVENTS_PUBLISH)
@click.argument("event_type", metavar="TYPE")
@click.option("--data", metavar="JSON|@FILE|-", help=helping.EVENT_DATA)
@click.option("--source", metavar="URI", default="/batuta/publish", show_default=True)
@click.option("--subject", metavar="TEXT", help=helping.EVENT_SUBJECT)
@click.option("--attr", "given", multiple=True, metavar="NAME=VALUE", help=helping.EVENT_ATTR)
@options.store
@options.as_json
def publish(
    event_type: str,
    data: str | None,
    source: str,
    subject: str | None,
    given: tuple[str, ...],
    store: str | None,
    as_json: bool,
) -> None:
    """Publish an event; see `helping.EVENTS_PUBLISH`."""
    value = None if data is None else options.json_value(data, "--data")
    named = attributes(given)
    event_id = named.pop("id", None)

    async def work() -> None:
        from batuta.wiring.settings import sqlite_path  # noqa: PLC0415 -- help needs no settings

        choice = chosen(store)
        place = sqlite_path(choice.store)
        if not place.exists():
            paper.tell(words.nobody_listens(str(place)))
        async with engine(choice, makes=True) as opened:
            event = await opened.publish(
                event_type, value, source=source, subject=subject, event_id=event_id, **named
            )
        if as_json:
            paper.say_json(event)
        else:
            paper.say(words.published(paper.clean(event_type), event["id"]))

    asyncio.run(work())


def attributes(given: Iterable[str]) -> dict[str, str]:
    """Return attributes that were typed as NAME=VALUE.

    Raises:
        RequestError: a name is not one of CloudEvents 1.0, or has an option of its own.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--attr {text!r} is not NAME=VALUE", hint=words.ATTR_HINT)
        if name in _OWN:
            raise RequestError(f"--attr cannot set {name!r}", hint=_OWN[name])
        if not _ATTRIBUTE.fullmatch(name):
            raise RequestError(f"{name!r} is no name of an event attribute", hint=words.ATTR_HINT)
        found[name] = value
    return found


@options.command(events, help=helping.EVENTS_TAIL)
@click.option("--follow/--no-follow", default=False, show_default=True, help=helping.FOLLOW)
@click.option("--since", type=click.IntRange(min=0), metavar="NUMBER", help=helping.SINCE)
@click.option("--type", "event_type", metavar="TYPE", help=helping.BY_TYPE)
@options.store
@options.as_json
def tail(
    follow: bool, since: int | None, event_type: str | None, store: str | None, as_json: bool
) -> None:
    """Show events; see `helping.EVENTS_TAIL`."""
    types = () if event_type is None else (event_type,)

    async def work() -> None:
        async with engine(chosen(store), looks=True) as opened:
            last = opened.store.last_event()
            seen = _first(opened, types, since, as_json=as_json)
            if not follow:
                return
            seen = max(seen, since or 0, last if since is None else 0)
            with interruptible():
                while True:
                    seen = _show_after(opened, seen, types, as_json=as_json)
                    await asyncio.sleep(LOOK_S)

    asyncio.run(work())


def _first(opened: Engine, types: tuple[str, ...], since: int | None, *, as_json: bool) -> int:
    """Show what there is, all of it or the last few; return the number of the last one shown."""
    if since is not None:
        return _show_after(opened, since, types, as_json=as_json)
    # Numbers may have gaps, and a type may be rare: the few last are found by going through.
    after = 0 if types else max(0, opened.store.last_event() - LAST)
    recent: deque[StoredEvent] = deque(maxlen=LAST)
    while page := opened.store.events(after, types=types, limit=PAGE):
        recent.extend(page)
        after = page[-1].number
    for event in recent:
        _show(event, as_json=as_json)
    return after


def _show_after(opened: Engine, after: int, types: tuple[str, ...], *, as_json: bool) -> int:
    while page := opened.store.events(after, types=types, limit=PAGE):
        for event in page:
            _show(event, as_json=as_json)
        after = page[-1].number
    return after


def _show(stored: StoredEvent, *, as_json: bool) -> None:
    event: dict[str, Any] = stored.event
    if event["type"].startswith(RESERVED):
        return  # on its way to the bus, and for participants only
    if as_json:
        paper.say_json({"number": stored.number, "event": event}, line=True)
        return
    number = paper.styled(f"{stored.number:>6}", "dim", err=False)
    kind = paper.styled(paper.clean(event["type"]), "strong", err=False)
    time = str(event.get("time", ""))[:19].replace("T", " ")
    data = paper.short_json(event["data"]) if "data" in event else ""
    paper.say(f"{number}  {paper.clean(time)}  {kind}  {paper.clean(event['source'])}  {data}")
