"""A participant: drives its own part of every choreographed run, with nobody above it.

What comes from the bus (`receiving`) makes its parts take steps, and what they send becomes events
(`sending`); inbox, state, timers and outbox change in one transaction. Behind its commit, and never
before, `deliveries` acknowledges what came and `outbox` publishes what goes. Between two messages
it is a driver like the conductor, over a program in which the tasks of others are only names.

Owns how parts of runs begin and what a step of one sends.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.types import prefix_of
from batuta.errors import BatutaError
from batuta.kernel.codec import decode_event
from batuta.kernel.events import Closed, Event, Facts, Failed, Opened, Started
from batuta.kernel.faults import standard
from batuta.kernel.step import NEW
from batuta.ports.store import RunRow
from batuta.runtime.participant.deliveries import Deliveries
from batuta.runtime.participant.ears import BusHearing
from batuta.runtime.participant.outbox import Outbox
from batuta.runtime.participant.partrun import PartRun
from batuta.runtime.participant.receiving import Receiving
from batuta.runtime.participant.sending import Sending
from batuta.runtime.participant.taking import Taking
from batuta.runtime.shared.driving.driver import Driver
from batuta.runtime.shared.envelope import Ask, End, event
from batuta.runtime.shared.ids import child_run_id
from batuta.runtime.shared.replay import replay
from batuta.runtime.shared.requesting import Requesting

if TYPE_CHECKING:
    from batuta.errors import KernelBug
    from batuta.kernel.commands import Departure, Finish, StartChild
    from batuta.kernel.program import Program
    from batuta.kernel.state import Handed, RunState
    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock
    from batuta.ports.evaluator import Evaluator
    from batuta.ports.mail import Mailbox
    from batuta.ports.secrets import Keeper
    from batuta.ports.store import Batch, Store
    from batuta.runtime.participant.parts import Parts
    from batuta.runtime.shared.driving.committer import Released
    from batuta.runtime.shared.driving.live import LiveRun
    from batuta.runtime.shared.performing import Performer

STAYING = 20_000
"""Parts with nothing to do that stay in memory all the same: the next token may come soon."""


class Participant(Driver):
    """Drives the parts of one participant over its own store."""

    programs: Parts

    def __init__(
        self,
        name: str,
        store: Store,
        mail: Mailbox,
        programs: Parts,
        performer: Performer,
        evaluator: Evaluator,
        clock: Clock,
        bus: Bus,
        *,
        owner: str,
        keeper: Keeper,
    ) -> None:
        """Prepare a participant; `start` begins.

        Args:
            name: who it is in the workflows.
            store: its own store, and nobody else's.
            mail: the reading half of the same store's mail.
            programs: the deployed workflows, as this participant sees them.
            performer: performs its tasks.
            evaluator: evaluates what the native compiler does not take.
            clock: the time.
            bus: how it hears from the others.
            owner: its name in the store.
            keeper: gives each run the secrets that are here.
        """
        super().__init__(store, programs, performer, evaluator, clock, owner=owner, keeper=keeper)
        self.name = name
        self.mail = mail
        self.bus = bus
        self.hearing = self.ears = BusHearing(self)
        self.requesting = Requesting(self, bus, sender=name)
        self.outbox = Outbox(self)
        self.sending = Sending(self)
        self.taking = Taking(self)
        self.deliveries = Deliveries(self)
        self.receiving = Receiving(self)
        self.over: set[str] = set()
        """Runs that are over, of which nothing had come here, until the store says so."""
        self._staying: OrderedDict[str, None] = OrderedDict()
        self._began = 0

    # -- life --------------------------------------------------------------------------------------

    async def start(self, *, take_over: bool = False) -> None:
        """Take up what was under way, publish what was left, and begin to hear.

        Args:
            take_over: be this participant even if another store was until now.

        Raises:
            ClaimedError: another store is this participant on the bus.
        """
        await self.bus.claim(self.name, self.store.name(), take_over=take_over)
        self._began = self.clock.now()
        await super().start()
        self.outbox.start()
        await self.receiving.start()

    async def stop(self) -> None:
        """Stop: what was not acknowledged, and what is in the outbox, is for the next start."""
        await self.receiving.stop()
        self.outbox.forget_sent()
        await super().stop()
        await self.outbox.stop()

    async def listen_again(self) -> None:
        """Workflows were deployed: hear what they name, too."""
        await self.receiving.stop()
        await self.receiving.start()

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is on its way inside this process."""
        return super().is_settled and not (self.outbox.is_busy or self.receiving.is_busy)

    # -- parts -------------------------------------------------------------------------------------

    def part(self, run_id: str) -> PartRun | None:
        """Return the part of a run that has not ended, from memory or from the store."""
        run = self.housing.find(run_id)
        self._staying.pop(run_id, None)
        return run if isinstance(run, PartRun) else None

    def live(self, row: RunRow, program: Program, state: RunState, seq: int) -> LiveRun:
        """Return a run in memory. See `Driver`.

        Its row tells what was known when the part began. What came later than something that was
        asked of the run stands in the journal.
        """
        run = PartRun(row.id, program, state, seq)
        run.parent, run.parent_key = row.parent, row.parent_key
        run.first_event = row.first_event
        if not run.first_event:
            for one in map(decode_event, (entry.body for entry in self.store.journal(row.id))):
                if isinstance(one, Opened):
                    run.know(one.facts)
        run.projection = self.programs.projection(program)
        run.is_from_store = True
        if row.started_at < self._began:
            # What its tasks lived through may not have been told: tell it all again.
            run.watch = []
            replay(program, self.store.journal(run.id), watch=run.watch)
            self.sending.tell_again(run)
        return run

    def new_part(self, run_id: str, program: Program, first_event: int) -> PartRun:
        """Return the part of a run that nothing was known of."""
        run = PartRun(run_id, program, NEW, 0)
        run.projection = self.programs.projection(program)
        run.first_event = first_event
        self.runs[run_id] = run
        return run

    def note_over(self, run_id: str, program: Program, status: str) -> None:
        """Write down that a run of which nothing has come here is over: nothing will begin here."""
        now = self.clock.now()
        self.over.add(run_id)
        self.committer.releases.append(lambda: self.over.discard(run_id))
        self.committer.batch.runs.append(
            RunRow(
                id=run_id,
                workflow=program.identity,
                control="choreographed",
                status=status,
                started_at=now,
                ended_at=now,
                owner=self.owner,
                digest=program.workflow.digest,
            )
        )

    def note_part(self, run: PartRun) -> None:
        """Write down that there is a part of this run here."""
        self.committer.batch.runs.append(
            RunRow(
                id=run.id,
                workflow=run.program.identity,
                control="choreographed",
                started_at=self.clock.now(),
                owner=self.owner,
                parent=run.parent,
                parent_key=run.parent_key,
                first_event=run.first_event,
                digest=run.program.workflow.digest,
            )
        )

    def started(self, run: LiveRun, data: Any) -> Started:
        """Return the event that starts a run: secrets that others need are no concern of ours.

        One that is missing is a fault of the task that uses it.
        """
        return msgspec.structs.replace(super().started(run, data), refused=None)

    def open_part(self, program: Program, facts: Facts) -> PartRun:
        """Begin the part of a run of which the first message has come; it knows nothing yet."""
        run = self.new_part(facts.run, program, facts.first_event)
        run.know(facts)
        self.note_part(run)
        return run

    def learn(self, run: PartRun, facts: Facts) -> None:
        """Let a part know what all participants know of its run."""
        self.take(run, self.opened(run, facts))

    def opened(self, run: PartRun, facts: Facts, handed: Handed | None = None) -> Opened:
        """Return the event by which a part learns of its run, and takes the token that told it."""
        run.know(facts)
        if not run.program.workflow.secrets:
            return Opened(facts, handed=handed)
        nonce = run.state.nonce or self.keeper.new_nonce()
        run.secrets = self.keeper.secrets_of(run.program, nonce)
        return Opened(facts, run.secrets.placeholders(), nonce, handed)

    def stays(self, run: LiveRun) -> bool:
        """Keep the latest parts in memory: the next token may come soon. See `Driver`."""
        self._staying[run.id] = None
        self._staying.move_to_end(run.id)
        if len(self._staying) > STAYING:
            oldest, _ = self._staying.popitem(last=False)
            left = self.runs.get(oldest)
            if left is not None and left.is_quiet and left.is_idle:
                self.housing.forget(left)
                wake = left.state.wake
                if wake is not None:
                    self.timers.ring_at(wake)
        wake = run.state.wake
        if wake is not None:
            self.timers.remember(wake, run.id)
        return True

    # -- what a step sends -------------------------------------------------------------------------

    def publish(self, run: LiveRun, batch: Batch, event: dict[str, Any]) -> None:
        """Keep an event for the outbox. See `Driver`."""
        del batch
        _part_of(run).published.append(event)

    def send(self, run: LiveRun, batch: Batch, command: Departure) -> None:
        """Keep a departure for the outbox. See `Driver`."""
        del batch
        _part_of(run).departing.append(command)

    def tell_end(self, run: LiveRun, finish: Finish) -> None:
        """Tell everybody that the run ended, unless that is what was told here. See `Driver`."""
        part = _part_of(run)
        if not part.closed:
            part.finish = End(finish.status, finish.output, finish.fault)

    def took(self, run: LiveRun, event: Event) -> None:
        """Write down what a step sends, and which message it took. See `Driver`."""
        part = _part_of(run)
        if type(event) is Closed:
            self.committer.patient += 1
        self.sending.compose(part)
        self.deliveries.took(part, event)

    def _committed(self, batch: Batch, releases: list[Released]) -> None:
        if batch.outbox:
            self.outbox.ship(batch.outbox)
        super()._committed(batch, releases)

    # -- trouble -----------------------------------------------------------------------------------

    def refused(self, run: LiveRun, event: Event, bug: KernelBug) -> None:
        """What a message brought stops no run: it is put aside. See `Driver`."""
        if not self.deliveries.refused(_part_of(run), event, bug):
            super().refused(run, event, bug)

    def halt(self, run: LiveRun, bug: KernelBug, cause: BaseException | None = None) -> None:
        """Stop one run; what it was brought comes again. See `Driver`."""
        super().halt(run, bug, cause)
        self.deliveries.forsake(_part_of(run))

    def _lost(self, run_id: str) -> None:
        run = self.runs.get(run_id)
        super()._lost(run_id)
        if run is not None:
            self.deliveries.forsake(_part_of(run))

    # -- sub-workflows -----------------------------------------------------------------------------

    def start_child(self, run: LiveRun, command: StartChild) -> None:
        """Ask for the start of a sub-workflow. See `Driver`."""
        part = _part_of(run)
        try:
            identity = self.programs.latest(command.namespace, command.name, command.version)
            program = self.programs.get(identity)
        except BatutaError as error:
            fault = standard("configuration", 400, "Unknown workflow", error.message)
            self.post(run, Failed(command.token, command.key, fault))
            return
        child = child_run_id(run.id, command.key)
        asked = event(
            program,
            child,
            name=f"{child}/start",
            kind=f"{prefix_of(command.namespace, command.name)}.start",
            now=self.clock.now(),
            data=part.shown(command.input),
            sender=self.name,
        )
        if command.wait:
            asked["batutaparent"] = run.id
            asked["batutaparentkey"] = command.key
        self.outbox.note(run.id, asked)

    def cancel_child(self, run: LiveRun, command: StartChild) -> None:
        """Ask for the end of a sub-workflow. See `Driver`."""
        identity = self.programs.latest(command.namespace, command.name, command.version)
        child = child_run_id(run.id, command.key)
        asked = event(
            self.programs.get(identity),
            child,
            name=f"{child}/cancel",
            kind=f"{prefix_of(command.namespace, command.name)}.control",
            now=self.clock.now(),
            data=Ask("cancel"),
            sender=self.name,
        )
        self.outbox.note(run.id, asked)

    def take_up_child(self, run: LiveRun, command: StartChild) -> None:
        """The outbox or the bus has the start; the end will come from the bus. See `Driver`."""


def _part_of(run: LiveRun) -> PartRun:
    assert isinstance(run, PartRun), run.id  # noqa: S101 -- a participant makes no other runs
    return run
