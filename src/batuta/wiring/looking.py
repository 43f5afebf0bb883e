"""Looking into a store without driving anything: who drives which runs, and what they need.

A process that takes runs over has to have their functions first, and it learns which from the runs.
So somebody has to look before an engine is opened; this is that look. It changes nothing.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from batuta.adapters.callers.functions import FunctionRegistry
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import Leases, is_claimed
from batuta.errors import NotFoundError
from batuta.ports.listing import RunFilter
from batuta.wiring.settings import participants_beside, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from batuta.ports.store import RunRow

_UNENDED = RunFilter(statuses=("running", "waiting", "suspended"))
_PAGE = 500


class Look:
    """What a store tells about its runs and their drivers."""

    def __init__(self, store: SqliteStore, leases: Leases) -> None:
        self._store = store
        self._participants = participants_beside(store.path)
        self._leases = leases

    def run(self, run_id: str) -> RunRow | None:
        """Return one run's row."""
        return self._store.run(run_id)

    def is_driven(self, row: RunRow) -> bool:
        """Say whether a living process drives this run, or a participant of it on this machine."""
        if row.control == "choreographed":
            return any(is_claimed(path) for path in self._participants.glob("*.db"))
        return row.owner is not None and self._leases.is_alive(row.owner)

    def orphans(self) -> list[RunRow]:
        """Return the runs that have not ended and whose process is gone, oldest first."""
        gone = {owner for owner in self._store.owners() if not self._leases.is_alive(owner)}
        found = [row for row in self._unended() if row.owner in gone or self._is_left(row)]
        return sorted(found, key=lambda row: row.id)

    def _is_left(self, row: RunRow) -> bool:
        return row.control == "choreographed" and not self.is_driven(row)

    def _unended(self) -> Iterator[RunRow]:
        before: str | None = None
        while True:
            page = self._store.runs(_UNENDED, before=before, limit=_PAGE)
            yield from page.rows
            before = page.next
            if before is None:
                return


@contextmanager
def look(store: str) -> Generator[Look]:
    """Look into a store.

    Raises:
        NotFoundError: there is none.
        RequestError: the URL names none.
        UnavailableError: it is locked or cannot be read.
        CorruptError: it is damaged.
    """
    path = existing(store)
    opened = SqliteStore(path)
    try:
        yield Look(opened, Leases(path))
    finally:
        opened.close()


@contextmanager
def mailboxes(store: str) -> Generator[dict[str, SqliteStore]]:
    """Open a store and those of the participants beside it, by the name of whose they are.

    The store itself goes by the name of its file: it is a conductor's, or that of a participant
    that was given a store of its own.

    Raises:
        NotFoundError: there is none at all.
        RequestError: the URL names none.
        UnavailableError: one is locked or cannot be read.
        CorruptError: one is damaged.
    """
    path = sqlite_path(store)
    found = {unquote(one.stem): one for one in sorted(participants_beside(path).glob("*.db"))}
    if not found:
        existing(store)
    if path.is_file():
        found.setdefault(path.stem, path)
    with ExitStack() as opened:
        boxes: dict[str, SqliteStore] = {}
        for name, file in found.items():
            boxes[name] = SqliteStore(file)
            opened.callback(boxes[name].close)
        yield boxes


def existing(store: str) -> Path:
    """Return a store's file.

    Raises:
        NotFoundError: there is none; only what starts something makes a new one.
        RequestError: the URL names none.
    """
    path = sqlite_path(store)
    if not path.is_file():
        raise NotFoundError(
            f"there is no store at {path}",
            hint="go to the folder where runs were started, or name the store: --store sqlite:///FILE",
        )
    return path


def functions_of(rows: Iterable[RunRow]) -> tuple[str, ...]:
    """Return the files and modules of functions that were recorded with runs, each once."""
    found: dict[str, None] = {}
    for row in rows:
        if row.setup is not None:
            found.update(dict.fromkeys(json.loads(row.setup).get("functions", ())))
    return tuple(found)


def function_names(specs: Iterable[str | Path]) -> frozenset[str]:
    """Return the names of the functions that files and modules declare.

    Raises:
        RequestError: one cannot be imported, or declares none.
        ConflictError: two functions have one name and version.
    """
    registry = FunctionRegistry()
    return frozenset(name for spec in specs for name in registry.load(spec))
