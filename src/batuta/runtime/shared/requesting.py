"""Tasks that somebody else performs: asking for them over the bus.

Owns the pair of events behind a task that is performed elsewhere: `P.T.requested`, whose data are
the evaluated arguments, and the answer to it (`answering`), which passes `batutarun`, `batutatask`
and `batutakey` back. It is the same pair for a service that is not ours (`external: true`), in both
control models, and for a participant of ours that performs tasks for a conductor (`remote`). Does
not own how answers come in (`runtime.conductor.answers`, `runtime.participant.receiving`), nor the
performing (`runtime.participant.serving`).

A request needs no outbox. The journal says that the task was asked for and not answered, so whoever
takes the run up after a crash asks again; the id is derived from run and key, so that is the same
event, and whoever performs recognises it. Likewise nobody waits for an answer in memory: it is
matched by run and key when it comes.

A service that is not ours may also be asked over a connection of its own (`ports/service.py`): with
the same events, and without a bus. Then its answer comes back on that connection, and one that does
not fit is a fault of the task.

Nothing is sent when a task is not wanted any more. The request tells its deadline
(`batutadeadline`); an answer that comes too late is noted, and changes nothing.

Secrets never leave. A service that is not ours is sent none, so arguments that hold one are a
fault. A participant of ours gets what stands for them, under a nonce that is good for this one
request, and puts in the values that it has itself.
"""

from __future__ import annotations

import asyncio
import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.owners import is_external, owned_tasks
from batuta.choreography.types import Types
from batuta.errors import BatutaError, UnavailableError
from batuta.kernel.events import Failed
from batuta.kernel.faults import standard
from batuta.kernel.transition import iso8601
from batuta.ports.caller import Fault
from batuta.ports.tracing import TRACEPARENT, traceparent
from batuta.runtime.shared.answering import Answers, read_answer
from batuta.runtime.shared.envelope import (
    UnfitError,
    decode_envelope,
    encode,
    event,
    message_of,
)
from batuta.runtime.shared.performing import fault_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from batuta.definition.model import Task, Workflow
    from batuta.kernel.commands import Perform
    from batuta.kernel.events import Performed
    from batuta.kernel.program import Program
    from batuta.ports.bus import Bus, Message
    from batuta.ports.service import Service
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun
    from batuta.runtime.shared.envelope import Envelope

_log = logging.getLogger("batuta.requests")

AT_ONCE = 500
"""Requests that are published together."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Asked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a participant of ours needs besides the arguments: `batutacall`, as JSON text.

    `nonce` is that of the placeholders in all of it, "" when there are none.
    """

    input: Any = None
    authentication: Any = None
    nonce: str = ""


class Directory:
    """Who performs the tasks of one workflow elsewhere, and under which types that is told."""

    def __init__(
        self,
        workflow: Workflow,
        types: Types,
        functions: Mapping[str, Task],
        remote: frozenset[str],
    ) -> None:
        self.types = types
        named = workflow.participants
        self.external = frozenset(one for one in named if is_external(workflow, one))
        self.elsewhere = self.external | remote
        self.hears = frozenset(
            type_
            for task, owner in owned_tasks(workflow, functions)
            if owner in self.elsewhere and task.reference in types.names
            for type_ in self.answers(task.reference)
        )
        """The types of all answers that there may be."""

    def answers(self, reference: str) -> Answers:
        """Return how the answer to a request is called.

        Never by the task's own event: that one is published by whoever asked, with the output that
        the workflow makes of the answer.
        """
        return Answers(self.types.performed(reference), self.types.faulted(reference))


class Requesting:
    """Asks for tasks on behalf of one driver."""

    def __init__(
        self,
        driver: Driver,
        bus: Bus | None = None,
        *,
        remote: frozenset[str] = frozenset(),
        sender: str = "",
        hear: Callable[[frozenset[str]], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare to ask.

        Args:
            driver: whose runs ask.
            bus: where; without one, tasks of external participants fault.
            remote: participants of ours that are asked, too.
            sender: the participant that asks, "" for a conductor.
            hear: awaited before a request is sent, with the types of the answers to it.
        """
        self._driver = driver
        self._bus = bus
        self._remote = remote
        self._sender = sender
        self._hear = hear
        self._directories: dict[tuple[str, str], Directory] = {}
        self._queue: list[tuple[LiveRun, Perform]] = []
        self._shipping: asyncio.Task[None] | None = None

    def directory(self, program: Program) -> Directory:
        """Return who performs what of a workflow elsewhere."""
        key = (program.identity, program.workflow.digest)
        found = self._directories.get(key)
        if found is None:
            functions = self._driver.programs.functions_of(program)
            types = Types(program.workflow, functions)
            found = Directory(program.workflow, types, functions, self._remote)
            self._directories[key] = found
        return found

    def concerns(self, run: LiveRun, command: Perform) -> bool:
        """Say whether a task is performed elsewhere."""
        if command.participant is None:
            return False
        return command.participant in self.directory(run.program).elsewhere

    def ask(self, run: LiveRun, command: Perform) -> bool:
        """Ask for a task if somebody elsewhere performs it; say whether that is so."""
        if not self.concerns(run, command):
            return False
        directory = self.directory(run.program)
        external = command.participant in directory.external
        service = self._driver.services.get(command.participant or "") if external else None
        if external and _holds_secrets(run, command):
            self._refuse(
                run,
                command,
                "Secret for a stranger",
                f"the arguments hold a secret, and {command.participant} is not ours: let the "
                "service have its own",
            )
        elif service is not None:
            self._driver.spawn(run, command.key, self._converse(run, command, service))
        elif self._bus is None:
            self._refuse(
                run,
                command,
                "No bus",
                f"participant {command.participant} is reached by events, and there is no bus here "
                "(`bus` in batuta.toml, or the participant's `url`)",
            )
        else:
            self._queue.append((run, command))
            if self._shipping is None:
                self._shipping = asyncio.get_running_loop().create_task(self._ship())
        return True

    @property
    def is_busy(self) -> bool:
        """Say whether a request is on its way to the bus."""
        return self._shipping is not None

    async def stop(self) -> None:
        """Send no more; what was not sent is asked for again by whoever takes the runs up."""
        if self._shipping is not None:
            self._shipping.cancel()
            await asyncio.wait([self._shipping], timeout=5)

    def _refuse(self, run: LiveRun, command: Perform, title: str, detail: str) -> None:
        fault = standard("configuration", 400, title, detail, command.reference)
        self._driver.post(run, Failed(command.token, command.key, fault))

    # -- over a connection of its own --------------------------------------------------------------

    async def _converse(self, run: LiveRun, command: Perform, service: Service) -> None:
        """Ask a service, and let the run have the answer."""
        try:
            told = await self._answered(run, command, service)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 -- a bug of an adapter is the run's fault, not ours
            told = Failed(command.token, command.key, fault_of(error, command))
        run.working.pop(command.key, None)
        self._driver.post(run, told)
        self._driver.schedule()

    async def _answered(
        self, run: LiveRun, command: Perform, service: Service
    ) -> Performed | Failed:
        completed, faulted = self.directory(run.program).answers(command.reference)
        asked = self.request(run, command)
        event = await service(asked, completed, faulted, command.deadline)
        try:
            _see_that_it_fits(event, asked)
            envelope = decode_envelope(encode(event))
            return self.answer(run, command, envelope.type, envelope)
        except (UnfitError, msgspec.DecodeError) as error:
            raise Fault(
                "communication",
                502,
                "Unfit answer",
                f"{command.participant} answered with an event that is none to this task: {error}",
            ) from error

    # -- to the bus --------------------------------------------------------------------------------

    async def _ship(self) -> None:
        """Publish what lies in the queue, until it is empty."""
        pause = FIRST_PAUSE_S
        try:
            while self._queue:
                chosen = self._queue[:AT_ONCE]
                try:
                    await self._publish(chosen)
                except UnavailableError as error:
                    _log.warning("%s; what is asked of others waits", error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
                else:
                    del self._queue[: len(chosen)]
                    pause = FIRST_PAUSE_S
        finally:
            self._shipping = None

    async def _publish(self, chosen: list[tuple[LiveRun, Perform]]) -> None:
        bus = self._bus
        assert bus is not None  # noqa: S101 -- nothing is queued without one
        wanted = [one for one in chosen if one[0].ledger.asked.get(one[1].key) is one[1]]
        if self._hear is not None:
            types = [self.directory(run.program).hears for run, _ in wanted]
            await self._hear(frozenset().union(*types))
        messages = [self._message(run, command) for run, command in wanted]
        try:
            await bus.publish(messages)
        except UnavailableError:
            raise
        except BatutaError:
            # One of them is more than the bus carries. That is its own run's trouble.
            for (run, command), message in zip(wanted, messages, strict=True):
                await self._publish_alone(bus, run, command, message)

    async def _publish_alone(
        self, bus: Bus, run: LiveRun, command: Perform, message: Message
    ) -> None:
        try:
            await bus.publish([message])
        except UnavailableError:
            raise
        except BatutaError as error:
            self._refuse(run, command, "Cannot be sent", error.message)

    def _message(self, run: LiveRun, command: Perform) -> Message:
        return message_of(self.request(run, command))

    def request(self, run: LiveRun, command: Perform) -> dict[str, Any]:
        """Return the event that asks for a task."""
        directory = self.directory(run.program)
        arguments, call = command.arguments, None
        if command.participant not in directory.external:
            nonce = ""
            given = (arguments, command.input, command.authentication)
            if run.secrets is not None:
                nonce = _nonce_for(run, command)
                given = tuple(run.secrets.under(one, nonce) for one in given)
            arguments = given[0]
            call = Asked(given[1], given[2], nonce)
        asked = event(
            run.program,
            run.id,
            name=f"{run.id}{command.key}/requested",
            kind=directory.types.requested(command.reference),
            now=self._driver.clock.now(),
            data=arguments,
            sender=self._sender,
        )
        if self._driver.traces:
            asked[TRACEPARENT] = traceparent(run.id, command.key)
        asked["batutatask"] = command.reference
        asked["batutakey"] = command.key
        asked["batutaattempt"] = command.attempt
        asked["batutaidempotency"] = run.state.origin + command.occurrence
        if command.deadline is not None:
            asked["batutadeadline"] = iso8601(command.deadline)
        if call is not None:
            asked["batutacall"] = encode(call).decode()
        return asked

    # -- from the bus ------------------------------------------------------------------------------

    def answer(
        self, run: LiveRun, asked: Perform, type_: str, envelope: Envelope
    ) -> Performed | Failed:
        """Return what an event that names a run's request means to it.

        Raises:
            UnfitError: it is no answer to that request.
        """
        answers = self.directory(run.program).answers(asked.reference)
        return read_answer(answers, asked, type_, envelope, run.secrets)


def _see_that_it_fits(event: dict[str, Any], asked: dict[str, Any]) -> None:
    """See to it that an answer which names a request names this one."""
    for name in ("batutarun", "batutakey"):
        said = event.get(name, asked[name])
        if said != asked[name]:
            raise UnfitError(f"its {name} is {said}, expected {asked[name]}")


def _holds_secrets(run: LiveRun, command: Perform) -> bool:
    return run.secrets is not None and run.secrets.mask(command.arguments) != command.arguments


def _nonce_for(run: LiveRun, command: Perform) -> str:
    """Return the nonce of one request: the same each time, and no help in finding the run's own."""
    key = (run.state.nonce or "").encode()[:64]
    return blake2b(f"{run.id}\n{command.key}".encode(), key=key, digest_size=16).hexdigest()
