"""The bus between machines: one stream of NATS JetStream. The contract is `batuta.ports.bus.Bus`.

A message's number is its sequence in the stream, its subject is made of its type (`naming.py`) and
its id is the `Nats-Msg-Id`, by which the stream knows repetitions for `REPETITION_S`. A durable
consumer is one of JetStream's, pulled from by every process that takes part (`consuming.py`).

What differs from the embedded bus, within the contract: after a process was killed, what it held
comes again when its time to acknowledge is over, not before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batuta.adapters.buses.nats.claiming import Claims
from batuta.adapters.buses.nats.consuming import NatsPart
from batuta.adapters.buses.nats.durability import check_servers, check_stream
from batuta.adapters.buses.nats.link import Link, NoSuchThing
from batuta.adapters.buses.nats.naming import NO_TYPE, durable_name, prefix, subject_token
from batuta.adapters.buses.nats.publishing import Publisher
from batuta.adapters.buses.nats.reading import SECOND, Reading
from batuta.errors import BatutaError, NotFoundError, UnavailableError
from batuta.ports.bus import ACK_WAIT_MS, WINDOW, check, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batuta.adapters.buses.nats.settings import NatsSettings
    from batuta.ports.bus import Delivered, Message

REPETITION_S = 120
CONSUMERS_AT_ONCE = 256


class NatsBus:
    """A bus in one stream."""

    def __init__(self, settings: NatsSettings) -> None:
        """Prepare; `start` connects, and creates the stream when absent."""
        self._settings = settings
        self._stream = settings.stream
        self._prefix = prefix(settings.stream)
        self._durables: dict[NatsPart, str] = {}
        self._connected: Link | None = None

    @property
    def _link(self) -> Link:
        if self._connected is None:
            raise UnavailableError(
                f"the bus at {self._settings.shown} is not open",
                hint="start it, and close it last",
            )
        return self._connected

    async def start(self) -> None:
        """Connect. See the port."""
        link = Link(self._settings)
        await link.connect()
        try:
            if not self._settings.accept_loss:
                await check_servers(link)
            await self._find_stream(link)
            self._publisher = Publisher(link, self._stream)
            await self._publisher.start()
        except BaseException:
            await link.close()
            raise
        self._connected = link

    async def _find_stream(self, link: Link) -> None:
        subjects = f"{self._prefix}>"
        try:
            found = await link.request(f"STREAM.INFO.{self._stream}")
        except NoSuchThing:
            found = await link.request(
                f"STREAM.CREATE.{self._stream}",
                name=self._stream,
                subjects=[subjects],
                storage="file",
                retention="limits",
                discard="old",
                max_age=0,
                max_bytes=-1,
                max_msgs=-1,
                max_msg_size=-1,
                max_consumers=-1,
                num_replicas=self._settings.replicas,
                duplicate_window=REPETITION_S * SECOND,
            )
        check_stream(found["config"], subjects)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages. See the port."""
        check(messages)
        self._link.check()
        if messages:
            await self._publisher.publish(messages)

    async def consume(
        self,
        name: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int = WINDOW,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> NatsPart:
        """Become a part of a durable consumer. See the port."""
        check_name("a consumer's name", name)
        link, durable = self._link, durable_name(name)
        found = await link.request(
            f"CONSUMER.CREATE.{self._stream}.{durable}",
            stream_name=self._stream,
            config={
                "name": durable,
                "durable_name": durable,
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "replay_policy": "instant",
                "ack_wait": ack_wait_ms * 1_000_000,
                "max_deliver": -1,
                "max_ack_pending": -1,  # each part asks for no more than its window
                "filter_subjects": self._subjects(types),
            },
        )
        part = NatsPart(
            link,
            self._stream,
            durable,
            found["created"],
            take,
            prefix_length=len(self._prefix),
            window=window,
            ended=self._ended,
        )
        self._durables[part] = durable
        await part.start()
        return part

    def _ended(self, part: NatsPart) -> None:
        self._durables.pop(part, None)

    def _subjects(self, types: frozenset[str] | None) -> list[str]:
        if types is None:
            return [f"{self._prefix}>"]
        return [self._prefix + subject_token(one) for one in sorted(types)] or [
            self._prefix + NO_TYPE
        ]

    async def history(
        self, *, after: int = 0, types: frozenset[str] | None = None, limit: int = 1000
    ) -> list[Delivered]:
        """Read without consuming. See the port."""
        reading = Reading(self._link, self._stream, len(self._prefix))
        told = await reading.begin(
            deliver_policy="by_start_sequence",
            opt_start_seq=after + 1,
            filter_subjects=self._subjects(types),
        )
        try:
            return await reading.read(min(limit, told["num_pending"]))
        finally:
            await reading.end()

    async def newest(self) -> int:
        """Return the newest message's number. See the port."""
        return (await self._state())["last_seq"]

    async def _state(self) -> dict[str, Any]:
        return (await self._link.request(f"STREAM.INFO.{self._stream}"))["state"]

    async def lag(self, name: str) -> int:
        """Return what a consumer has not acknowledged. See the port."""
        try:
            told = await self._link.request(f"CONSUMER.INFO.{self._stream}.{durable_name(name)}")
        except NoSuchThing as error:
            raise NotFoundError(f"the bus has no consumer {name!r}") from error
        return told["num_pending"] + told["num_ack_pending"]

    async def claim(self, name: str, holder: str, *, take_over: bool = False) -> None:
        """Claim a name. See the port."""
        check_name("a consumer's name", name)
        await Claims(self._link, self._settings).claim(name, holder, take_over=take_over)

    async def forget(self, name: str) -> None:
        """Drop a consumer. See the port."""
        await Claims(self._link, self._settings).forget(name)
        durable = durable_name(name)
        try:
            await self._link.request(f"CONSUMER.DELETE.{self._stream}.{durable}")
        except NoSuchThing:
            return
        for part, of in self._durables.items():
            if of == durable:
                part.end()

    async def purge(self, before_ms: int) -> int:
        """Drop old messages. See the port."""
        # Asked for first: what comes meanwhile is not dropped.
        newest = (await self._state())["last_seq"]
        floor = min(newest, await self._first_since(before_ms), *await self._needed(newest))
        if floor <= 1:
            return 0
        told = await self._link.request(f"STREAM.PURGE.{self._stream}", seq=floor)
        return told["purged"]

    async def _first_since(self, time_ms: int) -> int:
        """Return the number of the first message published at a time or after it."""
        since = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
        reading = Reading(self._link, self._stream, len(self._prefix))
        told = await reading.begin(deliver_policy="by_start_time", opt_start_time=since)
        await reading.end()
        return told["delivered"]["stream_seq"] + 1

    async def _needed(self, newest: int) -> list[int]:
        """Return, for each consumer, the first number that it may still need."""
        found: list[int] = []
        offset = 0
        while True:
            told = await self._link.request(f"CONSUMER.LIST.{self._stream}", offset=offset)
            for one in told["consumers"] or ():
                if one["config"].get("durable_name"):
                    waits = one["num_pending"] or one["num_ack_pending"]
                    found.append(one["ack_floor"]["stream_seq"] + 1 if waits else newest)
            offset += len(told["consumers"] or ())
            if not told["consumers"] or offset >= told["total"]:
                return found

    async def close(self) -> None:
        """Stop every consumption, and disconnect. See the port."""
        link, self._connected = self._connected, None
        if link is None:
            return
        for part in list(self._durables):
            try:
                await part.stop()
            except BatutaError:
                continue  # without a connection; what it held comes again after its time
        await link.close()
