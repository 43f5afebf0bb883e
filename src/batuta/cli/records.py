"""The records of a store that a server is, or will be, over; and noting what is changed in them."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

from batuta.cli.opening import chosen

if TYPE_CHECKING:
    from batuta.adapters.stores.sqlite import SqliteStore
    from batuta.ports.records import AuditRow

BY = "command line"


def open_store(url: str | None) -> SqliteStore:
    """Open the store of a place."""
    from batuta.adapters.stores.sqlite import SqliteStore  # noqa: PLC0415 -- brings a driver
    from batuta.wiring.settings import sqlite_path  # noqa: PLC0415 -- as above

    return SqliteStore(sqlite_path(chosen(url).store))


def user() -> str:
    """Return who is at the terminal."""
    return getpass.getuser()


def note(store: SqliteStore, at: int, action: str, target: str, **detail: Any) -> None:
    """Note in the audit what whoever is at the terminal changes."""
    from batuta.ports.records import AuditRow  # noqa: PLC0415 -- as above

    row = AuditRow(at=at, who=user(), by=BY, action=action, target=target, detail=dict(detail))
    keep(store, row)


def keep(store: SqliteStore, row: AuditRow) -> None:
    """Write a row of the audit."""
    from batuta.ports.store import Batch  # noqa: PLC0415 -- as above

    batch = Batch()
    batch.audits.append(row)
    store.commit(batch)
