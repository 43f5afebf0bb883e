# ruff: noqa: E501 -- a document reads best in one piece
"""`raise`: the document's own faults."""

from __future__ import annotations

import pytest
from driver import run


def test_the_error_is_raised_as_the_document_defines_it():
    done = run(
        """
use:
  errors:
    broken: { type: https://acme.com/broken, status: 418, title: '${ .t }', detail: plain }
do: [ { a: { raise: { error: broken } } } ]
""",
        {"t": "Teapot"},
    )
    assert done.status == "faulted"
    assert done.fault.as_json() == {
        "type": "https://acme.com/broken",
        "status": 418,
        "title": "Teapot",
        "detail": "plain",
        "instance": "/do/0/a",
    }


def test_what_is_no_text_is_written_as_text_and_null_is_left_out():
    done = run(
        "do: [ { a: { raise: { error: { type: 'https://x.y/z', status: 400, title: '${ .n }', "
        "detail: '${ .none }' } } } } ]",
        {"n": 5},
    )
    assert (done.fault.title, done.fault.detail) == ("5", None)


def test_an_instance_that_the_document_gives_is_kept():
    done = run(
        "do: [ { a: { raise: { error: { type: 'https://x.y/z', status: 400, instance: /elsewhere } } } } ]"
    )
    assert done.fault.instance == "/elsewhere"


@pytest.mark.parametrize(
    ("status", "expected"), [(503, 503), (503.0, 503), ("x", None), (True, None), (1.5, None)]
)
def test_a_status_is_an_integer(status, expected):
    done = run(
        "do: [ { a: { raise: { error: { type: 'https://x.y/z', status: '${ .s }' } } } } ]",
        {"s": status},
    )
    if expected is None:
        assert (done.kind_of_fault, done.fault.instance) == ("configuration", "/do/0/a")
    else:
        assert done.fault.status == expected
        assert isinstance(done.fault.status, int)


def test_a_type_that_evaluates_to_null_is_about_blank():
    done = run("do: [ { a: { raise: { error: { type: '${ .none }', status: 400 } } } } ]", {})
    assert done.fault.type == "about:blank"
