"""What schemas mark as secret is shown to nobody, but to who may see it and says why."""

from __future__ import annotations

import asyncio
import json

import httpx2
import msgspec
import pytest

from batuta.ports.mail import Parked
from batuta.ports.store import Batch
from batuta.server.keys import new_key

SECRET = "4111-1111-1111"
PIN = 1234
DATA = {"card": {"number": SECRET, "pin": PIN}, "name": "Ada"}
HIDDEN = {"card": {"number": "[redacted]", "pin": "[redacted]"}, "name": "Ada"}

PAYING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: paying
  version: '1.0.0'
  metadata: { keys: { who: .name } }
input:
  schema:
    document:
      properties:
        card:
          properties:
            number: { type: string, format: password }
            pin: { type: integer, writeOnly: true }
do:
  - copy:
      set: { text: '${ "paid with " + .card.number }', pin: '${ .card.pin }', all: '${ . }' }
  - token:
      set: { token: 'tok-123456789', ok: true }
      output: { schema: { document: { properties: { token: { x-secret: true } } } } }
  - tell: { emit: { event: { with: { type: com.acme.paid, data: '${ $workflow.input.card }' } } } }
  - last: { set: '${ { paid: $workflow.input.card.number, by: "tok-123456789", who: "Ada" } }' }
"""
FAILING = """\
document: { dsl: '1.0.3', namespace: demo, name: losing, version: '1.0.0' }
input: { schema: { document: { properties: { pin: { type: string, format: password } } } } }
do:
  - check:
      input: { schema: { document: { properties: { pin: { minLength: 20, writeOnly: true } } } } }
      set: { a: 1 }
"""
RAISING = """\
document: { dsl: '1.0.3', namespace: demo, name: raising, version: '1.0.0' }
input: { schema: { document: { properties: { card: { format: password } } } } }
do:
  - first: { set: '${ . + {seen: 1} }' }
  - break:
      raise:
        error: { type: https://acme.com/no, status: 400, title: No, detail: '${ "bad " + .card }' }
"""


async def holder(served, role="viewer", **more):
    """Return a client with a key."""
    kept, token = new_key("eve", role, more.pop("namespaces", ["*"]), 0, **more)
    served.engine.records.keep_key(kept)
    return httpx2.AsyncClient(
        base_url=f"{served.address}/api/v1", headers={"authorization": f"Bearer {token}"}
    )


@pytest.fixture
async def paid(served):
    await served.deploy(PAYING)
    return (await served.ended("demo/paying", DATA))["id"]


def everything_of(run):
    return ["/runs", f"/runs/{run}", f"/runs/{run}/tasks", f"/runs/{run}/input", "/events",
            f"/runs/{run}/events", "/audit", "/map", "/overview"]  # fmt: skip


async def test_no_answer_tells_a_secret(served, paid):
    for path in everything_of(paid):
        text = json.dumps(await served.get(path))
        assert SECRET not in text, path
        assert "tok-123456789" not in text, path
        assert '"pin": 1234' not in text, path


async def test_what_is_not_marked_is_shown(served, paid):
    run = await served.get(f"/runs/{paid}")
    tasks = {one["name"]: one for one in (await served.get(f"/runs/{paid}/tasks"))["items"]}

    assert (await served.get(f"/runs/{paid}/input"))["input"] == HIDDEN
    assert run["output"] == {"paid": "[redacted]", "by": "[redacted]", "who": "Ada"}
    assert run["keys"] == {"who": "Ada"}
    assert tasks["copy"]["output"] == {
        "text": "paid with [redacted]", "pin": "[redacted]", "all": HIDDEN
    }  # fmt: skip
    assert tasks["token"]["output"] == {"token": "[redacted]", "ok": True}


async def test_lists_leave_out_what_they_cannot_look_through(served, paid):
    (listed,) = (await served.get("/runs", workflow="demo/paying"))["items"]
    (event,) = [
        one["event"]
        for one in (await served.get("/events"))["items"]
        if one["event"]["type"] == "com.acme.paid"
    ]

    assert [listed["output"], event["data"]] == ["[redacted]", "[redacted]"]


async def test_runs_of_workflows_without_marks_are_shown_as_they_are(served):
    run = await served.ended("demo/greeting", {"name": "[redacted]"})

    assert run["output"] == {"text": "Hello, [redacted]!"}
    assert (await served.get("/runs"))["items"][0]["output"] == run["output"]


async def test_a_fault_that_quotes_a_secret_is_redacted(served):
    await served.deploy(FAILING)
    await served.deploy(RAISING)
    wrong = await served.ended("demo/losing", {"pin": "98765"})
    raised = await served.ended("demo/raising", {"card": SECRET})
    listed = {one["id"]: one for one in (await served.get("/runs"))["items"]}

    assert wrong["error"]["detail"] == "[redacted]"
    assert wrong["error"]["title"] == "Validation error"
    assert raised["error"]["detail"] == "bad [redacted]"
    assert listed[raised["id"]]["error"]["detail"] == "[redacted]"
    assert "98765" not in json.dumps(await served.get(f"/runs/{wrong['id']}/tasks"))


async def test_the_stream_tells_no_secret(served):
    await served.deploy(PAYING)
    told, began = [], asyncio.Event()

    async def listen():
        path = "/api/v1/stream?topics=runs,events"
        async with served.http.stream("GET", path) as answer:
            async for line in answer.aiter_lines():
                told.append(line)
                began.set()
                if '"status":"completed"' in line:
                    return

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await began.wait()
        run = await served.post("/runs", {"workflow": "demo/paying", "input": DATA}, status=201)
    text = "\n".join(told)

    assert "com.acme.paid" in text
    assert run["id"] in text
    assert SECRET not in text
    assert "tok-123456789" not in text


async def test_a_secret_that_came_back_redacted_is_kept(served):
    await served.deploy(RAISING)
    run = await served.ended("demo/raising", {"card": SECRET, "name": "Ada"})
    tasks = (await served.get(f"/runs/{run['id']}/tasks"))["items"]
    shown = next(one for one in tasks if one["name"] == "break")["input"]
    assert shown["card"] == "[redacted]"

    def seen(again):
        return served.engine.input_of(again["id"])

    again = await served.post(
        "/runs/rerun", {"run": run["id"], "input": {"card": "[redacted]", "name": "B"}}, status=201
    )
    assert await seen(again) == {"card": SECRET, "name": "B"}
    again = await served.post(
        f"/runs/{run['id']}/retry", {"fromStart": True, "input": {"card": "[redacted]"}}
    )
    assert await seen(again) == {"card": SECRET}
    again = await served.post(f"/runs/{run['id']}/retry", {"input": {**shown, "more": 1}})
    await served.engine.result(again["id"], 10)
    done = [one for one in served.engine.tasks(again["id"]) if one.name == "break"]
    assert done[-1].input == {"card": SECRET, "name": "Ada", "seen": 1, "more": 1}


async def test_what_is_redacted_elsewhere_stands_for_nothing(served):
    await served.deploy(RAISING)
    run = await served.ended("demo/raising", {"card": SECRET})
    sent = {"run": run["id"], "input": {"other": ["[redacted]"], "card": "x[redacted]"}}
    refused = await served.post("/runs/rerun", sent, status=422)

    assert refused["detail"].startswith("the input has [redacted] at /other/0, /card")


async def test_revealing_takes_an_admin_or_a_grant_and_is_noted(served, paid):
    why = {"reason": "a customer asked"}
    async with await holder(served, "deployer") as http:
        refused = await http.post(f"/runs/{paid}/reveal", json=why)
    async with await holder(served, grants=["reveal"]) as http:
        shown = await http.post(f"/runs/{paid}/reveal", json=why)
        assert SECRET not in (await http.get(f"/runs/{paid}/input")).text
        assert (await http.get("/session")).json()["reveal"] is True
    async with await holder(served, "admin", namespaces=["other"]) as http:
        elsewhere = await http.post(f"/runs/{paid}/reveal", json=why)
    silent = await served.post(f"/runs/{paid}/reveal", {"reason": ""}, status=422)
    (noted,) = [
        one for one in (await served.get("/audit"))["items"] if one["action"] == "run.reveal"
    ]

    assert [refused.status_code, refused.json()["code"]] == [403, "reveal"]
    assert [elsewhere.status_code, elsewhere.json()["code"]] == [403, "namespace"]
    assert silent["errors"][0]["path"] == "body:/reason"
    assert shown.json()["input"] == DATA
    assert shown.json()["output"]["paid"] == SECRET
    assert shown.json()["tasks"][0]["output"]["all"] == DATA
    assert [noted["who"], noted["target"], noted["detail"]] == ["eve", paid, why]


async def test_a_key_over_a_secret_cannot_be_deployed(served):
    text = PAYING.replace("who: .name", "who: .card.pin")
    refused = await served.post(
        "/workflows", status=422, content=text, headers={"content-type": "application/yaml"}
    )

    assert [one["code"] for one in refused["errors"]] == ["secret-key"]
    assert refused["errors"][0]["line"] == 6


async def test_a_grant_that_there_is_not_is_refused(served):
    body = {"name": "x", "role": "viewer", "grants": ["everything"]}

    assert (await served.post("/keys", body, status=422))["code"] == "request"


ALONE = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: alone
  version: '1.0.0'
  metadata: { control: choreographed, participants: { desk: {}, till: {} } }
input: { schema: { document: { properties: { card: { format: password } } } } }
do:
  - look:
      call: greet
      with: { name: '${ .card }' }
      metadata: { participant: desk }
      output: { as: '${ { text: ., note: "seen" } }' }
  - pay:
      call: greet
      with: { name: '${ .text }' }
      metadata: { participant: till }
"""


async def test_a_choreographed_run_tells_no_secret_either(served):
    await served.deploy(ALONE)
    run = await served.ended("demo/alone", {"card": SECRET}, control="choreographed")
    tasks = (await served.get(f"/runs/{run['id']}/tasks"))["items"]

    for path in everything_of(run["id"]):
        assert SECRET not in json.dumps(await served.get(path)), path
    assert run["output"] == "Hello, Hello, [redacted]!!"
    assert tasks[0]["output"] == {"text": "Hello, [redacted]!", "note": "seen"}
    assert (await served.get(f"/runs/{run['id']}/input"))["input"] == {"card": "[redacted]"}


def put_aside(served, run, **more):
    """Put the message that began a run aside, as if somebody could not take it."""
    row = served.engine.store.run(run)
    event = {
        "specversion": "1.0", "id": "e1", "source": "/demo/alone",
        "type": "batuta.demo.alone.start",
        "batutarun": run, "batutaworkflow": row.workflow, "batutadigest": row.digest,
        "batutahand": json.dumps({"input": SECRET}), "data": {"card": SECRET, "n": 1}, **more,
    }  # fmt: skip
    batch = Batch()
    batch.parked.append(
        Parked(at=1, why="dead", reason=f"no {SECRET}", id="m1", type=event["type"], run=run,
               body=json.dumps(event).encode())
    )  # fmt: skip
    served.around.homes()["batuta"].store.commit(batch)
    return event


async def test_a_dead_letter_is_redacted_and_keeps_what_came_back_so(served):
    await served.deploy(ALONE)
    run = await served.ended("demo/alone", {"card": SECRET}, control="choreographed")
    event = put_aside(served, run["id"])
    (shown,) = (await served.get("/dead-letters"))["items"]
    assert SECRET not in json.dumps(shown)
    assert shown["reason"] == "no [redacted]"

    sent = shown["event"] | {"data": {"card": "[redacted]", "n": 2}}
    refused = await served.post(
        "/dead-letters/batuta/1/redrive",
        {"body": sent | {"data": {"other": "[redacted]"}}},
        status=422,
    )
    revealed = await served.post("/dead-letters/batuta/1/reveal", {"reason": "to mend it"})
    done = await served.post("/dead-letters/batuta/1/redrive", {"body": sent})
    (kept,) = served.around.homes()["batuta"].store.parked("again", after=0, limit=9)

    assert "/data/other" in refused["detail"]
    assert revealed["event"] == event
    assert done["event"]["data"] == {"card": "[redacted]", "n": 2}
    assert json.loads(kept.body) == event | {"data": {"card": SECRET, "n": 2}}


async def test_a_dead_letter_of_a_workflow_that_is_not_here_is_withheld(served):
    await served.deploy(ALONE)
    run = await served.ended("demo/alone", {"card": SECRET}, control="choreographed")
    put_aside(served, run["id"], batutarun="elsewhere", batutaworkflow="a/b:1", batutadigest="x")
    batch = Batch()
    (kept,) = served.around.homes()["batuta"].store.parked("dead", after=0, limit=9)
    batch.unparked.append(kept.number)
    batch.parked.append(msgspec.structs.replace(kept, run="elsewhere"))
    served.around.homes()["batuta"].store.commit(batch)
    (shown,) = (await served.get("/dead-letters"))["items"]

    assert shown["event"]["data"] == "[redacted]"
    assert SECRET not in json.dumps(shown)
