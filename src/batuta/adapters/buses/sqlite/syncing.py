"""Making durable what has been committed: the log's sync, and checkpoints.

Works in a thread of its own and with a connection of its own, beside the turns that go on writing.
Why the log may be synced from outside SQLite is said in `file.py`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from batuta.adapters.buses.sqlite.file import BusFile
from batuta.adapters.stores.sqlite.connection import translated
from batuta.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

to_disk = getattr(os, "fdatasync", os.fsync)


class Syncing:
    """The log of a file that is open. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the log. Raises as `BusFile` does."""
        self._path = path
        self._file = BusFile(path)
        # SQLite's locks are on the file and its -shm; on those, closing a descriptor of ours would
        # let go of all of this process's locks. On the log it does nothing of the kind.
        self._log = os.open(f"{path}-wal", os.O_RDWR)
        self._doubted = False

    def run(self, sync: bool, checkpoint: bool) -> None:
        """Make durable all that was committed before the call; copy the log into the file if asked.

        Raises:
            UnavailableError: the disk did not take it.
        """
        if self._doubted:
            self._checkpoint("FULL")
            self._doubted = False
        elif sync:
            self._sync()
        if checkpoint:
            self._checkpoint("PASSIVE")

    def _sync(self) -> None:
        try:
            to_disk(self._log)
        except OSError as error:
            # The kernel tells of a failed write once, and may call the next sync a success although
            # nothing was written since. So the log is not believed any more until what it holds has
            # been copied into the file, and that has been synced.
            self._doubted = True
            raise UnavailableError(
                f"the disk of {self._path} did not take what was written: {error.strerror}",
                hint="check the disk; what was published must be published again",
            ) from error

    def _checkpoint(self, mode: str) -> None:
        with translated(self._path):
            busy, frames, copied = self._file.connection.execute(
                f"PRAGMA wal_checkpoint({mode})"
            ).fetchone()
        if mode == "FULL" and (busy or frames != copied):
            raise UnavailableError(
                f"the log of {self._path} could not be copied into the file yet",
                hint="what was published must be published again",
            )

    def close(self) -> None:
        """Close."""
        os.close(self._log)
        self._file.close()
