"""The examples do what their READMEs say, in virtual time and on files of their own."""

import asyncio
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from page_snippets import snippets

import batuta
from batuta.testing.clock import VirtualClock
from batuta.wiring.comparing import compared

EXAMPLES = Path(__file__).parents[2] / "examples"
FRIDAY = "2026-01-02T05:59:00Z"


@pytest.fixture
def clock():
    return VirtualClock(FRIDAY)


@pytest.fixture
def opened(tmp_path, clock):
    """Open an engine with everything of one example deployed, and serve it."""

    @asynccontextmanager
    async def example(name, only="*.yaml"):
        folder = EXAMPLES / name
        store = f"sqlite:///{tmp_path}/{name}.db"
        functions = [folder / "functions.py"]
        async with batuta.open(store, functions=functions, clock=clock) as engine:
            for path in sorted(folder.glob(only)):
                await engine.deploy(path)
            serving = asyncio.create_task(engine.serve())
            await clock.settle()
            try:
                yield engine
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    return example


def outcomes(engine, workflow):
    """What the ended runs of a workflow came to, oldest first."""
    views = engine.runs(workflow=workflow, limit=1_000)
    return [view.output if view.status == "completed" else view.status for view in views[::-1]]


def undone(run):
    """How often something of a run was compensated."""
    return [task.status for task in run.tasks() if task.reference.endswith("/metadata/compensate")]


@pytest.mark.parametrize(
    ("cents", "outcome", "compensated"), [(1999, "completed", []), (-1, "faulted", ["completed"])]
)
async def test_an_order_ships_or_gives_back_what_it_reserved(opened, cents, outcome, compensated):
    async with opened("hello") as engine:
        order = {"sku": "A1", "quantity": 2, "cents": cents}
        run = await engine.start("examples/order", order)

        assert (await run.result()).status == outcome
        assert undone(run) == compensated


async def test_an_order_comes_to_the_same_under_both_control_models():
    hello = EXAMPLES / "hello"
    orders = [{"sku": "A1", "quantity": 2, "cents": cents} for cents in (1999, -1)]

    found = await compared(hello / "order.yaml", orders, functions=[hello / "functions.py"])

    assert found.agrees, found.differences


def test_the_readme_shows_the_order_as_it_is():
    (shown,) = snippets("README.md", "yaml")

    assert shown.text == (EXAMPLES / "hello" / "order.yaml").read_text("utf-8")


async def test_two_workflows_find_each_other_s_events(opened, clock):
    async with opened("events") as engine:
        orders = [
            {"order": "o-1", "sku": "pears", "quantity": 9},
            {"order": "o-2", "sku": "apples", "quantity": 3},
            {"order": "o-3", "sku": "plums", "quantity": 1},
        ]
        runs = [await engine.start("conversation/order", order) for order in orders]
        await clock.advance(seconds=1)

        assert [run.show().output for run in runs] == [
            {"order": "o-1", "answer": "refused", "shelf": None},
            {"order": "o-2", "answer": "confirmed", "shelf": "A3"},
            {"order": "o-3", "answer": "refused", "shelf": None},
        ]


async def test_a_folder_is_run_by_its_schedules(opened, clock):
    async with opened("schedule") as engine:
        await clock.advance(seconds=90)
        await engine.publish("com.example.disk.full", {"path": "/data", "percent": 3})
        await clock.advance(seconds=1)

        assert [report["day"] for report in outcomes(engine, "upkeep/report")] == ["2026-01-02"]
        assert len(outcomes(engine, "upkeep/measure")) == 9
        assert {"message": "/data is nearly full: 3 % free"} in outcomes(engine, "upkeep/alarm")


async def test_a_report_is_written_on_working_days_only(opened, clock):
    async with opened("schedule", only="report.yaml") as engine:
        await clock.advance(days=4)

        days = [report["day"] for report in outcomes(engine, "upkeep/report")]
        assert days == ["2026-01-02", "2026-01-05"]


@pytest.mark.parametrize(
    ("answer", "outcome", "compensated"),
    [
        ({"approved": True, "by": "Ada"}, "completed", []),
        ({"approved": False, "by": "Ada"}, "r-1 was refused by Ada", ["completed"]),
        (None, "r-1 was refused by nobody", ["completed"]),
    ],
)
async def test_an_expense_is_paid_only_when_somebody_says_yes(
    opened, clock, answer, outcome, compensated
):
    async with opened("approval") as engine:
        run = await engine.start("office/expense", {"request": "r-1", "cents": 4200})
        await engine.publish("com.example.approval.decided", {"request": "r-2", "approved": True})
        await clock.advance(days=2)
        assert run.show().status == "waiting"

        if answer is not None:
            decided = {"request": "r-1", **answer}
            await engine.publish("com.example.approval.decided", decided)
        await clock.advance(days=2)
        view = run.show()

        assert (view.error["detail"] if view.error else view.status) == outcome
        assert undone(run) == compensated
