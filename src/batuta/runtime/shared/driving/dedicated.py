"""What a process that does nothing but drive runs may set for itself.

Owns three settings that hold for a whole process. A library must not touch them behind the back of
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

COLLECT_AT = 50_000
"""How many more objects there are than at the last look before the collector looks again.

Ten thousand runs in memory are a million objects, and their number goes up and down with every
batch: at Python's own 700 the collector goes through them all the time and finds nothing, as what
a run leaves behind holds no cycles.
"""


@contextmanager
def dedicated() -> Generator[None]:
    """Set this process up for one engine that is open, until the block ends.

    What was loaded by then (modules, programs, drivers) stays for as long as the process does, so
    the garbage collector does not go through it again and again, and looks at the rest more seldom;
    and threads take turns more often. At the end of the block all is as it was.
    """
    before, thresholds = sys.getswitchinterval(), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AT, *thresholds[1:])
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
