"""Ctrl-C and SIGTERM while something is under way: stop there, then go on after the block.

The first signal cancels what the block awaits and is remembered; what follows the block tells and
tidies up. Outside of a block, and from the second signal on, Python's own handling is back.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether a signal came; `code` is then the exit code that shells expect."""

    def __init__(self) -> None:
        self.came: signal.Signals | None = None

    @property
    def code(self) -> int:
        """Return 128 and the signal's number, by the shells' convention."""
        return 0 if self.came is None else 128 + self.came


@contextmanager
def interruptible() -> Generator[Interruption]:
    """Let a signal end the block, and nothing else."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    state = Interruption()

    def note(came: signal.Signals) -> None:
        if state.came is None and task is not None:
            state.came = came
            task.cancel()

    for one in SIGNALS:
        loop.add_signal_handler(one, note, one)
    try:
        yield state
    except asyncio.CancelledError:
        if state.came is None or task is None:
            raise
        task.uncancel()
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
