"""The events of a run: what went in, came out, and handed it over, in both control models."""

import pytest

HEARING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: hearing
  version: '1.0.0'
  metadata:
    participants: { desk: {}, store: {} }
    participant: desk
do:
  - hear:
      listen: { to: { all: [ { with: { type: com.acme.a } }, { with: { type: com.acme.b } } ] } }
  - greet:
      call: greet
      with: { name: Ada }
      metadata: { event: com.acme.greeted, participant: desk }
  - pack: { call: greet, with: { name: Bob }, metadata: { participant: store } }
  - tell:
      emit:
        event:
          with: { id: mine, source: /me, type: com.acme.told, data: { big: '${ "x" * 20000 }' } }
      metadata: { participant: store }
"""

ASKING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: asking
  version: '1.0.0'
  metadata: { participants: { store: { external: true } } }
do:
  - pack: { call: greet, with: { name: Bob }, metadata: { participant: store } }
"""


@pytest.fixture(params=["orchestrated", "choreographed"])
def control(request):
    return request.param


async def ended(served, control):
    """Return a run of that control model that has ended, having heard two events."""
    await served.deploy(HEARING)
    body = {"workflow": "demo/hearing", "control": control}
    run = await served.post("/runs", body, status=201)
    for event_type in ("com.acme.a", "com.acme.none", "com.acme.b"):
        await served.engine.publish(event_type, {"for": event_type})
    view = await served.engine.result(run["id"], 20)
    assert view.status == "completed", view
    return run["id"]


async def events(served, run, **query):
    return await served.get(f"/runs/{run}/events", **query)


def way(one):
    return one["direction"], one["event"]["type"]


async def test_what_a_run_heard_and_published_is_among_its_events(served, control):
    run = await ended(served, control)
    found = (await events(served, run))["items"]
    ways = [way(one) for one in found]

    assert [one for one in ways if one[0] == "in" and one[1].startswith("com.")] == [
        ("in", "com.acme.a"),
        ("in", "com.acme.b"),
    ]
    told = {one["event"]["type"]: one for one in found}
    assert told["com.acme.told"]["direction"] == "out"
    assert told["com.acme.told"]["event"]["id"] == "mine"
    assert told["com.acme.greeted"]["participant"] == "desk"
    assert told["com.acme.greeted"]["event"]["data"] == "Hello, Ada!"
    assert told["com.acme.a"]["task"] == "/do/0/hear"
    assert told["com.acme.a"]["event"]["data"] == {"for": "com.acme.a"}
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)


async def test_data_that_is_too_large_is_told_by_its_size(served, control):
    run = await ended(served, control)
    found = (await events(served, run))["items"]
    told = next(one for one in found if one["event"]["type"] == "com.acme.told")

    assert "data" not in told["event"]
    assert told["cut"] == len('{"big":""}') + 20_000


async def test_who_hands_a_choreographed_run_to_whom_is_among_its_events(served):
    run = await ended(served, "choreographed")
    found = (await events(served, run))["items"]
    greeted = next(one for one in found if one["event"]["type"] == "com.acme.greeted")

    assert way(found[0]) == ("in", "batuta.demo.hearing.start")
    assert [greeted["direction"], greeted["to"]] == ["handed", ["store"]]
    assert greeted["task"] == "/do/1/greet"
    assert not [name for one in found for name in one["event"] if name.startswith("batuta")]
    assert ("out", "batuta.demo.hearing.ended") in [way(one) for one in found]


async def test_pages_of_one_event_are_the_whole_list(served, control):
    run = await ended(served, control)
    whole = (await events(served, run))["items"]
    one_by_one, after = [], {}
    while True:
        page = await events(served, run, limit=1, **after)
        one_by_one += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert one_by_one == whole
    assert len(whole) >= 4


async def test_a_run_that_repeats_another_has_published_nothing_of_its_history(served):
    text = HEARING.replace("name: hearing", "name: again").replace(
        "call: greet, with: { name: Bob }", "call: breaks, with: {}"
    )
    await served.deploy(text)
    run = await served.post("/runs", {"workflow": "demo/again"}, status=201)
    for event_type in ("com.acme.a", "com.acme.b"):
        await served.engine.publish(event_type)
    await served.engine.result(run["id"], 20)
    now = served.engine.clock.now()
    while served.engine.clock.now() == now:
        await served.get("/runs")  # the times tell the two runs apart
    again = await served.post(f"/runs/{run['id']}/retry")
    await served.engine.result(again["id"], 20)

    def published(found):
        return [way(one) for one in found["items"] if one["direction"] == "out"]

    assert published(await events(served, run["id"])) == [("out", "com.acme.greeted")]
    assert published(await events(served, again["id"])) == []


async def test_a_task_that_a_conductor_asks_for_over_the_bus_is_handed_over(opened, tmp_path):
    async with opened(bus=f"sqlite:///{tmp_path}/bus.db") as served:
        await served.deploy(ASKING)
        run = await served.post("/runs", {"workflow": "demo/asking"}, status=201)
        found = []
        while not found:
            found = (await events(served, run["id"]))["items"]

    assert [way(one) for one in found] == [("handed", "batuta.demo.asking.pack.requested")]
    assert found[0]["event"]["data"] == {"name": "Bob"}


async def test_a_run_without_events_has_none(served):
    run = await served.ended("demo/greeting")

    assert await events(served, run["id"]) == {"items": [], "next": None}


@pytest.mark.parametrize("after", ["x", "1", "1-2", "-1-0-", "9" * 20 + "-1-"])
async def test_a_place_that_is_none_is_422(served, after):
    run = await served.ended("demo/greeting")
    answer = await served.http.get(f"/api/v1/runs/{run['id']}/events", params={"after": after})

    assert answer.status_code == 422


async def test_events_of_a_run_that_there_is_not_are_404(served):
    answer = await served.http.get("/api/v1/runs/none/events")

    assert answer.status_code == 404
