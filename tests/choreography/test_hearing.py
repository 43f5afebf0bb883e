"""Which events of the world a workflow hears is read off its filters."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest
from material import workflow_of

from batuta.choreography import project
from batuta.choreography.hearing import heard_types

LISTEN = "do:\n- l: {{ listen: {{ to: {} }}, metadata: {{ participant: a }} }}\n"
ONE = LISTEN.format("{ one: { with: { type: x } } }")


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (ONE, {"x"}),
        ("schedule: { on: { any: [ { with: { type: s } } ] } }\n" + ONE, {"x", "s"}),
        (
            LISTEN.format(
                "{ any: [ { with: { type: x } } ], until: { one: { with: { type: u } } } }"
            ),
            {"x", "u"},
        ),
        (LISTEN.format("{ any: [] }"), None),
        (LISTEN.format("{ one: { with: { source: /s } } }"), None),
        (LISTEN.format("{ one: { with: { type: '${ . == \"x\" }' } } }"), None),
        ("do:\n- x: { set: { a: 1 } }\n", set()),
    ],
)
def test_what_is_heard_is_what_the_filters_name(text, types):
    assert heard_types(workflow_of(text, "a")) == types


def test_a_sub_workflow_s_end_is_heard_by_who_runs_it():
    run = "do:\n- r: {{ run: {{ workflow: {{ namespace: n, name: {}, version: '1.0.0' }} }}, metadata: {{ participant: a }} }}\n"
    named = project(workflow_of(run.format("w"), "a")).parts["a"]
    computed = project(workflow_of(run.format("'${ .w }'"), "a")).parts["a"]
    assert named.hears is not None
    assert "batuta.n.w.ended" in named.hears
    assert computed.hears is None


def test_what_was_not_foreseen_goes_under_a_type_that_all_hear():
    text = (
        "do:\n- x: { call: x, metadata: { participant: a } }\n"
        "- o: { call: o, metadata: { participant: o } }\n"
        "- y: { call: y, metadata: { participant: b } }\n"
    )
    seen = project(workflow_of(text, "a", "b", external=("o",)))
    types = seen.types
    assert seen.announced("completed", "/do/9/none", {"b"}) == types.handover
    assert seen.announced("completed", "/do/1/o", {"b"}) == types.handover
    assert seen.announced("faulted", "/do/0/x", {"b"}) == types.handover
    assert seen.announced("start", "", {"a"}) == types.start
