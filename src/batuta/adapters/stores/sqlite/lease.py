"""Leases: which process drives which runs of one file.

Every conductor holds an exclusive lock on a file of its own beside the store, for as long as it
lives; the operating system lets go of it when the process ends, however it ends. So whether an
owner is alive is a question with an answer, not a time-out: its runs can be taken over at once, and
a process that is merely slow is never robbed. (SQLite's own log already requires all processes to
be on one machine.) Against a process that was robbed all the same, the journal's index is the
fence.
"""

from __future__ import annotations

import fcntl
import os
from secrets import token_hex
from typing import TYPE_CHECKING

from batuta.adapters.stores.sqlite.connection import make_folder
from batuta.errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path


class Leases:
    """The leases beside one store."""

    def __init__(self, store: Path) -> None:
        self._folder = store.with_name(store.name + ".conductors")

    def take(self) -> Lease:
        """Become an owner.

        Raises:
            UnavailableError: no file can be made beside the store.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            return Lease(self._folder / f"{os.getpid()}-{token_hex(6)}")
        except OSError as error:
            raise UnavailableError(
                f"{self._folder} cannot be written: {error.strerror}",
                hint="check the permissions of the folder that the store lies in, and its room",
            ) from error

    def is_alive(self, owner: str) -> bool:
        """Say whether an owner's process still lives; forgets it if not."""
        path = self._folder / owner
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(handle)


class Lease:
    """One living owner."""

    def __init__(self, path: Path) -> None:
        self.owner = path.name
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def give_up(self) -> None:
        """Stop being an owner; runs that have not ended may be taken over."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


class Claim:
    """The whole of a store for one process: a participant's has one driver at a time.

    Like a lease it ends with the process, however that ends.
    """

    def __init__(self, store: Path) -> None:
        """Claim a store.

        Raises:
            ConflictError: another process has it.
            UnavailableError: no file can be made beside the store.
        """
        path = _claim_of(store)
        try:
            make_folder(path.parent)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UnavailableError(
                f"{path} cannot be written: {error.strerror}",
                hint="check the permissions of the folder that the store lies in, and its room",
            ) from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise ConflictError(
                f"another process has the store {store}", hint="stop that one first"
            ) from None

    def give_up(self) -> None:
        """Let another process have it."""
        os.close(self._handle)


def is_claimed(store: Path) -> bool:
    """Say whether a living process has claimed a store."""
    try:
        handle = os.open(_claim_of(store), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _claim_of(store: Path) -> Path:
    return store.with_name(store.name + ".claim")
