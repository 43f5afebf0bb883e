"""The same thing to many runs: counted first, then done, with what failed."""

import asyncio

import pytest

from batuta.app.bulk import Bulk

WAITING = """\
document: {dsl: '1.0.3', namespace: demo, name: waiting, version: '1.0.0'}
do:
  - hear: { listen: { to: { one: { with: { type: com.acme.go } } } } }
"""
FAILING = """\
document: {dsl: '1.0.3', namespace: demo, name: failing, version: '1.0.0'}
do:
  - greet: { call: greet, with: { name: Ada } }
  - break: { call: breaks, with: {} }
"""


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


async def half_done(opened, monkeypatch, action, workflow="demo/waiting"):
    """Begin with five runs, and let the process end in the middle; returns the first answer."""
    async with opened() as served:
        for text in (WAITING, FAILING):
            await served.deploy(text)
        for _ in range(5):
            run = await served.post("/runs", {"workflow": workflow}, status=201)
            if workflow == "demo/failing":
                await served.engine.result(run["id"], 10)
        one, reached = Bulk._one, asyncio.Event()

        async def stops_at_the_third(self, view, run, *, may_be_done):
            if view.place == 2:
                # As if it were done, and the process ended before that was written down.
                await one(self, view, run, may_be_done=may_be_done)
                reached.set()
                await asyncio.Event().wait()
            await one(self, view, run, may_be_done=may_be_done)

        monkeypatch.setattr(Bulk, "_one", stops_at_the_third)
        body = {"action": action, "filter": {"workflow": workflow}}
        view = await served.post("/bulk", body, status=202)
        await reached.wait()
        monkeypatch.setattr(Bulk, "_one", one)
        return view


@pytest.mark.parametrize(("action", "status"), [("cancel", "cancelled"), ("suspend", "suspended")])
async def test_what_a_restart_interrupted_goes_on(opened, monkeypatch, action, status):
    view = await half_done(opened, monkeypatch, action)
    async with opened() as served:
        ended = await done(served, await served.get(f"/bulk/{view['id']}"))
        await served.engine.serving.look_after()  # the runs have the owner that is gone
        while len((await served.get("/runs", status=status))["items"]) < 5:
            pass
        again = await served.get(f"/bulk/{view['id']}")

    assert [ended["matched"], ended["done"], ended["failed"], ended["state"]] == [5, 5, [], "done"]
    assert again == ended


async def test_a_retry_that_a_restart_interrupted_retries_every_run_once(opened, monkeypatch):
    view = await half_done(opened, monkeypatch, "retry", "demo/failing")
    async with opened() as served:
        ended = await done(served, await served.get(f"/bulk/{view['id']}"))
        runs = (await served.get("/runs"))["items"]

    retried = [one["rerunOf"] for one in runs if one["rerunOf"] is not None]
    assert [ended["done"], ended["state"]] == [5, "done"]
    assert len(retried) == len(set(retried)) == 5
