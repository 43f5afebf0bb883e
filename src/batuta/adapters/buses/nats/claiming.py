"""Whose a consumer's name is: a stream of its own beside that of the messages.

It keeps one message per name, whose body is the holder. A name is claimed by a message that the
stream only takes if what it has of that name is still what was read before
(`Nats-Expected-Last-Subject-Sequence`): so of two who claim it at once one is refused.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec
import nats.errors

from batuta.adapters.buses.nats.link import Link, NoSuchThing
from batuta.adapters.buses.nats.naming import durable_name
from batuta.errors import UnavailableError
from batuta.ports.bus import claimed

if TYPE_CHECKING:
    from batuta.adapters.buses.nats.settings import NatsSettings

ANSWER_S = 10
CHANGED_MEANWHILE = 10071
"""JetStream's code for a message that expected another one before it."""


class Claims:
    """The claims on one bus."""

    def __init__(self, link: Link, settings: NatsSettings) -> None:
        self._link = link
        self._settings = settings
        self._stream = f"{settings.stream}-claims"
        self._prefix = f"{settings.stream}.claims."

    async def claim(self, name: str, holder: str, *, take_over: bool) -> None:
        """Claim a name. See the port."""
        await self._link.request(
            f"STREAM.CREATE.{self._stream}",
            name=self._stream,
            subjects=[f"{self._prefix}>"],
            storage="file",
            retention="limits",
            discard="old",
            max_msgs_per_subject=1,
            num_replicas=self._settings.replicas,
        )
        subject = self._prefix + durable_name(name)
        while True:
            number, before = await self._read(subject)
            if before == holder:
                return
            if before and not take_over:
                raise claimed(name, before)
            if await self._write(subject, holder, number):
                return

    async def forget(self, name: str) -> None:
        """Drop the claim on a name, if there is one."""
        try:
            await self._link.request(
                f"STREAM.PURGE.{self._stream}", filter=self._prefix + durable_name(name)
            )
        except NoSuchThing:
            return

    async def _read(self, subject: str) -> tuple[int, str]:
        """Return the number of the latest claim and who made it; 0 and "" when there is none."""
        try:
            told = await self._link.request(f"STREAM.MSG.GET.{self._stream}", last_by_subj=subject)
        except NoSuchThing:
            return 0, ""
        found = told["message"]
        return found["seq"], b64decode(found.get("data", "")).decode()

    async def _write(self, subject: str, holder: str, number: int) -> bool:
        """Claim a name unless somebody has done so since `number`; say whether it is claimed."""
        self._link.check()
        try:
            answer = await self._link.ask(
                subject,
                holder.encode(),
                seconds=ANSWER_S,
                headers={"Nats-Expected-Last-Subject-Sequence": str(number)},
            )
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError(
                f"stream {self._stream} did not take a claim: {error!r}", hint="try again"
            ) from error
        problem: dict[str, Any] | None = msgspec.json.decode(answer.data).get("error")
        if problem is None:
            return True
        if problem.get("err_code") == CHANGED_MEANWHILE:
            return False
        raise UnavailableError(
            f"stream {self._stream} did not take a claim: {problem}",
            hint="look at the server's log; try again",
        )
