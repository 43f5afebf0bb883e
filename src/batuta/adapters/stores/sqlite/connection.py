"""Opening the file: pragmas, migrations, and what SQLite's errors mean to us.

Owns the promise that a commit is on disk (WAL with synchronous=FULL: SQLite syncs the log before a
commit returns) and the translation of driver errors into operating errors. The embedded bus opens
its file by this module too, with a promise of its own.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batuta.adapters.stores.sqlite.queries import migrations
from batuta.errors import BatutaError, CorruptError, RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

BUSY_MS = 5_000
"""How long a write waits for another process's transaction."""

SWITCH_PAUSE_MS = 20

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def make_folder(folder: Path) -> None:
    """Make a folder, and what leads to it, where they are absent: for their owner only.

    Raises:
        OSError: it cannot be made.
    """
    for one in reversed([one for one in (folder, *folder.parents) if not one.is_dir()]):
        one.mkdir(mode=0o700, exist_ok=True)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, creating it and its folder when absent, with our settings."""
    try:
        make_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"{path.parent} cannot be made a folder: {error.strerror}",
            hint="check the permissions of the folder it lies in, or name another store",
        ) from error
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
    )
    try:
        _set_up(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    mode = _write_ahead(connection)
    if mode != "wal":
        raise UnavailableError(
            f"{path} cannot use write-ahead logging (got {mode!r})",
            hint="put the store on a local file system that can share memory between processes",
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA wal_autocheckpoint = 8000")


def _write_ahead(connection: sqlite3.Connection) -> str:
    """Switch to WAL; SQLite does not wait for others here, as it does everywhere else."""
    for _ in range(BUSY_MS // SWITCH_PAUSE_MS):
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            # Another process makes the same switch, or recovers the log of one that was killed.
            time.sleep(SWITCH_PAUSE_MS / 1000)
    return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])


def migrate(
    connection: sqlite3.Connection, path: Path, known: list[tuple[int, str]] | None = None
) -> None:
    """Bring the schema up to date; refuses a file written by a newer version.

    `known` are the migrations of another kind of file than a store.
    """
    known = known or migrations()
    # Other processes may be opening the same new file: whoever comes first does it. Beginning to
    # write, also where there is nothing to do, tells at once that a file cannot be written.
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection, known, path)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _apply(connection: sqlite3.Connection, known: list[tuple[int, str]], path: Path) -> None:
    version = _version(connection)
    if version > known[-1][0]:
        raise RequestError(
            f"{path} was written by a newer version of Batuta (schema {version}, this one knows "
            f"{known[-1][0]})",
            hint="upgrade Batuta, or use another store",
        )
    for number, script in known:
        if number > version:
            for statement in statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; the driver's own way would commit before the first."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


@contextmanager
def translated(path: Path) -> Generator[None]:
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
