"""The connection: made, lost and made again; and requests to JetStream's interface.

Owns everything that the driver library calls back for, and what its errors mean to us.
"""

from __future__ import annotations

import asyncio
import logging
from secrets import randbelow
from typing import TYPE_CHECKING, Any

import msgspec
import nats.errors
from nats.aio.client import Client

from batuta.errors import RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Server
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from batuta.adapters.buses.nats.settings import NatsSettings

_log = logging.getLogger("batuta.bus")

CONNECT_S, REQUEST_S = 5.0, 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
PING_S = 10
PENDING_BYTES = 64 * 1024 * 1024
OLDEST_SERVER = (2, 10)
"""The first with consumers of several subjects."""

NO_RESPONDERS = "503"


class NoSuchThing(Exception):  # noqa: N818 -- an answer of the server's, turned into ours by who asked
    """JetStream has no such stream, consumer or message."""


class Link:
    """A connection that comes back by itself."""

    def __init__(self, settings: NatsSettings) -> None:
        self.settings = settings
        self.client = Client()
        self.lost: list[Callable[[], None]] = []
        """Called when the connection is lost."""
        self.regained: list[Callable[[], None]] = []
        """Called when there is one again."""
        self._patiences: set[asyncio.Timeout] = set()
        """Of who waits for an answer that does not come when the connection is lost."""
        self._pauses = 0
        self._trouble = ""

    async def connect(self) -> None:
        """Connect.

        Raises:
            UnavailableError: no server can be reached.
            RequestError: the server is too old, or has no JetStream.
        """
        patience = asyncio.timeout(CONNECT_S)
        self._patiences.add(patience)
        try:
            async with patience:
                await self.client.connect(
                    list(self.settings.servers),
                    name="batuta",
                    error_cb=self._erred,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    reconnect_to_server_handler=self._next_server,
                    max_reconnect_attempts=-1,
                    ping_interval=PING_S,
                    pending_size=PENDING_BYTES,
                    user_credentials=self.settings.credentials,
                )
        except (TimeoutError, OSError, nats.errors.Error) as error:
            await self._give_up()
            raise UnavailableError(
                f"no NATS server at {self.settings.shown}: {self._trouble or repr(error)}",
                hint="start one, or correct the URL of the bus",
            ) from error
        finally:
            self._patiences.discard(patience)
        version = tuple(int(part) for part in self.version.split("-")[0].split(".")[:2])
        if version < OLDEST_SERVER:
            await self.client.close()
            raise RequestError(
                f"the NATS server at {self.settings.shown} is {self.version}",
                hint="use 2.10 or newer",
            )

    async def _give_up(self) -> None:
        """Let go of a connection that was not made; the driver may think that it has."""
        await self.client.close()
        transport = self.client._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- see above
        if transport is not None:
            transport.close()

    @property
    def version(self) -> str:
        """The version of the server that we are connected to."""
        return str(self.info.get("version", "0.0"))

    @property
    def server_id(self) -> str:
        """The id of the server that we are connected to."""
        return str(self.info.get("server_id", ""))

    @property
    def info(self) -> dict[str, Any]:
        """What the server says of itself."""
        return self.client._server_info  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- not told otherwise

    @property
    def largest(self) -> int:
        """The most bytes that a message, with its headers, may have."""
        return int(self.client.max_payload)

    def check(self) -> None:
        """Refuse when there is no connection now.

        Raises:
            UnavailableError: there is none.
        """
        if not self.client.is_connected:
            raise UnavailableError(
                f"there is no connection to NATS at {self.settings.shown} now",
                hint="it comes back by itself; then try again",
            )

    async def request(self, action: str, **content: Any) -> dict[str, Any]:
        """Ask JetStream for something.

        Raises:
            NoSuchThing: what was asked for does not exist.
            UnavailableError: it did not answer; a change may have been made.
            RequestError: it refused.
        """
        self.check()
        body = msgspec.json.encode(content) if content else b""
        patience = asyncio.timeout(REQUEST_S)
        self._patiences.add(patience)
        try:
            async with patience:
                answer = await self.ask(f"$JS.API.{action}", body, seconds=2 * REQUEST_S)
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError(
                f"JetStream at {self.settings.shown} did not answer to {action}: {error!r}",
                hint="is JetStream on, and does the account have it? then try again",
            ) from error
        finally:
            self._patiences.discard(patience)
        told: dict[str, Any] = msgspec.json.decode(answer.data)
        problem = told.get("error")
        if problem is None:
            return told
        if problem["code"] == 404:  # noqa: PLR2004 -- as in HTTP
            raise NoSuchThing(problem.get("description", ""))
        said = f"JetStream refused {action}: {problem.get('description')} ({problem})"
        if problem["code"] >= 500:  # noqa: PLR2004 -- as in HTTP
            raise UnavailableError(said, hint="look at the server's log; then try again")
        raise RequestError(said)

    async def ask(
        self, subject: str, body: bytes, *, seconds: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """Send a message, and return the answer; may be cancelled at any moment.

        The driver waits with `asyncio.wait_for`, which before Python 3.12 loses a cancellation that
        comes in the same turn as the answer: who was cancelled then went on for ever.

        Raises:
            TimeoutError: there was none in so many seconds.
            nats.errors.Error: there is no connection, or nobody to answer.
        """
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        answer = await self.client.request(subject, body, timeout=seconds, headers=headers)
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
        return answer

    async def subscribe(self, subject: str, act: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Listen to a subject, however much comes.

        Raises:
            UnavailableError: there is no connection.
        """
        self.check()
        return await self.client.subscribe(
            subject, cb=act, pending_msgs_limit=0, pending_bytes_limit=0
        )

    async def send(
        self, subject: str, body: bytes, *, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Send a message, or note it for when there is a connection again.

        Raises:
            UnavailableError: it could not be noted.
        """
        try:
            await self.client.publish(subject, body, reply=reply, headers=headers)
        except nats.errors.Error as error:
            raise UnavailableError(f"NATS did not take a message: {error!r}") from error

    async def close(self) -> None:
        """Send what is noted, and disconnect."""
        if self.client.is_connected:
            try:
                await self.client.flush(timeout=int(CONNECT_S))
            except (nats.errors.Error, TimeoutError) as error:
                _log.warning("NATS did not take the last messages: %r", error)
        else:
            # What cannot be sent any more would keep the driver from closing.
            self.client._pending_data_size = 0  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- see above
        self.lost.clear()
        self.regained.clear()
        await self.client.close()

    # -- what the driver calls back for ------------------------------------------------------------

    def _next_server(self, servers: list[Server], _: dict[str, Any]) -> tuple[Server | None, float]:
        """Take turns among the servers, with growing pauses that differ between processes."""
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._pauses // len(servers)))
        server = servers[self._pauses % len(servers)]
        self._pauses += 1
        return server, pause * (50 + randbelow(50)) / 100

    async def _erred(self, error: Exception) -> None:
        self._trouble = repr(error)
        _log.debug("NATS: %r", error)
        if isinstance(error, nats.errors.Error) and "authorization" in str(error).lower():
            self._wait_no_more()  # trying again will not help

    def _wait_no_more(self) -> None:
        now = asyncio.get_running_loop().time()
        for patience in self._patiences:
            patience.reschedule(now)

    async def _disconnected(self) -> None:
        if self.client.is_closed:
            return
        _log.warning("the connection to NATS at %s is lost", self.settings.shown)
        self._wait_no_more()
        for act in list(self.lost):
            act()

    async def _reconnected(self) -> None:
        self._pauses = 0
        _log.warning("there is a connection to NATS at %s again", self.settings.shown)
        for act in list(self.regained):
            act()
