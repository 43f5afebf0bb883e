"""Opening the file: pragmas, migrations, and what SQLite's errors mean to us.

Owns the promise that a commit is on disk (WAL with synchronous=FULL: SQLite syncs the log before a
commit returns) and the translation of driver errors into operating errors. Nothing else in the
project imports `sqlite3`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batuta.adapters.stores.sqlite.queries import migrations
from batuta.errors import BatutaError, CorruptError, RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_MS = 5_000
"""How long a write waits for another process's transaction."""

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, creating it and its folder when absent, with our settings."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal" and str(path) != ":memory:":
        raise UnavailableError(
            f"{path} cannot use write-ahead logging (got {mode!r})",
            hint="put the store on a local file system that can share memory between processes",
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date; refuses a file written by a newer version."""
    known = migrations()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > known[-1][0]:
        raise RequestError(
            f"{path} was written by a newer version of Batuta (schema {version}, this one knows "
            f"{known[-1][0]})",
            hint="upgrade Batuta, or use another store",
        )
    for number, script in known:
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn a driver error into the operating error that says what the reader may do."""
    try:
        yield
    except sqlite3.Error as error:
        raise meaning_of(error, path) from error


def meaning_of(error: sqlite3.Error, path: Path) -> BatutaError:
    """Return the operating error for a driver error."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _CORRUPT:
        return CorruptError(
            f"{path} is damaged: {error}",
            hint="stop every process that uses it, keep a copy of the file and its -wal, and "
            "restore a backup (`sqlite3 FILE .recover` may save the rest)",
        )
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            f"no room left on the disk of {path}",
            hint="free some room: nothing recorded is lost, and work goes on by itself",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return UnavailableError(
            f"{path} is locked by another process for more than {BUSY_MS // 1000} s",
            hint="find who holds it (`fuser FILE`); work goes on by itself once it is free",
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return UnavailableError(
            f"{path} cannot be opened for writing: {error}",
            hint="check the permissions of the file and its folder",
        )
    return UnavailableError(f"{path}: {error}", hint="check the disk; nothing was written")
