"""Whether a coroutine function can ever suspend, read from its bytecode.

A coroutine gives up control in one way only: an instruction that yields, which the compiler emits
for `await`, `async for`, `async with` and asynchronous comprehensions and for nothing else in an
`async def` (a `yield` of the author's makes it a generator, which has other flags). Code without
such an instruction therefore runs from start to end at its first `send`, and needs no loop. The
code objects of functions defined inside it do not count: calling them only makes a coroutine, and
waiting for that takes an instruction of the outer code.
"""

from __future__ import annotations

import dis
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

# YIELD_VALUE alone would do on 3.11 to 3.14; the others name the same constructs in case a later
# compiler spells the yield differently. A name that a version lacks is harmless.
_SUSPENDING = frozenset(
    {
        "YIELD_VALUE",
        "SEND",
        "YIELD_FROM",
        "GET_AWAITABLE",
        "GET_AITER",
        "GET_ANEXT",
        "BEFORE_ASYNC_WITH",
    }
)


def never_suspends(code: CodeType | None) -> bool:
    """Return True when `code` is of an `async def` that cannot give up control.

    Unknown code (None: a partial, an object with `__call__`) counts as able to suspend.
    """
    if code is None or not code.co_flags & inspect.CO_COROUTINE:
        return False
    return not any(step.opname in _SUSPENDING for step in dis.get_instructions(code))
