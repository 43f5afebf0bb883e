"""The processes of a simulation: real drivers over memory, which die and come back.

Owns what is replaced under a driver so that a seed decides everything: the committer has no thread,
tasks are performed by `calls`, nobody looks at a store twenty times a second. All else (kernel,
envelope, inbox and outbox, recovery) is what runs in production.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batuta.errors import ConflictError
from batuta.runtime.conductor.conductor import Conductor
from batuta.runtime.participant.ears import BusHearing
from batuta.runtime.participant.participant import Participant
from batuta.runtime.participant.parts import Parts
from batuta.runtime.shared.driving.committer import PUT_OFF_S, Committer, Released, without
from batuta.runtime.shared.driving.hearing import Hearing
from batuta.runtime.shared.programs import Programs
from batuta.testing.memory_store import Memory, MemoryStore
from batuta.testing.simulation.bus import SimulatedBus
from batuta.testing.simulation.loop import Process, SimulatedClock

if TYPE_CHECKING:
    from batuta.kernel.program import Program
    from batuta.ports.store import Batch
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.testing.simulation.shelf import Shelf
    from batuta.testing.simulation.world import World

SHORT_MS, LONG_MS = 5_000, 3_600_000
"""How long a killed process stays away: mostly less than the first, now and then up to an hour."""

SKEW_MS, WRONG_MS = 2_000, 600_000
"""How wrong a clock is mostly, and how wrong it may be set, at most."""

SLOW_DISK_MS = 2_000


class SimulatedCommitter(Committer):
    """Commits on the loop, a while later, and calls back after another while."""

    def __init__(self, host: Host, driver: Driver, **callbacks: Any) -> None:
        super().__init__(driver.store, **callbacks)
        self._host = host

    def start(self) -> None:
        """Begin, without a thread. See `Committer`."""
        self._loop = asyncio.get_running_loop()

    def submit(self) -> None:
        """Send the batch on its way. See `Committer`."""
        if self._busy or self._dead or not (self.batch or self.releases):
            return
        batch, releases = self.batch, self.releases
        self.batch, self.releases, self.patient = type(batch)(), [], 0
        self._busy = True
        self._idle.clear()
        self._later(self._write, batch, releases)

    def put_off(self) -> None:
        """Send the batch on its way soon. See `Committer`."""
        loop = self._host.world.loop
        loop.at_in(self._host.process, loop.now + int(PUT_OFF_S * 1000), self.submit)

    def _later(self, call: Any, *args: Any) -> None:
        host = self._host
        host.writes += 1
        name = f"{host.name} {host.writes}"
        loop = host.world.loop
        if host.world.faults.fires("slow disk", name):
            delay = host.world.faults.amount(name, 0, SLOW_DISK_MS)
            loop.at_in(host.process, loop.now + delay, call, *args)
        else:
            loop.soon_in(host.process, call, *args)

    def _write(self, batch: Batch, releases: list[Released]) -> None:
        if self._host.is_killed_by("crash before a commit"):
            return
        try:
            self._store.commit(batch)
        except ConflictError as error:
            for run in without(batch, error.message):
                self._lost(run)
            self._store.commit(batch)
        if not self._host.is_killed_by("crash behind a commit"):
            self._later(self._done, batch, releases)

    async def stop(self) -> None:
        """Commit what is left. See `Committer`."""
        await self.drain()


class SimulatedStore(MemoryStore):
    """A store that tells the simulation what becomes durable."""

    def __init__(self, memory: Memory, host: Host) -> None:
        super().__init__(memory)
        self._host = host

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. See the port."""
        super().commit(batch)
        self._host.world.committed(self._host, batch)


class SimulatedHearing(Hearing):
    """Looks at the store when it begins, and when the simulation has written into it."""

    async def _look_out(self) -> None:
        self.look()


class SimulatedEars(BusHearing):
    """The same, for a participant."""

    async def _look_out(self) -> None:
        self.look()


class SimulatedPrograms(Programs):
    """What is deployed, compiled once for all processes and simulations."""

    def __init__(self, store: MemoryStore, shelf: Shelf) -> None:
        super().__init__(store)
        self._shelf = shelf

    def _compile(self, identity: str, digest: str) -> Program:
        del digest
        return self._shelf.program(identity)


class SimulatedParts(Parts):
    """The same, as one participant sees it."""

    def __init__(self, store: MemoryStore, participant: str, shelf: Shelf) -> None:
        super().__init__(store, participant)
        self._shelf = shelf

    def _compile(self, identity: str, digest: str) -> Program:
        program, projection = self._shelf.part(identity, self._participant)
        self._projections[identity, digest] = projection
        return program


class SimulatedParticipant(Participant):
    """A participant with a committer and a hearing of the simulation."""

    def settle_in(self, host: Host) -> None:
        """Replace what would not be deterministic."""
        self.hearing = self.ears = SimulatedEars(self)
        self.committer = SimulatedCommitter(
            host, self, committed=self._committed, lost=self._lost, failed=self._failed
        )


class SimulatedConductor(Conductor):
    """A conductor with a committer and a hearing of the simulation."""

    def settle_in(self, host: Host) -> None:
        """Replace what would not be deterministic."""
        self.hearing = SimulatedHearing(self)
        self.committer = SimulatedCommitter(
            host, self, committed=self._committed, lost=self._lost, failed=self._failed
        )


class Host:
    """The machine of one participant, or of the conductor (`name` is ""): its disk outlives it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.participant = name
        self.name = name or "conductor"
        self.memory = Memory()
        self.lives = 0
        self.writes = 0
        self.steps = 0
        self.crashes = world.faults.crashes(self.name)
        self.process = Process(self.name)
        self.process.alive = False
        self.driver: SimulatedParticipant | SimulatedConductor | None = None
        self.is_up = False
        for identity, digest in world.shelf.digests.items():
            MemoryStore(self.memory).deploy(identity, digest, b"", 0)

    def boot(self) -> None:
        """Begin a life."""
        self.lives += 1
        self.process = self.world.loop.process(self.name)
        self.world.loop.soon_in(self.process, self._begin)

    def _begin(self) -> None:
        self.world.loop.create_task(self._live())

    async def _live(self) -> None:
        world = self.world
        store = SimulatedStore(self.memory, self)
        owner = f"{self.name} {self.lives}"
        for gone in store.owners():
            store.adopt(owner, gone)
        clock = SimulatedClock(world.loop, self.process, self._skew)
        performer, sandbox, keeper = world.calls.performer(self), world.sandbox, world.keeper
        if self.participant:
            bus = SimulatedBus(world.broker, self.process)
            await bus.start()
            self.driver = SimulatedParticipant(
                self.participant,
                store,
                store,
                SimulatedParts(store, self.participant, world.shelf),
                performer,
                sandbox,
                clock,
                bus,
                owner=owner,
                keeper=keeper,
            )
        else:
            programs = SimulatedPrograms(store, world.shelf)
            self.driver = SimulatedConductor(
                store, programs, performer, sandbox, clock, owner=owner, keeper=keeper
            )
        self.driver.settle_in(self)
        await self.driver.start()
        self.is_up = True
        world.is_up(self)

    def _skew(self, period: int) -> int:
        """Return by how much the machine's clock is wrong for a while, in milliseconds."""
        faults = self.world.faults
        name = f"{self.name} {period}"
        if faults.fires("clock set wrongly", name):
            return faults.amount(f"set {name}", -WRONG_MS, WRONG_MS)
        if faults.fires("skewed clock", self.name):
            return faults.amount(f"skew {self.name}", -SKEW_MS, SKEW_MS)
        return 0

    def is_killed(self) -> bool:
        """Say whether it is killed before its next callback, and kill it then."""
        self.steps += 1
        fault = self.crashes.get(self.steps)
        if fault is None or self.world.faults.healed:
            return False
        self.world.faults.happened.append(fault)
        self.kill(fault)
        return True

    def is_killed_by(self, kind: str) -> bool:
        """Say whether it is killed by such a fault at its latest write, and kill it then."""
        name = f"{self.name} {self.writes}"
        if not self.world.faults.fires(kind, name):
            return False
        self.kill(f"{kind}: {name}")
        return True

    def kill(self, why: str) -> None:
        """Kill it, and bring it back after a while."""
        world = self.world
        world.note(self.name, f"is killed ({why})")
        self.is_up = False
        world.loop.kill(self.process)
        most = LONG_MS if world.faults.fires("long outage", why) else SHORT_MS
        away = world.faults.amount(f"outage {why}", 0, most)
        world.loop.at_in(world.loop.world, world.loop.now + away, self.boot)
