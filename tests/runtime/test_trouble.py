"""What goes wrong in one run stays there: bugs, callers, expressions, results that are no JSON."""

import asyncio

import pytest

import batuta
from batuta.errors import ConflictError, RequestError
from batuta.runtime.shared.driving import driver as conducting

from .conftest import until, workflow

SAY = "- a: { set: { b: 1 } }"


def cyclic():
    value = []
    value.append(value)
    return value


async def test_a_bug_stops_its_run_alone_and_says_so(desk, monkeypatch, caplog):
    engine = await desk.open()
    real = conducting.step

    def buggy(program, state, event, *more):
        if getattr(event, "run", "") == "bad":
            raise batuta.KernelBug("an invariant does not hold")
        return real(program, state, event, *more)

    monkeypatch.setattr(conducting, "step", buggy)
    await engine.deploy(workflow(SAY))
    starts = [engine.start("t/w", run_id=name) for name in ("a", "bad", "b")]
    done = await asyncio.gather(*starts, return_exceptions=True)
    assert isinstance(done[1], batuta.Run)
    view = await engine.result("bad", 5)
    assert (view.ended_at, view.problem) == (None, "an invariant does not hold")
    assert [(await one.result(5)).status for one in (done[0], done[2])] == ["completed"] * 2
    with pytest.raises(ConflictError, match="stands still"):
        await engine.cancel("bad")
    assert "an invariant does not hold" in caplog.text


async def test_a_transition_that_cannot_be_written_stops_its_run_alone(desk, monkeypatch):
    engine = await desk.open()
    real = engine.conductor.recorder.note

    def failing(run, *more):
        real(run, *more)
        if run.id == "bad":
            raise ValueError("cannot be encoded")

    monkeypatch.setattr(engine.conductor.recorder, "note", failing)
    await engine.deploy(workflow(SAY))
    starts = [engine.start("t/w", run_id=name) for name in ("a", "bad", "b")]
    done = await asyncio.gather(*starts, return_exceptions=True)
    assert isinstance(done[1], batuta.KernelBug)
    assert [(await one.result(5)).status for one in (done[0], done[2])] == ["completed"] * 2
    assert {view.id for view in engine.runs()} == {"a", "b"}


async def test_what_goes_wrong_behind_a_commit_stops_its_run_alone(desk, calls, monkeypatch):
    engine = await desk.open(functions=[calls.function()])
    real = engine.conductor.acting.carry_out

    def failing(run, commands):
        if run.id == "bad":
            raise RuntimeError("it cannot be carried out")
        real(run, commands)

    monkeypatch.setattr(engine.conductor.acting, "carry_out", failing)
    await engine.deploy(workflow("- a: { call: act }"))
    starts = [engine.start("t/w", run_id=name) for name in ("a", "bad", "b")]
    runs = await asyncio.gather(*starts)
    assert [(await run.result(5)).status for run in (runs[0], runs[2])] == ["completed"] * 2
    assert "cannot be carried out" in (await runs[1].result(5)).problem


@pytest.mark.parametrize(
    "result",
    [object(), {1, 2}, cyclic(), "\ud800", {(1, 2): 3}, b"\xff", 2**70, float("nan")],
    ids=["object", "set", "cycle", "surrogate", "key", "bytes", "large", "nan"],
)
async def test_a_result_that_is_no_json_is_a_fault_or_becomes_json(desk, result):
    @batuta.function
    async def odd():
        return result

    engine = await desk.open(functions=[odd])
    view = await (await desk.run(engine, "- a: { call: odd }")).result(5)
    assert view.status in {"faulted", "completed"}
    if view.status == "faulted":
        assert view.error["type"].endswith("/runtime")
    again = await desk.open(desk.crash(), resume=True, functions=[odd])
    assert again.show(view.id) == view


async def test_a_callers_bug_is_a_runtime_fault_that_can_be_caught(desk):
    @batuta.function
    async def broken():
        raise ZeroDivisionError("by zero")

    engine = await desk.open(functions=[broken])
    caught = "{ do: [ { b: { set: '${ $error }' } } ] }"
    do = f"- t: {{ try: [ {{ a: {{ call: broken }} }} ], catch: {caught} }}"
    view = await (await desk.run(engine, do)).result(5)
    assert view.output["status"] == 500
    assert "by zero" in view.output["detail"]


async def test_an_input_that_is_no_json_is_refused(desk):
    engine = await desk.open()
    await engine.deploy(workflow(SAY))
    for wrong in (object(), {"a": {(1, 2): 3}}, cyclic()):
        with pytest.raises(RequestError, match="not JSON"):
            await engine.start("t/w", wrong)
    assert engine.runs() == []
    assert engine.conductor.runs == {}


async def test_a_large_result_passes_through(desk):
    @batuta.function
    async def large():
        return {"text": "x" * 10_000_000}

    engine = await desk.open(functions=[large])
    do = "- a: { call: large }\n- b: { set: { n: '${ .text | length }' } }"
    assert (await (await desk.run(engine, do)).result(10)).output == {"n": 10_000_000}


async def test_an_expression_that_never_ends_is_a_fault_and_stalls_nobody(desk, monkeypatch):
    from batuta.wiring import tools

    real = tools.Sandbox
    monkeypatch.setattr(tools, "Sandbox", lambda: real(deadline_ms=300))
    engine = await desk.open()
    endless = await desk.run(engine, "- a: { set: { n: '${ [repeat(1)] | length }' } }", name="no")
    other = await desk.run(engine, SAY, name="other")
    assert (await other.result(5)).status == "completed"
    assert engine.show(endless.id).status == "running"
    view = await endless.result(10)
    assert view.status == "faulted"
    assert view.error["type"].endswith("/expression")


async def test_a_sandbox_that_breaks_stops_the_run_and_says_so(desk, monkeypatch):
    engine = await desk.open()

    async def broken(*asked):
        raise OSError("no more processes")

    monkeypatch.setattr(engine.conductor.sandbox._evaluator, "evaluate", broken)
    slow = "- a: { set: { n: '${ [limit(3; repeat(1))] | length }' } }"
    run = await desk.run(engine, slow)
    view = await run.result(5)
    assert "no more processes" in view.problem
    again = await desk.open(desk.crash(), resume=True)
    view = await again.run(run.id).result(5)
    assert (view.status, view.output, view.problem) == ("completed", {"n": 3}, None)


async def test_a_store_that_cannot_be_read_for_a_moment_is_read_again(desk, monkeypatch, caplog):
    engine = await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }")
    await desk.clock.settle()
    real, failed = engine.store.due, []

    def due(*asked):
        if len(failed) < 2:
            failed.append(1)
            raise batuta.UnavailableError("cannot be read")
        return real(*asked)

    monkeypatch.setattr(engine.store, "due", due)
    await desk.clock.advance(hours=1)
    await desk.clock.advance(seconds=5)
    assert engine.show(run.id).status == "completed"
    assert "cannot be read" in caplog.text


async def test_a_task_under_way_is_given_up_when_its_run_is_cancelled(desk, calls):
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[calls.function()])
    run = await desk.run(engine, "- a: { call: act }")
    await until(lambda: calls.keys)
    await run.cancel()
    assert engine.show(run.id).status == "cancelled"
    assert engine.conductor.runs == {}
