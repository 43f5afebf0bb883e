"""After a crash at any moment a run goes on where it stood."""

import asyncio
import json

import pytest

import batuta
from batuta.kernel.codec import encode_snapshot
from batuta.runtime.shared.driving import recording
from batuta.runtime.shared.replay import replay

from .conftest import until, workflow

SLOW = "[limit(3; repeat(1))] | length"


async def test_what_was_being_performed_is_performed_again_with_its_key(desk, calls):
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[calls.function()])
    run = await desk.run(engine, "- act: { call: act }\n- say: { set: { said: '${ . }' } }")
    await until(lambda: calls.keys)

    again = await desk.open(desk.crash(), functions=[calls.function()], resume=True)
    await until(lambda: len(calls.keys) == 2)
    calls.answers.put_nowait("a")
    calls.answers.put_nowait("a")

    assert (await again.run(run.id).result(5)).output == {"said": "a"}
    assert calls.keys[0] == calls.keys[1]


async def test_a_wait_survives_a_restart(desk):
    engine = await desk.open()
    run = await desk.run(engine, "- rest: { wait: { hours: 1 } }\n- say: { set: { a: 1 } }")
    await desk.clock.advance(minutes=59)
    again = await desk.open(desk.crash(), resume=True)
    assert again.show(run.id).status == "waiting"
    await desk.clock.advance(minutes=1)
    assert again.show(run.id).status == "completed"


async def test_a_run_that_needs_the_sandbox_to_begin_is_not_lost(desk, monkeypatch):
    gate = asyncio.Event()
    engine = await desk.open()
    sandbox = engine.conductor.sandbox._evaluator
    real = sandbox.evaluate

    async def held(*asked):
        await gate.wait()
        return await real(*asked)

    monkeypatch.setattr(sandbox, "evaluate", held)
    do = "- a: { set: { n: '${ " + SLOW + " }', x: '${ .x }' } }"
    run = await desk.run(engine, do, {"x": 5})
    assert engine.show(run.id).status == "running"

    again = await desk.open(desk.crash(), resume=True)
    view = await again.run(run.id).result(5)
    assert (view.status, view.output) == ("completed", {"n": 3, "x": 5})

    gate.set()
    assert (await run.result(5)).output == {"n": 3, "x": 5}
    await desk.clock.settle()
    assert engine.store.requests(engine.conductor.owner) == []


async def test_secrets_are_there_for_a_run_that_needs_the_sandbox_to_begin(desk):
    engine = await desk.open(secrets={"pin": "1234"})
    desk.hold()
    head = "use: { secrets: [ pin ] }"
    do = "- a: { set: { n: '${ " + SLOW + " }', pin: '${ $secrets.pin }' } }"
    await engine.deploy(workflow(do, head=head))
    starting = asyncio.create_task(engine.start("t/w"))
    desk.let_go()
    run = await starting
    assert (await run.result(5)).output == {"n": 3, "pin": "***"}


async def test_a_run_of_thousands_of_tasks_recovers_from_its_snapshot(desk, calls):
    engine = await desk.open(functions=[calls.function()])
    do = (
        "- each:\n    for: { in: '[range(2500)]' }\n    do:\n"
        "    - act: { call: act, with: { x: '${ $item }' } }\n"
        "- rest: { wait: { hours: 1 } }\n- say: { set: { last: '${ .x }' } }"
    )
    run = await desk.run(engine, do)
    await until(lambda: engine.store.run(run.id).status == "waiting")

    program = engine.program("t/w")
    snapshot = engine.store.snapshot(run.id)
    assert snapshot is not None
    assert snapshot[0] >= 2 * recording.SNAPSHOT_EVERY
    from_all = replay(program, engine.store.journal(run.id))
    tail = list(engine.store.journal(run.id, snapshot[0]))
    assert len(tail) < recording.SNAPSHOT_EVERY
    from_snapshot = replay(program, tail, snapshot=snapshot)
    assert from_all[1] == from_snapshot[1]
    assert encode_snapshot(from_all[0], from_all[2].outstanding()) == encode_snapshot(
        from_snapshot[0], from_snapshot[2].outstanding()
    )

    again = await desk.open(desk.crash(), functions=[calls.function()], resume=True)
    await desk.clock.advance(hours=1)
    assert (await again.run(run.id).result(5)).output == {"last": 2499}


async def test_a_suspended_run_performs_again_what_a_crash_cut_off_when_it_is_resumed(desk, calls):
    desk.impatience()
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[calls.function()])
    run = await desk.run(engine, "- act: { call: act }")
    await until(lambda: calls.keys)
    await run.suspend()

    again = await desk.open(desk.crash(), functions=[calls.function()], resume=True)
    await desk.clock.settle()
    assert len(calls.keys) == 1, "nothing begins while it is suspended"
    calls.answers.put_nowait("late")
    calls.answers.put_nowait("late")
    await again.resume(run.id)

    assert (await again.run(run.id).result(5)).output == "late"
    assert calls.keys[0] == calls.keys[1]


async def test_a_crash_at_every_commit_of_a_run_leads_to_the_same_end(desk, calls):
    act = calls.function()
    do = """
- begin: { call: act, with: { x: 1 } }
- both:
    fork:
      branches:
        - left: { call: act, with: { x: 2 } }
        - right: { do: [ { rest: { wait: { seconds: 1 } } }, { act: { call: act } } ] }
- sub: { run: { workflow: { namespace: t, name: child, version: 1.0.0, input: { x: 3 } } } }
- say: { set: { said: '${ . }' } }
"""
    child = "- act: { call: act, with: { x: '${ .x }' } }\n- rest: { wait: { seconds: 5 } }"
    engine = await desk.open(functions=[act])
    await engine.deploy(workflow(child, name="child"))
    copies = []
    real = desk.store._seen

    def copying(store, batch, commit):
        done = real(store, batch, commit)
        if store.path.name == "runs.db" and done is not False:
            copies.append(desk.crash())
        return done

    desk.store._seen = copying
    run = await desk.run(engine, do)
    await desk.clock.advance(seconds=10)
    wanted = engine.show(run.id).output
    keys = set(calls.keys)
    desk.store._seen = real

    assert wanted == {"said": {"x": 3}}
    for copy in copies:
        again = await desk.open(copy, functions=[act], resume=True)
        if again.store.run(run.id) is None:
            continue
        await desk.clock.advance(seconds=10)
        view = again.show(run.id)
        assert (view.status, view.output) == ("completed", wanted), copy
        assert json.dumps(view.problem) == "null"
        await desk.close(again)
    assert len(copies) >= 6
    assert set(calls.keys) == keys, "no effect under another key"


@pytest.mark.parametrize("table", ["journal", "snapshots"])
async def test_a_run_whose_rows_cannot_be_read_keeps_no_other_back(desk, calls, table):
    calls.answers = asyncio.Queue()
    engine = await desk.open(functions=[calls.function()])
    damaged = await desk.run(engine, "- act: { call: act }")
    other = await engine.start("t/w")
    await until(lambda: len(calls.keys) == 2)
    copy = desk.crash()
    closed = await desk.open(copy, functions=[calls.function()])
    writer = closed.store._writer
    if table == "journal":
        writer.execute("UPDATE journal SET body = x'00ff' WHERE run = ?", (damaged.id,))
    else:
        writer.execute("INSERT INTO snapshots VALUES (?, 1, x'00ff')", (damaged.id,))
    await desk.close(closed)

    again = await desk.open(copy, functions=[calls.function()], resume=True)
    calls.answers.put_nowait("well")
    assert (await again.run(other.id).result(5)).output == "well"
    assert (await again.run(damaged.id).result(5)).problem


async def test_a_run_whose_code_does_not_fit_its_history_stops_alone_and_is_tried_again(desk):
    engine = await desk.open()
    do = "- rest: { wait: { hours: 1 } }\n- say: { set: { a: 1 } }"
    run = await desk.run(engine, do)
    other = await engine.start("t/w")
    await desk.clock.settle()
    copy = desk.crash()
    broken = await desk.open(copy)
    writer = broken.store._writer
    body = writer.execute("SELECT body FROM journal WHERE run = ?", (run.id,)).fetchone()[0]
    writer.execute("UPDATE journal SET body = ? WHERE run = ?", (b'{"type":"woken"}', run.id))
    await desk.close(broken)

    again = await desk.open(copy, resume=True)
    await desk.clock.advance(hours=1)
    view = again.show(run.id)
    assert view.ended_at is None
    assert "does not follow" in view.problem
    assert again.show(other.id).status == "completed"
    assert (await again.run(run.id).result(5)).problem == view.problem
    with pytest.raises(batuta.ConflictError, match="stands still"):
        await again.cancel(run.id)
    again.store._writer.execute("UPDATE journal SET body = ? WHERE run = ?", (body, run.id))
    await desk.close(again)

    mended = await desk.open(copy, resume=True)
    await desk.clock.advance(hours=1)
    view = await mended.run(run.id).result(5)
    assert (view.status, view.problem) == ("completed", None)
