"""The retail workflow under both models: every story, the demo, and an engine that is killed."""

import json
import subprocess
import sys
from pathlib import Path

import audit
import desk
import landscape
import orders
import pytest

import batuta

RETAIL = Path(desk.__file__).parent
MADE = orders.make_orders()
STORIES = {order.story: order for order in MADE}
UNDONE = {
    "card declined": ["release 200"],
    "bank down": ["release 200"],
    "not delivered there": ["refund 200", "release 200"],
}

# An order desk that takes every order and then works on, until it is killed.
DESK = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
import batuta, desk, orders

async def main():
    async with batuta.open(sys.argv[2]) as engine:
        await engine.deploy(desk.WORKFLOW)
        for order in orders.make_orders():
            await engine.start(desk.NAME, order.input(json.loads(sys.argv[3])), run_id=order.id)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_each_story_ends_as_its_data_says(http, tmp_path, control):
    with landscape.running_systems(tmp_path) as systems:
        async with batuta.open(f"sqlite:///{tmp_path / 'b.db'}") as engine:
            told = await desk.take_orders(engine, control, list(STORIES.values()), systems)
        books = audit.read_books(systems)
    ended = {order: one["outcome"] for order, one in told.items()}
    reasons = {story: ended[order.id].get("reason") for story, order in STORIES.items()}
    assert reasons == {story: order.rejection for story, order in STORIES.items()}
    assert all(outcome["told"] for outcome in ended.values())
    undone = {
        story: [step for step in books.steps(order.id) if step in {"refund 200", "release 200"}]
        for story, order in STORIES.items()
    }
    assert undone == {story: [] for story in STORIES} | UNDONE


def work_until_killed(http, store, systems):
    """Let a desk work until forty parcels were asked for, and kill it in the middle of its work."""
    command = [sys.executable, "-c", DESK, str(RETAIL), store, json.dumps(systems)]
    with subprocess.Popen(command) as desk:
        while len(http.get(f"{systems['shipping']}/requests").json()) < 40:
            assert desk.poll() is None
        desk.kill()


@pytest.mark.slow
async def test_orders_survive_an_engine_that_is_killed(http, tmp_path):
    store = f"sqlite:///{tmp_path / 'b.db'}"
    with landscape.running_systems(tmp_path) as systems:
        work_until_killed(http, store, systems)
        async with batuta.open(store, resume=True) as engine:
            taken = {run.id for run in engine.runs(limit=1000)}
            for order in MADE:
                if order.id not in taken:
                    await engine.start(desk.NAME, order.input(systems), run_id=order.id)
            views = [await engine.run(order.id).result(60) for order in MADE]
        outcomes = {view.id: view.output or {"status": view.status} for view in views}
        assert audit.audit(MADE, outcomes, audit.read_books(systems)) == []


@pytest.mark.slow
@pytest.mark.timeout(300)  # four rounds of ten processes that share the machine with other tests
def test_the_demo_ends_well_and_says_so():
    ended = subprocess.run(
        [sys.executable, str(RETAIL / "demo.py"), "--orders", "20", "--page", "0.02"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "identical: 4 times 20 orders" in ended.stdout
    assert "nothing was lost and nothing doubled" in ended.stdout


def test_the_document_has_no_findings():
    report = batuta.check(desk.WORKFLOW.read_text())
    assert report.ok
    assert report.problems == ()
