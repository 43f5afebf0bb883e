"""Going on from a task of a run that faulted, with its input or another."""

import asyncio

import pytest

import batuta
from batuta.errors import ConflictError, RequestError

from .conftest import until

THREE = """
- one: { call: note, with: { x: '${ .n }' } }
- two: { call: note, with: { x: '${ .x + 1 }' } }
- three: { call: strict, with: { x: '${ .x }' } }
"""


class Noted:
    """Functions that note what they get: `note` gives it back, `strict` wants more than 9."""

    def __init__(self):
        self.given, self.keys = [], []

    def functions(self):
        async def note(context: batuta.Context, x):
            self.given.append(x)
            self.keys.append(context.idempotency_key)
            return {"x": x}

        async def strict(context: batuta.Context, x):
            self.given.append(x)
            self.keys.append(context.idempotency_key)
            if x <= 9:
                raise batuta.Fault("validation", 400, "Too small", f"{x} is too small")
            return {"x": x}

        return [batuta.function(note), batuta.function(strict)]


@pytest.fixture
def noted():
    return Noted()


@pytest.fixture
async def faulted(desk, noted):
    """An engine, and a run of `THREE` that faulted at its third task."""
    engine = await desk.open(functions=noted.functions())
    run = await desk.run(engine, THREE, {"n": 1})
    assert (await run.result(5)).status == "faulted"
    noted.given.clear()
    noted.keys.clear()
    return engine, run


async def test_what_faulted_is_tried_with_another_input_and_a_key_of_its_own(faulted, noted):
    engine, run = faulted
    again = await engine.retry(run.id, input={"x": 50})
    view = await again.result(5)

    assert (view.status, view.output) == ("completed", {"x": 50})
    assert noted.given == [50], "what succeeded is not done again"
    assert noted.keys == [f"{again.id}/do/2/three"]
    assert again.show().rerun_of == run.id
    assert [task.input for task in again.tasks()][-1] == {"x": 50}


async def test_a_run_goes_on_from_an_earlier_task_with_the_same_keys(faulted, noted):
    engine, run = faulted
    again = await engine.retry(run.id, task="/do/1/two")
    await again.result(5)

    assert noted.given == [2, 2]
    assert noted.keys == [f"{run.id}/do/1/two", f"{run.id}/do/2/three"]


async def test_an_earlier_task_gets_another_input(faulted, noted):
    engine, run = faulted
    again = await engine.retry(run.id, task="/do/1/two", input={"x": 50})

    assert (await again.result(5)).output == {"x": 51}
    assert noted.given == [51, 51]


async def test_the_first_task_gets_another_input_too(faulted, noted):
    engine, run = faulted
    again = await engine.retry(run.id, task="/do/0/one", input={"n": 50})

    assert (await again.result(5)).output == {"x": 51}
    assert noted.given == [50, 51, 51]


async def test_a_run_starts_again_with_another_input(faulted, noted):
    engine, run = faulted
    again = await engine.retry(run.id, from_start=True, input={"n": 30})

    assert (await again.result(5)).output == {"x": 31}
    assert engine.show(again.id).rerun_of == run.id


async def test_what_is_amended_survives_a_crash(desk, noted, faulted):
    engine, run = faulted
    desk.hold()
    retrying = asyncio.create_task(engine.retry(run.id, task="/do/1/two", input={"x": 50}))
    await until(lambda: engine.conductor.committer.batch.runs or engine.conductor.committer.is_busy)
    desk.let_go()
    new = await retrying
    again = await desk.open(desk.crash(), functions=noted.functions(), resume=True)

    assert (await again.run(new.id).result(5)).output == {"x": 51}


async def test_of_a_loop_the_last_round_that_came_to_it_is_meant(desk, noted):
    engine = await desk.open(functions=noted.functions())
    loop = """
- each:
    for: { each: n, in: '${ .ns }' }
    do:
      - first: { call: note, with: { x: '${ $n }' } }
      - second: { call: strict, with: { x: '${ .x }' } }
"""
    run = await desk.run(engine, loop, {"ns": [11, 5, 12]})
    assert (await run.result(5)).status == "faulted"
    again = await engine.retry(run.id, task="/do/0/each/do/1/second", input={"x": 20})

    assert (await again.result(5)).status == "completed"
    assert noted.given == [11, 11, 5, 5, 20, 12, 12]


async def test_what_was_under_way_beside_it_is_asked_again(desk, noted, calls):
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[*noted.functions(), calls.function()])
    both = """
- both:
    fork:
      branches:
        - slow: { call: act, with: { x: 1 } }
        - quick:
            do:
              - a: { call: note, with: { x: 1 } }
              - b: { call: strict, with: { x: 1 } }
"""
    run = await desk.run(engine, both)
    assert (await run.result(5)).status == "faulted"
    again = await engine.retry(run.id, task="/do/0/both/fork/branches/1/quick/do/1/b", input=1)
    calls.answers.put_nowait({"slow": True})
    await again.result(5)

    assert len(calls.keys) == 2


async def test_a_whole_block_gets_another_input(desk, noted):
    engine = await desk.open(functions=noted.functions())
    block = """
- one: { call: note, with: { x: 1 } }
- block:
    try:
      - two: { set: { x: '${ .x }' } }
      - three: { call: strict, with: { x: '${ .x }' } }
    catch: { errors: { with: { status: 400 } }, retry: { limit: { attempt: { count: 1 } } } }
"""
    run = await desk.run(engine, block)
    assert (await run.result(5)).status == "faulted"
    again = await engine.retry(run.id, task="/do/1/block", input={"x": 10})

    assert (await again.result(5)).output == {"x": 10}
    assert noted.given == [1, 1, 1, 10]


async def test_what_the_sandbox_was_asked_is_asked_again_for_another_input(desk, noted):
    engine = await desk.open(functions=noted.functions())
    sandboxed = """
- one: { call: note, with: { x: 1 } }
- two: { set: { x: '${ .x | tostring | test("1") | if . then 1 else 10 end }' } }
- three: { call: strict, with: { x: '${ .x }' } }
"""
    run = await desk.run(engine, sandboxed)
    assert (await run.result(5)).status == "faulted"
    again = await engine.retry(run.id, task="/do/1/two", input={"x": 7})

    assert (await again.result(5)).output == {"x": 10}


async def test_a_task_that_there_is_not_or_that_was_not_reached_is_refused(desk, noted):
    engine = await desk.open(functions=noted.functions())
    run = await desk.run(engine, "- a: { call: strict, with: { x: 1 } }\n- b: { set: { c: 1 } }")
    await run.result(5)

    with pytest.raises(RequestError, match="has no task '/do/7/x'"):
        await engine.retry(run.id, task="/do/7/x")
    with pytest.raises(ConflictError, match="has not come to /do/1/b"):
        await engine.retry(run.id, task="/do/1/b")


async def test_a_run_is_run_again_with_the_same_input_or_another(desk, noted):
    engine = await desk.open(functions=noted.functions())
    run = await desk.run(engine, "- a: { set: { c: '${ .n }' } }", {"n": 1})
    await run.result(5)
    same, other = await engine.rerun(run.id), await engine.rerun(run.id, {"n": 2})

    assert [(await one.result(5)).output for one in (same, other)] == [{"c": 1}, {"c": 2}]
    assert {engine.show(one.id).rerun_of for one in (same, other)} == {run.id}
    assert await engine.input_of(other.id) == {"n": 2}
