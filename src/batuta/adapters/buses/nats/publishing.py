"""Publishing: many messages on their way at once, in order, each acknowledged by the stream.

When the connection is lost, whatever is on its way has an unknown outcome: its publisher is told,
and publishes it again. The stream knows the ids.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.buses.nats.link import NO_RESPONDERS
from batuta.adapters.buses.nats.naming import header_value, prefix, subject_token
from batuta.errors import BatutaError, UnavailableError
from batuta.ports.bus import too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg

    from batuta.adapters.buses.nats.link import Link
    from batuta.ports.bus import Message

MOST_MESSAGES, MOST_BYTES = 1_000, 16 * 1024 * 1024
"""What is on its way at once; the server buffers ten times as many before it refuses."""

ACK_S = 10.0
HEADER_BYTES = 64
"""The header besides the id."""

BREATH = 100
"""Messages written before others on the event loop get a turn."""


class Sending:
    """One call of `publish`: how many acknowledgements it waits for."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def acknowledged(self) -> None:
        """Count one more."""
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def failed(self, error: BatutaError) -> None:
        """Tell the publisher."""
        if not self.done.done():
            self.done.set_exception(error)


class Publisher:
    """Publishes to one stream."""

    def __init__(self, link: Link, stream: str) -> None:
        self._link = link
        self._stream = stream
        self._prefix = prefix(stream)
        self._sending = asyncio.Lock()
        self._room = asyncio.Event()
        self._waiting: dict[str, tuple[Sending, int]] = {}
        """Token of a message on its way -> the call it is of, and its bytes."""
        self._bytes = 0
        self._count = 0

    async def start(self) -> None:
        """Listen to acknowledgements."""
        self._inbox = self._link.client.new_inbox()
        await self._link.subscribe(f"{self._inbox}.*", self._answered)
        self._link.lost.append(self._lost)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish, and wait until all are durable.

        Raises:
            UnavailableError: of some the outcome is unknown.
            RequestError: one is larger than the server takes.
        """
        largest = self._link.largest
        headers = [header_value(message.id) for message in messages]
        for message, value in zip(messages, headers, strict=True):
            if len(message.body) + len(value) + HEADER_BYTES > largest:
                raise too_large(message, largest - HEADER_BYTES - len(value))
        sending = Sending(len(messages))
        try:
            # Fair, so calls are written in their order.
            async with self._sending:
                for message, value in zip(messages, headers, strict=True):
                    await self._send(sending, message, value)
            async with asyncio.timeout(ACK_S):
                await sending.done
        except TimeoutError:
            raise UnavailableError(
                f"stream {self._stream} did not acknowledge within {ACK_S:.0f} s",
                hint="publish the same again",
            ) from None
        finally:
            if sending.left:
                self._give_up(sending)

    def _give_up(self, sending: Sending) -> None:
        """Wait no more for what a call has sent."""
        if not sending.done.cancel() and not sending.done.cancelled():
            sending.done.exception()  # it is told by whatever has ended the call
        self._waiting = {k: v for k, v in self._waiting.items() if v[0] is not sending}
        self._bytes = sum(size for _, size in self._waiting.values())
        self._room.set()

    async def _send(self, sending: Sending, message: Message, value: str) -> None:
        while len(self._waiting) >= MOST_MESSAGES or self._bytes >= MOST_BYTES:
            self._room.clear()
            async with asyncio.timeout(ACK_S):
                await self._room.wait()
        self._link.check()
        if sending.done.done():
            return  # one of its messages was refused, or the connection was lost
        self._count += 1
        token = format(self._count, "x")
        self._waiting[token] = sending, len(message.body)
        self._bytes += len(message.body)
        await self._link.send(
            self._prefix + subject_token(message.type),
            message.body,
            reply=f"{self._inbox}.{token}",
            headers={"Nats-Msg-Id": value},
        )
        if not self._count % BREATH:
            await asyncio.sleep(0)

    async def _answered(self, msg: Msg) -> None:
        token = msg.subject.rpartition(".")[2]
        sending, size = self._waiting.pop(token, (None, 0))
        if sending is None:
            return
        self._bytes -= size
        self._room.set()
        problem = self._problem(msg)
        if problem is None:
            sending.acknowledged()
        else:
            sending.failed(problem)

    def _problem(self, msg: Msg) -> UnavailableError | None:
        """Return what is wrong with an answer."""
        if msg.headers and msg.headers.get("Status") == NO_RESPONDERS:
            return UnavailableError(
                f"no stream {self._stream} takes messages now", hint="publish the same again"
            )
        told: dict[str, Any] = msgspec.json.decode(msg.data)
        if "error" in told:
            return UnavailableError(
                f"stream {self._stream} did not take a message: {told['error']}",
                hint="look at the server's log; publish the same again",
            )
        return None

    def _lost(self) -> None:
        lost = UnavailableError(
            "the connection to NATS was lost before the stream had acknowledged",
            hint="publish the same again",
        )
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        for sending, _ in waiting.values():
            sending.failed(lost)
        self._room.set()
