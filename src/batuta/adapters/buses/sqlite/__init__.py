"""The embedded bus: one SQLite file, for the processes of one machine."""

from batuta.adapters.buses.sqlite.bus import SqliteBus as SqliteBus

__all__ = ["SqliteBus"]
