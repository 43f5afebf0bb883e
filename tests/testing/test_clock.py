"""Virtual time: order, settling, and the example that users read first."""

from __future__ import annotations

import asyncio
import doctest
from datetime import UTC, datetime

import pytest

import batuta
from batuta.ports.clock import GovernedClock
from batuta.testing import clock as module
from batuta.testing.clock import VirtualClock

NEW_YEAR = 1_767_225_600_000

WAITING = """
document: { dsl: '1.0.3', namespace: office, name: patient, version: '1.0.0' }
do:
  - rest: { wait: { days: 40 } }
  - work: { call: work }
"""


def test_the_example_in_its_description_is_true():
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_it_starts_when_it_is_told_to():
    assert VirtualClock().now() == NEW_YEAR
    assert VirtualClock("2026-01-01T01:00:00+01:00").now() == NEW_YEAR
    assert VirtualClock(datetime(2026, 1, 1, tzinfo=UTC)).now() == NEW_YEAR
    assert VirtualClock(5).now() == 5


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        VirtualClock("2026-01-01T00:00:00")


async def test_timers_ring_in_order_each_at_its_own_time():
    clock = VirtualClock(0)
    rung: list[tuple[str, int]] = []
    for name, when in (("late", 30), ("early", 10), ("also early", 10), ("never", 99)):
        clock.call_at(when, lambda name=name: rung.append((name, clock.now())))
    await clock.advance(50)
    assert rung == [("early", 10), ("also early", 10), ("late", 30)]
    assert clock.now() == 50


async def test_what_a_timer_sets_rings_in_the_same_advance():
    clock = VirtualClock(0)
    rung: list[int] = []

    def ring() -> None:
        rung.append(clock.now())
        clock.call_at(clock.now() + 10, ring)

    clock.call_at(10, ring)
    await clock.advance(35)
    assert rung == [10, 20, 30]


async def test_a_timer_that_was_taken_back_does_not_ring():
    clock = VirtualClock(0)
    rung: list[int] = []
    clock.call_at(10, lambda: rung.append(1)).cancel()
    clock.call_at(0, lambda: rung.append(2)).cancel()
    await clock.advance(20)
    assert rung == []


async def test_a_time_that_is_past_rings_at_once():
    clock = VirtualClock(100)
    rung: list[int] = []
    clock.call_at(50, lambda: rung.append(clock.now()))
    assert rung == []
    await asyncio.sleep(0)
    assert rung == [100]


async def test_spans_are_added_up():
    clock = VirtualClock(0)
    await clock.advance(5, minutes=1, seconds=2)
    assert clock.now() == 62_005


async def test_time_stands_still_while_something_is_on_its_way():
    clock = VirtualClock(0)
    ready, seen = asyncio.Event(), []

    async def settled() -> None:
        await ready.wait()

    clock.heed(settled)
    moving = asyncio.create_task(clock.advance(10))
    for _ in range(50):
        await asyncio.sleep(0)
    seen.append(clock.now())
    ready.set()
    await moving
    clock.ignore(settled)
    assert [*seen, clock.now()] == [0, 10]


async def test_patience_has_an_end():
    clock = VirtualClock(0, patience=0.01)
    clock.heed(asyncio.Event().wait)
    await clock.advance(10)
    assert clock.now() == 10


def test_it_is_a_governed_clock():
    assert isinstance(VirtualClock(), GovernedClock)


@pytest.mark.parametrize("sync", [True, False])
async def test_a_wait_of_weeks_ends_when_its_time_has_come(tmp_path, sync):
    async def work() -> str:
        return await asyncio.to_thread(work_in_a_thread)

    def work_in_a_thread() -> str:
        return "done"

    function = batuta.function(name="work")(work_in_a_thread if sync else work)
    clock = VirtualClock()
    async with batuta.open(
        f"sqlite:///{tmp_path}/a.db", functions=[function], clock=clock
    ) as engine:
        await engine.deploy(WAITING)
        run = await engine.start("office/patient")
        await clock.advance(days=39)
        assert run.show().status == "waiting"
        await clock.advance(days=1)
        view = run.show()
        assert (view.status, view.output) == ("completed", "done")
        assert view.ended_at == "2026-02-10T00:00:00.000Z"


async def test_an_engine_that_is_closed_holds_the_time_no_longer(tmp_path):
    clock = VirtualClock()
    async with batuta.open(f"sqlite:///{tmp_path}/a.db", clock=clock):
        pass
    await clock.advance(days=1)
    assert clock._heeded == []
