"""The shorter way to starts and publications: what it reads is what is described."""

import json
from pathlib import Path

import msgspec
import pytest

from batuta.server.routes.runs import StartRequest

DOCUMENT = Path(__file__).parents[2] / "ui/openapi.json"
JSON = {"content-type": "application/json"}


def test_the_body_of_a_start_is_described_as_it_is_read():
    described = json.loads(DOCUMENT.read_text("utf-8"))["components"]["schemas"]["StartBody"]
    read = msgspec.json.schema(StartRequest)["$defs"]["StartRequest"]

    assert described["properties"].keys() == read["properties"].keys()
    assert described["required"] == read["required"] == ["workflow"]
    assert described["additionalProperties"] is read["additionalProperties"] is False
    for name in ("minLength", "maxLength"):
        ours, theirs = described["properties"]["workflow"], read["properties"]["workflow"]
        assert ours[name] == theirs[name]


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b'{"workflow": 7}', JSON, 422, "body:/workflow"),
        (b'{"workflow": ""}', JSON, 422, "body:/workflow"),
        (b'{"workflow": "demo/greeting", "more": 1}', JSON, 422, "more"),
        (b'{"workflow": "demo/greeting", "control": "x"}', JSON, 422, "body:/control"),
        (b'{"workflow": "greeting"}', JSON, 422, "does not name"),
        (b"{", JSON, 422, "not JSON"),
        (b'{"workflow": "a/b", "input": ' + b"[" * 100_000, JSON, 422, "nested too deeply"),
        (b"{}", {"content-type": "text/plain"}, 422, "JSON"),
        (b"{}", {}, 422, "JSON"),
        (b'{"workflow": "demo/greeting"}', JSON | {"idempotency-key": "a b"}, 422, "no key"),
        (b'{"workflow": "demo/greeting"}', JSON | {"idempotency-key": "x" * 256}, 422, "no key"),
    ],
)
async def test_a_start_that_is_not_right_is_refused(served, body, headers, status, told):
    answer = await served.http.post("/api/v1/runs", content=body, headers=headers)

    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"specversion": "0.3", "id": "1", "source": "/t", "type": "x"},
        {"specversion": "1.0", "id": "", "source": "/t", "type": "x"},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": 7},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x" * 500},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "Bad": 1},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "deep": {}},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "time": "noon"},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "subject": 7},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "batutarun": "r"},
        {"specversion": "1.0", "id": "1", "source": "/t", "type": "batuta.demo.greeting.start"},
        [],
    ],
)
async def test_what_is_no_event_or_steers_runs_is_refused(served, event):
    media = {"content-type": "application/cloudevents+json"}
    answer = await served.http.post("/api/v1/events", json=event, headers=media)
    batched = await served.http.post(
        "/api/v1/events",
        json=[event],
        headers={"content-type": "application/cloudevents-batch+json"},
    )

    assert [answer.status_code, batched.status_code] == [422, 422]
    assert (await served.get("/events"))["items"] == []


async def test_a_batch_that_holds_one_that_is_no_event_publishes_none(served):
    good = {"specversion": "1.0", "id": "1", "source": "/t", "type": "x"}
    refused = await served.post(
        "/events",
        [good, {}],
        headers={"content-type": "application/cloudevents-batch+json"},
        status=422,
    )

    assert "event 1" in refused["detail"]
    assert (await served.get("/events"))["items"] == []
