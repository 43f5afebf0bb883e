"""What operators ask for: cancel, suspend, resume, retry, purge; here or from another process."""

import asyncio

import pytest

import batuta
from batuta.errors import ConflictError, NotFoundError

from .conftest import until, workflow

TWO = "- one: { call: act, with: { x: 1 } }\n- two: { call: fail, with: { x: '${ .x }' } }"
UNDONE = """
- one: { call: act, with: { x: 1 }, metadata: { compensate: { call: act, with: { x: 0 } } } }
- two: { call: fail, with: { x: 2 } }
"""


class Failing:
    """A function that faults until it is mended."""

    def __init__(self):
        self.keys, self.mended = [], False

    def function(self):
        failing = self

        async def fail(context: batuta.Context, x=None):
            failing.keys.append(context.idempotency_key)
            if not failing.mended:
                raise batuta.Fault("communication", 503, "Down", "not yet")
            return {"after": x}

        return batuta.function(fail)


@pytest.fixture
def failing():
    return Failing()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "another process"])
async def test_a_run_is_suspended_resumed_and_cancelled(desk, elsewhere):
    engine = await desk.open()
    asking = await desk.open() if elsewhere else engine
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }")
    await desk.clock.settle()

    await asking.suspend(run.id)
    await desk.clock.advance(hours=5)
    assert asking.show(run.id).status == "suspended"
    await asking.resume(run.id)
    await desk.clock.advance(minutes=30)
    assert asking.show(run.id).status == "waiting", "its clock stood still"
    await asking.cancel(run.id)
    await desk.clock.settle()
    assert asking.show(run.id).status == "cancelled"
    with pytest.raises(ConflictError, match="is cancelled"):
        await asking.cancel(run.id)
    assert engine.store.requests(engine.conductor.owner) == []


async def test_a_request_is_granted_once_however_often_it_is_seen(desk):
    engine, other = await desk.open(), await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }")
    await desk.clock.settle()
    desk.hold()
    await asyncio.to_thread(other.store.ask, run.id, b'{"type":"suspend"}')
    engine.conductor.hearing.look()
    await asyncio.to_thread(other.store.ask, run.id, b'{"type":"resume"}')
    for _ in range(3):
        engine.conductor.hearing.look()
        engine.conductor.hearing._version = -1
    desk.let_go()
    await desk.clock.settle()
    assert engine.show(run.id).status == "waiting"
    assert [len(list(engine.store.journal(run.id)))] == [3]


async def test_a_request_survives_the_death_of_the_conductor(desk):
    engine, other = await desk.open(), await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }")
    await desk.clock.settle()
    other.store.ask(run.id, b'{"type":"cancel"}')
    again = await desk.open(desk.crash(), resume=True)
    await desk.clock.settle()
    assert again.show(run.id).status == "cancelled"


async def test_a_retry_goes_on_from_the_fault_with_the_same_keys(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    run = await desk.run(engine, TWO, {"x": 9})
    assert (await run.result(5)).status == "faulted"
    failing.mended = True

    again = await engine.retry(run.id)
    view = await again.result(5)
    assert (view.status, view.output) == ("completed", {"after": 1})
    assert len(calls.keys) == 1, "what succeeded is not done again"
    assert failing.keys[0] == failing.keys[1]
    assert engine.show(run.id).status == "faulted", "the old run's end stays"
    assert [task.status for task in again.tasks()] == ["completed", "completed"]


async def test_a_retry_of_a_retry_keeps_the_keys_of_the_first(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    run = await desk.run(engine, TWO)
    await run.result(5)
    again = await engine.retry(run.id)
    assert (await again.result(5)).status == "faulted"
    failing.mended = True
    third = await engine.retry(again.id)
    assert (await third.result(5)).status == "completed"
    assert len(set(failing.keys)) == 1


async def test_a_retry_survives_a_crash(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    run = await desk.run(engine, TWO)
    await run.result(5)
    failing.mended = True
    desk.hold()
    retrying = asyncio.create_task(engine.retry(run.id))
    await until(lambda: engine.conductor.committer.batch.runs or engine.conductor.committer.is_busy)
    desk.let_go()
    new = await retrying
    again = await desk.open(
        desk.crash(), functions=[calls.function(), failing.function()], resume=True
    )
    assert (await again.run(new.id).result(5)).status == "completed"


async def test_a_retry_from_the_start_is_a_new_run_with_the_old_input(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    run = await desk.run(engine, TWO, {"x": 9})
    await run.result(5)
    failing.mended = True
    again = await engine.retry(run.id, from_start=True)
    assert (await again.result(5)).status == "completed"
    assert again.tasks()[0].input == {"x": 9}
    assert len(set(calls.keys)) == 2


async def test_what_was_undone_can_only_be_retried_from_the_start(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    run = await desk.run(engine, UNDONE)
    assert (await run.result(5)).status == "faulted"
    failing.mended = True
    with pytest.raises(ConflictError, match="has undone") as caught:
        await engine.retry(run.id)
    assert "from-start" in caught.value.hint
    again = await engine.retry(run.id, from_start=True)
    assert (await again.result(5)).status == "completed"


async def test_a_retry_starts_a_failed_sub_workflow_again(desk, calls, failing):
    engine = await desk.open(functions=[calls.function(), failing.function()])
    await engine.deploy(workflow(TWO, name="child"))
    sub = "- sub: { run: { workflow: { namespace: t, name: child, version: 1.0.0 } } }"
    run = await desk.run(engine, sub)
    assert (await run.result(5)).status == "faulted"
    failing.mended = True
    assert (await (await engine.retry(run.id)).result(5)).output == {"after": 1}


async def test_only_a_faulted_run_can_be_retried(desk):
    engine = await desk.open()
    run = await desk.run(engine, "- a: { set: { b: 1 } }")
    await run.result(5)
    with pytest.raises(ConflictError, match="is completed"):
        await engine.retry(run.id)
    with pytest.raises(NotFoundError):
        await engine.retry("nobody")


async def test_old_runs_are_purged_and_the_living_stay(desk):
    engine = await desk.open()
    done = await desk.run(engine, "- a: { set: { b: 1 } }", name="short")
    await done.result(5)
    living = await desk.run(engine, "- rest: { wait: { hours: 90 } }", name="long")
    await engine.publish("go", 1)
    await desk.clock.advance(hours=2)
    assert engine.purge(3_600_000) == 1
    assert [view.id for view in engine.runs()] == [living.id]
    with pytest.raises(NotFoundError):
        engine.tasks(done.id)
    assert len(engine.events()) == 1, "the living run may come to listen to it"
    await living.cancel()
    await desk.clock.advance(hours=2)
    assert engine.purge(3_600_000) == 1
    assert engine.events() == []
