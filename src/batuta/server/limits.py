"""How often somebody may ask: a bucket each, that fills at a steady rate.

Whoever is known may ask as often as the settings say. Whoever guesses (credentials that are not
known, a signature that does not fit) may do so a few times, by the address that they come from.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BUCKETS = 10_000
"""Of more than so many askers, those who have not asked for longest are forgotten."""
GUESSES, GUESSES_PER_S = 30, 0.5
"""How many wrong credentials an address may send at once, and how fast it gets them back."""


class Limit:
    """Lets each asker through `rate` times a second, and `burst` times at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        """Prepare.

        Args:
            rate: how many a second; 0 lets everybody through.
            burst: how many at once, at least 1.
            clock: seconds, never going back.
        """
        self._rate = rate
        self._burst = max(1.0, burst)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, asker: str) -> int:
        """Count a request; returns 0, or in how many seconds the next may come."""
        if self._rate <= 0:
            return 0
        left = self._now(asker)
        if left < 1:
            return max(1, math.ceil((1 - left) / self._rate))
        self._put(asker, left - 1)
        return 0

    def waits(self, asker: str) -> int:
        """Return in how many seconds the next request may come, and count nothing."""
        if self._rate <= 0:
            return 0
        left = self._now(asker)
        return 0 if left >= 1 else max(1, math.ceil((1 - left) / self._rate))

    def _now(self, asker: str) -> float:
        left, at = self._left.get(asker, (self._burst, 0.0))
        return min(self._burst, left + (self._clock() - at) * self._rate)

    def _put(self, asker: str, left: float) -> None:
        self._left[asker] = (left, self._clock())
        self._left.move_to_end(asker)
        if len(self._left) > MOST_BUCKETS:
            self._left.popitem(last=False)
