"""Sending: what is written to a connection in one turn of the loop goes out in one piece.

An answer is written in two parts, its head and its body, and a message of a stream in as many as
it has. Each part would be a call of the kernel and often a packet; under many requests those calls
are what an answer costs most.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 65_536
"""Bytes that are not kept back: they are sent with what was written before them."""


class Gathering(HttpToolsProtocol):
    """Uvicorn's protocol, over a transport that gathers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. See asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- TCP has no other
        super().connection_made(Gathered(transport, self.loop))

    def eof_received(self) -> None:
        """Let the other side end: what was written goes out before the connection does."""
        transport = self.transport
        if isinstance(transport, Gathered):
            transport.flush()


class Gathered(asyncio.Transport):
    """A transport that sends once per turn of the loop what is written to it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send soon, in order. See asyncio."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        if len(data) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Send what was written."""
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def close(self) -> None:
        """Send what was written, and close. See asyncio."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Say whether it is closed or about to be. See asyncio."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Hear nothing for now. See asyncio."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Hear again. See asyncio."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell about the connection. See asyncio."""
        return self._transport.get_extra_info(name, default)
