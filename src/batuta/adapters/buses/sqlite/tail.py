"""The newest messages in memory: read from the file once, for every consumer of the process.

A page covers a stretch of the bus: it has every message that somebody here wants with a number
greater than `start` and at most `upto`. The tail is the page that grows with the bus; a consumer
whose place lies before the tail's start reads pages of its own until it has caught up.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batuta.ports.bus import Delivered

PAGE_MESSAGES, PAGE_BYTES = 1_000, 8 * 1024 * 1024
"""What is read from the file at once."""

MOST_MESSAGES = 4_096
MOST_BYTES = 32 * 1024 * 1024


class Page:
    """A stretch of the bus, with the messages in it as a first delivery has them."""

    __slots__ = ("_numbers", "_rows", "is_last", "size", "start", "upto")

    def __init__(
        self, start: int, upto: int, rows: Sequence[Delivered] = (), *, is_last: bool = True
    ) -> None:
        self.is_last = is_last
        """Whether there was nothing more when it was read."""
        self.start = start
        self.upto = upto
        self.size = 0
        self._numbers: list[int] = []
        self._rows: dict[int, Delivered] = {}
        self.extend(upto, rows)

    def extend(self, upto: int, rows: Sequence[Delivered]) -> None:
        """Let the page reach further: `rows` are all that is wanted up to there."""
        self.upto = max(self.upto, upto)
        for row in rows:
            self._numbers.append(row.number)
            self._rows[row.number] = row
            self.size += len(row.body)

    def restart(self, upto: int) -> None:
        """Begin anew, with what comes after `upto`."""
        self.start = self.upto = upto
        self.size = 0
        self._numbers.clear()
        self._rows.clear()

    def trim(self) -> None:
        """Let the older half go when there is more than is worth keeping."""
        if len(self._numbers) <= MOST_MESSAGES and self.size <= MOST_BYTES:
            return
        half = (len(self._numbers) + 1) // 2
        for number in self._numbers[:half]:
            self.size -= len(self._rows.pop(number).body)
        self.start = self._numbers[half - 1]
        del self._numbers[:half]

    def covers(self, place: int) -> bool:
        """Say whether nothing is missing between a place and the page's end."""
        return self.start <= place

    def next(self, place: int, types: frozenset[str] | None, most: int) -> tuple[list[int], int]:
        """Return the numbers after a place, of these types, and how far they reach."""
        if most <= 0:
            return [], place
        first = bisect_right(self._numbers, place)
        if types is None:
            found = self._numbers[first : first + most]
        else:
            rows = self._rows
            found = [n for n in islice(self._numbers, first, None) if rows[n].type in types]
            del found[most:]
        return found, found[-1] if len(found) == most else max(self.upto, place)

    def rows(self) -> list[Delivered]:
        """Return all messages, oldest first."""
        return list(self._rows.values())

    def get(self, number: int) -> Delivered | None:
        """Return a message, if it is here."""
        return self._rows.get(number)
