"""What is durable and not acted upon yet: a queue between the committer and the acting.

A commit of a thousand runs releases a thousand steps at once, and to carry them all out takes
longer than the next commit. So they are carried out a slice per turn of the loop: between two
slices a commit that has come back is noticed, and what has come of the steps so far goes to the
disk. Disk and loop then work at the same time, instead of each waiting for all of the other's.

Order: steps are carried out in the order in which they became durable.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from batuta.errors import KernelBug
from batuta.runtime.shared.driving.recording import Release

if TYPE_CHECKING:
    from batuta.runtime.shared.driving.committer import Released
    from batuta.runtime.shared.driving.driver import Driver

_log = logging.getLogger("batuta.runtime")

SLICE = 256
"""Steps carried out per turn of the loop."""


class Releasing:
    """The durable steps of one driver, first in, first out."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.waiting: deque[Released] = deque()

    def carry_out(self, most: int = SLICE) -> None:
        """Carry out the next steps, at most so many."""
        waiting = self.waiting
        for _ in range(min(most, len(waiting))):
            release = waiting.popleft()
            try:
                release()
            except Exception as error:  # noqa: BLE001 -- those behind it are still to come
                self._stopped(release, error)

    def carry_out_all(self) -> None:
        """Carry out every step that is durable."""
        self.carry_out(len(self.waiting))

    def _stopped(self, release: Released, error: Exception) -> None:
        _log.error("a durable step could not be carried out", exc_info=error)
        if isinstance(release, Release):
            bug = KernelBug(f"{type(error).__name__} behind a commit: {error}")
            self._driver.halt(release.run, bug, error)
