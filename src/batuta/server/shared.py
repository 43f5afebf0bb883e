"""Answers that many pages share.

All open pages hear of a change at the same moment and ask for the same lists anew. Whoever says
that an answer may be a second old (`Cache-Control: max-age=1`, RFC 9111, section 5.2.1.1) gets one
that was made for somebody else who may see the same, if nothing was told on the stream since: so
an answer never lacks what its reader has heard of. Everybody else is answered anew, and so is
everybody after somebody has changed something here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.server.gate import PRINCIPAL, SAFE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from batuta.server.access import Principal

MAY_BE_OLD = (b"cache-control", b"max-age=1")
OLDEST_S = 1.0
MOST = 256
"""Answers that are kept at a time."""
GOOD = 200

Key = tuple["Principal", str, bytes]


class _Kept(NamedTuple):
    """An answer: when it was made, by the loop's clock, and its messages."""

    at: float
    messages: list[Message]


class Shared:
    """Answers from memory what may be, and leaves the rest to an application."""

    def __init__(
        self, application: ASGIApp, places: Collection[str], told: Callable[[], int]
    ) -> None:
        """Prepare.

        Args:
            application: answers.
            places: paths whose answers depend on what who asks may do, and on nothing else of them.
            told: how many changes were told so far.
        """
        self._application = application
        self._places = frozenset(places)
        self._told = told
        self._number = 0
        self._kept: dict[Key, _Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            key = self._key(scope)
            if key is None:
                await self._application(scope, receive, send)
            else:
                await self._answer(key, scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        finally:
            self._kept = {}

    def _key(self, scope: Scope) -> Key | None:
        """Return what an answer is kept by, None when it may not be."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or scope["path"] not in self._places
            or MAY_BE_OLD not in scope["headers"]
        ):
            return None
        who: Principal = scope[PRINCIPAL]
        return who.rights, scope["path"], scope["query_string"]

    async def _answer(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        now, number = asyncio.get_running_loop().time(), self._told()
        if number != self._number or len(self._kept) >= MOST:
            self._number, self._kept = number, {}
        known = self._kept.get(key)
        if known is not None and now - known.at <= OLDEST_S:
            for message in known.messages:
                await send(message)
            return
        place, messages = self._kept, list[Any]()

        async def keeping(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._application(scope, receive, keeping)
        if messages and messages[0].get("status") == GOOD:
            place[key] = _Kept(now, messages)
