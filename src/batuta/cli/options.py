"""Options that several commands share, and reading the values that people type.

Owns names, help and parsing. Values are refused with a `RequestError`, so that a wrong one looks
the same wherever it is typed: what it was, where it goes wrong, what to write.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import helping, words
from batuta.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

store = click.option("--store", metavar="URL", help=helping.STORE)
bus = click.option("--bus", metavar="URL", help=helping.BUS)
accept_loss = click.option("--accept-loss", is_flag=True, help=helping.ACCEPT_LOSS)
functions = click.option(
    "--functions", multiple=True, metavar="FILE.py|MODULE", help=helping.FUNCTIONS
)
secret = click.option("--secret", multiple=True, metavar="NAME=VALUE", help=helping.GIVEN_BY_HAND)


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return how long somebody waits at most."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    # What is not a number compares as false, so the question is asked this way round.
    if not seconds >= 0:
        raise click.BadParameter(f"{value!r} is no number of seconds")
    return seconds


wait = click.option("--wait", callback=_seconds, metavar="SECONDS", help=helping.WAIT)
as_json = click.option("--json", "as_json", is_flag=True, help=helping.JSON)
run_id = click.argument("run_id", metavar="ID")


def command(
    group: click.Group | None = None, name: str | None = None, **said: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """Declare a command that also takes the program's `--debug`, wherever it is typed."""

    def declare(function: Callable[..., Any]) -> click.Command:
        debug = click.option("--debug", is_flag=True, expose_value=False, hidden=True)
        made = group.command if group is not None else click.command
        return made(name, **said)(debug(function))

    return declare


def json_value(text: str, option: str) -> Any:
    """Return the JSON value of an option: written out, in a file (`@FILE`), or on stdin (`-`).

    Raises:
        RequestError: it is not JSON (with the position), or the file cannot be read.
    """
    where = option
    try:
        if text == "-":
            where, text = f"{option} (from stdin)", sys.stdin.read()
        elif text.startswith("@"):
            where = f"{option} ({text[1:]})"
            text = Path(text[1:]).read_text("utf-8-sig")
        return json.loads(text, parse_constant=_no_number)
    except OSError as error:
        raise RequestError(
            f"{where} cannot be read: {error.strerror}", hint=f"{option} @FILE names a JSON file"
        ) from None
    except UnicodeDecodeError:
        raise RequestError(f"{where} is not UTF-8 text", hint="JSON is UTF-8") from None
    except json.JSONDecodeError as error:
        raise RequestError(
            f"{where} is not JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg[:1].lower()}{error.msg[1:]}",
            hint=words.json_hint(option),
        ) from None
    except RecursionError:
        raise RequestError(f"{where} is nested too deeply", hint="flatten it") from None


def _no_number(text: str) -> float:
    raise RequestError(f"{text} is no JSON number", hint="write null, or a text")


def named_secrets(given: Iterable[str]) -> dict[str, str]:
    """Return secrets that were typed as NAME=VALUE.

    Raises:
        RequestError: one has no name; its text is not repeated, for it may be the value.
    """
    found: dict[str, str] = {}
    for position, text in enumerate(given, start=1):
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise RequestError(
                f"--secret number {position} is not NAME=VALUE",
                hint="write --secret NAME=VALUE; quote it when it holds spaces",
            )
        found[name] = value
    return found


def named(option: str, given: Iterable[str]) -> dict[str, str]:
    """Return what was typed as NAME=VALUE.

    Raises:
        RequestError: one has no name, or is there twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in found:
            raise RequestError(
                f"{option} {text!r}: expected NAME=VALUE, each name once",
                hint=f"write {option} order=4711; quote it when it holds spaces",
            )
        found[name] = value
    return found


def moment(text: str, now: int) -> str:
    """Return a time as RFC 3339: a day or a time (UTC unless it says otherwise), or an age.

    Args:
        text: as it was typed.
        now: what ages are counted back from, epoch milliseconds.

    Raises:
        RequestError: it is none.
    """
    if re.fullmatch(r"\d+[smhd]", text):
        return datetime.fromtimestamp((now - age_ms(text)) / 1_000, UTC).isoformat()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            f"{text!r} is no time", hint="write 2026-01-31, 2026-01-31T12:00:00Z, or an age: 12h"
        ) from None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).isoformat()


_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def age_ms(text: str) -> int:
    """Return the milliseconds of an age such as 90s, 15m, 12h or 30d.

    Raises:
        RequestError: it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise RequestError(
            f"{text!r} is no age", hint="write a number and a unit: 90s, 15m, 12h, 30d"
        )
    return int(found[1]) * _UNITS[found[2]]
