"""Group commit: nothing is acted upon before it is on disk, and trouble with the disk passes."""

import asyncio
import logging

import pytest

from batuta.errors import CorruptError, UnavailableError
from batuta.runtime.shared.driving.committer import Committer
from batuta.testing.memory_store import MemoryStore

from .conftest import until

ACT = "- act: { call: act, with: { x: '${ .x }' } }"
TWO = "- one: { call: act, with: { x: 1 } }\n- two: { call: act, with: { x: 2 } }"


async def test_nothing_is_performed_before_its_commit(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    await engine.deploy(
        f"document: {{dsl: 1.0.3, namespace: t, name: w, version: 1.0.0}}\ndo:\n{ACT}\n"
    )
    desk.hold()

    starting = asyncio.create_task(engine.start("t/w", {"x": 1}))
    await until(lambda: engine.conductor.runs)
    for _ in range(50):
        await asyncio.sleep(0)
    assert calls.keys == []
    assert not starting.done()
    assert engine.runs() == []

    desk.let_go()
    run = await starting
    assert (await run.result(5)).output == {"x": 1}
    assert len(calls.keys) == 1


async def test_many_runs_share_a_commit(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    await desk.run(engine, ACT, {"x": 0})
    desk.store.batches.clear()
    desk.hold()
    starting = [asyncio.create_task(engine.start("t/w", {"x": n})) for n in range(300)]
    await until(lambda: len(engine.conductor.runs) >= 300)
    desk.let_go()
    runs = await asyncio.gather(*starting)
    for run in runs:
        await run.result(5)

    assert sum(batch["runs"] for batch in desk.store.batches) == 300
    assert max(batch["runs"] for batch in desk.store.batches) >= 250
    assert len(desk.store.batches) < 30


async def test_work_goes_on_by_itself_when_the_disk_has_room_again(desk, calls, caplog):
    engine = await desk.open(functions=[calls.function()])
    await desk.run(engine, ACT, {"x": 0})
    desk.fail(UnavailableError("no room left", hint="free some"))

    starting = asyncio.create_task(engine.start("t/w", {"x": 1}))
    await until(lambda: engine.conductor.committer.trouble)
    assert not starting.done()
    assert len(calls.keys) <= 1

    desk.fail(None)
    view = await (await starting).result(5)
    assert view.output == {"x": 1}
    assert engine.conductor.committer.trouble is None
    said = [record.message for record in caplog.records if record.name == "batuta.store"]
    assert sum("no room" in text for text in said) == 1, "it is said once"
    assert said[-1] == "the store can be written again"


async def test_an_engine_in_trouble_can_be_closed_and_what_was_not_written_never_happened(
    desk, calls
):
    engine = await desk.open(functions=[calls.function()])
    run = await desk.run(engine, TWO)
    await run.result(5)
    desk.fail(UnavailableError("no room left"))
    starting = asyncio.create_task(engine.start("t/w"))
    await until(lambda: engine.conductor.committer.trouble)
    seen = len(calls.keys)

    await desk.close(engine)
    with pytest.raises(UnavailableError):
        await starting

    desk.fail(None)
    again = await desk.open(functions=[calls.function()], resume=True)
    assert len(again.runs()) == 1
    assert len(calls.keys) == seen == 2


async def test_a_damaged_store_stops_everything_and_says_so(desk, calls, caplog):
    engine = await desk.open(functions=[calls.function()])
    calls.answers = asyncio.Queue()
    run = await desk.run(engine, ACT)
    waiting = asyncio.create_task(run.result())
    await until(lambda: calls.keys)
    desk.fail(CorruptError("it is damaged"))

    calls.answers.put_nowait(1)
    with pytest.raises(CorruptError):
        await waiting
    with pytest.raises(CorruptError):
        await engine.start("t/w")

    await asyncio.wait_for(desk.close(engine), 5)
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_closing_ends_also_a_run_that_never_rests(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    run = await desk.run(engine, "- act: { call: act, then: act }")
    waiting = asyncio.create_task(run.result())
    await until(lambda: len(calls.keys) > 20)

    await asyncio.wait_for(desk.close(engine), 5)
    with pytest.raises(UnavailableError, match="closed"):
        await waiting
    seen = len(calls.keys)
    await asyncio.sleep(0)
    assert len(calls.keys) == seen

    again = await desk.open(functions=[calls.function()], resume=True)
    await until(lambda: len(calls.keys) > seen + 20)
    assert [one.id for one in again.runs()] == [run.id]


async def test_a_closed_engine_starts_nothing(desk):
    engine = await desk.open()
    await desk.run(engine, "- a: { set: { b: 1 } }")
    await engine.conductor.stop()
    with pytest.raises(UnavailableError, match="closed"):
        await engine.start("t/w")


async def test_closing_amid_the_steps_of_a_large_commit_loses_none_of_them(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    await (await desk.run(engine, ACT, {"x": 0})).result(5)
    # Whoever looks out for others' events has all steps carried out at once: here nobody does.
    engine.conductor.hearing.stop()
    await until(lambda: engine.conductor.is_settled)
    desk.hold()
    starting = [asyncio.create_task(engine.start("t/w", {"x": n})) for n in range(1, 601)]
    await until(lambda: len(engine.conductor.runs) >= 600)
    desk.let_go()
    await until(lambda: engine.conductor.releasing.waiting)

    await desk.close(engine)
    started = await asyncio.gather(*starting)

    assert not engine.conductor.releasing.waiting
    again = await desk.open(functions=[calls.function()], resume=True)
    for run in started:
        await again.result(run.id, 5)
    outputs = [view.output["x"] for view in again.runs(status="completed", limit=1000)]
    assert sorted(outputs) == list(range(601))


@pytest.fixture
async def committer():
    """A committer over a store in memory."""
    made = Committer(
        MemoryStore(), committed=lambda *_: None, lost=lambda _: None, failed=lambda _: None
    )
    made.start()
    yield made
    await made.stop()


def put_off(committer):
    committer.batch.journal.append(("r1", 1, 0, b"{}", None))
    committer.patient += 1
    assert not committer.presses
    committer.put_off()
    committer.put_off()


async def test_what_nobody_waits_for_shares_the_commit_of_what_somebody_waits_for(committer):
    put_off(committer)
    committer.batch.journal.append(("r2", 1, 0, b"{}", None))
    assert committer.presses
    committer.submit()
    await committer.drain()

    assert committer.commits == 1
    assert committer.patient == 0


async def test_what_nobody_waits_for_is_committed_alone_soon(committer):
    put_off(committer)
    assert committer.commits == 0
    await until(lambda: committer.commits)


@pytest.mark.parametrize("also", ["outbox", "runs", "parked", "heard", "served"])
async def test_what_goes_along_with_more_than_the_end_of_a_part_is_not_put_off(committer, also):
    put_off(committer)
    getattr(committer.batch, also).append(object())
    pressed = committer.presses
    getattr(committer.batch, also).clear()

    assert pressed
    assert not committer.presses
