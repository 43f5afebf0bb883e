# ruff: noqa: E501 -- a document reads best in one piece
"""`emit`: a CloudEvent with the step's commit."""

from __future__ import annotations

import pytest
from driver import run


def test_what_the_document_leaves_out_is_filled_in_and_the_output_is_the_envelope():
    done = run(
        "do: [ { e: { emit: { event: { with: { source: /s, type: a.b, data: { n: '${ .n }' } } } } } } ]",
        {"n": 1},
    )
    assert done.output == {
        "specversion": "1.0",
        "id": "r1/do/0/e",
        "source": "/s",
        "type": "a.b",
        "time": "1970-01-01T00:16:40.000Z",
        "datacontenttype": "application/json",
        "data": {"n": 1},
    }
    assert done.events == [done.output]


def test_each_occurrence_has_an_id_of_its_own():
    done = run(
        "do: [ { l: { for: { in: '[1,2]' }, do: [ { e: { emit: { event: { with: { source: /s, type: a } } } } } ] } } ]"
    )
    assert [one["id"] for one in done.events] == ["r1/do/0/l/do/0/e[0]", "r1/do/0/l/do/0/e[1]"]
    assert "datacontenttype" not in done.events[0]


def test_an_attribute_that_is_null_is_left_out_and_an_own_id_is_kept():
    done = run(
        "do: [ { e: { emit: { event: { with: { source: /s, type: a, id: mine, subject: '${ .none }' } } } } } ]",
        {},
    )
    assert done.output["id"] == "mine"
    assert "subject" not in done.output


@pytest.mark.parametrize("value", ["", 5, {"a": 1}])
def test_an_attribute_that_is_no_text_is_a_configuration_fault(value):
    done = run(
        "do: [ { e: { emit: { event: { with: { source: /s, type: '${ .t }' } } } } } ]",
        {"t": value},
    )
    assert (done.kind_of_fault, done.events) == ("configuration", [])


def test_a_completed_task_announces_itself_when_its_metadata_says_so():
    done = run(
        """
do:
  - a: { call: work, output: { as: .id }, metadata: { event: com.acme.done.v1 } }
""",
        answers={"a": {"id": 7}},
    )
    (event,) = done.events
    assert (event["type"], event["data"], event["id"]) == (
        "com.acme.done.v1",
        7,
        "r1/do/0/a/completed",
    )
    assert event["subject"] == "r1"
