"""Doorbells: how one process tells the others at once that there is something in the file.

Every process that consumes has a datagram socket in a folder beside the file. Ringing is one small
datagram to each, which wakes its event loop in well under a millisecond; nobody polls a busy file.
A bell also tells whether its process lives: the system refuses a datagram to a socket that nobody
holds open, however its process ended. So replicas that died are known without any time-out, and
their bells are taken down by whoever finds them.

A lost ring costs no message, only time: who consumes looks at the file now and then anyway.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from batuta.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONGEST_ADDRESS = 100
"""Bytes of a socket's address that every system takes."""

COARSE_NS = 50_000_000
"""Two changes of a folder that are closer than this may have the same time."""


class Bells:
    """The bells beside one file, of which one may be ours."""

    def __init__(self, file: Path) -> None:
        self._folder = file.with_name(file.name + ".bells")
        self._ringer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ringer.setblocking(False)
        self._ours: socket.socket | None = None
        self._handle: int | None = None
        self._others: list[str] = []
        self._listed = 0
        self.name = f"{os.getpid()}-{token_hex(6)}"

    def hang(self, rung: Callable[[], None]) -> None:
        """Put up our own; `rung` is called on the running loop.

        Raises:
            UnavailableError: no socket can be made beside the file.
        """
        if self._ours is not None:
            return
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            ours.setblocking(False)
            ours.bind(self._address(self.name))
        except OSError as error:
            ours.close()
            raise UnavailableError(
                f"{self._folder} cannot hold a socket: {error.strerror or error}",
                hint="check the permissions of the folder that the bus lies in; outside Linux, its "
                f"path may have at most some {LONGEST_ADDRESS - 40} characters",
            ) from error
        self._ours = ours

        def heard() -> None:
            while True:
                try:
                    ours.recv(16)
                except OSError:
                    break
            rung()

        asyncio.get_running_loop().add_reader(ours.fileno(), heard)

    def _address(self, name: str) -> str:
        """Return the address of a bell; a long one goes by way of the open folder."""
        address = str(self._folder / name)
        if len(os.fsencode(address)) <= LONGEST_ADDRESS:
            return address
        if self._handle is None:
            self._handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._handle}/{name}"

    def ring(self) -> list[str]:
        """Ring all others; returns whose processes were found dead."""
        dead: list[str] = []
        for name in self._known():
            if not self.is_alive(name):
                dead.append(name)
                self._others.remove(name)
                with suppress(OSError):  # another one has been quicker, or it is another user's
                    (self._folder / name).unlink()
        return dead

    def is_alive(self, name: str) -> bool:
        """Ring one bell, and say whether its process lives."""
        try:
            self._ringer.sendto(b"!", self._address(name))
        except BlockingIOError:
            return True  # it has been rung and will look
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # no sign of death: macOS says ENOBUFS where others would block
        return True

    def _known(self) -> list[str]:
        """Return the other bells; the folder is read again only when it has changed."""
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed != self._listed:
                self._others = [one.name for one in self._folder.iterdir() if one.name != self.name]
                sure = time.time_ns() - changed > COARSE_NS
                self._listed = changed if sure else 0
        except OSError:
            return []  # nobody has hung a bell yet
        return list(self._others)

    def take_down(self) -> None:
        """Take ours down, and ring no more."""
        if self._ours is not None:
            asyncio.get_running_loop().remove_reader(self._ours.fileno())
            with suppress(OSError):
                (self._folder / self.name).unlink()
            self._ours.close()
            self._ours = None
        self._ringer.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
