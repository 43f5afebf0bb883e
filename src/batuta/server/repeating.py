"""Requests that may be sent again: with an `Idempotency-Key` they have their effect once.

What a key means is `app.once`'s; here it is read off a request. The same request is one to the same
place with the same body, by the same sender.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.runtime.shared.ids import new_run_id
from batuta.server.asked import digest_of
from batuta.server.desk import who_of
from batuta.server.quick import KEY_PARAMETER, key_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from batuta.server.desk import Desk

KEYED: dict[str, Any] = {"parameters": [KEY_PARAMETER]}
"""What a route declares that takes a key."""


async def begun(
    desk: Desk, request: Request, what: str, begin: Callable[[str], Awaitable[object]]
) -> str:
    """Begin something under an id, once if the request has a key; returns the id.

    Args:
        desk: what the routes work with.
        request: who asks, and by which key.
        what: kind of request; each has keys of its own.
        begin: begins it under the id that it is given, durably.

    Raises:
        ConflictError: the key was sent with another request.
    """
    key = key_of(request)
    if key is None:
        made = new_run_id(desk.engine.clock.now())
        await begin(made)
        return made
    return await desk.once.start(_scope(request, what), key, await _digest(request), begin)


async def done(
    desk: Desk, request: Request, what: str, act: Callable[[], Awaitable[object]]
) -> None:
    """Do something, once if the request has a key. See `begun`; `act` may be done again by a crash.

    Raises:
        ConflictError: the key was sent with another request.
    """
    key = key_of(request)
    if key is None:
        await act()
    else:
        await desk.once.act(_scope(request, what), key, await _digest(request), act)


def _scope(request: Request, what: str) -> str:
    return f"{who_of(request).name}/{what}"


async def _digest(request: Request) -> str:
    return digest_of(request.url.path.encode() + b"\n" + await request.body())
