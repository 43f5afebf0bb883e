"""A run is driven by one process at a time; only what the dead have left is taken over."""

import asyncio
import subprocess
import sys

import pytest

import batuta
from batuta.adapters.stores.sqlite.lease import Leases
from batuta.errors import ConflictError, UnavailableError
from batuta.testing.store_material import batch_of, row

from .conftest import until, workflow

ACT = "- act: { call: act, with: { x: 1 } }"


async def test_a_living_owner_is_never_robbed(desk, calls):
    desk.impatience()
    calls.answers = asyncio.Queue()
    one = await desk.open(functions=[calls.function()])
    run = await desk.run(one, ACT)
    await until(lambda: calls.keys)

    two = await desk.open(functions=[calls.function()], resume=True)
    await desk.clock.advance(hours=1)
    await two.serving.look_after()
    assert len(calls.keys) == 1
    assert two.store.run(run.id).owner == one.conductor.owner

    calls.answers.put_nowait("once")
    assert (await two.run(run.id).result(5)).output == "once"


async def test_what_a_closed_engine_leaves_is_taken_over(desk, calls):
    one = await desk.open(functions=[calls.function()])
    run = await desk.run(one, "- rest: { wait: { hours: 1 } }\n" + ACT)
    await desk.close(one)

    two = await desk.open(functions=[calls.function()], resume=True)
    await desk.clock.advance(hours=1)
    assert two.show(run.id).status == "completed"


async def test_of_two_that_take_over_at_once_one_gets_each_run(desk, calls):
    one = await desk.open(functions=[calls.function()])
    await one.deploy(workflow("- rest: { wait: { hours: 1 } }\n" + ACT))
    ids = [(await one.start("t/w")).id for _ in range(20)]
    await desk.close(one)

    two = await desk.open(functions=[calls.function()])
    three = await desk.open(functions=[calls.function()])
    await asyncio.gather(two.serving.look_after(), three.serving.look_after())
    await desk.clock.advance(hours=1)

    assert {two.show(one).status for one in ids} == {"completed"}
    assert len(calls.keys) == len(set(calls.keys)) == 20


async def test_a_run_lost_to_another_process_is_forgotten_and_the_others_go_on(desk, calls, caplog):
    calls.answers = asyncio.Queue()
    one = await desk.open(functions=[calls.function()])
    await one.deploy(workflow(ACT + "\n- then: { call: act, with: { x: 2 } }"))
    lost, kept = await one.start("t/w"), await one.start("t/w")
    await until(lambda: len(calls.keys) == 2)
    other = await desk.open()
    other.store.adopt(other.conductor.owner, "nobody")
    rows = list(one.store.journal(lost.id))
    other.store.commit(batch_of(journal=[row(lost.id, len(rows) + 1, rows[0].body)]))

    for _ in range(8):
        calls.answers.put_nowait("a")
    assert (await kept.result(5)).output == "a"
    assert lost.id not in one.conductor.runs
    assert len(calls.keys) == 3, "nothing that follows for the lost run is performed"
    assert "another process drives run" in caplog.text


async def test_an_id_of_ones_own_starts_at_most_once(desk):
    one, two = await desk.open(), await desk.open()
    await one.deploy(workflow("- rest: { wait: { hours: 1 } }"))
    desk.hold()
    starting = [
        asyncio.create_task(engine.start("t/w", run_id="mine")) for engine in (one, one, two)
    ]
    await until(lambda: one.conductor.runs and two.conductor.runs)
    desk.let_go()
    done = await asyncio.gather(*starting, return_exceptions=True)

    assert sum(isinstance(one, batuta.Run) for one in done) == 1
    assert sum(isinstance(one, ConflictError) for one in done) == 2
    with pytest.raises(ConflictError, match="already"):
        await two.start("t/w", run_id="mine")
    assert len(one.runs()) == 1


async def test_starting_an_id_again_disturbs_no_other_run(desk):
    engine = await desk.open()
    await engine.deploy(workflow("- rest: { wait: { hours: 1 } }"))
    mine = await engine.start("t/w", run_id="mine")
    starts = [engine.start("t/w", run_id=name) for name in ("a", "mine", "b", "b")]
    done = await asyncio.gather(*starts, return_exceptions=True)

    assert [isinstance(one, ConflictError) for one in done] == [False, True, False, True]
    assert {view.id for view in engine.runs()} == {"a", "b", "mine"}
    assert mine.show().problem is None


def test_a_lease_ends_with_its_process_however_it_ends(tmp_path):
    code = (
        "import sys, pathlib; from batuta.adapters.stores.sqlite.lease import Leases\n"
        "lease = Leases(pathlib.Path(sys.argv[1])).take()\n"
        "print(lease.owner, flush=True); sys.stdin.read()"
    )
    ways = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s.db")], **ways) as child:
        owner = child.stdout.readline().strip()
        leases = Leases(tmp_path / "s.db")
        assert leases.is_alive(owner)
        child.kill()
        child.wait()
        assert not leases.is_alive(owner)
        assert not leases.is_alive(owner), "also when asked again"


def test_a_lease_that_is_given_up_is_none(tmp_path):
    leases = Leases(tmp_path / "s.db")
    lease = leases.take()
    assert leases.is_alive(lease.owner)
    lease.give_up()
    assert not leases.is_alive(lease.owner)
    assert list((tmp_path / "s.db.conductors").iterdir()) == []


def test_a_lease_that_cannot_be_taken_says_why(tmp_path):
    (tmp_path / "s.db.conductors").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        Leases(tmp_path / "s.db").take()
