"""Receiving: what every message from the bus means here.

Each has a defined end:

- it is *taken*: a part of a run takes what it brings (`deliveries`), or it is kept for those that
  listen; it was taken before; or it concerns others;
- it is *late*: what it tells means nothing any more, as its run has ended. It is noted, no more;
- it is *dead*: it is not what it would have to be (`UnfitError`), no part of the run can take it,
  or after some attempts it still cannot be taken now: its version is not deployed here, or what has
  to come before it has not come. It is parked with the reason, for a person to redrive or discard.

None of them holds up what comes behind it.

What a message asks for may be begun at once, since the message itself is durable: only its answer,
together with its arrival, has to be on disk before anything else follows from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.types import RESERVED
from batuta.errors import BatutaError, KernelBug, NotFoundError
from batuta.kernel.codec import taken_over
from batuta.kernel.commands import Perform
from batuta.kernel.events import (
    Arrived,
    Closed,
    Event,
    Facts,
    Failed,
    Performed,
)
from batuta.kernel.faults import FaultData, standard
from batuta.kernel.state import TERMINAL
from batuta.kernel.step import NEW
from batuta.kernel.tasks.away import owner_of
from batuta.ports.bus import Delivered
from batuta.ports.mail import DEAD, LATE
from batuta.ports.store import StoredEvent
from batuta.runtime.participant.knowing import Knowing
from batuta.runtime.participant.wishes import is_outdated, meant
from batuta.runtime.shared.envelope import (
    Envelope,
    UnfitError,
    bare,
    decode_ask,
    decode_end,
    decode_envelope,
    decode_event,
    decode_hand,
    name_of,
)

if TYPE_CHECKING:
    from batuta.choreography.projection import Projection
    from batuta.kernel.program import Program
    from batuta.kernel.tokens import Handed
    from batuta.runtime.participant.deliveries import Delivery
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun

SLICE = 256
"""Messages taken per turn of the loop."""

HEARD = ""
"""The run under which the inbox has what was kept for those that listen: known for ever."""


class Receiving:
    """Receives for one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._deliveries = participant.deliveries
        self._knowing = Knowing(participant)
        self._types: frozenset[str] | None = frozenset()
        self._listens: frozenset[str] | None = frozenset()
        self._waiting: deque[Delivery] = deque()
        self._hearing: dict[str, int] = {}
        """Names and numbers of what is to be kept for those that listen, and is not on disk yet."""
        self._offered: list[Delivery] = []
        self._settling: asyncio.Task[None] | None = None
        self._rules: dict[tuple[str, str], tuple[Program, Projection]] = {}
        """By identity and digest, of what messages were about."""

    async def start(self) -> None:
        """Begin to hear what the rules of the deployed workflows name."""
        participant = self._participant
        identities = participant.store.workflows()
        self._listens = participant.programs.listens(identities)
        self._types = participant.programs.hears(identities)
        self.redrive()
        if self._types is None or self._types:
            self._deliveries.consumption = await participant.bus.consume(
                participant.name, self._types, self._take
            )

    async def stop(self) -> None:
        """Hear no more; what was not acknowledged comes again."""
        consumption, self._deliveries.consumption = self._deliveries.consumption, None
        if consumption is not None:
            await consumption.stop()
        self._waiting.clear()
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.wait([self._settling])

    def redrive(self) -> None:
        """Take what was put aside and is to be taken again."""
        for one in self._deliveries.redriven():
            if one.place:
                attempt = one.attempts + 1
                message = Delivered(one.place, one.id, one.type, one.body, attempt)
                self._queue(self._deliveries.begin(message, one.number))
            else:
                self._participant.outbox.renew(one)

    # -- one delivery after the other --------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Say whether there are messages here that were not looked at, or not settled, yet."""
        return bool(self._waiting) or self._settling is not None

    def _take(self, messages: list[Delivered]) -> None:
        for one in messages:
            self._waiting.append(self._deliveries.begin(one))
        self._take_some()

    def _queue(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        asyncio.get_running_loop().call_soon(self._take_some)

    def _take_some(self) -> None:
        """Take a slice of what was delivered: what it leads to is on its way before the next."""
        if self._participant.is_stopping:
            self._waiting.clear()
            return
        chosen = [self._waiting.popleft() for _ in range(min(SLICE, len(self._waiting)))]
        self._knowing.look_up(chosen)
        for one in chosen:
            self._take_one(one)
        self._knowing.forget()
        self._participant.schedule()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._take_some)

    def _take_one(self, delivery: Delivery) -> None:
        try:
            self._receive(delivery)
        except UnfitError as error:
            self._deliveries.park(delivery, DEAD, str(error))
        except msgspec.MsgspecError as error:
            self._deliveries.park(delivery, DEAD, f"what it tells cannot be read: {error}")
        except KernelBug as bug:
            self._deliveries.park(delivery, DEAD, bug.message)
        except Exception as error:  # noqa: BLE001 -- whatever it is, those behind it go on
            self._deliveries.put_off(delivery, error)
        else:
            self._deliveries.written(delivery)

    def _park(self, delivery: Delivery, why: str, reason: str, run: str = "") -> None:
        """Put a message aside that has nothing more to it; `_take_one` ends the delivery."""
        delivery.left += 1
        self._deliveries.park(delivery, why, reason, run)

    # -- what it means -----------------------------------------------------------------------------

    def _receive(self, delivery: Delivery) -> None:
        message, envelope = delivery.message, delivery.envelope
        if envelope is None:
            try:
                envelope = decode_envelope(message.body)
            except msgspec.DecodeError as error:
                raise UnfitError(f"it is no CloudEvent in JSON: {error}") from None
        if envelope.type != message.type:
            raise UnfitError(f"its type is {envelope.type}, and it was published as {message.type}")
        is_ours = message.type.startswith(RESERVED)
        if envelope.batutakey is not None:
            self._answered(delivery, envelope)
        elif envelope.batutarun is not None:
            self._about_run(delivery, envelope)
        elif is_ours:
            raise UnfitError("it names no run, expected its id in batutarun")
        if not is_ours:
            self._hear(delivery, envelope)

    # -- what runs listen to -----------------------------------------------------------------------

    def _hear(self, delivery: Delivery, envelope: Envelope) -> None:
        """An event that runs may listen to: keep it, and offer it to those that wait for it.

        A run that waits is not looked at after a crash, so the message has to come again then: it
        is acknowledged when those that were offered it have it on disk. It is offered again as
        often as it comes, but only ever under one number: by that, runs know it.
        """
        participant, message = self._participant, delivery.message
        if self._listens is not None and message.type not in self._listens:
            return
        name = name_of(envelope.source, envelope.id)
        if self._is_repeated(name, message.number):
            return
        event = bare(decode_event(message.body))
        now = participant.clock.now()
        batch = participant.committer.batch
        batch.heard.append((message.number, now, event))
        batch.inbox.append((HEARD, name))
        self._hearing[name] = message.number
        stored = StoredEvent(number=message.number, at=now, event=event)
        delivery.left += 1
        participant.committer.releases.append(lambda: self._offer(name, stored, delivery))

    def _is_repeated(self, name: str, number: int) -> bool:
        """Say whether an event was heard under another number, or so long ago that it is gone."""
        participant = self._participant
        heard = self._hearing.get(name)
        if heard is not None:
            return heard != number
        if not participant.mail.has_taken(HEARD, name):
            return False
        return all(one.number != number for one in participant.store.events(number - 1, limit=1))

    def _offer(self, name: str, stored: StoredEvent, delivery: Delivery) -> None:
        self._hearing.pop(name, None)
        if not self._participant.ears.heard_now(stored):
            self._deliveries.written(delivery)
            return
        self._offered.append(delivery)
        if self._settling is None:
            self._settling = asyncio.get_running_loop().create_task(self._settle_offered())

    async def _settle_offered(self) -> None:
        participant = self._participant
        try:
            while self._offered:
                deliveries, self._offered = self._offered, []
                await participant.taken()
                for one in deliveries:
                    self._deliveries.written(one)
                participant.schedule()
        except BatutaError:
            return  # nothing is written any more, so nothing is acknowledged
        finally:
            self._settling = None

    # -- what is about a run -----------------------------------------------------------------------

    def _about_run(self, delivery: Delivery, envelope: Envelope) -> None:
        about = (envelope.batutaworkflow, envelope.batutadigest or "")
        rules = self._rules.get(about)
        if rules is None:
            program = self._program(envelope)
            if program is None:
                return
            rules = (program, self._participant.programs.projection(program))
            if envelope.batutadigest is not None:
                self._rules[about] = rules  # what a digest stands for never changes
        program, projection = rules
        if envelope.batutaparent is not None and envelope.type == projection.types.ended:
            self._answer_parent(delivery, envelope)
        if self._participant.name in projection.parts:
            self._about_part(delivery, envelope, program, projection)

    def _about_part(
        self, delivery: Delivery, envelope: Envelope, program: Program, projection: Projection
    ) -> None:
        kind, types = envelope.type, projection.types
        is_first = projection.first == self._participant.name
        if kind == types.start and envelope.batutahand is None:
            if is_first:
                self._start(delivery, envelope, program)
        elif kind == types.ended:
            self._ended(delivery, envelope, program)
        elif kind == types.control:
            self._asked(delivery, envelope, program, is_first=is_first)
        elif envelope.batutahand is not None:
            self._handed(delivery, envelope, program)
        elif kind.startswith(RESERVED) and not types.has(kind):
            raise UnfitError(f"its type is none of {program.workflow.identity}")

    def _program(self, envelope: Envelope) -> Program | None:
        """Return the program that an event names, None for one that is no business of ours.

        Raises:
            NotFoundError: the version is not deployed here, but others of the workflow are.
            UnfitError: no version is, and the type is one of a workflow that is.
        """
        programs = self._participant.programs
        identity = envelope.batutaworkflow
        name, _, version = identity.partition(":")
        try:
            if envelope.batutadigest is not None:
                return programs.of(identity, envelope.batutadigest)
            namespace, _, short = name.partition("/")
            return programs.get(programs.latest(namespace, short, version or "latest"))
        except NotFoundError:
            # Asked only now: the store is not to be read for every message.
            if self._participant.store.workflows(f"{name}:"):
                raise
        if self._types is not None and envelope.type.startswith(RESERVED):
            raise UnfitError(f"it is about workflow {identity!r}, which is not deployed here")
        return None

    def _start(self, delivery: Delivery, envelope: Envelope, program: Program) -> None:
        participant = self._participant
        run_id = envelope.batutarun or ""
        name = name_of(envelope.source, envelope.id)
        facts = Facts(
            run_id,
            first_event=delivery.message.number,
            parent=envelope.batutaparent,
            parent_key=envelope.batutaparentkey,
        )
        run = self._knowing.part(run_id)
        if run is not None and self._has_it(run, name, delivery):
            return
        if run is None and not self._knowing.known(run_id):
            run = participant.new_part(run_id, program, facts.first_event)
            run.know(facts)
            participant.note_part(run)
        elif run is not None and not (run.state.is_known or run.evaluating):
            participant.learn(run, facts)
        if run is None or run.state.is_known or run.evaluating:
            self._late(delivery, run_id, [name], "its run has begun or ended before")
            return
        data: Any = msgspec.json.decode(envelope.data)
        self._deliveries.bring(run, participant.started(run, data), name, delivery)

    def _ended(self, delivery: Delivery, envelope: Envelope, program: Program) -> None:
        end = decode_end(envelope.data)
        if end.status not in TERMINAL:
            raise UnfitError(f"a run does not end as {end.status!r}")
        run_id = envelope.batutarun or ""
        run = self._knowing.part(run_id)
        if run is None:
            if not self._knowing.known(run_id):
                # A token, or what is asked of the run, may still be on its way here.
                self._participant.note_over(run_id, program, end.status)
        elif run.problem is not None or run.state.status not in TERMINAL:
            run.closed = True
            if not (run.state.tokens or run.evaluating or run.problem):
                # Nothing of it is here. That it is over is all that need be known from now on, and
                # it is known by that if this comes again.
                delivery.runs.append(run_id)
                self._participant.take(run, Closed(end.status))
                return
            name = name_of(envelope.source, envelope.id)
            self._deliveries.bring(run, Closed(end.status), name, delivery)

    def _answer_parent(self, delivery: Delivery, envelope: Envelope) -> None:
        parent = self._knowing.part(envelope.batutaparent or "")
        key = envelope.batutaparentkey or ""
        asked = None if parent is None else parent.ledger.asked.get(key)
        if parent is None or asked is None:
            return
        end = decode_end(envelope.data)
        answer: Event
        if end.status == "completed":
            answer = Performed(asked.token, key, end.output)
        elif end.error is not None:
            fault = end.error
            told = FaultData(fault.type, fault.status, fault.title, fault.detail)
            answer = Failed(asked.token, key, told)
        else:
            cancelled = standard("runtime", 500, "Cancelled", "the sub-workflow was cancelled")
            answer = Failed(asked.token, key, cancelled)
        self._deliveries.bring(parent, answer, name_of(envelope.source, envelope.id), delivery)

    def _asked(
        self, delivery: Delivery, envelope: Envelope, program: Program, *, is_first: bool
    ) -> None:
        """Somebody wants the run, or a branch of it, to end or to stand still."""
        run_id, name = envelope.batutarun or "", name_of(envelope.source, envelope.id)
        ask = decode_ask(envelope.data)
        event = meant(ask)
        run = self._knowing.part(run_id)
        if run is None:
            if self._knowing.known(run_id):
                self._late(delivery, run_id, [name], "its run has ended")
                return
            # Its tokens may be on their way here: what is asked for has to be known then.
            run = self._participant.open_part(program, Facts(run_id))
            self._participant.learn(run, Facts(run_id))
        if is_outdated(self._participant, run, event, delivery.message.number):
            self._late(delivery, run_id, [name], "a later wish came before it")
            return
        self._deliveries.bring(run, event, name, delivery)
        if is_first and ask.what == "cancel" and not (run.state.is_known or run.evaluating):
            # All others have their tokens from here: it has not begun, and now it never will.
            self._participant.take(run, Closed("cancelled"))

    def _handed(self, delivery: Delivery, envelope: Envelope, program: Program) -> None:
        hand = decode_hand(envelope.batutahand or "")
        facts, me = hand.facts, self._participant.name
        if facts.run != envelope.batutarun or len(hand.branches) != len(hand.keepers):
            raise UnfitError(f"its batutahand is not about run {envelope.batutarun}")
        name = name_of(envelope.source, envelope.id)
        mine: list[tuple[str, Event]] = [
            (f"{name}#{sent.token.id}", Arrived(sent))
            for sent in hand.tokens
            if self._is_mine(program, sent)
        ]
        mine += [
            (f"{name}#{branch.token}", branch)
            for branch, keeper in zip(hand.branches, hand.keepers, strict=True)
            if keeper == me
        ]
        if not mine:
            return
        run = self._knowing.part(facts.run)
        if run is None:
            if self._knowing.known(facts.run):
                names = [one for one, _ in mine]
                self._late(delivery, facts.run, names, "its run has ended")
                return
            run = self._participant.open_part(program, facts)
        if not run.state.is_known:
            one, first = mine[0]
            if run.state is NEW and isinstance(first, Arrived) and not run.evaluating:
                mine[0] = (one, self._participant.opened(run, facts, first.handed))
            else:
                self._participant.learn(run, facts)
        for one, event in mine:
            self._deliveries.bring(run, event, one, delivery)

    def _is_mine(self, program: Program, sent: Handed) -> bool:
        entering = sent.token.entering or ""
        node = program.nodes.get(entering)
        if node is None:
            raise UnfitError(f"{program.workflow.identity} has no task {entering!r} to enter")
        owner = node.participant
        if owner is None:
            owner = owner_of(program, node, taken_over(sent).frame)
        return owner == self._participant.name

    def _answered(self, delivery: Delivery, envelope: Envelope) -> None:
        """An external participant has performed a task that was asked of it.

        It names its run and the request, and need not name more. What answers for runs that were
        never known here is meant for other askers.
        """
        participant = self._participant
        if envelope.type.endswith(".requested"):
            return  # that is for `serving`, which hears it too
        run_id, key = envelope.batutarun or "", envelope.batutakey or ""
        name = name_of(envelope.source, envelope.id)
        run = self._knowing.part(run_id)
        if run is not None and self._has_it(run, name, delivery):
            return
        asked = None if run is None else run.ledger.asked.get(key)
        if run is None or not isinstance(asked, Perform):
            if self._knowing.known(run_id):
                self._late(delivery, run_id, [name], "nobody waits for this answer any more")
            return
        try:
            answer = participant.requesting.answer(run, asked, envelope.type, envelope)
        except UnfitError as error:
            self._park(delivery, DEAD, str(error), run_id)
            return
        self._deliveries.bring(run, answer, name, delivery)

    def _has_it(self, run: PartRun, name: str, delivery: Delivery) -> bool:
        """Say whether a message came before, or raise if its run has stopped: so it says nothing.

        Raises:
            KernelBug: the run has stopped; in memory it may be further than on disk.
        """
        came = self._deliveries.came_before(run, name, delivery)
        if not came and run.problem is not None:
            raise KernelBug(run.problem)
        return came

    def _late(self, delivery: Delivery, run_id: str, names: list[str], reason: str) -> None:
        """Note what means nothing any more, unless it was taken when it did."""
        if not all(self._participant.mail.has_taken(run_id, name) for name in names):
            self._park(delivery, LATE, reason, run_id)
