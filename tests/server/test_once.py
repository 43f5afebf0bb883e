"""The same request twice: known by its key, and done once."""

import asyncio

import pytest

from batuta.app.once import Once

GREETING = """\
document: {dsl: '1.0.3', namespace: demo, name: greeting, version: '1.0.0'}
do:
  - greet: { call: greet, with: { name: '${ .name }' } }
"""
BODY = {"workflow": "demo/greeting", "input": {"name": "Ada"}}


def key(text):
    return {"idempotency-key": text}


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_a_start_with_a_key_starts_one_run(served, control):
    body = {**BODY, "control": control}
    first = await served.post("/runs", body, headers=key("k1"), status=201)
    again = await served.post("/runs", body, headers=key("k1"), status=201)
    other = await served.post("/runs", body, headers=key("k2"), status=201)

    assert first["id"] == again["id"] != other["id"]
    assert len((await served.get("/runs"))["items"]) == 2


async def test_starts_at_once_with_one_key_are_one(served):
    starts = [served.post("/runs", BODY, headers=key("k"), status=201) for _ in range(8)]
    ids = {one["id"] for one in await asyncio.gather(*starts)}

    assert len(ids) == 1
    assert len((await served.get("/runs"))["items"]) == 1


async def test_a_key_is_known_after_a_restart(opened):
    async with opened() as one:
        await one.deploy(GREETING)
        first = await one.post("/runs", BODY, headers=key("k"), status=201)
    async with opened() as other:
        again = await other.post("/runs", BODY, headers=key("k"), status=201)

    assert first["id"] == again["id"]


async def test_a_key_with_another_request_is_a_conflict(served):
    await served.post("/runs", BODY, headers=key("k"), status=201)
    refused = await served.post("/runs", {**BODY, "input": {}}, headers=key("k"), status=409)

    assert "another request" in refused["detail"]


async def test_a_request_that_was_refused_does_not_use_its_key_up(served):
    wrong = {"workflow": "demo/none"}
    await served.post("/runs", wrong, headers=key("k"), status=404)
    unprojectable = {"workflow": "demo/failing", "control": "choreographed"}
    await served.post("/runs", unprojectable, headers=key("k"), status=422)
    await served.post("/runs", BODY, headers=key("k"), status=201)


async def test_a_start_that_a_crash_cut_short_is_finished_by_the_same_request(served):
    # As after a crash between the key and the first message on the bus.
    once, noted = Once(served.engine), served.engine.records

    async def fails(_):
        raise RuntimeError("the machine is gone")

    with pytest.raises(RuntimeError):
        await once.start("s", "k", "d", fails)
    await served.engine.conductor.durable()
    begun = []

    async def begins(run):
        begun.append(run)

    run = await once.start("s", "k", "d", begins)

    assert begun == [run] == [noted.remembered("s", "k").run]


async def test_publishing_with_a_key_is_done_once(served):
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": "x"}
    media = {"content-type": "application/cloudevents+json"}
    await served.post("/events", event, headers=media | key("k"), status=202)
    await served.post("/events", event, headers=media | key("k"), status=202)
    changed = await served.post(
        "/events", event | {"id": "2"}, headers=media | key("k"), status=409
    )

    assert changed["code"] == "conflict"
    assert len((await served.get("/events"))["items"]) == 1


@pytest.mark.parametrize("body", [{}, {"fromStart": True}, {"from": "/do/0/greet"}])
async def test_a_retry_with_a_key_is_one_run(served, body):
    failed = await served.ended("demo/failing")
    place = f"/runs/{failed['id']}/retry"
    first = await served.post(place, body, headers=key("k"))
    again = await served.post(place, body, headers=key("k"))
    other = await served.post(place, body, headers=key("l"))

    assert first["id"] == again["id"] != other["id"]
    assert first["rerunOf"] == failed["id"]
    assert len((await served.get("/runs"))["items"]) == 3


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_a_rerun_with_a_key_is_one_run(served, control):
    run = await served.ended("demo/greeting", control=control)
    body = {"run": run["id"], "input": {"name": "Bob"}}
    first = await served.post("/runs/rerun", body, headers=key("k"), status=201)
    again = await served.post("/runs/rerun", body, headers=key("k"), status=201)

    assert first["id"] == again["id"] != run["id"]
    assert len((await served.get("/runs"))["items"]) == 2


async def test_reruns_at_once_with_one_key_are_one(served):
    run = await served.ended("demo/greeting")
    sent = [
        served.post("/runs/rerun", {"run": run["id"]}, headers=key("k"), status=201)
        for _ in range(8)
    ]
    ids = {one["id"] for one in await asyncio.gather(*sent)}

    assert len(ids) == 1


async def test_a_key_of_one_run_is_not_for_another(served):
    one, other = await served.ended("demo/failing"), await served.ended("demo/failing")
    await served.post(f"/runs/{one['id']}/retry", headers=key("k"))
    refused = await served.post(f"/runs/{other['id']}/retry", headers=key("k"), status=409)

    assert "another request" in refused["detail"]


async def test_a_retry_that_was_refused_does_not_use_its_key_up(served):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    for _ in range(2):
        refused = await served.post(f"/runs/{run['id']}/retry", headers=key("k"), status=409)
        assert "only a faulted run" in refused["detail"]


async def test_a_run_that_was_asked_to_end_is_asked_once_with_a_key(served):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    for verb in ("suspend", "resume", "cancel"):
        for _ in range(2):
            view = await served.post(f"/runs/{run['id']}/{verb}", headers=key(verb))
    refused = await served.post(f"/runs/{run['id']}/cancel", headers=key("l"), status=409)
    changes = (await served.get("/audit"))["items"]

    assert view["status"] == "cancelled"
    assert "cannot be cancelled any more" in refused["detail"]
    assert [one["action"] for one in changes if one["target"] == run["id"]] == [
        "run.cancel",
        "run.resume",
        "run.suspend",
        "run.start",
    ]
