"""Time, as the runtime asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Timer(Protocol):
    """A call that was asked for and may be taken back."""

    def cancel(self) -> None:
        """Take it back; nothing happens when it was made already."""
        ...


class Clock(Protocol):
    """Tells the time, and calls when it has come.

    Promises: milliseconds since the epoch; never goes back within one process; a call is never made
        early.
    Failure: none.
    Cancellation: by the timer that `call_at` returns.
    Order: later calls of `now` give later or equal times; calls are made in the order of their
        times.
    Repetition: `now` is free of effects.
    """

    def now(self) -> int:
        """Return the time in epoch milliseconds."""
        ...

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        """Call back on the event loop at an epoch time in milliseconds; at once if it is past."""
        ...


@runtime_checkable
class GovernedClock(Protocol):
    """What a clock has besides whose time somebody sets, such as a test's.

    Promises: time does not move while something that follows from it is on its way.
    Failure: as the callback's.
    Cancellation: `ignore`.
    Order: the callbacks are awaited in the order in which they were given.
    Repetition: each is awaited as often as time is about to move.
    """

    def heed(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Await `settled` before time moves on: it returns when nothing is on its way."""
        ...

    def ignore(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Await it no more."""
        ...
