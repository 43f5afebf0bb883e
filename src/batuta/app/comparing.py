"""Comparing the control models: one workflow, the same inputs, run both ways.

Owns what is measured of each side (how every run ended and how long it took, messages and hops) and
when two outcomes agree. Every task is really performed, on both sides. Where the runs live is not
decided here: give each side an engine of its own, over an empty store and bus.

An outcome is what a run came to and left behind: its status, its output or error, and which
compensations were done. Times and ids of runs are not part of it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.choreography import CHOREOGRAPHED
from batuta.insight.traffic import Traffic, on_bus, under_conductor
from batuta.kernel.state import TERMINAL
from batuta.runtime.shared.envelope import decode_envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from batuta.app.engine import Engine, Run
    from batuta.ports.bus import Bus, Delivered

COMPENSATION = "/metadata/compensate"
PAGE = 1_000


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; `undone` are the references of what was compensated, sorted."""

    status: str
    output: Any = None
    error: dict[str, Any] | None = None
    undone: tuple[str, ...] = ()


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One control model: the outcome of each input in order, and what that took.

    `latencies_ms` are those of the runs that ended, sorted: from asking for the start to hearing of
    the end.
    """

    control: str
    outcomes: list[Outcome]
    latencies_ms: list[float]
    messages: int
    hops: int

    def latency_ms(self, share: float) -> float | None:
        """Return the latency that a share (0 to 1) of the runs do not exceed; None without any."""
        if not self.latencies_ms:
            return None
        place = min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * share))
        return self.latencies_ms[place]

    def count(self, status: str) -> int:
        """Return how many runs came to a status."""
        return sum(one.status == status for one in self.outcomes)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the outcomes of one input differ: `run` counts from 1, `at` is a JSON Pointer."""

    run: int
    at: str
    orchestrated: Any
    choreographed: Any


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of the same inputs, and what differs."""

    workflow: str
    orchestrated: Side
    choreographed: Side
    differences: list[Difference]

    @property
    def runs(self) -> int:
        """How many runs there were on each side."""
        return len(self.orchestrated.outcomes)

    @property
    def agrees(self) -> bool:
        """Say whether all runs ended, and came to the same both ways."""
        return not self.differences and all(
            one.status in TERMINAL for one in self.orchestrated.outcomes
        )


async def measure(
    engine: Engine,
    bus: Bus,
    workflow: str,
    inputs: Sequence[Any],
    *,
    control: str,
    name: str,
    at_once: int,
    wait_s: float,
) -> Side:
    """Run a workflow once for each input, under one control model.

    Runs of the same number have one id on both sides, so that what is made of idempotency keys is
    the same, too.

    Args:
        engine: over an empty store.
        bus: the engine's, empty and started.
        workflow: the identity of what is deployed there.
        inputs: one a run.
        control: `orchestrated` or `choreographed`.
        name: what the ids of the runs begin with.
        at_once: how many runs may be under way together.
        wait_s: how long each may take; what has not ended then is left as it stands.

    Raises:
        DefinitionError: its participants alone cannot run it; the reasons are in it.
    """
    ends = Ends(bus)
    await ends.start()
    turn = asyncio.Semaphore(at_once)
    latencies: list[float] = []

    async def one(number: int, data: Any) -> Run:
        async with turn:
            began = time.perf_counter()
            run_id = f"{name}-{number}"
            run = await engine.start(workflow, data, run_id=run_id, control=control)
            ended = ends.of(run.id) if control == CHOREOGRAPHED else run.result()
            try:
                async with asyncio.timeout(wait_s):
                    await ended
            except TimeoutError:
                return run
            latencies.append((time.perf_counter() - began) * 1_000)
            return run

    if control == CHOREOGRAPHED:
        await engine.host(workflow)
    runs = await asyncio.gather(*(one(number, data) for number, data in enumerate(inputs, 1)))
    await ends.stop()
    outcomes = [await _outcome(run) for run in runs]
    traffic = await _traffic(bus, runs, control)
    return Side(
        control=control,
        outcomes=outcomes,
        latencies_ms=sorted(latencies),
        messages=traffic.messages,
        hops=traffic.hops,
    )


class Ends:
    """Hears the ends of choreographed runs when they are published, as anybody could.

    The engine's own view of them is read now and then, which is too coarse for latencies.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._ends: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Begin to hear."""
        self._consumption = await self._bus.consume("compare", None, self._take)

    async def stop(self) -> None:
        """Hear no more."""
        await self._consumption.stop()

    async def of(self, run_id: str) -> None:
        """Wait until a run has ended."""
        await self._ends.setdefault(run_id, asyncio.Event()).wait()

    def _take(self, messages: list[Delivered]) -> None:
        for one in messages:
            if one.type.endswith(".ended"):
                run_id = decode_envelope(one.body).batutarun or ""
                self._ends.setdefault(run_id, asyncio.Event()).set()
        self._consumption.acknowledge([one.number for one in messages])


async def _outcome(run: Run) -> Outcome:
    view = run.show()
    if view.status not in TERMINAL:
        view = await run.result(wait=1)  # it was told, and is about to be seen
    undone = sorted(
        task.reference
        for task in run.tasks()
        if task.reference.endswith(COMPENSATION) and task.status == "completed"
    )
    return Outcome(status=view.status, output=view.output, error=view.error, undone=tuple(undone))


async def _traffic(bus: Bus, runs: Sequence[Run], control: str) -> Traffic:
    if control != CHOREOGRAPHED:
        return under_conductor(task.kind for run in runs for task in run.tasks())
    messages = hops = after = 0
    while page := await bus.history(after=after, limit=PAGE):
        counted = on_bus(page)
        messages += counted.messages
        hops += counted.hops
        after = page[-1].number
    return Traffic(messages, hops)


def compare(workflow: str, orchestrated: Side, choreographed: Side) -> Comparison:
    """Hold two sides of the same inputs against each other."""
    pairs = zip(orchestrated.outcomes, choreographed.outcomes, strict=True)
    return Comparison(
        workflow=workflow,
        orchestrated=orchestrated,
        choreographed=choreographed,
        differences=[
            Difference(run=number, at=at, orchestrated=one, choreographed=other)
            for number, (left, right) in enumerate(pairs, start=1)
            for at, one, other in _differing(msgspec.to_builtins(left), msgspec.to_builtins(right))
        ],
    )


def _differing(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the innermost places at which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from _differing(one.get(name), other.get(name), f"{at}/{name}")
    elif (
        isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other)
    ):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differing(left, right, f"{at}/{index}")
    elif one != other:
        yield at, one, other
