"""Writing a batch into the transaction that is open: every table's rows, in as few statements.

The driver gives up the interpreter lock around each statement that it runs and has to wait for it
afterwards, which is long while the event loop computes. So rows go in by statements of many rows
each, not row by row; statements are cached by their text, so their sizes are multiples of `GROUP`
and one remainder.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.stores.sqlite import queries
from batuta.adapters.stores.sqlite.promises import write_notes
from batuta.ports.listing import texts_of
from batuta.ports.mail import Served
from batuta.ports.store import RunRow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from batuta.ports.store import Batch, Change

SQL = queries.load()
MAIL = ("inbox", "outbox", "sent", "heard", "parked", "redriven", "unparked", "served", "unserved")
PARKED_COLUMNS = ("at", "why", "reason", "run", "id", "type", "body", "attempts", "place")
SERVED_COLUMNS = Served.__struct_fields__
RUN_COLUMNS = RunRow.__struct_fields__
_columns = attrgetter(*RUN_COLUMNS)
GROUP = 256
MOST_VALUES = 30_000
"""Values per statement; SQLite's own limit is 32,766."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def write(writer: sqlite3.Connection, batch: Batch) -> None:
    """Write everything of a batch; the numbers of its events are set."""
    changed: set[str] = set()
    if batch.runs:
        changed = {row.id for row in batch.runs if row.id in batch.changes and row.ended_at is None}
        rows = [
            _columns(_as_changed(row, batch.changes[row.id]) if row.id in changed else row)
            for row in batch.runs
        ]
        _insert(writer, "runs", len(RUN_COLUMNS), rows)
    if batch.journal:
        _insert(writer, "journal", 5, batch.journal)
    if batch.changes:
        changes = [
            (run, c.status, c.wake_at, c.ended_at, c.output, c.fault, c.problem)
            for run, c in batch.changes.items()
            if run not in changed
        ]
        _in_groups(writer, 7, changes, SQL["change_runs"].replace("(?1)", "{}").format)
    _write_waiting(writer, batch)
    if batch.events:
        batch.numbers = _publish(writer, batch.events)
    if batch.snapshots:
        writer.executemany(SQL["put_snapshot"], batch.snapshots)
    if batch.asks:
        writer.executemany(SQL["ask"], batch.asks)
    if batch.done_requests:
        writer.executemany(SQL["done_request"], [(one,) for one in batch.done_requests])
    if batch.cursor is not None:
        writer.execute(SQL["put_cursor"], batch.cursor)
    _write_schedules(writer, batch)
    _write_records(writer, batch)
    if any(getattr(batch, name) for name in MAIL):
        _write_mail(writer, batch)


def _as_changed(row: RunRow, change: Change) -> RunRow:
    """Return a new run's row as it is at the end of its first transaction: it is written once."""
    return msgspec.structs.replace(
        row,
        status=change.status,
        wake_at=change.wake_at,
        ended_at=change.ended_at,
        output=change.output,
        fault=change.fault,
        problem=(row.problem if change.problem is None else change.problem) or None,
    )


def key_texts(keys: Iterable[tuple[str, bytes]]) -> list[tuple[str, str, str]]:
    """Return the texts by which runs are found: (run, name, text)."""
    return [
        (run, name, text)
        for run, told in keys
        for name, value in _decode(told).items()
        for text in texts_of(value)
    ]


def _write_keys(writer: sqlite3.Connection, keys: Sequence[tuple[str, bytes]]) -> None:
    """Write by what runs are found."""
    texts = key_texts(keys)
    _in_groups(writer, 2, keys, SQL["put_keys"].replace("(?1)", "{}").format)
    _in_groups(writer, 3, texts, SQL["put_key_texts"].replace("(?1)", "{}").format)


def _write_records(writer: sqlite3.Connection, batch: Batch) -> None:
    """Write who asked for what, what is promised, and who is told."""
    if batch.notes:
        write_notes(writer, batch.notes)
    audits = [
        (None, a.at, a.who, a.by, a.action, a.target, _encode(a.detail)) for a in batch.audits
    ]
    if audits:
        _insert(writer, "audits", 7, audits)
    starting = [(r.scope, r.key, r.digest, r.run, r.at) for r in batch.remembered if r.run]
    if starting:
        _insert(writer, "remembered", 5, starting)
    others = [(r.scope, r.key, r.digest, r.run, r.at) for r in batch.remembered if not r.run]
    if others:
        _in_groups(writer, 5, others, "INSERT OR IGNORE INTO remembered VALUES {}".format)


def _write_mail(writer: sqlite3.Connection, batch: Batch) -> None:
    """Write what a participant took, sends, heard and put aside."""
    if batch.inbox:
        _in_groups(writer, 2, batch.inbox, "INSERT OR IGNORE INTO inbox VALUES {}".format)
    if batch.outbox:
        rows = [(one.number, one.id, one.type, one.body, one.run) for one in batch.outbox]
        _insert(writer, "outbox", 5, rows)
    if batch.sent:
        writer.executemany(SQL["forget_sent"], _stretches(batch.sent))
    if batch.heard:
        writer.executemany(
            SQL["hear"],
            [
                (number, at, event["type"], f"{event['source']}\n{event['id']}", _encode(event))
                for number, at, event in batch.heard
            ],
        )
    if batch.unparked:
        writer.executemany(SQL["unpark"], [(one,) for one in batch.unparked])
    if batch.redriven:
        writer.executemany(SQL["redrive"], [(one,) for one in batch.redriven])
    if batch.parked:
        writer.executemany(
            SQL["park"],
            [tuple(getattr(one, name) for name in PARKED_COLUMNS) for one in batch.parked],
        )
    if batch.served:
        rows = [tuple(getattr(one, name) for name in SERVED_COLUMNS) for one in batch.served]
        writer.executemany(SQL["serve"], rows)
    if batch.unserved:
        writer.executemany(SQL["unserve"], batch.unserved)


def _write_waiting(writer: sqlite3.Connection, batch: Batch) -> None:
    """Write by what runs are found, who waits for events, and who does not any more."""
    if batch.keys:
        _write_keys(writer, batch.keys)
    for run, key in batch.unsubscriptions:
        if key:
            writer.execute(SQL["unsubscribe"], (run, key))
        else:
            writer.execute(SQL["unsubscribe_run"], (run,))
    if batch.subscriptions:
        _insert(
            writer,
            "subscriptions",
            6,
            [(s.run, s.token, s.key, s.type, s.source, s.value) for s in batch.subscriptions],
        )


def _write_schedules(writer: sqlite3.Connection, batch: Batch) -> None:
    """Write what schedules have gathered and fired."""
    if batch.gathered:
        writer.executemany(
            SQL["put_gathered"],
            [(g.scope, g.key, g.group, g.slot, g.at, _encode(g.value)) for g in batch.gathered],
        )
    if batch.released:
        writer.executemany(SQL["release_gathered"], [one[1:] for one in batch.released])
    if batch.schedules:
        writer.executemany(
            SQL["put_schedule"],
            [
                (r.identity, r.kind, r.number, r.at, r.run, r.first_event, _text(r.heard))
                for r in batch.schedules
            ],
        )


def _insert(
    writer: sqlite3.Connection, table: str, width: int, rows: Sequence[Sequence[Any]]
) -> None:
    _in_groups(writer, width, rows, f"INSERT INTO {table} VALUES {{}}".format)  # noqa: S608 -- the table's name is ours


def _in_groups(
    writer: sqlite3.Connection,
    width: int,
    rows: Sequence[Sequence[Any]],
    statement: Callable[[str], str],
) -> None:
    """Run a statement over rows: `statement` gives its text around the places of the values."""
    for text, values in _groups(width, rows, statement):
        writer.execute(text, values)


def _groups(
    width: int, rows: Sequence[Sequence[Any]], statement: Callable[[str], str]
) -> Iterator[tuple[str, list[Any]]]:
    """Cut rows into as few statements as can be: the text and the values of each."""
    place = f"({', '.join('?' * width)})"
    most = MOST_VALUES // width // GROUP * GROUP
    start = 0
    while start < len(rows):
        left = len(rows) - start
        size = min(left // GROUP * GROUP, most) or left
        values = list(chain.from_iterable(rows[start : start + size]))
        yield statement(", ".join([place] * size)), values
        start += size


def _publish(writer: sqlite3.Connection, events: Sequence[tuple[int, dict[str, Any]]]) -> list[int]:
    """Write published events in their order; returns their numbers.

    One that was published before keeps the number that it has: it tells subscribers that they know
    it.
    """
    identities = [f"{event['source']}\n{event['id']}" for _, event in events]
    first = {identity: place for place, identity in reversed([*enumerate(identities)])}
    rows = [
        (place, events[place][0], events[place][1]["type"], identity, _encode(events[place][1]))
        for identity, place in sorted(first.items(), key=itemgetter(1))
    ]
    numbers: dict[str, int] = {}
    for statement, values in _groups(5, rows, SQL["insert_events"].replace("(?1)", "{}").format):
        numbers.update(writer.execute(statement, values).fetchall())
    for identity in first.keys() - numbers.keys():
        numbers[identity] = writer.execute(SQL["event_number"], (identity,)).fetchone()[0]
    return [numbers[identity] for identity in identities]


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last of every stretch of numbers that follow one another."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _text(value: Any) -> str:
    return _encode(value).decode()
