"""Looking at many seeds, one after the other, in as many processes as there are.

Owns the order (batches of neighbouring seeds, whose results are counted in their order, so that all
seeds before `Tally.next` have been looked at and a hunt can go on from there), and when to stop.
Does not own what is done with what is found: `tools/simulate.py` prints it and makes it small.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from batuta.testing.simulation.comparing import Discarded, Found, compare
from batuta.testing.simulation.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 20
"""Seeds that a process looks at before it tells what came of them."""

AHEAD = 3
"""Batches that each process is given at a time."""

MODELS = 2

DISCARDED_AT_MOST = 0.03
"""The share of seeds of which a difference may be thrown away because it hinges on chance."""


class Tally(msgspec.Struct):
    """What a hunt has come to."""

    first: int
    """The seed it began with."""
    next: int
    """The seed it comes to next: it has looked at all before."""
    runs: int = 0
    """Whole runs that were started, in both control models."""
    discarded: list[int] = []
    """Seeds whose outcomes differ, and hinge on chance."""
    found: list[Found] = []

    @property
    def seeds(self) -> int:
        """How many seeds it has looked at."""
        return self.next - self.first

    @property
    def discards_too_much(self) -> bool:
        """Say whether more is thrown away than may be; a few of few seeds tell nothing."""
        return len(self.discarded) > max(1, DISCARDED_AT_MOST * self.seeds)


class _Looked(msgspec.Struct):
    """What came of one batch."""

    next: int
    runs: int
    discarded: list[int]
    found: list[Found]


def look(seeds: range) -> _Looked:
    """Look at a batch of seeds."""
    looked = _Looked(seeds.stop, 0, [], [])
    for seed in seeds:
        given = scenario(seed)
        looked.runs += MODELS * sum(one.what == "start" for one in given.moves)
        result = compare(seed, given=given)
        if isinstance(result, Found):
            looked.found.append(result)
        elif isinstance(result, Discarded):
            looked.discarded.append(seed)
    return looked


def hunt(
    tally: Tally,
    *,
    before: int | None = None,
    seconds: float | None = None,
    most: int = 1,
    workers: int = 1,
    told: Callable[[Tally], object] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Look at seeds from `tally.next` on, and count into the tally what comes of them.

    Args:
        tally: where to begin, and what was found before.
        before: the seed to stop at; None for as long as there is time.
        seconds: how long to begin new batches, None for ever.
        most: how many findings end the hunt.
        workers: how many processes; with 1 it is this one.
        told: called after each batch.
        now: the time in seconds.
    """
    ends = None if seconds is None else now() + seconds
    at = tally.next
    on_the_way: deque[Future[_Looked]] = deque()
    with ExitStack() as stack:
        if workers > 1:
            pool = ProcessPoolExecutor(workers, initializer=_be_quiet)
            stack.callback(pool.shutdown, cancel_futures=True)
            submit = pool.submit
        else:
            submit = _at_once
        while len(tally.found) < most:
            while (
                len(on_the_way) < (AHEAD * workers if workers > 1 else 1)
                and (before is None or at < before)
                and (ends is None or now() < ends)
            ):
                stop = at + BATCH if before is None else min(at + BATCH, before)
                on_the_way.append(submit(look, range(at, stop)))
                at = stop
            if not on_the_way:
                return
            looked = on_the_way.popleft().result()
            tally.next = looked.next
            tally.runs += looked.runs
            tally.discarded += looked.discarded
            tally.found += looked.found
            told(tally)


def _at_once(call: Callable[[range], _Looked], seeds: range) -> Future[_Looked]:
    done: Future[_Looked] = Future()
    done.set_result(call(seeds))
    return done


def _be_quiet() -> None:
    """Processes that are killed in a simulation have much to say; it would only cost time."""
    logging.disable(logging.CRITICAL)
