"""Runs over HTTP: started, looked at, and asked for something."""

import pytest


async def test_a_run_is_started_and_shown(served):
    run = await served.ended("demo/greeting", {"name": "Ada"})
    listed = await served.get("/runs")
    tasks = await served.get(f"/runs/{run['id']}/tasks")

    assert run["status"] == "completed"
    assert run["output"] == {"text": "Hello, Ada!"}
    assert [one["id"] for one in listed["items"]] == [run["id"]]
    assert [one["name"] for one in tasks["items"]] == ["greet", "shape"]
    assert tasks["items"][0]["participant"] == "desk"


@pytest.mark.parametrize("workflow", ["demo/waiting", "demo/greeting", "demo/pure", "demo/keyed"])
async def test_a_start_is_answered_with_what_is_on_disk(served, workflow):
    for name, task in (
        ("pure", "set: {a: 1}"),
        ("keyed", "listen: {to: {one: {with: {type: go}}}}"),
    ):
        await served.deploy(
            f"document: {{dsl: '1.0.3', namespace: demo, name: {name}, version: '1.0.0',"
            f" metadata: {{keys: {{order: .no}}}}}}\ndo:\n  - first: {{{task}}}\n"
        )
    started = await served.engine.start(workflow, {"no": 7}, run_id="r1", is_new=True)
    answer = await served.post("/runs", {"workflow": workflow, "input": {"no": 7}}, status=201)
    shown = await served.get(f"/runs/{answer['id']}")

    if workflow != "demo/greeting":  # this one may have gone on since
        assert {name: shown[name] for name in answer} == answer
        assert started.begun == started.show()
    assert answer["startedAt"] == shown["startedAt"]
    assert started.begun.status in {"waiting", "running", "completed"}


async def test_a_name_means_another_version_as_soon_as_that_is_deployed(served):
    before = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    await served.deploy(
        "document: {dsl: '1.0.3', namespace: demo, name: waiting, version: '1.1.0'}\n"
        "do:\n  - none: {set: {a: 1}}\n"
    )
    after = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)

    assert [before["version"], after["version"]] == ["1.0.0", "1.1.0"]


async def test_what_is_expected_next_of_a_run_is_told_with_it(served):
    waiting = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    ended = await served.ended("demo/greeting", {"name": "Ada"})
    known = await served.get(f"/runs/{waiting['id']}")
    (expected,) = known["expected"]

    assert (expected["reference"], expected["what"]) == ("/do/0/hear", "event")
    assert [one["type"] for one in expected["events"]] == ["com.acme.go"]
    assert known["conformance"] == {"verdict": "ok", "findings": []}
    assert (await served.get(f"/runs/{ended['id']}"))["expected"] == []
    assert await served.get(f"/runs/{ended['id']}/input") == {"input": {"name": "Ada"}}


async def test_runs_are_listed_page_by_page(served):
    for _ in range(5):
        await served.post("/runs", {"workflow": "demo/waiting:1.0.0"}, status=201)
    first = await served.get("/runs", limit=3)
    second = await served.get("/runs", limit=3, after=first["next"])

    assert len(first["items"]) == 3
    assert len(second["items"]) == 2
    assert second["next"] is None


async def test_runs_are_found_by_what_is_asked_for(served):
    keyed = """\
document:
  {dsl: '1.0.3', namespace: demo, name: keyed, version: '1.0.0', metadata: {keys: {o: .order}}}
do: [ { a: { set: { b: 1 } } } ]
"""
    await served.deploy(keyed)
    run = await served.ended("demo/keyed", {"order": "A-7"})
    await served.ended("demo/failing")
    waiting = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)

    async def ids(**query):
        return [one["id"] for one in (await served.get("/runs", **query))["items"]]

    assert await ids(**{"key.o": "A-7"}) == [run["id"]]
    assert await ids(q="A-") == [run["id"]]
    assert await ids(workflow="demo/keyed", version="1.0.0") == [run["id"]]
    assert await ids(status=["waiting", "suspended"]) == [waiting["id"]]
    assert await ids(control="choreographed") == []
    assert await ids(participant="desk") == []
    assert len(await ids(since=run["startedAt"])) == 3
    assert await ids(until="2020-01-01T00:00:00Z") == []
    assert (await served.get(f"/runs/{run['id']}"))["keys"] == {"o": "A-7"}


async def test_a_query_that_means_nothing_is_422_and_names_the_field(served):
    for query in ({"since": "x"}, {"status": "x"}, {"limit": 0}, {"control": "x"}):
        answer = await served.http.get("/api/v1/runs", params=query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"].startswith(f"query:/{next(iter(query))}")


async def test_a_run_is_suspended_resumed_and_cancelled(served):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    place = f"/runs/{run['id']}"
    suspended = await served.post(f"{place}/suspend")
    resumed = await served.post(f"{place}/resume")
    cancelled = await served.post(f"{place}/cancel")
    again = await served.post(f"{place}/cancel", {}, status=409)

    assert suspended["status"] == "suspended"
    assert resumed["status"] in {"running", "waiting"}
    assert cancelled["status"] == "cancelled"
    assert again["code"] == "conflict"


async def test_a_faulted_run_is_retried_as_a_new_one(served):
    run = await served.ended("demo/failing")
    again = await served.post(f"/runs/{run['id']}/retry", {})

    assert run["status"] == "faulted"
    assert again["id"] != run["id"]


async def test_a_faulted_run_is_retried_from_a_task_with_another_input(served):
    run = await served.ended("demo/failing")
    body = {"from": "/do/0/greet", "input": {}}
    again = await served.post(f"/runs/{run['id']}/retry", body)
    await served.engine.result(again["id"], 10)
    wrong = await served.post(f"/runs/{run['id']}/retry", {"from": "/do/9/x"}, status=422)
    tasks = (await served.get(f"/runs/{again['id']}/tasks"))["items"]

    assert again["rerunOf"] == run["id"]
    assert [one["name"] for one in tasks] == ["greet", "break"]
    assert "has no task" in wrong["detail"]


async def test_a_run_is_run_again_with_another_input(served):
    for control in ("orchestrated", "choreographed"):
        run = await served.ended("demo/greeting", {"name": "Ada"}, control=control)
        body = {"run": run["id"], "input": {"name": "Bob"}}
        again = await served.post("/runs/rerun", body, status=201)
        await served.engine.result(again["id"], 10)
        shown = await served.get(f"/runs/{again['id']}")

        assert [shown["control"], shown["rerunOf"]] == [control, run["id"]]
        assert shown["output"] == {"text": "Hello, Bob!"}


async def test_what_is_not_known_is_404(served):
    for path in ("/runs/none", "/runs/none/tasks"):
        answer = await served.http.get(f"/api/v1{path}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not-found"
    await served.post("/runs", {"workflow": "demo/none"}, status=404)
    await served.post("/runs", {"workflow": "demo/greeting", "version": "9.0.0"}, status=404)


async def test_a_bad_body_is_422_and_names_the_field(served):
    wrong = await served.post("/runs", {"workflow": 7}, status=422)
    more = await served.post("/runs/rerun", {"run": 7, "extra": 1}, status=422)
    no_json = await served.post(
        "/runs",
        content=b'{"workflow": NaN}',
        headers={"content-type": "application/json"},
        status=422,
    )
    deep = await served.post(
        "/runs", content=b"[" * 100_000, headers={"content-type": "application/json"}, status=422
    )

    assert {one["path"] for one in wrong["errors"]} == {"body:/workflow"}
    assert {one["path"] for one in more["errors"]} == {"body:/run", "body:/extra"}
    assert "not JSON" in no_json["detail"]
    assert deep["code"] == "request"


async def test_a_body_that_does_not_say_that_it_is_json_is_told_what_to_say(served):
    form = {"content-type": "application/x-www-form-urlencoded"}
    said = await served.post("/runs", content=b'{"workflow": "a/b"}', headers=form, status=422)
    text = {"content-type": "application/json"}
    list_ = await served.post("/runs", content=b"[]", headers=text, status=422)

    assert said["hint"] == "say that the body is JSON: `Content-Type: application/json`"
    assert [one["path"] for one in said["errors"]] == ["body"]
    assert "openapi.json" in list_["hint"]


async def test_a_misspelt_workflow_is_shown_the_names_in_its_namespace(served):
    said = await served.post("/runs", {"workflow": "demo/greting"}, status=404)
    elsewhere = await served.post("/runs", {"workflow": "other/greeting"}, status=404)

    assert said["hint"] == "deployed are: demo/failing, demo/greeting, demo/waiting"
    assert elsewhere["hint"] == "deployed are: none such"


async def test_an_event_that_is_published_moves_a_run(served):
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": "com.acme.go"}
    structured = {"content-type": "application/cloudevents+json"}
    sent = event | {"data": {"a": 1}}
    taken = await served.post("/events", sent, headers=structured, status=202)
    ended = await served.engine.result(run["id"], 10)
    listed = await served.get("/events", type="com.acme.go")

    assert taken == {"accepted": 1}
    assert ended.output == [{"a": 1}]
    assert listed["items"][0]["event"]["data"] == {"a": 1}


async def test_events_come_batched_or_binary_too(served):
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": "x"}
    batch = [event, event | {"id": "2", "subject": "s", "team": "a"}]
    await served.post(
        "/events", batch, headers={"content-type": "application/cloudevents-batch+json"}, status=202
    )
    binary = {"ce-specversion": "1.0", "ce-id": "3", "ce-source": "/t", "ce-type": "x"}
    await served.post("/events", {"b": 2}, headers=binary, status=202)
    wrong = await served.http.post("/api/v1/events", content=b"x", headers={"content-type": "a/b"})
    listed = await served.get("/events")
    events = [one["event"] for one in listed["items"]]

    assert [one["id"] for one in events] == ["1", "2", "3"]
    assert [events[1]["subject"], events[1]["team"], events[2]["data"]] == ["s", "a", {"b": 2}]
    assert wrong.status_code == 415


PROMISED = """\
document: {dsl: '1.0.3', namespace: demo, name: promised, version: '1.0.0'}
do:
  - greet:
      call: greet
      with: { name: Ada }
      metadata: { participant: desk, sla: { within: PT9S } }
"""


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_a_run_tells_what_was_promised_of_it_and_whether_it_conforms(served, control):
    await served.deploy(PROMISED)
    run = await served.ended("demo/promised", control=control)
    (item,) = (await served.get("/runs"))["items"]

    assert [item["id"], item["sla"], item["conformance"]] == [run["id"], "met", "ok"]
    assert [(one["reference"], one["state"]) for one in run["sla"]] == [("/do/0/greet", "met")]


async def test_a_run_of_which_nothing_was_promised_has_no_promises(served):
    run = await served.ended("demo/greeting")
    (item,) = (await served.get("/runs"))["items"]

    assert [item["sla"], run["sla"]] == [None, []]
