"""Serving conductors: a participant performs single tasks that it is asked for over the bus.

The same process follows its own rules and serves those who conduct, so the control model changes
per run and nothing is deployed anew. Owns the other half of `runtime.shared.requesting`: a request
becomes a call, and its outcome the answering event.

A request is acknowledged when its answer has been published, and the answer is on disk before it
is. So a crash while a task is performed has it performed again, with the same idempotency key; a
crash behind that, or a request that comes again months later, has the same answer published again.
A request that cannot be served is put aside with the reason, and holds nothing up.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from datetime import datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import BatutaError, RequestError, UnavailableError
from batuta.kernel.commands import Perform
from batuta.kernel.tasks.call import Act
from batuta.ports.mail import DEAD, Parked, Served
from batuta.runtime.shared.envelope import decode_envelope, decode_event, encode, event, message_of
from batuta.runtime.shared.performing import fault_of
from batuta.runtime.shared.requesting import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.kernel.program import Program
    from batuta.ports.bus import Consumption, Delivered
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.shared.envelope import Envelope
    from batuta.runtime.shared.performing import Performer

_log = logging.getLogger("batuta.requests")

MOST_ATTEMPTS = 5
AGAIN_MS = 500
PAUSE_S = 1.0
_decode_asked = msgspec.json.Decoder(Asked).decode


class Serving:
    """Serves requests for one participant."""

    def __init__(self, participant: Participant, performer: Performer) -> None:
        self._participant = participant
        self._performer = performer
        self._consumption: Consumption | None = None
        self._working: dict[int, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Begin to hear what is asked for."""
        participant = self._participant
        types = participant.programs.serves(participant.store.workflows())
        if types:
            name = f"{participant.name}/requests"
            self._consumption = await participant.bus.consume(name, types, self._take)

    async def stop(self) -> None:
        """Give up what is under way: it is asked for again."""
        consumption, self._consumption = self._consumption, None
        if consumption is not None:
            await consumption.stop()
        working = list(self._working.values())
        for one in working:
            one.cancel()
        if working:
            await asyncio.wait(working, timeout=5)

    # -- one request after the other ---------------------------------------------------------------

    def _take(self, messages: list[Delivered]) -> None:
        for one in messages:
            if one.number not in self._working:
                task = asyncio.get_running_loop().create_task(self._serve(one))
                self._working[one.number] = task
                task.add_done_callback(lambda _, number=one.number: self._working.pop(number, None))

    async def _serve(self, message: Delivered) -> None:
        try:
            answer = await self._answer(message)
            if answer is not None:
                await self._publish(answer)
        except RequestError as error:
            if message.attempt < MOST_ATTEMPTS and self._consumption is not None:
                # What it names may yet be deployed here.
                self._consumption.refuse(message.number, AGAIN_MS * 2**message.attempt)
                return
            self._park(message, error.message)
            await self._participant.durable()
        except BatutaError as error:
            _log.error("%s; request %s is not answered", error, message.id)
            return
        if self._consumption is not None:
            self._consumption.acknowledge([message.number])

    async def _publish(self, answer: dict[str, Any]) -> None:
        while True:
            try:
                await self._participant.bus.publish([message_of(answer)])
            except UnavailableError as error:
                _log.warning("%s; an answer waits", error)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    async def _answer(self, message: Delivered) -> dict[str, Any] | None:
        """Return the answer to a request, None when it is for somebody else or came too late.

        Raises:
            RequestError: it is none that can be served.
        """
        participant = self._participant
        try:
            envelope = decode_envelope(message.body)
            call = _decode_asked(envelope.batutacall or "{}")
            arguments: Any = msgspec.json.decode(envelope.data)
        except msgspec.DecodeError as error:
            raise RequestError(f"it is no request for a task: {error}") from error
        run, key = envelope.batutarun, envelope.batutakey
        if not run or not key:
            raise RequestError("it is no request for a task: batutarun and batutakey are missing")
        program = participant.programs.of(envelope.batutaworkflow, envelope.batutadigest)
        node = program.nodes.get(envelope.batutatask)
        if node is None or not isinstance(node.own, Act):
            raise RequestError(f"{envelope.batutatask!r} is no task of {program.identity}")
        if node.participant not in {None, participant.name}:
            return None
        known = participant.mail.served(run, key)
        if known is not None:
            return None if known.answer is None else decode_event(known.answer)
        deadline = _milliseconds(envelope.batutadeadline)
        if deadline is not None and deadline <= participant.clock.now():
            return None
        command = Perform(
            "",
            key,
            node.reference,
            node.name,
            node.own.kind,
            node.own.target,
            arguments,
            call.input,
            call.authentication,
            envelope.batutaidempotency,
            envelope.batutaattempt,
            participant.name,
            deadline,
        )
        answer = await self._perform(program, envelope, command, call.nonce)
        now = participant.clock.now()
        served = Served(run=run, key=key, at=now, answer=encode(answer))
        participant.committer.batch.served.append(served)
        await participant.durable()
        return answer

    async def _perform(
        self, program: Program, envelope: Envelope, command: Perform, nonce: str
    ) -> dict[str, Any]:
        """Return the event that tells what came of a task."""
        participant = self._participant
        run = envelope.batutarun or ""
        secrets = participant.keeper.secrets_of(program, nonce) if nonce else None
        types = participant.programs.projection(program).types
        serving = nullcontext() if secrets is None else participant.keeper.serving(secrets)
        mask: Callable[[Any], Any] = participant.keeper.mask
        try:
            with serving:
                output = self._performer.start(run, "", program.identity, command)
                if isawaitable(output):
                    output = await output
            data: Any = mask(msgspec.json.decode(encode(output)))
            kind = types.performed(command.reference)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is an answer
            data = mask(fault_of(error, command).as_json())
            kind = types.faulted(command.reference)
        told = event(
            program,
            run,
            name=f"{run}{command.key}/answered",
            kind=kind,
            now=participant.clock.now(),
            data=data,
            sender=participant.name,
        )
        told["batutatask"], told["batutakey"] = command.reference, command.key
        return told

    def _park(self, message: Delivered, reason: str) -> None:
        _log.error("request %s (%s) is put aside: %s", message.id, message.type, reason)
        self._participant.committer.batch.parked.append(
            Parked.of(message, at=self._participant.clock.now(), why=DEAD, reason=reason)
        )


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1_000)
