"""Sub-workflows: answers, faults and cancels cross over in one transaction."""

import asyncio

import pytest

from batuta.ports.listing import RunFilter
from batuta.runtime.shared.ids import child_run_id

from .conftest import until, workflow

SUB = "- sub: { run: { workflow: { namespace: t, name: child, version: '1.0.0', input: %s } } }"
CAUGHT = """
- t:
    try: [ { sub: { run: { workflow: { namespace: t, name: child, version: 1.0.0 } } } } ]
    catch: { errors: { with: { status: 418 } }, do: [ { a: { set: { e: '${ $error }' } } } ] }
"""
DETACHED = (
    "- sub: { run: { workflow: { namespace: t, name: child, version: 1.0.0 }, await: false } }"
)


async def test_a_parent_gets_its_childs_output(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- a: { set: { got: '${ . }' } }", name="child"))
    run = await desk.run(engine, SUB % "{ x: '${ .x }' }", {"x": 7})
    assert (await run.result(5)).output == {"got": {"x": 7}}
    child = engine.store.runs(RunFilter(parent=run.id)).rows[0]
    assert child.id == child_run_id(run.id, "/do/0/sub")
    assert engine.show(child.id).parent == run.id


async def test_a_childs_fault_is_its_parents_to_catch(desk):
    engine = await desk.open()
    fail = "- a: { raise: { error: { type: 'https://x.y/z', status: 418, title: T, detail: d } } }"
    await engine.deploy(workflow(fail, name="child"))
    bare = await desk.run(engine, SUB % "{}", name="bare")
    caught = await desk.run(
        engine,
        CAUGHT,
        name="caught",
    )
    view = await bare.result(5)
    assert (view.status, view.error["status"], view.error["detail"]) == ("faulted", 418, "d")
    assert view.error["instance"] == "/do/0/sub"
    view = await caught.result(5)
    assert (view.status, view.output["e"]["status"]) == ("completed", 418)


async def test_a_missing_workflow_is_a_fault_of_the_task(desk):
    engine = await desk.open()
    view = await (await desk.run(engine, SUB % "{}")).result(5)
    assert view.status == "faulted"
    assert view.error["type"].endswith("/configuration")
    assert "t/child:1.0.0 is not deployed" in view.error["detail"]


async def test_a_crash_between_asking_and_that_fault_loses_nothing(desk):
    engine = await desk.open()
    await engine.deploy(workflow(SUB % "{}"))
    desk.hold()
    starting = asyncio.create_task(engine.start("t/w"))
    await until(lambda: engine.conductor.runs)
    crashed = []
    real = desk.store._seen

    def copying(store, batch, commit):
        done = real(store, batch, commit)
        if done is not False and not crashed and batch.journal:
            crashed.append(desk.crash())
        return done

    desk.store._seen = copying
    desk.let_go()
    run = await starting
    desk.store._seen = real
    again = await desk.open(crashed[0], resume=True)
    assert (await again.run(run.id).result(5)).status == "faulted"


async def test_cancelling_a_parent_cancels_its_child_in_the_same_transaction(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 9 } }", name="child"))
    run = await desk.run(engine, SUB % "{}")
    await desk.clock.settle()
    child = engine.store.runs(RunFilter(parent=run.id)).rows[0].id
    desk.store.batches.clear()
    await run.cancel()
    assert engine.store.run(child).status == engine.store.run(run.id).status == "cancelled"
    assert [batch["rows"] for batch in desk.store.batches if batch["rows"]] == [2]


async def test_a_timeout_of_the_task_cancels_the_child(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 9 } }", name="child"))
    run = await desk.run(engine, (SUB % "{}")[:-2] + ", timeout: { after: PT1H } }")
    await desk.clock.advance(hours=1)
    view = engine.show(run.id)
    assert (view.status, view.error["status"]) == ("faulted", 408)
    assert engine.store.runs(RunFilter(parent=run.id)).rows[0].status == "cancelled"


async def test_cancelling_a_child_is_a_fault_for_its_parent(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 9 } }", name="child"))
    run = await desk.run(engine, SUB % "{}")
    await desk.clock.settle()
    await engine.cancel(engine.store.runs(RunFilter(parent=run.id)).rows[0].id)
    assert (await run.result(5)).error["detail"] == "the sub-workflow was cancelled"


async def test_nobody_waits_for_a_detached_child(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 9 } }", name="child"))
    run = await desk.run(engine, DETACHED, {"x": 1})
    assert (await run.result(5)).output == {"x": 1}
    child = engine.runs(workflow="t/child")[0]
    await desk.clock.advance(hours=9)
    assert engine.show(child.id).status == "completed"


async def test_a_crash_after_the_childs_end_leaves_its_parent_answered(desk):
    engine = await desk.open()
    await engine.deploy(
        workflow("- rest: { wait: { hours: 1 } }\n- a: { set: { b: 1 } }", name="child")
    )
    run = await desk.run(engine, SUB % "{}" + "\n- last: { wait: { hours: 1 } }")
    await desk.clock.advance(hours=1)
    assert engine.store.runs(RunFilter(parent=run.id)).rows[0].status == "completed"
    again = await desk.open(desk.crash(), resume=True)
    await desk.clock.advance(hours=1)
    assert again.show(run.id).output == {"b": 1}


@pytest.mark.parametrize(
    ("task", "status"),
    [
        ("- a: { set: { b: 1 } }", "completed"),
        ("- a: { raise: { error: { type: 'https://x.y/z', status: 418 } } }", "faulted"),
    ],
)
async def test_a_parent_asks_again_for_an_answer_that_a_crash_kept_from_it(
    desk, calls, task, status
):
    engine = await desk.open(functions=[calls.function()])
    await engine.deploy(workflow(task, name="child"))
    copies = []
    real = desk.store._seen

    def copying(store, batch, commit):
        done = real(store, batch, commit)
        if done is not False and batch.journal:
            copies.append(desk.crash())
        return done

    desk.store._seen = copying
    run = await desk.run(engine, "- act: { call: act }\n" + SUB % "{}")
    assert (await run.result(5)).status == status
    desk.store._seen = real
    again = await desk.open(copies[1], functions=[calls.function()], resume=True)
    assert again.store.runs(RunFilter(parent=run.id)).rows[0].status == status, (
        "the child has ended"
    )
    assert len(list(again.store.journal(run.id))) == 2, "and its parent has not heard of it"
    assert (await again.run(run.id).result(5)).status == status


async def test_a_suspended_parent_hears_of_its_childs_end_when_it_goes_on(desk):
    engine = await desk.open()
    await engine.deploy(
        workflow("- rest: { wait: { hours: 1 } }\n- a: { set: { b: 1 } }", name="child")
    )
    run = await desk.run(engine, SUB % "{}")
    await desk.clock.settle()
    await run.suspend()
    await desk.clock.advance(hours=2)
    assert engine.show(run.id).status == "suspended"
    again = await desk.open(desk.crash(), resume=True)
    await again.resume(run.id)
    assert (await again.run(run.id).result(5)).output == {"b": 1}


async def test_a_parent_that_evaluates_while_its_child_ends_gets_the_answer(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- a: { set: { b: 1 } }", name="child"))
    run = await desk.run(
        engine,
        "- both:\n    fork:\n      branches:\n"
        "        - left: { run: { workflow: { namespace: t, name: child, version: 1.0.0 } } }\n"
        "        - right: { set: { n: '${ [limit(3; repeat(1))] | length }' } }\n",
    )
    assert (await run.result(5)).output == [{"b": 1}, {"n": 3}]
