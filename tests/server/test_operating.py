"""What operators see besides runs: participants, triggers, the map, the catalogue, the audit."""

import pytest

from batuta.wiring.settings import Placed

SHIPPING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: order
  version: '1.0.0'
  metadata:
    control: choreographed
    participants: { shop: { title: Shop, owner: sales }, depot: {}, carrier: { external: true } }
do:
  - take: { call: greet, with: { name: a }, metadata: { participant: shop } }
  - pack:
      call: greet
      with: { name: b }
      metadata: { participant: depot, event: com.acme.packed }
"""
SCHEDULED = """\
document: {dsl: '1.0.3', namespace: demo, name: tick, version: '1.0.0'}
schedule: { every: { hours: 1 } }
do: [ { a: { set: { b: 1 } } } ]
"""
HEARING = """\
document: {dsl: '1.0.3', namespace: demo, name: heard, version: '1.0.0'}
schedule: { on: { one: { with: { type: com.acme.packed } } } }
do:
  - ask: { call: http, with: { method: get, endpoint: 'https://stock.example/items' } }
"""

ASKING = """\
document: {dsl: '1.0.3', namespace: demo, name: asking, version: '1.0.0'}
do:
  - greet: { call: greet, metadata: { participant: desk } }
"""


@pytest.fixture
async def ordered(served):
    """A server on which a choreographed run of two participants has ended."""
    await served.deploy(SHIPPING)
    await served.ended("demo/order")
    return served


async def test_participants_tell_where_they_are_and_how_far_behind(ordered):
    while True:
        found = {one["name"]: one for one in (await ordered.get("/participants"))["items"]}
        if not found["shop"]["inbox"]:
            break  # what was taken is acknowledged a moment later

    assert found["shop"] | {"lastSeenAt": "", "lag": {}, "outbox": 0} == {
        "name": "shop",
        "title": "Shop",
        "owner": "sales",
        "place": "here",
        "status": "up",
        "workflows": ["demo/order:1.0.0"],
        "inbox": 0,
        "outbox": 0,
        "lag": {},
        "dead": 0,
        "lastSeenAt": "",
    }
    assert found["desk"]["place"] == "here"
    assert found["depot"]["lag"] == {"messages": 0, "oldestSeconds": 0.0}


async def test_a_participant_that_is_elsewhere_is_not_said_to_be_here(opened):
    async with opened(participants={"desk": Placed(remote=True)}) as served:
        await served.deploy(ASKING)
        (desk,) = (await served.get("/participants"))["items"]

    assert (desk["name"], desk["place"]) == ("desk", "process")


async def test_the_map_shows_who_tells_whom_what(ordered):
    shown = await ordered.get("/map", minutes=10)
    edges = {
        (one["from"], one["to"]): one
        for one in sorted(shown["edges"], key=lambda one: one["count"])
    }
    kinds = {one["name"]: one["kind"] for one in shown["nodes"]}

    assert edges["shop", "depot"]["declared"]
    assert edges["shop", "depot"]["count"] == 1
    assert edges["world", "shop"]["type"] == "batuta.demo.order.start"
    assert edges["conductor", "desk"] | {"lastAt": ""} == {
        "from": "conductor",
        "to": "desk",
        "type": "task",
        "count": 0,
        "perMinute": 0.0,
        "errors": 0,
        "lastAt": "",
        "declared": True,
        "seen": False,
    }
    assert kinds["world"] == "world"
    assert kinds["shop"] == "participant"


async def test_the_map_counts_what_conductors_ask(served):
    await served.ended("demo/greeting")
    await served.ended("demo/greeting")
    shown = await served.get("/map")
    (edge,) = [one for one in shown["edges"] if one["from"] == "conductor"]

    assert [edge["to"], edge["count"], edge["seen"]] == ["desk", 2, True]


async def test_triggers_tell_what_is_next(served):
    await served.deploy(SCHEDULED)
    await served.deploy(HEARING)
    found = {one["kind"]: one for one in (await served.get("/triggers"))["items"]}

    assert found["every"]["expression"] == "PT3600S"
    assert found["on"]["events"] == ["com.acme.packed"]
    assert found["on"]["workflow"] == "demo/heard:1.0.0"


async def test_the_catalogue_has_events_functions_and_services(ordered):
    await ordered.deploy(HEARING)
    shown = await ordered.get("/catalogue")
    (packed,) = [one for one in shown["events"] if one["type"] == "com.acme.packed"]

    assert packed["producers"] == ["depot"]
    assert packed["consumers"] == ["demo/heard:1.0.0"]
    assert {one["name"] for one in shown["functions"]} == {"greet", "breaks"}
    assert [one["at"] for one in shown["services"]] == ["https://stock.example/items"]


async def test_the_catalogue_knows_who_hears_an_event_by_a_rule(served):
    await served.deploy(
        SHIPPING + "  - done: { call: greet, with: { name: d }, metadata: { participant: shop } }\n"
    )
    (packed,) = [
        one
        for one in (await served.get("/catalogue"))["events"]
        if one["type"] == "com.acme.packed"
    ]

    assert packed["consumers"] == ["shop"]


async def test_every_change_is_in_the_audit(served):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    await served.post(f"/runs/{run['id']}/cancel", {})
    await served.engine.conductor.durable()
    rows = (await served.get("/audit", target=run["id"]))["items"]
    first = await served.get("/audit", limit=1)
    second = await served.get("/audit", limit=1, after=first["next"])

    assert [one["action"] for one in rows] == ["run.cancel", "run.start"]
    assert rows[1] | {"at": "", "number": 0} == {
        "number": 0,
        "at": "",
        "who": "local",
        "by": "token",
        "action": "run.start",
        "target": run["id"],
        "detail": {"workflow": "demo/waiting:1.0.0"},
    }
    assert [one["action"] for one in first["items"] + second["items"]] == [
        "run.cancel",
        "run.start",
    ]


async def test_settings_are_shown_without_what_is_secret_in_them(opened):
    async with opened(retention_days=7) as one:
        shown = await one.get("/settings")

    assert shown["settings"]["retention_days"] == 7


async def test_addresses_in_settings_lose_their_passwords(opened, tmp_path):
    placed = {"carrier": {"endpoint": "https://user:pass@carrier.example/x"}}
    from batuta.wiring.settings import Placed, Settings
    from batuta.wiring.surroundings import Surroundings

    settings = Settings(
        store=f"sqlite:///{tmp_path}/x.db", participants={"carrier": Placed(**placed["carrier"])}
    )

    shown = Surroundings(settings).shown()
    assert shown["participants"]["carrier"]["endpoint"] == "https://***@carrier.example/x"
