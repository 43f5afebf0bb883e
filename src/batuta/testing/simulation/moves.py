"""What is done to runs from outside, in either control model, at the times of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.kernel.codec import encode_event
from batuta.kernel.events import CancelAsked, Event, ResumeAsked, SuspendAsked
from batuta.ports.bus import Message
from batuta.ports.store import Batch
from batuta.runtime.shared.envelope import Ask, encode, event
from batuta.testing.memory_store import MemoryStore
from batuta.testing.simulation.processes import SimulatedConductor
from batuta.testing.simulation.scenario import FAMILY, Move, sent

if TYPE_CHECKING:
    from batuta.testing.simulation.world import World


class Moves:
    """Makes the moves of a scenario in one world."""

    def __init__(self, world: World, moves: tuple[Move, ...]) -> None:
        self._world = world
        self._moves = moves
        self.begun: dict[str, Move] = {}
        self._counts: dict[str, int] = {}
        self._pauses = self._all_pauses(moves)
        self._first_in: dict[tuple[str, int], int] = {}

    @staticmethod
    def _all_pauses(moves: tuple[Move, ...]) -> dict[str, list[tuple[int, int]]]:
        pauses: dict[str, list[tuple[int, int]]] = {}
        begun: dict[str, int] = {}
        for move in moves:
            if move.what == "suspend":
                begun[move.run] = move.at
            elif move.what == "resume" and move.run in begun:
                pauses.setdefault(move.run[:FAMILY], []).append((begun[move.run], move.at))
        return pauses

    def postponed(self, run: str, at: int) -> int | None:
        """Return when a task answers instead of at a time at which its run is suspended.

        One of them answers then, or one of a sub-workflow, which stands still with it as far as the
        scenario goes: what several participants have held back they take at one instant, in any
        order. None does where processes crash: what a crash takes from a run that stands still
        comes when it goes on, and so another one would be the first.
        """
        family = run[:FAMILY]
        crashes = self._world.faults.may_crash
        for begin, end in self._pauses.get(family, ()):
            if begin <= at <= end and (
                crashes or self._first_in.setdefault((family, begin), at) != at
            ):
                return end + at - begin
        return None

    def schedule(self) -> None:
        """Let them happen in time."""
        loop = self._world.loop
        for move in self._moves:
            loop.at_in(loop.world, move.at, self.make, move)

    def make(self, move: Move) -> None:
        """Make one."""
        world = self._world
        world.note("outside", f"{move.what} {move.run} {move.number}")
        if move.what == "send":
            self._send(move)
        elif move.what == "start":
            self.begun[move.run] = move
            self.start(move)
        elif move.run in self.begun:
            self.ask(move.run, move.what, compensate=move.number != 0)

    def start(self, move: Move) -> None:
        """Start a run, unless it is durable already."""
        world = self._world
        data = {"order": move.number}
        identity = world.shelf.main
        if not world.choreographed:
            host = world.conductor
            driver = host.driver
            if not host.is_up or not isinstance(driver, SimulatedConductor):
                return
            if MemoryStore(host.memory).run(move.run) is None:
                world.loop.soon_in(host.process, self._begin, driver, move.run, data)
            return
        program = world.shelf.program(identity)
        types = world.shelf.projection(identity).types
        self._tell(
            event(program, move.run, name=f"{move.run}/start", kind=types.start, now=0, data=data)
        )

    def _begin(self, driver: SimulatedConductor, run: str, data: dict[str, int]) -> None:
        driver.begin(self._world.shelf.program(self._world.shelf.main), data, run_id=run)

    def ask(self, run: str, what: str, *, compensate: bool = True) -> None:
        """Ask for the end of a run, or that it stand still or go on."""
        world = self._world
        if world.choreographed:
            count = self._counts[run] = self._counts.get(run, 0) + 1
            program = world.shelf.program(world.shelf.main)
            types = world.shelf.projection(world.shelf.main).types
            name = f"{run}/{what}/{count}"
            data = Ask(what, compensate)
            kind = types.control
            self._tell(event(program, run, name=name, kind=kind, now=0, data=data))
            return
        asked: dict[str, Event] = {
            "cancel": CancelAsked(compensate),
            "suspend": SuspendAsked(),
            "resume": ResumeAsked(),
        }
        MemoryStore(world.conductor.memory).ask(run, encode_event(asked[what]))
        self._look()

    def _send(self, move: Move) -> None:
        told = sent(move.at, move.number)
        if self._world.choreographed:
            self._tell(told)
            return
        batch = Batch()
        batch.events.append((move.at, told))
        MemoryStore(self._world.conductor.memory).commit(batch)
        self._look()

    def _tell(self, told: dict[str, object]) -> None:
        name = f"{told['source']}\n{told['id']}"
        self._world.broker.write([Message(name, str(told["type"]), encode(told))])

    def _look(self) -> None:
        host = self._world.conductor
        if host.is_up and host.driver is not None:
            self._world.loop.soon_in(host.process, host.driver.hearing.look)
