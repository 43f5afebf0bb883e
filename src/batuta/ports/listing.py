"""Which runs a list shows: filters, and a page of what was found.

A list is answered in bounded time however many runs there are, and whatever is asked: an index
leads to the runs of every single filter, and of all but the last two of them together. Where
several keys, or a key and something else, each have very many runs and few in common, looking stops
after `MOST_LOOKED_AT`: the page then has fewer runs than were asked for, and says from where to
look on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.errors import NotFoundError

if TYPE_CHECKING:
    from batuta.ports.store import RunRow

STATUSES = ("running", "waiting", "suspended", "completed", "faulted", "cancelled")
STUCK = "stuck"
"""In a tally, the runs in which nobody acts who should, or that a problem stopped."""
CONTROLS = ("orchestrated", "choreographed")

MOST_LOOKED_AT = 6_000
"""Runs that are looked at for one page."""

LONGEST_VALUE, MOST_VALUES = 200, 50
"""Characters of a key's value, and values of one key, by which a run is found; none beyond."""

MOST_BY_TEXT = 1_000
"""Runs, and values of a key, that begin with a text which are looked at."""


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs; what is not said does not matter, and all that is said has to hold.

    `workflow` is `namespace/name` or a whole identity, `identities` are whole ones, one of which it
    has to be. `stuck` are runs in which nobody acts who should, and those that a problem stopped.
    Those that started at `since` or later and before `until` (epoch milliseconds) are meant;
    `error` is the type of the fault, `keys` are business keys with the texts of their values (see
    `texts_of`). `text` begins the run's id, or the value of one of its keys.
    """

    workflow: str | None = None
    version: str | None = None
    identities: frozenset[str] | None = None
    control: str | None = None
    statuses: tuple[str, ...] = ()
    stuck: bool | None = None
    since: int | None = None
    until: int | None = None
    error: str | None = None
    keys: dict[str, str] = {}
    text: str | None = None
    parent: str | None = None


EVERY = RunFilter()


class RunPage(NamedTuple):
    """A part of a list. `next` is what to give as `before` for older runs, None at the end."""

    rows: list[RunRow]
    next: str | None = None


class RunTally(NamedTuple):
    """How many runs of a version, under a control model, have a status (or are `STUCK`)."""

    workflow: str
    control: str
    status: str
    runs: int


def texts_of(value: Any) -> list[str]:
    """Return by which texts a key's value is found: itself, or each of a list, as people write it.

    A text is itself, a number or boolean its JSON. What is longer than `LONGEST_VALUE` is cut.
    """
    values: list[Any] = value if isinstance(value, list) else [value]
    texts = [
        one if isinstance(one, str) else msgspec.json.encode(one).decode()
        for one in values[:MOST_VALUES]
    ]
    return list(dict.fromkeys(text[:LONGEST_VALUE] for text in texts))


def gone(run_id: str) -> NotFoundError:
    """Return the refusal to look on from a run that is not known any more."""
    return NotFoundError(
        f"there is no run {run_id} to go on from", hint="begin with the newest runs again"
    )
