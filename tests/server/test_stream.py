"""The live stream: what changes is told, and who was away gets what was missed."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest


@pytest.fixture
def streaming(served):
    """Opens a stream; gives a function that reads its next message as (id, event, data)."""

    @asynccontextmanager
    async def opening(topics="runs", **headers):
        url = f"/api/v1/stream?topics={topics}"
        async with served.http.stream("GET", url, headers=headers) as answer:
            assert answer.status_code == 200
            lines = answer.aiter_lines()

            async def following():
                message = {}
                async for line in lines:
                    if not line and "event" in message:
                        return message["id"], message["event"], json.loads(message["data"])
                    name, _, value = line.partition(": ")
                    message[name] = value
                raise EOFError

            await anext(lines)  # what comes first says that it is listened to
            yield following

    return opening


async def test_a_run_that_changes_is_told_to_who_looks_at_runs(served, streaming):
    async with streaming() as following:
        run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
        _, event, view = await following()

    assert [event, view["id"], view["status"]] == ["run.changed", run["id"], "waiting"]


async def test_a_run_that_is_watched_tells_its_tasks(served, streaming):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    async with streaming(f"run:{run['id']}") as following:
        await served.engine.publish("com.acme.go", {"a": 1})
        seen = {event: view for _, event, view in [await following(), await following()]}

    assert seen["task.changed"]["task"]["status"] == "completed"
    assert seen["run.changed"]["status"] == "completed"


async def test_published_events_are_told(served, streaming):
    async with streaming("events") as following:
        await served.engine.publish("com.acme.other", {"a": 1})
        _, event, view = await following()

    assert event == "event.published"
    assert view["event"]["type"] == "com.acme.other"


async def test_an_event_that_comes_back_from_a_bus_is_told_once(served, streaming):
    await served.engine.host("demo/greeting")
    async with streaming("events") as following:
        for type_ in ("com.acme.first", "com.acme.second", "com.acme.third"):
            await served.engine.publish(type_)
            await served.engine.catch_up()
        told = [await following() for _ in range(3)]

    assert [view["event"]["type"].rpartition(".")[2] for _, _, view in told] == [
        "first",
        "second",
        "third",
    ]


async def test_who_was_away_gets_what_was_missed(served, streaming):
    async with streaming() as following:
        await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
        last, _, _ = await following()
    missed = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    async with streaming(**{"last-event-id": last}) as following:
        _, event, view = await following()

    assert [event, view["id"]] == ["run.changed", missed["id"]]


async def test_who_comes_with_what_is_not_known_starts_anew(streaming):
    async with streaming(**{"last-event-id": "before-7"}) as following:
        _, event, _ = await following()

    assert event == "reset"


async def test_a_choreographed_run_is_told_too(served, streaming):
    async with streaming() as following:
        body = {"workflow": "demo/greeting", "control": "choreographed"}
        run = await served.post("/runs", body, status=201)
        while True:
            _, event, view = await following()
            if view["status"] == "completed":
                break

    assert [event, view["id"]] == ["run.changed", run["id"]]


async def test_nothing_is_recorded_while_nobody_looks(served):
    await served.post("/runs", {"workflow": "demo/waiting"}, status=201)

    assert served.engine.conductor.written is None


@pytest.mark.parametrize(("topics", "status"), [("nothing", 422), ("run:none", 404), ("", 422)])
async def test_topics_that_there_are_not_are_refused(served, topics, status):
    answer = await served.http.get("/api/v1/stream", params={"topics": topics})

    assert answer.status_code == status


FAILING_TOGETHER = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: together
  version: '1.0.0'
  metadata: { participants: { a: {}, b: {} } }
do:
  - greet: { call: greet, with: { name: Ada }, metadata: { participant: a } }
  - break: { call: breaks, with: {}, metadata: { participant: b } }
"""


async def test_the_end_of_every_choreographed_retry_is_told(served, streaming):
    await served.deploy(FAILING_TOGETHER)
    failed = await served.ended("demo/together", control="choreographed")
    place = f"/runs/{failed['id']}/retry"
    async with streaming() as following:
        asked = [served.post(place, {"fromStart": True}) for _ in range(20)]
        left = {one["id"] for one in await asyncio.gather(*asked)}
        while left:
            _, event, view = await following()
            assert event == "run.changed"
            if view["status"] == "faulted":
                left.discard(view["id"])
