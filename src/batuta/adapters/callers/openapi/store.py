"""Documents, fetched once and kept for a while.

Owns how long a document is believed (five minutes), that many calls at once fetch it once, and how
many are kept. Does not own the fetching (the port `Resources`; its HTTP side asks with the ETag, so
that an unchanged document costs no transfer) or the reading (`document`).

When a document that is known cannot be fetched again, the known one serves on: the host of the
document being down is no reason that the service it describes cannot be called.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.openapi.document import ApiDocument, read_document
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.caller import Resources

_BELIEVED_S = 300.0
_RETRIED_AFTER_S = 30.0
_DOCUMENTS_KEPT = 64


class _Kept(msgspec.Struct):
    lock: asyncio.Lock
    document: ApiDocument | None = None
    digest: bytes = b""
    believed_until: float = 0.0


class DocumentStore:
    """OpenAPI documents by URI.

    Args:
        resources: reads their bytes, within its own size limit.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, resources: Resources, *, now: Callable[[], float] = time.monotonic) -> None:
        self._resources = resources
        self._now = now
        self._kept: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()

    async def document(
        self, uri: str, authentication: dict[str, Any] | None = None, reader: bytes = b""
    ) -> ApiDocument:
        """Return the document at `uri`.

        Args:
            uri: where it is; what `Resources.read` takes.
            authentication: the policy to read it with.
            reader: who reads; what one may read is not given to another.

        Raises:
            Fault: `communication` when it cannot be read, `configuration` when it cannot be used.
        """
        kept = self._entry((uri, reader))
        async with kept.lock:
            if kept.document is None or self._now() >= kept.believed_until:
                await self._refresh(uri, authentication, kept)
            if kept.document is None:  # pragma: no cover -- a refresh sets it or raises
                raise Fault("communication", 500, "Unreadable OpenAPI document", uri)
            return kept.document

    async def _refresh(self, uri: str, authentication: dict[str, Any] | None, kept: _Kept) -> None:
        try:
            content = await self._resources.read(uri, authentication)
            digest = hashlib.sha256(content).digest()
            if kept.document is None or digest != kept.digest:
                # Off the loop: a large document takes longer than other runs should wait.
                kept.document = await asyncio.to_thread(read_document, uri, content)
                kept.digest = digest
            kept.believed_until = self._now() + _BELIEVED_S
        except Fault as fault:
            if kept.document is None or fault.kind not in ("communication", "timeout"):
                raise
            kept.believed_until = self._now() + _RETRIED_AFTER_S

    def _entry(self, key: tuple[str, bytes]) -> _Kept:
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(lock=asyncio.Lock())
            if len(self._kept) > _DOCUMENTS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept
