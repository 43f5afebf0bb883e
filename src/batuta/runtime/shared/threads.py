"""Calling into a thread so that whoever is cancelled still waits for its end.

A thread cannot be cancelled: it goes on writing into a store while those who asked for it leave,
and close the store under it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """Return what a call gives that is made in a thread; a cancellation comes after its end."""
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
