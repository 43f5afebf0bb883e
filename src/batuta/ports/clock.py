"""Time, as the runtime asks for it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time.

    Promises: milliseconds since the epoch; never goes back within one process.
    Failure: none.
    Cancellation: none; the call returns at once.
    Order: later calls give later or equal times.
    Repetition: free of effects.
    """

    def now(self) -> int:
        """Return the time in epoch milliseconds."""
        ...
