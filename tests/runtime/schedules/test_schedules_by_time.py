"""Schedules that go by the clock: every, cron, after, together, missed and in many processes."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

import batuta

WAITING = "[ { rest: { wait: { minutes: 10 } } } ]"
FAULTY = "[ { no: { raise: { error: { type: 'https://acme.example/no', status: 500 } } } } ]"


async def test_every_fires_one_interval_after_it_is_first_served_and_then_each_interval(
    office, times
):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    await office.clock.advance(hours=3, minutes=59)
    assert times(engine) == ["01-01T01:00:00", "01-01T02:00:00", "01-01T03:00:00"]


async def test_every_fires_whatever_its_runs_do(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT4M }", do=WAITING)
    await office.clock.advance(minutes=9)
    assert times(engine) == ["01-01T00:04:00", "01-01T00:08:00"]
    assert {view.status for view in engine.runs()} == {"waiting"}


async def test_cron_fires_in_utc_at_the_minutes_that_match(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ cron: '30 6 * * MON-FRI' }")
    await office.clock.advance(days=6)  # 2026-01-01 is a Thursday
    assert times(engine) == [
        "01-01T06:30:00",
        "01-02T06:30:00",
        "01-05T06:30:00",
        "01-06T06:30:00",
    ]


async def test_after_starts_at_once_and_then_that_long_after_the_run_before_has_ended(
    office, times
):
    engine = await office.open()
    await office.deploy(engine, "{ after: PT5M }", do=WAITING)
    await office.clock.advance(minutes=35)
    assert times(engine) == ["01-01T00:00:00", "01-01T00:15:00", "01-01T00:30:00"]


async def test_after_goes_on_after_a_fault_and_after_a_cancel(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ after: PT5M }", do=FAULTY)
    await office.deploy(engine, "{ after: PT5M }", do=WAITING, name="cancelled")
    (run,) = engine.runs(workflow="office/cancelled")
    await engine.cancel(run.id)
    await office.clock.advance(minutes=6)
    assert times(engine, "office/report") == ["01-01T00:00:00", "01-01T00:05:00"]
    assert times(engine, "office/cancelled") == ["01-01T00:00:00", "01-01T00:05:00"]


async def test_the_parts_of_a_schedule_fire_each_on_its_own(office, times):
    engine = await office.open()
    await office.deploy(
        engine,
        "{ every: PT40M, cron: '0 * * * *', after: PT50M, on: { one: { with: { type: go } } } }",
    )
    await engine.publish("go")
    await office.clock.advance(hours=1, minutes=30)
    assert times(engine) == [
        "01-01T00:00:00",  # after, at once
        "01-01T00:00:00",  # the event
        "01-01T00:40:00",  # every
        "01-01T00:50:00",  # after
        "01-01T01:00:00",  # cron
        "01-01T01:20:00",  # every
    ]


async def test_a_run_of_a_schedule_by_time_is_given_an_empty_object(office, inputs):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    await office.clock.advance(hours=1)
    assert inputs(engine) == [{}]


async def test_nothing_fires_where_nobody_serves(office, times):
    engine = await office.open(serve=False)
    await office.deploy(engine, "{ every: PT1H, cron: '* * * * *', after: PT1S }")
    await office.clock.advance(hours=5)
    assert times(engine) == []


async def test_a_schedule_stops_with_the_serving_and_goes_on_with_it(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    await office.clock.advance(hours=1)
    await office.stop_serving(engine)
    await office.clock.advance(minutes=30)
    await office.serve(engine)
    await office.clock.advance(minutes=30)
    assert times(engine) == ["01-01T01:00:00", "01-01T02:00:00"]


@pytest.mark.parametrize(
    ("schedule", "late", "then"),
    [
        ("{ every: PT1H }", "01-01T05:30:00", "01-01T06:00:00"),
        ("{ cron: '0 * * * *' }", "01-01T05:30:00", "01-01T06:00:00"),
        ("{ after: PT1H }", "01-01T05:30:00", "01-01T06:30:00"),
    ],
)
async def test_missed_fires_are_made_up_for_by_one(office, times, schedule, late, then):
    engine = await office.open()
    await office.deploy(engine, schedule)
    await office.clock.advance(minutes=5)
    before = times(engine)
    await office.close(engine)
    await office.clock.advance(hours=5, minutes=25)
    engine = await office.open()
    assert times(engine) == [*before, late]
    await office.clock.advance(hours=1)
    assert times(engine) == [*before, late, then]


async def test_a_crash_right_after_a_fire_neither_repeats_nor_loses_one(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H, cron: '0 * * * *', after: PT1H }", do=WAITING)
    await office.clock.advance(hours=2)
    crashed = office.after_crash()
    expected = times(engine)
    await office.clock.advance(minutes=40)
    expected_later = times(engine)
    await office.close(engine)
    office.clock._now -= 40 * 60_000  # the crash was then, and somebody else goes on from there
    engine = await office.open(crashed)
    assert times(engine) == expected
    await office.clock.advance(minutes=40)
    assert times(engine) == expected_later


async def test_a_fire_whose_place_was_not_kept_is_refused_as_the_same_run(office, times):
    """What a store would be like in which the run is on disk and the schedule's row is old."""
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    await office.clock.advance(hours=2)
    writer = engine.store._writer
    writer.execute("UPDATE schedules SET number = 1, at = at - 3600000")
    engine.serving.schedules.nudge()
    await office.clock.settle()
    assert times(engine) == ["01-01T01:00:00", "01-01T02:00:00"]
    (row,) = engine.store.schedules("office/report:1.0.0")
    assert row.number == 2


async def test_two_engines_that_serve_one_store_fire_once(office, times):
    one, other = await office.open(), await office.open()
    await office.deploy(one, "{ every: PT1H, cron: '30 * * * *', after: PT45M }")
    other.serving.schedules.nudge()
    await office.clock.advance(hours=2)
    assert times(one) == times(other)
    assert times(one) == [
        "01-01T00:00:00",
        "01-01T00:30:00",
        "01-01T00:45:00",
        "01-01T01:00:00",
        "01-01T01:30:00",
        "01-01T01:30:00",
        "01-01T02:00:00",
    ]
    assert {view.status for view in one.runs()} == {"completed"}
    assert all(view.problem is None for view in one.runs())


async def test_two_engines_that_fire_at_the_same_moment_are_told_apart_by_the_store(office, times):
    """Both note the same fire before either has committed it."""
    one, other = await office.open(serve=False), await office.open(serve=False)
    await office.deploy(
        one, "{ every: PT1H, cron: '0 * * * *', after: PT1H, on: { one: { with: { type: go } } } }"
    )
    for hours in (0, 0, 1, 1):
        await office.clock.advance(hours=hours)
        for engine in (one, other):
            engine.serving.schedules.round()
        await office.clock.settle()
    await other.publish("go")
    await office.clock.settle()
    assert times(one) == times(other)
    assert times(one) == ["01-01T00:00:00", *["01-01T01:00:00"] * 3, *["01-01T02:00:00"] * 4]
    assert {view.status for view in one.runs()} == {"completed"}
    assert len(one.store.under_way("office/report:1.0.0#on")) == 1


async def test_either_engine_may_go(office, times):
    one, other = await office.open(), await office.open()
    await office.deploy(one, "{ every: PT1H }")
    await office.clock.advance(hours=1)
    await office.close(one)
    await other.serving.look_after()
    await office.clock.advance(hours=1)
    assert times(other) == ["01-01T01:00:00", "01-01T02:00:00"]


async def test_only_the_latest_version_is_scheduled(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }", version="1.9.0")
    await office.clock.advance(hours=1)
    await office.deploy(engine, "{ every: PT20M }", version="1.10.0")
    await office.clock.advance(hours=1)
    assert times(engine, "office/report:1.9.0") == ["01-01T01:00:00"]
    assert times(engine, "office/report:1.10.0") == [
        "01-01T01:20:00",
        "01-01T01:40:00",
        "01-01T02:00:00",
    ]


async def test_a_latest_version_without_a_schedule_ends_the_schedule(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H, on: { one: { with: { type: go } } } }")
    await engine.deploy(
        "document: { dsl: '1.0.3', namespace: office, name: report, version: '2.0.0' }\n"
        "do: [ { keep: { set: { a: 1 } } } ]\n"
    )
    await office.clock.advance(hours=3)
    await engine.publish("go")
    await office.clock.settle()
    assert times(engine) == []


async def test_a_workflow_that_another_process_deploys_is_picked_up(office, times):
    serving, other = await office.open(), await office.open(serve=False)
    await office.deploy(other, "{ every: PT1H }")
    await serving.serving.look_after()
    await office.clock.advance(hours=1)
    assert times(serving) == ["01-01T01:00:00"]


async def test_ended_runs_are_forgotten_after_their_retention_and_schedules_go_on(office, times):
    engine = await office.open(settings=batuta.Settings(retention_days=2))
    await office.deploy(engine, "{ every: P1D }")
    await office.deploy(engine, "{ after: P30D }", name="rare")
    for _ in range(5):
        await office.clock.advance(days=1)
        await engine.serving.look_after()
    assert times(engine, "office/report") == ["01-04T00:00:00", "01-05T00:00:00", "01-06T00:00:00"]
    await office.clock.advance(days=26)
    assert times(engine, "office/rare") == ["01-01T00:00:00", "01-31T00:00:00"]


async def test_a_year_of_days_passes_quickly(office, times):
    engine = await office.open(settings=batuta.Settings(retention_days=0))
    await office.deploy(engine, "{ cron: '0 6 * * *' }")
    await office.clock.advance(days=365)
    assert len(times(engine)) == 365


async def test_serving_ends_with_the_reason_when_nothing_can_be_recorded_any_more(office):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    engine.conductor._failed(batuta.CorruptError("the file is damaged"))
    await office.clock.advance(hours=1)
    with pytest.raises(batuta.CorruptError):
        await office.serving.pop(engine)


async def test_serving_goes_on_when_the_store_could_not_be_read_for_a_while(office, times):
    engine = await office.open()
    await office.deploy(engine, "{ every: PT1H }")
    read, engine.store._reader = engine.store._reader, sqlite3.connect(":memory:")
    engine.serving.schedules.nudge()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    engine.store._reader = read
    await office.clock.advance(hours=1)
    assert times(engine) == ["01-01T01:00:00"]
