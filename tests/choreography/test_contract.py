"""A participant's contract is a right AsyncAPI document, and its messages are the real ones."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from material import function_of, headed

from batuta.choreography import project
from batuta.choreography.contract import contract
from batuta.choreography.within import tasks_of
from batuta.definition import check

OFFICIAL = json.loads(Path(__file__).with_name("asyncapi-3.0.0.json").read_text())
ORDER = """do:
- check:
    call: checkFraud
    with: { amount: '${ .amount }', currency: EUR, lines: [ '${ .first }', 2 ] }
    output: { schema: { document: { type: object, required: [score], properties: { score: { $ref: '#/$defs/score' } }, $defs: { score: { type: integer } } } } }
    metadata: { participant: fraud }
- hear: { listen: { to: { any: [ { with: { type: com.acme.go } }, { with: { type: 'com.acme.g+2' } }, { with: { type: 'com.acme.g/2' } } ] } }, metadata: { participant: desk } }
- tell: { emit: { event: { with: { source: /x, type: com.acme.told } } } }
- book: { call: book, output: { as: .id, schema: { document: { type: string } } }, metadata: { participant: bank, event: com.acme.booked } }
"""


def contract_of(text, name, functions=(), **head):
    head = head or {"external": ("fraud",), "default": "desk"}
    report = check(headed(text, "desk", "bank", **head))
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    workflow, functions = report.workflow, dict(functions)
    made = contract(project(workflow, functions), tasks_of(workflow, functions), name)
    errors = [str(one) for one in jsonschema_rs.Draft7Validator(OFFICIAL).iter_errors(made)]
    assert errors == []
    return made


def validator(document, key):
    """Return what validates an event of a channel."""
    message = document["components"]["messages"][key]
    return jsonschema_rs.Draft7Validator(
        {**message["payload"], "components": document["components"]}
    )


def event(type_, **more):
    return {"specversion": "1.0", "id": "1", "source": "/s", "type": type_, **more}


REQUEST = event(
    "batuta.shop.order.check.requested",
    batutarun="r",
    batutatask="/do/0/check",
    batutakey="/do/0/check",
    batutaidempotency="r/do/0/check",
    batutaattempt=1,
    data={"amount": 3, "currency": "EUR", "lines": [1, 2]},
)
ANSWER = event(
    "batuta.shop.order.check.completed", batutarun="r", batutakey="/do/0/check", data={"score": 7}
)
FAULT = event(
    "batuta.shop.order.check.faulted", batutarun="r", batutakey="/k", data={"status": 409}
)


def test_a_service_that_is_not_ours_has_requests_and_answers_and_nothing_else():
    made = contract_of(ORDER, "fraud")
    operations = {key: one["action"] for key, one in made["operations"].items()}
    assert operations == {
        "receive-check-requested": "receive",
        "send-check-completed": "send",
        "send-check-faulted": "send",
    }
    addresses = {key: one["address"] for key, one in made["channels"].items()}
    assert addresses["check-requested"] == "batuta.shop.order.check.requested"
    assert "bank" not in json.dumps(made)
    for name in ("batutarun", "batutatask", "batutakey"):
        said = made["components"]["schemas"]["Answer"]["properties"][name]["description"]
        assert "Pass it back as it is" in said


@pytest.mark.parametrize(
    ("key", "one"),
    [("check-requested", REQUEST), ("check-completed", ANSWER), ("check-faulted", FAULT)],
)
def test_the_messages_of_a_contract_are_those_that_go_over_the_bus(key, one):
    assert validator(contract_of(ORDER, "fraud"), key).is_valid(one)


@pytest.mark.parametrize(
    ("key", "one"),
    [
        ("check-requested", {**REQUEST, "data": {"amount": 3}}),
        ("check-requested", {**REQUEST, "data": {**REQUEST["data"], "currency": "USD"}}),
        ("check-requested", {**REQUEST, "type": "other"}),
        ("check-completed", {**ANSWER, "data": {"score": "high"}}),
        ("check-completed", {**ANSWER, "data": {}}),
        ("check-completed", {name: ANSWER[name] for name in ANSWER if name != "batutakey"}),
        ("check-faulted", {**FAULT, "data": {"status": 200}}),
    ],
)
def test_what_is_no_message_of_the_contract_is_told_by_its_schemas(key, one):
    assert not validator(contract_of(ORDER, "fraud"), key).is_valid(one)


def test_a_participant_of_ours_shows_what_it_hears_and_publishes():
    made = contract_of(ORDER, "desk")
    sent = {key for key, one in made["operations"].items() if one["action"] == "send"}
    heard = set(made["operations"]) - sent
    assert heard == {
        "receive-start",
        "receive-com-acme-go",
        "receive-com-acme-g-2",
        "receive-com-acme-g-2-2",
    }
    assert sent == {
        "send-check-requested",
        "send-com-acme-told",
        "send-tell-completed",
        "send-ended",
    }
    told = made["components"]["schemas"]["Hand"]["properties"]["batutahand"]["description"]
    assert told.startswith("Opaque")
    assert "external: true" in made["info"]["description"]


def test_what_a_task_gives_is_described_where_it_is_published():
    made = contract_of(ORDER, "bank")
    booked = event("com.acme.booked", batutarun="r", data="b-1")
    assert validator(made, "com-acme-booked").is_valid(booked)
    assert not validator(made, "com-acme-booked").is_valid({**booked, "data": 1})
    assert made["info"]["title"] == "bank in shop/order"


def test_the_start_carries_the_input():
    text = "input: { schema: { document: { type: object, required: [sku] } } }\ndo:\n- x: { call: x }\n"
    made = contract_of(text, "desk", default="desk")
    start = event("batuta.shop.order.start", batutarun="r", data={"sku": 1})
    assert validator(made, "start").is_valid(start)
    assert not validator(made, "start").is_valid({**start, "data": {}})


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ("{ format: avro, document: { type: int } }", None),
        (
            "{ resource: { endpoint: 'http://x.example/s.json' } }",
            {"$ref": "http://x.example/s.json"},
        ),
        ("{ resource: { endpoint: '${ .where }' } }", None),
        ("{ document: { anyOf: [ { $ref: '#' }, { $ref: 'http://y.example' } ] } }", ...),
    ],
)
def test_schemas_from_elsewhere_are_named_and_others_left_out(schema, data):
    text = f"do:\n- c: {{ call: c, output: {{ schema: {schema} }}, metadata: {{ participant: fraud }} }}\n- b: {{ call: b }}\n"
    made = contract_of(text, "fraud")
    told = made["components"]["messages"]["c-completed"]["payload"]["allOf"][1]["properties"]
    if data is ...:
        place = "#/components/messages/c-completed/payload/allOf/1/properties/data"
        data = {"anyOf": [{"$ref": place}, {"$ref": "http://y.example"}]}
    assert told.get("data") == data


def test_an_answer_that_is_changed_has_no_schema_of_its_own():
    text = "do:\n- c: { call: c, output: { as: .x, schema: { document: { type: string } } }, metadata: { participant: fraud } }\n- b: { call: b }\n"
    made = contract_of(text, "fraud")
    told = made["components"]["messages"]["c-completed"]["payload"]["allOf"][1]["properties"]
    assert "data" not in told


def test_tasks_of_functions_from_elsewhere_belong_to_their_callers():
    functions = function_of("http://x.example/f.yaml", {"do": [{"inner": {"call": "pay"}}]})
    text = "do:\n- x: { call: 'http://x.example/f.yaml', metadata: { participant: fraud } }\n- b: { call: b }\n"
    made = contract_of(text, "fraud", functions.items())
    assert "receive-functions-http-x-example-f-yaml-inner-requested" in made["operations"]
