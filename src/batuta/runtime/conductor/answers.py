"""Answers to what a conductor asked of others: from the bus to its runs.

Owns a durable consumer that is named by the store, not by the process: an answer survives the crash
of whoever asked, and is taken by whoever drives the run by then. Several processes over one store
share the consumer, so an answer may come to one that does not drive its run; it is then left in the
store, as a request to the one that does.

An answer is acknowledged behind the commit that holds it. One that nobody waits for (given twice by
the service, or after a timeout) is noted as late; one that does not fit what was asked is put aside
as dead, with the reason. Answers for runs that this store does not know are other askers' own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from batuta.errors import BatutaError, KernelBug
from batuta.kernel.codec import encode_event
from batuta.kernel.commands import Perform
from batuta.ports.bus import Delivered
from batuta.ports.mail import AGAIN, DEAD, LATE, Parked
from batuta.runtime.shared.answering import read_answer
from batuta.runtime.shared.envelope import Envelope, UnfitError, decode_envelope, name_of
from batuta.runtime.shared.replay import replay

if TYPE_CHECKING:
    from batuta.ports.bus import Bus, Consumption
    from batuta.ports.mail import Mailbox
    from batuta.ports.store import RunRow
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.shared.replay import Ledger

_log = logging.getLogger("batuta.requests")

MOST_ATTEMPTS = 5
AGAIN_MS = 500


class Asking(NamedTuple):
    """What a conductor needs to have tasks performed elsewhere.

    `bus` is started; `mail` is that of the conductor's own store; `remote` are the participants of
    ours that have processes of their own. Services that are not ours are asked in any case.
    """

    bus: Bus
    mail: Mailbox
    remote: frozenset[str] = frozenset()


class Answers:
    """Hears the answers for one conductor."""

    def __init__(self, conductor: Conductor, asking: Asking) -> None:
        self._conductor = conductor
        self._bus = asking.bus
        self._mail = asking.mail
        self._changing = asyncio.Lock()
        self._consumption: Consumption | None = None
        self._types: frozenset[str] = frozenset()
        self._redriven: set[int] = set()

    async def start(self) -> None:
        """Begin to hear the answers that the deployed workflows may get."""
        conductor = self._conductor
        types: set[str] = set()
        for identity in conductor.store.workflows():
            try:
                program = conductor.programs.get(identity)
            except BatutaError as error:
                _log.error("%s", error)
            else:
                types |= conductor.requesting.directory(program).hears
        await self.hear(frozenset(types))
        conductor.hearing.noticed.append(self.redrive)
        self.redrive()

    async def hear(self, types: frozenset[str]) -> None:
        """Hear these types, too: what asks for them is about to be sent."""
        if types <= self._types:
            return
        async with self._changing:
            await self._consume(self._types | types)

    def redrive(self) -> None:
        """Take what was put aside and is to be taken again, as somebody has asked."""
        conductor = self._conductor
        for one in self._mail.parked(AGAIN):
            if one.number in self._redriven or conductor.is_stopping:
                continue
            message = Delivered(one.place, one.id, one.type, one.body, one.attempts + 1)
            try:
                taken = self._receive(message)
            except Exception as error:  # noqa: BLE001 -- as in _take
                taken = self._failed(message, error)
            if taken:
                self._redriven.add(one.number)
                conductor.committer.batch.unparked.append(one.number)
                conductor.schedule()
            else:
                asyncio.get_running_loop().call_later(AGAIN_MS / 1_000, self.redrive)

    async def stop(self) -> None:
        """Hear no more; what was not acknowledged comes again."""
        consumption, self._consumption = self._consumption, None
        if consumption is not None:
            await consumption.stop()

    async def _consume(self, types: frozenset[str]) -> None:
        await self.stop()
        name = f"conductor/{self._conductor.store.name()}"
        self._consumption = await self._bus.consume(name, types, self._take)
        self._types = types

    # -- one delivery after the other --------------------------------------------------------------

    def _take(self, messages: list[Delivered]) -> None:
        if self._conductor.is_stopping:
            return
        done: list[int] = []
        for one in messages:
            try:
                taken = self._receive(one)
            except Exception as error:  # noqa: BLE001 -- whatever it is, those behind it go on
                taken = self._failed(one, error)
            if taken:
                done.append(one.number)
            elif self._consumption is not None:
                self._consumption.refuse(one.number, AGAIN_MS * 2**one.attempt)
        if done:
            self._conductor.committer.releases.append(lambda: self._acknowledge(done))
        self._conductor.schedule()

    def _acknowledge(self, done: list[int]) -> None:
        if self._consumption is not None:
            self._consumption.acknowledge(done)

    def _failed(self, message: Delivered, error: Exception) -> bool:
        """Say whether a message that cannot be taken is done with all the same."""
        if message.attempt < MOST_ATTEMPTS:
            _log.warning("message %s cannot be taken now: %r", message.id, error)
            return False
        self._park(message, DEAD, error.message if isinstance(error, BatutaError) else repr(error))
        return True

    def _receive(self, message: Delivered) -> bool:
        """Say whether a message is done with once the batch is durable."""
        try:
            envelope = decode_envelope(message.body)
        except msgspec.DecodeError as error:
            self._park(message, DEAD, f"it is no CloudEvent in JSON: {error}")
            return True
        if envelope.batutarun is None or envelope.batutakey is None:
            return True
        # A run that has just begun is not in the store yet, but asks only once it is.
        row = self._conductor.store.run(envelope.batutarun)
        name = name_of(envelope.source, envelope.id)
        if row is None or row.control != "orchestrated" or self._mail.has_taken(row.id, name):
            return True
        try:
            return self._answered(row, message, envelope)
        except UnfitError as error:
            self._park(message, DEAD, str(error), row.id)
            return True

    def _answered(self, row: RunRow, message: Delivered, envelope: Envelope) -> bool:
        conductor = self._conductor
        key = envelope.batutakey or ""
        run = conductor.runs.get(row.id)
        if run is None and row.ended_at is None and row.owner != conductor.owner:
            return self._leave(row, message, envelope)
        run = run or conductor.housing.find(row.id)
        asked = None if run is None else run.ledger.asked.get(key)
        if run is None or not isinstance(asked, Perform):
            self._park(message, LATE, "nobody waits for this answer any more", row.id)
            return True
        if run.problem is not None:
            raise KernelBug(run.problem)
        if run.evaluating:
            return False
        conductor.take(run, conductor.requesting.answer(run, asked, message.type, envelope))
        if key in run.ledger.asked:
            # Not written down: it waits for the sandbox, or the run stopped.
            return False
        conductor.committer.batch.inbox.append((row.id, name_of(envelope.source, envelope.id)))
        return True

    def _leave(self, row: RunRow, message: Delivered, envelope: Envelope) -> bool:
        """Leave an answer to whoever drives the run."""
        conductor = self._conductor
        program = conductor.programs.of(row.workflow, row.digest)
        asked = self._ledger(row).asked.get(envelope.batutakey or "")
        if not isinstance(asked, Perform):
            self._park(message, LATE, "nobody waits for this answer any more", row.id)
            return True
        directory = conductor.requesting.directory(program)
        answers = directory.answers(asked.reference)
        answer = read_answer(answers, asked, message.type, envelope)
        batch = conductor.committer.batch
        batch.asks.append((row.id, encode_event(answer)))
        batch.inbox.append((row.id, name_of(envelope.source, envelope.id)))
        return True

    def _ledger(self, row: RunRow) -> Ledger:
        store = self._conductor.store
        program = self._conductor.programs.of(row.workflow, row.digest)
        snapshot = store.snapshot(row.id)
        rows = store.journal(row.id, 0 if snapshot is None else snapshot[0])
        return replay(program, rows, snapshot=snapshot)[2]

    def _park(self, message: Delivered, why: str, reason: str, run: str = "") -> None:
        if why == DEAD:
            _log.error("message %s (%s) is put aside: %s", message.id, message.type, reason)
        self._conductor.committer.batch.parked.append(
            Parked.of(message, at=self._conductor.clock.now(), why=why, reason=reason, run=run)
        )
