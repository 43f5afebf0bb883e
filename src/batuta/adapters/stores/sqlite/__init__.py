"""The embedded store: one SQLite file (WAL, synchronous=FULL)."""

from batuta.adapters.stores.sqlite.store import SqliteStore as SqliteStore

__all__ = ["SqliteStore"]
