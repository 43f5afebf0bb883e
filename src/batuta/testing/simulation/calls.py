"""What performs the tasks of a simulated run: services that answer after a time of their own.

Some answer at once, as a function does that waits for nothing. Those are outside of forks: what is
tried beside others must not end at the same moment as they do. Nor do pauses, which keep others
apart; nor are there such where somebody asks for a task and does not wait for it: a conductor drops
that when the run faults, participants when the run has ended, and whether it had hardly begun must
not hinge on it.

What a task answers, and how long that takes, depends on the run and the occurrence of the task
alone. So both control models are told the same, and a task that is asked for again after a crash is
the same task: its effect has happened, and its answer comes when it would have come.

But an answer also says how often the task has been asked for (`TIMES`), which outcomes leave out.
So what was told to others before it was durable, or begun because of it, is not what is told or
asked for after the crash that it did not survive, and that is noticed: here by what a task is asked
for with, and on the bus by two messages of one id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.expressions import ExpressionFailure
from batuta.kernel.tasks.call import DETACHED
from batuta.ports.caller import Fault
from batuta.runtime.shared.performing import Performer
from batuta.testing.generator import UNDO
from batuta.testing.simulation.faults import chance
from batuta.testing.simulation.scenario import FAILING, LONGEST_MS, NUDGE_MS, PAUSES, SAME

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable
    from contextlib import AbstractContextManager

    from batuta.kernel.commands import Perform
    from batuta.kernel.program import Program
    from batuta.ports.secrets import HeldSecrets
    from batuta.ports.store import Batch
    from batuta.testing.simulation.loop import Process
    from batuta.testing.simulation.processes import Host
    from batuta.testing.simulation.world import World
    from batuta.testing.writing import Json

BRIEF_MS = 2 * 3_600_000
"""Longer than messages take, whatever happens to them and to who sends and takes them."""

TIMES = "times"
"""The member of an answer that says how often its task was asked for."""

FAILED_UNDOING = 40
"""One in so many compensations faults."""

KINDS = ("communication", "timeout", "runtime")


class _Answer(msgspec.Struct):
    """Of an answer, which task it is of."""

    key: str


class _Row(msgspec.Struct):
    """Of a journal row, what says which task it answers, itself or with what it is about."""

    key: str = ""
    answer: _Answer | None = None


_read = msgspec.json.Decoder(_Row).decode
ANSWERS = (b'{"type":"done"', b'{"type":"failed"', b'{"type":"arrived"', b'{"type":"opened"')

AT_ONCE = 3
"""One in so many tasks answers at once."""


class Asked:
    """A task that was asked for."""

    __slots__ = ("answers_at", "asked_at", "dropped_at", "effect", "given", "process", "times")

    def __init__(
        self, effect: str, given: Json, asked_at: int, answers_at: int, process: Process
    ) -> None:
        self.effect = effect
        self.given = given
        """What it was asked for with."""
        self.times = 0
        self.asked_at = asked_at
        self.answers_at = answers_at
        self.process = process
        self.dropped_at: int | None = None
        """When it was not wanted any more."""

    @property
    def is_brief(self) -> bool:
        """Say whether it was hardly begun before it was not wanted any more.

        Whether such a task begins at all depends on how long messages take.
        """
        dropped_at = self.process.ended_at if self.dropped_at is None else self.dropped_at
        return dropped_at is not None and dropped_at - self.asked_at < BRIEF_MS


class Calls:
    """The services of one world."""

    def __init__(
        self, world: World, seed: int, fails_in: int, nudge: int | None, *, at_once: bool
    ) -> None:
        """Prepare.

        Args:
            world: whose tasks they perform.
            seed: what all chances hang on.
            fails_in: one task in so many faults.
            nudge: changes a little how long tasks take.
            at_once: whether some of them answer at once.
        """
        self._world = world
        self._at_once = at_once
        self._fails_in = fails_in
        self._nudge = nudge
        self._seed = seed
        self.asked: dict[tuple[str, str], Asked] = {}
        self.answered: set[tuple[str, str]] = set()
        """Tasks whose answer is in a journal: they must not be asked for again."""
        self.violations: list[str] = []

    def performer(self, host: Host) -> Performer:
        """Return what performs the tasks of one process."""
        return _Performing(self, host)

    def committed(self, batch: Batch) -> None:
        """Note which answers are durable."""
        for run, _, _, body, _ in batch.journal:
            if body.startswith(ANSWERS):
                row = _read(body)
                key = row.key if row.answer is None else row.answer.key
                if key:
                    self.answered.add((run, key))

    def start(self, host: Host, run: str, origin: str, command: Perform) -> Awaitable[Json] | Json:
        """Begin a task, or join one that was begun; returns the answer, or what will give it."""
        world = self._world
        key = (run, command.key)
        asked = self.asked.get(key)
        world.note(host.name, f"performs {run} {command.key}")
        if asked is None:
            name = f"takes {run} {command.key}"
            takes = 1 + chance(self._seed, name) % LONGEST_MS
            if self._nudge is not None:
                takes += chance(self._nudge, name) % NUDGE_MS
            now = world.loop.now
            given = command.arguments
            asked = Asked(origin + command.occurrence, given, now, now + takes, host.process)
            self.asked[key] = asked
        elif asked.process is host.process:
            self.violations.append(f"{host.name} performs {run} {command.key} twice in one life")
        elif asked.given != command.arguments:
            self.violations.append(f"{host.name} performs {run} {command.key} with something else")
        asked.times += 1
        if key in self.answered:
            self.violations.append(f"{host.name} performs {run} {command.key}, which was answered")
        asked.process = host.process
        if self._is_at_once(run, command):
            return self._answer(run, command, asked.times)
        done: asyncio.Future[Json] = world.loop.create_future()
        done.add_done_callback(lambda done: self._note_dropped(asked, done))
        self._answer_at(host, run, command, asked, done)
        return done

    def effects(self) -> dict[str, list[str]]:
        """Return, by run, the idempotency keys of what was performed: once per attempt."""
        effects: dict[str, list[str]] = {}
        for (run, key), asked in sorted(self.asked.items()):
            if (run, key) in self.answered or not asked.is_brief:
                effects.setdefault(run, []).append(asked.effect)
        return effects

    def _note_dropped(self, asked: Asked, done: asyncio.Future[Json]) -> None:
        if done.cancelled():
            asked.dropped_at = self._world.loop.now

    def _answer_at(
        self, host: Host, run: str, command: Perform, asked: Asked, done: asyncio.Future[Json]
    ) -> None:
        loop = self._world.loop
        when = max(loop.now, asked.answers_at)
        loop.at_in(host.process, when, self._due, host, run, command, asked, done)

    def _due(
        self, host: Host, run: str, command: Perform, asked: Asked, done: asyncio.Future[Json]
    ) -> None:
        if done.done():
            return
        later = None
        if DETACHED not in command.token:
            later = self._world.moves.postponed(run, asked.answers_at)
        if later is None:
            try:
                done.set_result(self._answer(run, command, asked.times))
            except Fault as fault:
                done.set_exception(fault)
                done.exception()  # whoever asked may be dead: then nobody looks at it
        else:
            asked.answers_at = later
            self._answer_at(host, run, command, asked, done)

    def _is_at_once(self, run: str, command: Perform) -> bool:
        if command.token or command.name in PAUSES or not self._at_once:
            return False
        return chance(self._seed, f"at once {run} {command.key}") % AT_ONCE == 0

    def _answer(self, run: str, command: Perform, times: int) -> Json:
        """Return what a task answers.

        Raises:
            Fault: it faults.
        """
        name = f"{run} {command.key}"
        fails_in = FAILED_UNDOING if command.target == UNDO else self._fails_in
        if chance(self._seed, f"fails {name}") % fails_in == 0:
            kind = KINDS[chance(self._seed, f"kind {name}") % 3]
            text = f"as the seed wants it for {command.key}"
            raise Fault(kind, 500, "Broken", text)
        return {"answer": chance(self._seed, f"answer {name}") % 9, TIMES: times}


class _Performing(Performer):
    """Performs the tasks of one process."""

    def __init__(self, calls: Calls, host: Host) -> None:
        super().__init__({})
        self._calls = calls
        self._host = host

    def start(
        self, run_id: str, origin: str, workflow: str, command: Perform
    ) -> Awaitable[Json] | Json:
        """Begin a task. See `Performer`."""
        del workflow
        return self._calls.start(self._host, run_id, origin, command)


class SimulatedSandbox:
    """Evaluates the few expressions that it knows. The contract is `batuta.ports.evaluator`."""

    SLOW_MS = 60_000

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked = 0

    async def evaluate(self, source: str, data: Json, variables: dict[str, Json]) -> Json:
        """Evaluate. See the port."""
        del variables
        self._asked += 1
        world = self._world
        done = world.loop.create_future()
        name = f"{source} {self._asked}"
        delay = world.faults.amount(name, 0, 2)
        if world.faults.fires("slow sandbox", name):
            delay = world.faults.amount(name, 0, self.SLOW_MS)
        loop = world.loop
        loop.at_in(loop.current, loop.now + delay, _resolve, done)
        await done
        if source == FAILING:
            raise ExpressionFailure("it fails")
        if source == SAME:
            return data
        raise ExpressionFailure(f"the simulation does not know {source}")

    async def close(self) -> None:
        """Close. See the port."""


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


class NoSecrets:
    """There are none. The contract is `batuta.ports.secrets.Keeper`."""

    def new_nonce(self) -> str:
        """Return a nonce. See the port."""
        return "nonce"

    def secrets_of(self, program: Program, nonce: str) -> HeldSecrets:
        """Fail. See the port."""
        raise AssertionError(f"{program.identity} has secrets ({nonce}): simulate it without")

    def mask(self, value: Json) -> Json:
        """Return the value. See the port."""
        return value

    def serving(self, secrets: HeldSecrets) -> AbstractContextManager[None]:
        """Fail. See the port."""
        raise AssertionError(secrets)
