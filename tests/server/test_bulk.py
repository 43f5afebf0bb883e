"""The same thing to many runs: counted first, then done, with what failed."""

import pytest


@pytest.fixture
async def many(served):
    """A server with five runs that wait, and one that has ended."""
    for _ in range(5):
        await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    await served.ended("demo/greeting")
    return served


async def done(served, view):
    while view["state"] == "running":
        view = await served.get(f"/bulk/{view['id']}")
    return view


async def test_a_dry_run_only_counts(many):
    body = {"action": "cancel", "filter": {"workflow": "demo/waiting"}}
    counted = await many.post("/bulk", body, params={"dryRun": "true"})
    left = await many.get("/runs", status="waiting")

    assert counted == {"matched": 5, "more": False}
    assert len(left["items"]) == 5


async def test_all_runs_that_a_filter_finds_are_cancelled(many):
    body = {"action": "cancel", "filter": {"workflow": "demo/waiting", "status": ["waiting"]}}
    view = await done(many, await many.post("/bulk", body, status=202))
    left = await many.get("/runs", status="cancelled")

    assert [view["matched"], view["done"], view["failed"], view["state"]] == [5, 5, [], "done"]
    assert len(left["items"]) == 5


async def test_what_cannot_be_done_to_one_run_does_not_hold_up_the_others(many):
    view = await done(
        many, await many.post("/bulk", {"action": "suspend", "filter": {}}, status=202)
    )

    assert [view["matched"], view["done"]] == [6, 5]
    assert "completed" in view["failed"][0]["error"]


async def test_what_is_under_way_can_be_stopped(many):
    view = await many.post("/bulk", {"action": "cancel", "filter": {}}, status=202)
    stopped = await many.http.delete(f"/api/v1/bulk/{view['id']}")

    assert stopped.json()["state"] in {"stopped", "done"}


async def test_a_bulk_that_there_is_not_is_404(served):
    answer = await served.http.get("/api/v1/bulk/none")

    assert answer.status_code == 404
