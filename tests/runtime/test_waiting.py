"""Waiting runs need no memory; whatever moves them brings them back."""

import asyncio

from batuta.kernel.state import TERMINAL
from batuta.ports.listing import RunFilter

from .conftest import until, workflow

LISTEN = "- hear: { listen: { to: { one: { with: { type: go, data: { n: 1 } } } } } }"


async def test_a_waiting_run_leaves_the_memory_and_is_back_in_time(desk):
    engine = await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }\n- say: { set: { a: 1 } }")
    await desk.clock.settle()
    assert engine.conductor.runs == {}
    row = engine.store.run(run.id)
    assert (row.status, row.wake_at) == ("waiting", desk.clock.now() + 3_600_000)

    await desk.clock.advance(milliseconds=3_599_999)
    assert engine.show(run.id).status == "waiting"
    await desk.clock.advance(1)
    assert engine.show(run.id).output == {"a": 1}


async def test_a_short_wait_stays_in_memory(desk):
    engine = await desk.open()
    run = await desk.run(engine, "- rest: { wait: { milliseconds: 500 } }")
    await desk.clock.settle()
    assert run.id in engine.conductor.runs
    assert engine.show(run.id).status == "waiting"
    assert engine.store.run(run.id).status == "running", "recovery has to load it"
    await desk.clock.advance(500)
    assert engine.show(run.id).status == "completed"


async def test_a_run_that_heard_what_it_does_not_want_leaves_again(desk):
    engine = await desk.open()
    run = await desk.run(engine, LISTEN)
    await desk.clock.settle()
    assert engine.conductor.runs == {}
    await engine.publish("go", {"n": 2})
    await desk.clock.settle()
    assert engine.conductor.runs == {}
    assert engine.show(run.id).status == "waiting"
    await engine.publish("go", {"n": 1})
    await desk.clock.settle()
    assert engine.show(run.id).output == [{"n": 1}]


async def test_a_run_that_needed_the_sandbox_leaves_as_well(desk):
    engine = await desk.open()
    run = await desk.run(
        engine,
        "- count: { set: { n: '${ [limit(3; repeat(1))] | length }' } }\n"
        "- rest: { wait: { hours: 1 } }",
    )
    await desk.clock.settle()
    assert engine.store.run(run.id).status == "waiting"
    assert engine.conductor.runs == {}


async def test_a_timeout_holds_although_an_earlier_one_was_to_ring_before_it(desk, calls):
    desk.impatience()
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[calls.function()])
    first = "- first: { call: act, timeout: { after: PT5S } }\n"
    second = "- second: { call: act, timeout: { after: PT10S } }"
    run = await desk.run(engine, first + second)
    await calls.answers.put("done")
    await desk.clock.settle()
    assert len(calls.keys) == 2

    await desk.clock.advance(seconds=9)
    assert engine.show(run.id).status == "running"
    await desk.clock.advance(seconds=1)
    assert engine.show(run.id).error["instance"] == "/do/1/second"


async def test_thousands_that_are_due_at_once_are_woken_once_each(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 1 } }\n- say: { set: { a: 1 } }"))
    await asyncio.gather(*(engine.start("t/w") for _ in range(2_500)))
    await desk.clock.settle()
    assert engine.conductor.runs == {}
    desk.store.batches.clear()

    await desk.clock.advance(hours=1)
    assert len(engine.runs(status="completed", limit=5_000)) == 2_500
    assert sum(batch["rows"] for batch in desk.store.batches) == 2_500


async def test_what_is_due_while_nothing_can_be_written_is_not_woken_over_and_over(desk):
    from batuta.errors import UnavailableError

    engine = await desk.open()
    await desk.run(engine, "- rest: { wait: { hours: 1 } }\n- say: { set: { a: 1 } }")
    await desk.clock.settle()
    desk.fail(UnavailableError("full"))
    advancing = asyncio.create_task(desk.clock.advance(hours=2))
    await until(lambda: engine.conductor.committer.trouble)
    took = 0
    real = engine.conductor.take

    def counting(*asked):
        nonlocal took
        took += 1
        real(*asked)

    engine.conductor.take = counting
    for _ in range(500):
        await asyncio.sleep(0)
    assert took < 5
    desk.fail(None)
    await advancing
    await desk.clock.settle()
    assert engine.runs()[0].status == "completed"


RETRIES = """
- a:
    try: [ { b: { raise: { error: { type: 'https://x.y/z', status: 400 } } } } ]
    catch: { retry: { delay: { minutes: 1 }, limit: { attempt: { count: 2 } } } }
"""


def unwatched(engine):
    """Return the runs that nothing would ever move: an invariant says that there are none."""
    store, found = engine.store, []
    for row in store.runs(limit=10_000).rows:
        if row.status in TERMINAL or row.problem:
            continue
        children = [
            child for child in store.runs(RunFilter(parent=row.id)).rows if child.ended_at is None
        ]
        reachable = (
            row.status in {"running", "suspended"}
            or row.wake_at is not None
            or store.subscriptions(row.id)
            or children
        )
        if not reachable:
            found.append(row)
        if row.status == "running" and row.id not in engine.conductor.runs:
            found.append(row)
    return found


async def test_every_live_run_has_something_that_will_move_it(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    await engine.deploy(workflow("- rest: { wait: { minutes: 3 } }", name="child"))
    tasks = [
        "- a: { wait: { minutes: 1 } }",
        "- a: { listen: { to: { one: { with: { type: go } } } }, timeout: { after: PT5M } }",
        "- a: { run: { workflow: { namespace: t, name: child, version: 1.0.0 } } }",
        "- a: { run: { workflow: { namespace: t, name: none, version: 1.0.0 } } }",
        RETRIES,
        "- a: { fork: { branches: [ { b: { wait: { minutes: 2 } } }, { c: { call: act } } ] } }",
        "- a: { set: { n: '${ [limit(2; repeat(1))] | length }' } }\n- b: { wait: PT1M }",
    ]
    for number, task in enumerate(tasks):
        await engine.deploy(workflow(task, name=f"w{number}"))
    ids = [(await engine.start(f"t/w{n % len(tasks)}")).id for n in range(70)]
    for n, run_id in enumerate(ids):
        row = engine.store.run(run_id)
        if n % 5 == 0 and row.ended_at is None:
            await engine.suspend(run_id)
        if n % 7 == 3 and engine.store.run(run_id).ended_at is None:
            await engine.cancel(run_id)
    for minutes in range(8):
        assert unwatched(engine) == []
        if minutes == 2:
            await engine.publish("go", 1)
        if minutes == 4:
            for run_id in ids:
                if engine.store.run(run_id).status == "suspended":
                    await engine.resume(run_id)
        await desk.clock.advance(minutes=1)
    assert unwatched(engine) == []
    assert {view.status for view in engine.runs(limit=500)} <= TERMINAL
    assert engine.conductor.runs == {}
