"""One simulation: a scenario under one control model, with the faults of a seed.

It is run until nothing moves by itself, then everything is healed and what was suspended goes on;
what then still waits (for events that nobody sends) is cancelled, and has to end. `World.run` says
how the runs ended, and raises when something happened that must not.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.types import RESERVED
from batuta.ports.mail import DEAD
from batuta.runtime.shared.envelope import bare, decode_end, decode_envelope, decode_event, encode
from batuta.testing.memory_store import MemoryStore
from batuta.testing.simulation.bus import Broker
from batuta.testing.simulation.calls import TIMES, Calls, NoSecrets, SimulatedSandbox
from batuta.testing.simulation.loop import SimulatedLoop
from batuta.testing.simulation.moves import Moves
from batuta.testing.simulation.processes import Host
from batuta.testing.simulation.scenario import START_MS

if TYPE_CHECKING:
    from batuta.ports.store import Batch
    from batuta.testing.simulation.faults import Faults
    from batuta.testing.simulation.loop import Process
    from batuta.testing.simulation.scenario import Scenario
    from batuta.testing.simulation.shelf import Shelf

MODELS = ("orchestrated", "choreographed")

NOT_AWAITED = b'"await":false'
"""In the text of a workflow that asks for a task and does not wait for it."""


class SimulationFailure(AssertionError):  # noqa: N818 -- it fails a test, as an assertion does
    """Something happened in a simulation that must not happen."""


class Outcome(msgspec.Struct, frozen=True):
    """How the runs of a simulation ended: what both control models have to agree on."""

    open: list[str]
    """Runs that waited for what nobody sends, and were cancelled."""
    runs: dict[str, Any]
    """By run: status, output and error."""
    events: list[Any]
    """What was published: id, source, type and data."""
    effects: dict[str, list[str]]
    """By run: the idempotency keys of the tasks that were performed."""


def comparable(value: Any) -> Any:
    """Return a value without what differs between two simulations that agree.

    That is when its events were published (messages take a while, and clocks differ), and how often
    the tasks had to be asked that gave it. A list or tuple becomes a list.
    """
    if isinstance(value, dict):
        left_out = "time" if "specversion" in value else TIMES
        return {name: comparable(one) for name, one in value.items() if name != left_out}
    return [comparable(one) for one in value] if isinstance(value, list | tuple) else value


class World:
    """A scenario under one control model."""

    def __init__(
        self,
        scenario: Scenario,
        shelf: Shelf,
        faults: Faults,
        *,
        choreographed: bool,
        nudge: int | None = None,
    ) -> None:
        self.choreographed = choreographed
        self.shelf = shelf
        self.faults = faults
        self.trace: list[str] = []
        self.loop = SimulatedLoop(START_MS)
        self.loop.killing = self._killing
        self.broker = Broker(self.loop, faults)
        at_once = not any(NOT_AWAITED in encode(one) for one in scenario.documents)
        self.calls = Calls(self, faults.seed, scenario.fails_in, nudge, at_once=at_once)
        self.sandbox = SimulatedSandbox(self)
        self.keeper = NoSecrets()
        self.moves = Moves(self, scenario.moves)
        names = shelf.participants if choreographed else ("",)
        self.hosts = {name or "conductor": Host(self, name) for name in names}

    @property
    def conductor(self) -> Host:
        """The one process of an orchestrated world."""
        return self.hosts["conductor"]

    # -- what happens in it ------------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        """Write down what happened, for people and for comparing two simulations of one seed."""
        self.trace.append(f"{self.loop.now} {who} {what}")

    def committed(self, host: Host, batch: Batch) -> None:
        """Something became durable."""
        self.note(host.name, f"commits {len(batch.journal)}")
        self.calls.committed(batch)

    def is_up(self, host: Host) -> None:
        """A process has started: who could not start runs at it tries again."""
        self.note(host.name, "is up")
        if not self.choreographed:
            for move in self.moves.begun.values():
                self.moves.start(move)

    def _killing(self, process: Process) -> bool:
        return self.hosts[process.name].is_killed()

    # -- running it --------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run it to its end.

        Raises:
            SimulationFailure: something happened that must not.
        """
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._run()
        finally:
            self._stop()
            if collecting:
                gc.enable()

    def _run(self) -> Outcome:
        for host in self.hosts.values():
            host.boot()
        self.moves.schedule()
        self.loop.run_until_idle()
        self.faults.healed = True
        waiting = self._open()
        for run in waiting:
            self.moves.ask(run, "resume")
        self.loop.run_until_idle()
        waiting = self._open()
        for run in waiting:
            self.moves.ask(run, "cancel")
        self.loop.run_until_idle()
        self._check()
        return self._outcome(waiting)

    def _stop(self) -> None:
        for process in self.loop.processes:
            self.loop.kill(process)

    def _open(self) -> list[str]:
        ended = self._ended()
        return [run for run in self.moves.begun if run not in ended]

    def _ended(self) -> dict[str, Any]:
        if not self.choreographed:
            rows = MemoryStore(self.conductor.memory).runs(limit=10_000).rows
            return {
                row.id: (
                    row.status,
                    None if row.output is None else msgspec.json.decode(row.output),
                    None if row.fault is None else msgspec.json.decode(row.fault),
                )
                for row in rows
                if row.ended_at is not None
            }
        ended: dict[str, Any] = {}
        for row in self.broker.messages:
            if row.type.startswith(RESERVED) and row.type.endswith(".ended"):
                envelope = decode_envelope(row.body)
                end = decode_end(envelope.data)
                error = None if end.error is None else end.error.as_json()
                ended[envelope.batutarun or ""] = (end.status, end.output, error)
        return ended

    def _outcome(self, waiting: list[str]) -> Outcome:
        return Outcome(
            open=waiting,
            runs={run: comparable(end) for run, end in sorted(self._ended().items())},
            events=sorted(
                (
                    [one["id"], one["source"], one["type"], comparable(one.get("data"))]
                    for one in self._told()
                ),
                key=repr,
            ),
            effects=self.calls.effects(),
        )

    def _told(self) -> list[dict[str, Any]]:
        if not self.choreographed:
            return [one.event for one in MemoryStore(self.conductor.memory).events(0, limit=10_000)]
        told = {row.id: row for row in self.broker.messages if not row.type.startswith(RESERVED)}
        return [bare(decode_event(row.body)) for row in told.values()]

    # -- what must not happen ----------------------------------------------------------------------

    def _check(self) -> None:
        wrong = [*self.broker.violations, *self.calls.violations]
        wrong += [f"{run} does not end" for run in self._open()]
        for durable in self.broker.consumers.values():
            wrong += [f"{durable.name} left {row.id} open" for row in durable.open.values()]
        ends: dict[str, str] = {}
        for row in self.broker.messages:
            if row.type.startswith(RESERVED) and row.type.endswith(".ended"):
                run = decode_envelope(row.body).batutarun or ""
                if ends.setdefault(run, row.id) != row.id:
                    wrong.append(f"{run} ends twice")
        for host in self.hosts.values():
            wrong += self._wrong_at(host)
        if wrong:
            raise SimulationFailure("\n".join(wrong))

    def _wrong_at(self, host: Host) -> list[str]:
        store = MemoryStore(host.memory)
        wrong = [f"{host.name} put {one.id} aside: {one.reason}" for one in store.parked(DEAD)]
        for row in host.memory.runs.values():
            if row.problem is not None:
                wrong.append(f"{host.name}: {row.id} has a problem: {row.problem}")
            elif row.ended_at is None:
                wrong.append(f"{host.name}: {row.id} is {row.status} to the end")
        if store.sources(""):
            wrong.append(f"{host.name}: somebody still listens")
        published = self.broker.bodies
        wrong += [f"{host.name} kept {one.id}" for one in store.outbox() if one.id not in published]
        return wrong
