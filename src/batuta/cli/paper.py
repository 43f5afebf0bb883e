"""Where words go: stdout for what was asked for, stderr for what is said about it.

Owns what a terminal changes: colours (off for NO_COLOR, for TERM=dumb and when nobody looks) and
tables. Control characters in data are made visible, so that a fault's text cannot move the
reader's cursor. Does not own any wording.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

TONES: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warn": {"fg": "yellow"},
    "strong": {"bold": True},
    "dim": {"dim": True},
    "plain": {},
}
TONE_OF_STATUS = {
    "completed": "good",
    "faulted": "bad",
    "cancelled": "warn",
    "suspended": "warn",
    "skipped": "dim",
}
ROOMY = 100
"""Columns of a terminal from which on a wide table is not squeezed."""
_NOTHING = frozenset({"", "-"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal(*, err: bool = False) -> bool:
    """Say whether somebody looks at stdout (or at stderr)."""
    return (sys.stderr if err else sys.stdout).isatty()


def is_coloured(*, err: bool = False) -> bool:
    """Say whether colours may be used there."""
    return (
        is_terminal(err=err)
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "") != "dumb"
    )


def styled(text: str, tone: str, *, err: bool = True) -> str:
    """Return `text` in a tone if its reader sees colours."""
    return click.style(text, **TONES[tone]) if is_coloured(err=err) else text


def clean(text: object) -> str:
    """Return text of somebody else with its control characters made visible."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(text))


def say(text: str = "") -> None:
    """Write a line that was asked for."""
    _write(sys.stdout, text)


def tell(text: str) -> None:
    """Write a line about what happens."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    # Not click's echo: that writes past what stands for the stream, and a live view does.
    stream.write(text + "\n")
    stream.flush()


def say_json(value: Any, *, line: bool = False) -> None:
    """Write one JSON value: a line, or readable when somebody looks (never if `line`)."""
    say(as_json(value, indent=None if line or not is_terminal() else 2))


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def short_json(value: Any, most: int = 100) -> str:
    """Return JSON on one line of at most `most` characters."""
    text = clean(as_json(value, indent=None))
    return text if len(text) <= most else text[: most - 1] + "…"


def is_narrow() -> bool:
    """Say whether stdout is a terminal with little room for a table."""
    return is_terminal() and shutil.get_terminal_size().columns < ROOMY


def say_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, tone: int = -1, beneath: int = -1
) -> None:
    """Write a table to stdout.

    Args:
        headings: of the columns.
        rows: texts, already clean.
        tone: the column that holds a status and gets its colour.
        beneath: the column that gets a line of its own below each row where there is little room;
            the others are then not folded, so that what is in them can be copied.

    A column in which no row has anything is left out.
    """
    kept = [
        place for place in range(len(headings)) if any(row[place] not in _NOTHING for row in rows)
    ]
    coloured = kept.index(tone) if tone in kept else -1
    if beneath >= 0 and is_narrow():
        notes = [row[beneath] for row in rows]
        kept = [place for place in kept if place != beneath]
        _say_aligned(*_columns(headings, rows, kept), coloured, notes)
    elif is_terminal():
        _say_rich(*_columns(headings, rows, kept), coloured)
    else:
        _say_aligned(*_columns(headings, rows, kept))


def _columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], kept: Sequence[int]
) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows with these columns only."""
    return [headings[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _say_aligned(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    tone: int = -1,
    notes: Sequence[str] = (),
) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]

    def line(row: Sequence[str]) -> list[str]:
        return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]

    say(styled("  ".join(line(headings)).rstrip(), "dim", err=False))
    for row, note in zip_longest(rows, notes, fillvalue=""):
        cells = line(row)
        if tone >= 0:
            cells[tone] = styled(cells[tone], TONE_OF_STATUS.get(row[tone], "plain"), err=False)
        say("  ".join(cells).rstrip())
        if note not in _NOTHING:
            say(f"  {note}")


def _say_rich(headings: Sequence[str], rows: Sequence[Sequence[str]], tone: int) -> None:
    from rich.console import Console  # noqa: PLC0415 -- rich is for terminals only
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            *(
                Text(cell, style=rich_tone(cell) if index == tone else "")
                for index, cell in enumerate(row)
            )
        )
    Console().print(table)


def rich_tone(status: str) -> str:
    """Return the style that rich shows a status in."""
    style = TONES[TONE_OF_STATUS.get(status, "plain")]
    words = ["bold"] if style.get("bold") else []
    words += ["dim"] if style.get("dim") else []
    return " ".join([*words, *([style["fg"]] if "fg" in style else [])])
