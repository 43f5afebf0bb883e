"""The outbox: from a participant's batch to the bus.

Here one promise is kept: **nothing is published before the commit of what led to it, and what was
committed is published.** An event is written into the batch of the step that sends it (`note`), and
only rows of a batch that is on disk are given to the bus (`ship`). They are taken out of the store
soon after the bus has them, many at a time: what a crash leaves there is published again, under the
same id.

What the bus never takes (it is larger than it carries) is parked with the reason, alone: those
beside it are published.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from batuta.errors import BatutaError, RequestError, UnavailableError
from batuta.ports.bus import Message
from batuta.ports.mail import DEAD, Outgoing, Parked
from batuta.runtime.shared.envelope import message_of

if TYPE_CHECKING:
    from batuta.runtime.participant.participant import Participant

_log = logging.getLogger("batuta.participant")

FORGET_AT = 256
"""Published rows that are deleted together."""

FORGET_AFTER_MS = 250
"""When fewer than that are deleted all the same: what lies in the outbox is then not sent."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Outbox:
    """The outbox of one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._number = 0
        self._sent: list[int] = []
        self._bell_set = False
        self._shipping: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Publish what an earlier process had left."""
        left = self._participant.mail.outbox(limit=1_000_000)
        if left:
            self._number = left[-1].number
            self.ship(left)

    async def stop(self) -> None:
        """Give up what is on its way: it stays here."""
        for task in list(self._shipping):
            task.cancel()
        if self._shipping:
            await asyncio.wait(list(self._shipping), timeout=5)

    @property
    def is_busy(self) -> bool:
        """Say whether anything is on its way to the bus."""
        return bool(self._shipping)

    # -- into the store ----------------------------------------------------------------------------

    def note(self, run: str, event: dict[str, Any]) -> None:
        """Write an event of a run into the batch."""
        message = message_of(event)
        self._note(run, message.id, message.type, message.body)

    def renew(self, parked: Parked) -> None:
        """Publish again what the bus did not take."""
        self._note(parked.run, parked.id, parked.type, parked.body)
        self._participant.committer.batch.unparked.append(parked.number)
        self._participant.schedule()

    def _note(self, run: str, name: str, kind: str, body: bytes) -> None:
        self._number += 1
        row = Outgoing(self._number, name, kind, body, run)
        self._participant.committer.batch.outbox.append(row)

    # -- to the bus --------------------------------------------------------------------------------

    def ship(self, rows: list[Outgoing]) -> None:
        """Give rows to the bus that are on disk."""
        task = asyncio.get_running_loop().create_task(self._ship(rows))
        self._shipping.add(task)
        task.add_done_callback(self._shipping.discard)

    async def _ship(self, rows: list[Outgoing]) -> None:
        try:
            await self._publish(rows)
        except RequestError as error:
            if len(rows) > 1:
                for row in rows:
                    await self._ship([row])
                return
            self._put_aside(rows[0], error)
            return
        except BatutaError as error:
            _log.error("%s; what is to be published stays in the outbox", error)
            return
        self._sent += [row.number for row in rows]
        if len(self._sent) >= FORGET_AT:
            self.forget_sent()
        elif not self._bell_set:
            self._bell_set = True
            clock = self._participant.clock
            clock.call_at(clock.now() + FORGET_AFTER_MS, self._ring)

    async def _publish(self, rows: list[Outgoing]) -> None:
        messages = [Message(row.id, row.type, row.body) for row in rows]
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._participant.bus.publish(messages)
            except UnavailableError as error:
                _log.warning("%s; what is to be published waits in the outbox", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                return

    def _put_aside(self, row: Outgoing, error: RequestError) -> None:
        reason = f"the bus does not take it: {error.message}"
        _log.error("event %s (%s) is put aside: %s", row.id, row.type, reason)
        participant = self._participant
        participant.committer.batch.parked.append(
            Parked(
                at=participant.clock.now(),
                why=DEAD,
                reason=reason,
                run=row.run,
                id=row.id,
                type=row.type,
                body=row.body,
            )
        )
        participant.committer.batch.sent.append(row.number)
        participant.schedule()

    def _ring(self) -> None:
        self._bell_set = False
        if not self._participant.is_stopping:
            self.forget_sent()

    def forget_sent(self) -> None:
        """Take out of the store what the bus has, with the next commit."""
        if not self._sent:
            return
        self._participant.committer.batch.sent += self._sent
        self._sent = []
        self._participant.schedule()
