"""Reading a stretch of the stream without consuming: by a consumer that lives for the reading."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.buses.nats.naming import id_of, type_of
from batuta.errors import UnavailableError
from batuta.ports.bus import Delivered

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from batuta.adapters.buses.nats.link import Link

READ_S = 10.0
MOST_MESSAGES, MOST_BYTES = 1_000, 32 * 1024 * 1024
"""What is asked for at once."""

SECOND = 1_000_000_000


class Reading:
    """One reading of one stream."""

    def __init__(self, link: Link, stream: str, prefix_length: int) -> None:
        self._link = link
        self._stream = stream
        self._prefix_length = prefix_length
        self._name = f"reading-{token_hex(8)}"
        self._found: list[Delivered] = []
        self._changed = asyncio.Event()
        self._ended = False

    async def begin(self, **config: Any) -> dict[str, Any]:
        """Create the consumer; returns what the server says of it.

        Raises:
            UnavailableError: it could not be asked.
        """
        return await self._link.request(
            f"CONSUMER.CREATE.{self._stream}.{self._name}",
            stream_name=self._stream,
            config={
                "name": self._name,
                "ack_policy": "none",
                "replay_policy": "instant",
                "inactive_threshold": int(READ_S) * 2 * SECOND,
                "num_replicas": 1,
                "mem_storage": True,
                **config,
            },
        )

    async def read(self, count: int) -> list[Delivered]:
        """Read so many messages, all of which are there.

        Raises:
            UnavailableError: they did not come.
        """
        inbox = self._link.client.new_inbox()
        subscription = await self._link.subscribe(inbox, self._hear)
        try:
            async with asyncio.timeout(READ_S):
                while len(self._found) < count:
                    await self._pull(inbox, count - len(self._found))
        except TimeoutError:
            raise UnavailableError(
                f"stream {self._stream} could not be read within {READ_S:.0f} s", hint="try again"
            ) from None
        finally:
            if self._link.client.is_connected:
                await subscription.unsubscribe()
        return self._found[:count]

    async def _pull(self, inbox: str, missing: int) -> None:
        request = {
            "batch": min(missing, MOST_MESSAGES),
            "max_bytes": MOST_BYTES,
            "expires": int(READ_S) * SECOND,
        }
        wanted = len(self._found) + request["batch"]
        self._ended = False
        target = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
        await self._link.send(target, msgspec.json.encode(request), reply=inbox)
        while len(self._found) < wanted and not self._ended:
            await self._changed.wait()
            self._changed.clear()

    async def _hear(self, msg: Msg) -> None:
        headers = msg.headers or {}
        if "Status" in headers:
            self._ended = True  # as much as fits in what was asked for
        else:
            kind = type_of(msg.subject[self._prefix_length :])
            identity = id_of(headers.get("Nats-Msg-Id", ""))
            # Without acknowledgements the reply still says which message it is.
            fields = msg.reply.split(".")
            number = int(fields[5 if len(fields) == 9 else 7])  # noqa: PLR2004 -- see `consuming.py`
            self._found.append(Delivered(number, identity, kind, msg.data))
        self._changed.set()

    async def end(self) -> None:
        """Drop the consumer; one that cannot be dropped now goes by itself."""
        if self._link.client.is_connected:
            await self._link.send(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._name}", b"")
