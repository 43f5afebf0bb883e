"""What a process that does nothing but drive runs may set for itself.

Owns two settings that hold for a whole process. A library must not touch them behind the back of
the program that imports it, so opening an engine does not: a program that is there for its engine
says so.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

SWITCH_S = 0.0005
"""How long a thread keeps the interpreter from another one that asks for it.

The committer asks for it a few times per commit, and the event loop computes without a pause: with
Python's own 5 ms the disk waits for the loop more than the loop for the disk.
"""


@contextmanager
def dedicated() -> Generator[None]:
    """Set this process up for one engine that is open, until the block ends.

    What was loaded by then (modules, programs, drivers) stays for as long as the process does, so
    the garbage collector does not go through it again and again; and threads take turns more often.
    At the end of the block both are as they were.
    """
    before = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
