"""Large results: that a value is kept once where once is enough, and let go when its run ends."""

import gc
import tracemalloc

import pytest

import batuta

MEGABYTE = 1_000_000
RUNS = 50


@batuta.function
async def large(size: int, mark: str) -> dict:
    return {"mark": mark, "text": "x" * size}


@batuta.function
async def small() -> int:
    return 1


@pytest.mark.slow
async def test_fifty_runs_with_a_megabyte_each_leave_nothing_behind(opened, workflow):
    given = "{size: 1000000, mark: '${ .mark }'}"
    text = workflow(f"{{call: large, with: {given}}}", "{call: small}", "{set: {done: true}}")
    async with opened(large, small) as engine:
        identity = await engine.deploy(text)
        await (await engine.start(identity, {"mark": "warm"})).result(10)
        gc.collect()
        tracemalloc.start()
        try:
            runs = [await engine.start(identity, {"mark": f"m{n}-"}) for n in range(RUNS)]
            views = [await run.result(30) for run in runs]
            assert {view.status for view in views} == {"completed"}
            await engine.settled()
            gc.collect()
            left, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert left < 5 * MEGABYTE
        assert engine.conductor.runs == {}
        for number, run in enumerate(runs):
            bodies = [row.body for row in engine.store.journal(run.id)]
            assert sum(f'"m{number}-"'.encode() in body for body in bodies) == 2  # input, result
            assert MEGABYTE < sum(len(body) for body in bodies) < MEGABYTE + 2_000
            assert engine.store.snapshot(run.id) is None


@pytest.mark.slow
async def test_a_snapshot_holds_a_result_once_however_deep_it_went(opened, workflow, result):
    loop = "{for: {in: '${ [range(0; 1100)] }'}, do: [{s: {call: small, output: {as: $input}}}]}"
    deep = f"{{do: [{{p: {{do: [{{q: {{try: [{{r: {loop}}}], catch: {{}}}}}}]}}}}]}}"
    text = workflow("{call: large, with: {size: 10000, mark: a}}", deep)
    async with opened(large, small) as engine:
        view = await result(engine, text)
        assert view.status == "completed", view.error
        _, snapshot = engine.store.snapshot(view.id)
    assert snapshot.count(b'"mark":"a"') == 1
