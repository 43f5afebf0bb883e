"""How workflows do: what their runs came to, how long they take, and what needs somebody."""

import pytest

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.app.listing import RunQuery
from batuta.ports.store import Batch, RunRow
from batuta.testing.clock import VirtualClock

TEXT = """\
document: { dsl: '1.0.3', namespace: demo, name: %s, version: '%s' }
do:
  - rest: { wait: { seconds: 3 } }
  - say: { set: { n: '${ 1 / .by }' } }
"""
LATE = """\
document: { dsl: '1.0.3', namespace: demo, name: late, version: '1.0.0' }
do:
  - hear: { listen: { to: { one: { with: { type: go } } } }, metadata: { sla: { within: PT1S } } }
"""


@pytest.fixture
def clock():
    return VirtualClock(patience=120)


@pytest.fixture
async def engine(tmp_path, clock):
    async with batuta.open(f"sqlite:///{tmp_path}/store.db", clock=clock) as opened:
        yield opened


async def test_runs_are_counted_by_workflow_and_timed(engine, clock):
    for version in ("1.0.0", "2.0.0"):
        identity = await engine.deploy(TEXT % ("one", version))
        for by in (1, 1, 0):
            await engine.start(identity, {"by": by})
    await engine.start(await engine.deploy(LATE), {})
    await clock.advance(seconds=10)
    view = await engine.health.show()

    late, one = view.workflows
    assert (one.workflow, one.runs, one.completed, one.faulted) == ("demo/one", 6, 4, 2)
    assert one.control == {"orchestrated": 6, "choreographed": 0}
    assert one.success_rate == pytest.approx(4 / 6)
    assert (one.p50_ms, one.p95_ms) == (3_000, 3_000)
    assert one.last_ended_at == "2026-01-01T00:00:03.000Z"
    assert (late.waiting, late.stuck, late.success_rate, late.p50_ms) == (1, 1, None, None)
    assert late.last_ended_at is None
    assert view.breaches == 1
    assert view.as_json()["workflows"][0]["successRate"] is None


async def test_what_ended_long_ago_counts_no_more_and_what_is_under_way_does(engine, clock):
    identity = await engine.deploy(TEXT % ("one", "1.0.0"))
    await engine.start(identity, {"by": 1})
    await engine.start(await engine.deploy(LATE), {})
    await clock.advance(days=2)

    assert [one.workflow for one in (await engine.health.show()).workflows] == ["demo/late"]
    week = await engine.health.show(within_ms=7 * 86_400_000)
    assert [one.workflow for one in week.workflows] == ["demo/late", "demo/one"]


async def test_many_who_look_at_once_are_one_who_looks(engine, clock):
    first = await engine.health.show()
    await engine.start(await engine.deploy(LATE), {})

    assert await engine.health.show() is first
    await clock.advance(seconds=1)
    assert len((await engine.health.show()).workflows) == 1


@pytest.mark.parametrize(
    ("row", "is_abandoned"),
    [
        ({}, True),
        ({"ended_at": 2, "status": "completed"}, False),
        ({"status": "suspended"}, False),
        ({"status": "waiting", "wake_at": 1}, True),
        ({"status": "waiting"}, False),
        ({"owner": None}, False),
    ],
)
async def test_a_run_whose_process_is_gone_is_called_abandoned(engine, tmp_path, row, is_abandoned):
    identity = await engine.deploy(TEXT % ("one", "1.0.0"))
    batch = Batch()
    batch.runs.append(
        RunRow(**{"id": "r", "workflow": identity, "started_at": 1, "owner": "x"} | row)
    )
    store = SqliteStore(tmp_path / "store.db")
    store.commit(batch)
    store.close()
    (listed,) = engine.listing.find(RunQuery()).items

    assert [one.problem is not None for one in (engine.show("r"), listed)] == [is_abandoned] * 2


async def test_runs_whose_process_is_gone_count_as_stuck(engine, tmp_path):
    own = await engine.start(await engine.deploy(TEXT % ("one", "1.0.0")), {"by": 1})
    batch = Batch()
    for number, stuck in enumerate((None, None, 5)):
        row = RunRow(
            id=f"r{number}", workflow="demo/one:1.0.0", started_at=1, owner="x", stuck=stuck
        )
        batch.runs.append(row)
    store = SqliteStore(tmp_path / "store.db")
    store.commit(batch)
    store.close()

    (one,) = (await engine.health.show()).workflows
    assert one.stuck == 3
    assert own.show().problem is None
