"""Choreographed runs in the library, and what is seen of them."""

from pathlib import Path

import pytest

import batuta
from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.errors import DefinitionError
from batuta.insight.viewer import Viewer

TEXT = """\
document: {dsl: '1.0.3', namespace: demo, name: shared, version: '1.0.0'}
do:
  - first: { call: more, with: { number: '${ .number }' }, metadata: { participant: one } }
  - second: { call: more, with: { number: '${ . }' }, metadata: { participant: two } }
"""

LISTENING = """\
document: {dsl: '1.0.3', namespace: demo, name: listening, version: '1.0.0'}
do:
  - first: { call: more, with: { number: 1 }, metadata: { participant: one } }
  - pause: { wait: { hours: 1 }, metadata: { participant: two } }
"""


@batuta.function
async def more(number: int) -> int:
    return number + 1


@pytest.fixture
def opened(tmp_path):
    return lambda: batuta.open(f"sqlite:///{tmp_path}/store.db", functions=[more])


async def test_both_control_models_give_one_result(opened):
    async with opened() as engine:
        identity = await engine.deploy(TEXT)
        views = [
            await (await engine.start(identity, {"number": 1}, control=control)).result(10)
            for control in ("orchestrated", "choreographed")
        ]

    assert [(view.status, view.output) for view in views] == [("completed", 3)] * 2


async def test_a_run_is_suspended_resumed_and_cancelled_by_its_id(opened):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(LISTENING), control="choreographed")
        await run.suspend()
        suspended = run.show().status
        await run.resume()
        resumed = run.show().status
        await run.cancel()
        ended = await run.result(10)

    assert suspended == "suspended"
    assert resumed in {"running", "waiting"}
    assert ended.status == "cancelled"


async def test_a_run_of_this_id_is_started_once(opened):
    async with opened() as engine:
        identity = await engine.deploy(TEXT)
        await engine.start(identity, {"number": 1}, run_id="mine", control="choreographed")

        with pytest.raises(batuta.ConflictError):
            await engine.start(identity, {"number": 1}, run_id="mine", control="choreographed")


async def test_a_choreographed_run_is_retried_from_the_start_and_not_from_the_middle(opened):
    text = TEXT.replace("number: '${ . }'", "number: none")
    async with opened() as engine:
        run = await engine.start(await engine.deploy(text), {"number": 1}, control="choreographed")
        assert (await run.result(10)).status == "faulted"

        with pytest.raises(batuta.ConflictError, match="choreographed"):
            await engine.retry(run.id)
        again = await engine.retry(run.id, from_start=True)
        assert again.id != run.id
        assert (await again.result(10)).status == "faulted"


async def test_a_viewer_that_comes_later_sees_the_same_and_counts_nothing_twice(opened, tmp_path):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(TEXT), {"number": 1}, control="choreographed")
        await run.result(10)
        seen = engine.store.reports(run.id)

    bus = SqliteBus(Path(tmp_path / "store.bus.db"), SystemClock())
    await bus.start()
    late = SqliteStore(tmp_path / "late.db")
    for name in ("once", "again"):
        viewer = Viewer(bus, late, name=name)
        await viewer.start()
        await viewer.stop()
    await bus.close()

    assert late.reports(run.id) == seen
    assert late.status(run.id) == "completed"
    late.close()


async def test_a_workflow_that_needs_a_conductor_is_refused_with_the_reasons(opened):
    unowned = TEXT.replace(", metadata: { participant: two }", "")
    async with opened() as engine:
        identity = await engine.deploy(unowned)

        with pytest.raises(DefinitionError) as refused:
            await engine.start(identity, {"number": 1}, control="choreographed")
        assert "/do/1/second: nobody performs `second` (owner-missing)" in str(refused.value)
        (problem,) = refused.value.problems
        line = 1 + unowned[: unowned.index("- second")].count("\n")
        assert (problem.code, problem.line) == ("owner-missing", line)
        assert engine.runs() == []
        run = await engine.start(identity, {"number": 1})
        assert (await run.result(20)).output == 3
