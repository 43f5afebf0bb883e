"""One process's part in a durable consumer of JetStream: pulling, acknowledging, refusing.

The contract is `batuta.ports.bus.Consumption`. A pull request stays open at the server for up to
`PULL_S` and is answered as messages come, so that a message waits for nobody; while it is open the
server sends a sign of life now and then. A pull that has seen neither for `SILENCE_S` is lost, with
the connection or with the server that had it, and is made anew.

What the part wants to send is noted, and sent by one task; so the calls of the contract never wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import nats.errors

from batuta.adapters.buses.nats.link import NO_RESPONDERS, NoSuchThing
from batuta.adapters.buses.nats.naming import id_of, type_of
from batuta.errors import BatutaError
from batuta.ports.bus import Delivered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nats.aio.msg import Msg

    from batuta.adapters.buses.nats.link import Link

_log = logging.getLogger("batuta.bus")

PULL_S, SIGN_S = 30, 5
SILENCE_S = 3.0 * SIGN_S
AGAIN_S = 0.25
"""How long to wait before asking a server again that could not answer."""

_HEARTBEAT = "100"
_ACKNOWLEDGED, _REFUSED = b"+ACK", b"-NAK"
_DELETED = "consumer deleted"

# $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.DELIVERED.STREAM-SEQUENCE.CONSUMER-SEQUENCE.TIME.PENDING
_SHORT_REPLY, _DELIVERED_AT = 9, 4


class NatsPart:
    """A part in one consumer."""

    def __init__(
        self,
        link: Link,
        stream: str,
        durable: str,
        created: str,
        take: Callable[[list[Delivered]], None],
        *,
        prefix_length: int,
        window: int,
        ended: Callable[[NatsPart], None],
    ) -> None:
        """Prepare; `start` begins.

        Args:
            link: the connection.
            stream: the stream's name.
            durable: the consumer's name there.
            created: when it was created: another of that name is not the same.
            take: what is given messages.
            prefix_length: of a subject, before the type.
            window: how many messages may be unacknowledged here.
            ended: called when this part has stopped.
        """
        self._link = link
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._info = f"CONSUMER.INFO.{stream}.{durable}"
        self._durable = durable
        self._created = created
        self._take = take
        self._prefix_length = prefix_length
        self._window = window
        self._ended = ended
        self._held: dict[int, str] = {}
        """Number -> where to answer, of what is not acknowledged; "" once it has been refused."""
        self._pulled = 0
        """Messages asked for that have not come."""
        self._pull = 0
        self._first_pull = 1
        """Of pulls before this one nothing is expected any more."""
        self._heard = 0.0
        self._arrived: list[Delivered] = []
        self._answers: deque[tuple[str, bytes]] = deque()
        self._wake = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._stopped = self._gone = self._doubtful = False

    async def start(self) -> None:
        """Begin to pull."""
        self._loop = asyncio.get_running_loop()
        self._inbox = self._link.client.new_inbox()
        self._subscription = await self._link.subscribe(f"{self._inbox}.*", self._hear)
        self._link.lost.append(self._doubt)
        self._link.regained.append(self._pull_anew)
        self._wake.set()
        self._worker = self._loop.create_task(self._work())

    # -- the contract ------------------------------------------------------------------------------

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Be done with messages. See the port."""
        for number in numbers:
            reply = self._held.pop(number, "")
            if reply:
                self._answers.append((reply, _ACKNOWLEDGED))
        self._wake.set()

    def refuse(self, number: int, delay_ms: int) -> None:
        """Ask for a message again. See the port."""
        reply = self._held.get(number)
        if reply and not self._stopped:
            self._held[number] = ""
            self._answers.append((reply, _refusal(delay_ms)))
            self._wake.set()

    async def stop(self) -> None:
        """Take no more. See the port."""
        if self._stopped:
            return
        self._stopped = True
        self._link.lost.remove(self._doubt)
        self._link.regained.remove(self._pull_anew)
        if self._retry is not None:
            self._retry.cancel()
        self._ended(self)
        self._worker.cancel()
        try:
            # Returns when all that the server has sent before it knew of this has been heard.
            await self._subscription.drain()
        except (nats.errors.Error, TimeoutError) as error:
            _log.debug("a pull could not be ended: %r", error)
        self._answers.extend((reply, _REFUSED) for reply in self._held.values() if reply)
        self._held.clear()
        await self._send_answers()

    def end(self) -> None:
        """Ask for nothing more: there is no such consumer any more."""
        if not self._gone:
            _log.warning("consumer %s has been dropped", self._durable)
        self._gone = True
        self._wake.set()

    # -- sending -----------------------------------------------------------------------------------

    async def _work(self) -> None:
        while not self._gone:
            try:
                async with asyncio.timeout(SIGN_S):
                    await self._wake.wait()
            except TimeoutError:
                if self._loop.time() - self._heard > SILENCE_S:
                    self._pull_anew()
            self._wake.clear()
            try:
                if self._doubtful and self._link.client.is_connected:
                    await self._look()
                if not self._doubtful:
                    await self._send_answers()
                if not self._gone:
                    await self._ask_for_more()
            except BatutaError as error:
                _log.debug("%s", error)
                self._try_again()

    def _doubt(self) -> None:
        """There is no connection, and when there is one the consumer may not be there yet.

        A server that comes back takes connections before its consumers listen, and an answer that
        nobody hears is lost: so none is sent before the consumer was seen.
        """
        self._doubtful = True

    async def _look(self) -> None:
        """See whether the consumer is still there."""
        try:
            info = await self._link.request(self._info)
        except NoSuchThing:
            self.end()
            return
        self._doubtful = False
        if info["created"] != self._created:
            self.end()

    async def _send_answers(self) -> None:
        while self._answers:
            reply, body = self._answers[0]
            await self._link.send(reply, body)
            self._answers.popleft()

    async def _ask_for_more(self) -> None:
        """Pull for all the room there is, when nothing is pulled for or half of it is free."""
        room = self._window - len(self._held) - self._pulled
        if room <= 0 or (self._pulled and room * 2 < self._window) or self._retry is not None:
            return
        if not self._link.client.is_connected:
            return  # there will be a pull when there is a connection
        self._pull += 1
        self._pulled += room
        self._heard = self._loop.time()
        request = {
            "batch": room,
            "expires": PULL_S * 1_000_000_000,
            "idle_heartbeat": SIGN_S * 1_000_000_000,
        }
        reply = f"{self._inbox}.{self._pull}"
        await self._link.send(self._next, msgspec.json.encode(request), reply=reply)

    def _pull_anew(self) -> None:
        """Forget what was pulled for: who would have answered is not there any more."""
        self._pulled = 0
        self._first_pull = self._pull + 1
        self._wake.set()

    def _try_again(self) -> None:
        """Pull anew, but not at once."""

        def again() -> None:
            self._retry = None
            self._pull_anew()

        if self._retry is None and not self._stopped:
            self._retry = self._loop.call_later(AGAIN_S, again)

    # -- hearing -----------------------------------------------------------------------------------

    async def _hear(self, msg: Msg) -> None:
        self._heard = self._loop.time()
        headers = msg.headers or {}
        status = headers.get("Status")
        if status is not None:
            if int(msg.subject.rpartition(".")[2]) >= self._first_pull:
                self._hear_status(status, headers)
            return
        fields = msg.reply.split(".")
        at = _DELIVERED_AT if len(fields) == _SHORT_REPLY else _DELIVERED_AT + 2
        attempt, number = int(fields[at]), int(fields[at + 1])
        self._pulled = max(0, self._pulled - 1)
        if self._stopped:
            self._answers.append((msg.reply, _REFUSED))
            return
        identity = id_of(headers.get("Nats-Msg-Id", ""))
        kind = type_of(msg.subject[self._prefix_length :])
        self._held[number] = msg.reply
        if not self._arrived:
            self._loop.call_soon(self._hand_over)
        self._arrived.append(Delivered(number, identity, kind, msg.data, attempt))

    def _hear_status(self, status: str, headers: dict[str, str]) -> None:
        """Take what the server says of a pull: that it lives, or that it has ended, and how."""
        if status == _HEARTBEAT:
            return
        said = headers.get("Description", "").lower()
        if said == _DELETED:
            self.end()
            return
        left = headers.get("Nats-Pending-Messages")
        if status == NO_RESPONDERS or left is None:
            self._doubtful = True
            _log.debug("a pull of %s was not answered: %s %s", self._durable, status, said)
            self._try_again()
            return
        self._pulled = max(0, self._pulled - int(left))
        self._wake.set()

    def _hand_over(self) -> None:
        rows, self._arrived = self._arrived, []
        if self._stopped:
            return  # they are still held, and will be refused
        try:
            self._take(rows)
        except Exception:  # noqa: BLE001 -- the contract forbids it; what was not acknowledged comes again
            _log.exception("what consumes as %s failed to take messages", self._durable)
        self._wake.set()


def _refusal(delay_ms: int) -> bytes:
    if delay_ms <= 0:
        return _REFUSED
    return _REFUSED + b" " + msgspec.json.encode({"delay": delay_ms * 1_000_000})
