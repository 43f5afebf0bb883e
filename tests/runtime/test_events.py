"""Events reach every run that listens: before, during and after, once, in order, across crashes."""

import asyncio

import pytest

from batuta.errors import RequestError
from batuta.kernel.events import SuspendAsked

from .conftest import until, workflow

GO = "- hear: { listen: { to: { one: { with: { type: go } } } } }"
MINE = (
    "- hear: { listen: { to: { one: { with: { type: go }, "
    "correlate: { n: { from: .data.n, expect: '${ .n }' } } } } } }"
)
TWICE = "- one: { listen: { to: { one: { with: { type: go } } } } }\n- two: " + GO[8:]


async def test_an_event_is_heard_before_during_and_after_its_listen_begins(desk):
    engine = await desk.open()
    await engine.publish("go", "too early: there is no run")
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }\n" + GO)
    await engine.publish("go", "before")
    await desk.clock.advance(hours=1)
    assert engine.show(run.id).output == ["before"]

    waiting = await engine.start("t/w")
    await desk.clock.advance(hours=1)
    assert engine.show(waiting.id).status == "waiting"
    await engine.publish("go", "after")
    assert (await waiting.result(5)).output == ["after"]


async def test_events_published_while_a_listen_is_being_written_are_heard(desk):
    engine = await desk.open()
    await engine.deploy(workflow(GO))
    for number in range(20):
        starting = asyncio.create_task(engine.start("t/w"))
        publishing = asyncio.create_task(engine.publish("go", number))
        run = await starting
        await publishing
        view = await run.result(0.05)
        if view.status == "waiting":
            await engine.publish("go", number)
            view = await run.result(5)
        assert view.output == [number]


async def test_one_line_of_control_consumes_an_event_once(desk):
    engine = await desk.open()
    run = await desk.run(engine, TWICE)
    await engine.publish("go", 1, event_id="same")
    await engine.publish("go", 1, event_id="same")
    await desk.clock.settle()
    assert engine.show(run.id).status == "waiting"
    assert len(engine.events()) == 1
    await engine.publish("go", 2)
    assert (await run.result(5)).output == [2]


BOTH = """
- one: { listen: { to: { all: [ { with: { type: x } }, { with: { type: y, data: '${ . > 1 }' } } ] } } }
- two: { listen: { to: { any: [ { with: { type: y } } ], until: '. | length >= 2' } } }
"""  # noqa: E501 -- a document reads best in one piece


async def test_a_listen_hears_in_order_what_the_one_before_it_left_alone(desk):
    engine = await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }\n" + BOTH)
    for number in (1, 2):
        await engine.publish("y", number)
    await engine.publish("x", 0)
    await engine.publish("y", 3)
    await desk.clock.advance(hours=1)
    assert engine.show(run.id).output == [1, 3]


async def test_a_listen_hears_in_order_what_comes_while_it_begins(desk):
    branches = "- f: { fork: { branches: [ { a: { do: [ %s ] } }, { b: %s } ] } }"
    one = "{ one: { listen: { to: { one: { with: { type: x } } } } } }"
    two = "{ two: { listen: { to: { one: { with: { type: y } } } } } }"
    other = "{ listen: { to: { any: [ { with: { type: y } } ], until: '. | length >= 3' } } }"
    engine, outside = await desk.open(), await desk.open()
    run = await desk.run(engine, branches % (f"{one}, {two}", other))
    await engine.publish("y", 1)
    await desk.clock.settle()
    await asyncio.gather(outside.publish("x", 0), outside.publish("y", 2))
    await engine.publish("y", 3)
    assert (await run.result(5)).output == [[1], [1, 2, 3]]


async def test_each_of_a_thousand_waiting_runs_hears_its_own_event(desk):
    engine = await desk.open()
    await engine.deploy(workflow(MINE))
    runs = await asyncio.gather(*(engine.start("t/w", {"n": n}) for n in range(1_000)))
    await desk.clock.settle()
    assert engine.conductor.runs == {}
    await asyncio.gather(*(engine.publish("go", {"n": n}) for n in range(1_000)))
    await desk.clock.settle()
    outputs = [engine.show(run.id).output for run in runs]
    assert outputs == [[{"n": n}] for n in range(1_000)]
    assert engine.store.subscribers("go", "", "") == []


async def test_one_event_moves_a_thousand_runs_also_over_a_crash(desk):
    engine = await desk.open()
    await engine.deploy(workflow(GO))
    runs = await asyncio.gather(*(engine.start("t/w") for _ in range(1_000)))
    await desk.clock.settle()
    copies = []
    real = desk.store._seen

    def copying(store, batch, commit):
        done = real(store, batch, commit)
        if done is not False and len(copies) < 3 and (batch.events or batch.journal):
            copies.append(desk.crash())
        return done

    desk.store._seen = copying
    await engine.publish("go", 1)
    await desk.clock.settle()
    desk.store._seen = real
    for copy in copies:
        again = await desk.open(copy, resume=True)
        await desk.clock.settle()
        assert {again.show(run.id).status for run in runs} == {"completed"}, copy
        await desk.close(again)
    assert len(copies) >= 2


async def test_what_another_process_publishes_is_heard(desk):
    engine, other = await desk.open(), await desk.open()
    run = await desk.run(engine, MINE, {"n": 1})
    await other.publish("go", {"n": 2})
    await other.publish("go", {"n": 1})
    assert (await run.result(5)).output == [{"n": 1}]


async def test_what_was_published_while_nobody_lived_is_heard_after(desk):
    engine = await desk.open()
    run = await desk.run(engine, GO)
    await desk.clock.settle()
    await desk.close(engine)
    other = await desk.open()
    await other.publish("go", "meanwhile")
    again = await desk.open(resume=True)
    assert (await again.run(run.id).result(5)).output == ["meanwhile"]


async def test_equal_numbers_correlate_however_they_are_written(desk):
    engine = await desk.open()
    one = await desk.run(engine, MINE, {"n": 1})
    two = await engine.start("t/w", {"n": {"a": 1, "b": 2.0}})
    await desk.clock.settle()
    await engine.publish("go", {"n": 1.0})
    await engine.publish("go", {"n": {"b": 2, "a": 1.0}})
    assert (await one.result(5)).status == "completed"
    assert (await two.result(5)).status == "completed"


async def test_an_event_that_a_run_emits_moves_another(desk):
    engine = await desk.open()
    run = await desk.run(engine, GO, name="ear")
    emit = "- say: { emit: { event: { with: { source: https://x.y, type: go, data: { a: 1 } } } } }"
    await (await desk.run(engine, emit, name="mouth")).result(5)
    assert (await run.result(5)).output == [{"a": 1}]


async def test_an_event_that_needs_the_sandbox_is_not_lost_by_a_crash(desk, monkeypatch):
    gate = asyncio.Event()
    engine = await desk.open()
    slow = "'${ [limit(3; repeat(1))] | length }'"
    run = await desk.run(engine, GO + f"\n- count: {{ set: {{ n: {slow} }} }}")
    await desk.clock.settle()
    sandbox = engine.conductor.sandbox._evaluator
    real = sandbox.evaluate

    async def held(*asked):
        await gate.wait()
        return await real(*asked)

    monkeypatch.setattr(sandbox, "evaluate", held)
    await engine.publish("go", 1)
    await until(lambda: engine.conductor.sandbox.waiting)
    await engine.publish("other", 1)
    again = await desk.open(desk.crash(), resume=True)
    assert (await again.run(run.id).result(5)).output == {"n": 3}
    gate.set()
    assert (await run.result(5)).output == {"n": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": ""},
        {"event_type": 5},
        {"source": ""},
        {"data": {"a": object()}},
        {"Wrong_Name": 1},
    ],
    ids=["empty", "number", "source", "object", "name"],
)
async def test_what_is_no_event_is_refused_and_nothing_else_is_disturbed(desk, wrong):
    engine = await desk.open()
    run = await desk.run(engine, GO)
    with pytest.raises(RequestError):
        await engine.publish(**{"event_type": "go", **wrong})
    await engine.publish("go", 1)
    assert (await run.result(5)).output == [1]


async def test_a_run_that_died_suspended_hears_what_came_before_its_listen(desk):
    engine = await desk.open()
    run = await desk.run(
        engine, "- wake: { listen: { to: { one: { with: { type: up } } } } }\n" + GO
    )
    await engine.publish("go", "before")
    await desk.clock.settle()
    conductor = engine.conductor

    def suspend(_):
        live = conductor.housing.find(run.id)
        asyncio.get_running_loop().call_soon(conductor.post, live, SuspendAsked())

    conductor.hearing.heard.append(suspend)
    copies = []
    real = desk.store._seen

    def copying(store, batch, commit):
        done = real(store, batch, commit)
        if done is not False and batch.journal:
            copies.append(desk.crash())
        return done

    desk.store._seen = copying
    await engine.publish("up")
    await desk.clock.settle()
    desk.store._seen = real
    assert len(copies) >= 2, "it dies between being suspended and hearing what came before"
    for copy in copies:
        again = await desk.open(copy, resume=True)
        await desk.clock.settle()
        assert again.show(run.id).status == "suspended"
        await again.resume(run.id)
        assert (await again.run(run.id).result(5)).output == ["before"]
        await desk.close(again)
