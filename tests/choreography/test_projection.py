# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance
"""What each participant hears, and under which type control goes on to whom."""

from __future__ import annotations

import pytest
from material import workflow_of

from batuta.choreography import Types, first_owner, project
from batuta.choreography.checks.branching import members_of
from batuta.choreography.hearing import heard_types
from batuta.choreography.spread import Told
from batuta.choreography.types import LONGEST_TYPE, start_type
from batuta.errors import DefinitionError
from batuta.ports.bus import LONGEST_NAME

A, B = ("metadata: { participant: a }", "metadata: { participant: b }")
CHAIN = f"do:\n- x: {{ call: x, {A} }}\n- y: {{ call: y, {B} }}\n"


def hears(text: str, *participants: str, **more) -> dict[str, set[str] | None]:
    """Return the types that each hears, without the prefix and what all hear."""
    projection = project(workflow_of(text, *participants, **more))
    plain = {f"{projection.types.prefix}.{one}" for one in ("control", "ended", "handover")}
    return {
        name: None
        if part.hears is None
        else {one.removeprefix(f"{projection.types.prefix}.") for one in part.hears - plain}
        for name, part in projection.parts.items()
    }


def test_each_hears_what_carries_control_to_its_tasks():
    assert hears(CHAIN, "a", "b") == {"a": {"start"}, "b": {"x.completed"}}


def test_a_fault_that_is_caught_carries_control_too():
    text = f"do:\n- t: {{ try: [ x: {{ call: x, {A} }} ], catch: {{ do: [ y: {{ call: y, {B} }} ] }} }}\n"
    assert hears(text, "a", "b")["b"] == {"t.x.faulted"}


def test_who_keeps_a_join_hears_how_its_branches_end():
    text = f"do:\n- x: {{ call: x, {A} }}\n- f: {{ fork: {{ branches: [ l: {{ call: l, {A} }}, r: {{ call: r, {B} }} ] }} }}\n"
    assert hears(text, "a", "b") == {
        "a": {"start", "f.r.completed", "f.r.faulted"},
        "b": {"x.completed"},
    }


def test_what_extensions_put_around_a_task_comes_before_and_behind_it():
    text = f"use: {{ extensions: [ e: {{ extend: call, when: .x, before: [ n: {{ call: note, {B} }} ], after: [ m: {{ call: note, {B} }} ] }} ] }}\ndo:\n- x: {{ call: x, {A} }}\n- y: {{ call: y, {A} }}\n"
    heard = hears(text, "a", "b")
    assert heard["a"] == {
        "start",
        "extensions.e.before.n.completed",
        "extensions.e.after.m.completed",
    }
    assert heard["b"] == {"start", "x.completed", "y.completed"}


def test_a_listen_hears_its_events_and_one_without_a_type_hears_all():
    listen = f"do:\n- l: {{ listen: {{ to: {{ one: {{ with: {{ type: paid }} }} }} }}, {A} }}\n"
    assert hears(listen, "a") == {"a": {"start", "paid"}}
    assert hears(listen.replace("type: paid", "source: 's:x'"), "a") == {"a": None}


def test_control_goes_on_under_the_type_of_what_ended_if_all_that_are_meant_hear_it():
    projection = project(workflow_of(CHAIN, "a", "b"))
    types = projection.types
    assert projection.announced("completed", "/do/0/x", ["b"]) == types.completed("/do/0/x")
    assert projection.announced("faulted", "/do/0/x", ["b"]) == types.handover
    assert projection.announced("completed", "/do/1/y", ["a"]) == types.handover


def test_control_goes_on_under_the_handover_when_nothing_ended():
    projection = project(workflow_of(CHAIN, "a", "b"))
    assert projection.announced("", "", ["b"]) == projection.types.handover
    assert projection.announced("start", "", ["a"]) == projection.types.start


def test_what_a_service_told_itself_is_not_told_again():
    text = "do:\n- x: { call: x, metadata: { participant: ext%s } }\n" + CHAIN[4:]
    text = text.replace(
        "- x: { call: x, metadata: { participant: a", "- z: { call: z, metadata: { participant: a"
    )
    projection = project(workflow_of(text % "", "a", "b", external=("ext",), default="a"))
    assert projection.announced("completed", "/do/0/x", ["a"]) == projection.types.handover
    named = project(
        workflow_of(text % ", event: com.done", "a", "b", external=("ext",), default="a")
    )
    assert named.announced("completed", "/do/0/x", []) == "com.done"


def test_a_type_tells_what_ended_how():
    types = Types(workflow_of(CHAIN, "a", "b"))
    told = [Told("start"), Told("control"), Told("handover"), Told("faulted", "/do/0/x")]
    assert [types.of(one.what, one.reference) for one in told] == [
        types.start,
        types.control,
        types.handover,
        "batuta.shop.order.x.faulted",
    ]


def test_a_name_that_lies_deep_is_cut_to_what_a_bus_takes_and_stays_its_own():
    inner = f"[ x: {{ call: x, {A} }}, y: {{ call: y, {B} }} ]"
    for depth in range(30):
        inner = f"[ überaus-lang-{depth}: {{ do: {inner} }} ]"
    types = Types(workflow_of(f"do: {inner}\n", "a", "b"))
    told = [types.completed(one) for one in types.names]
    assert len(set(told)) == len(told) == 32
    assert all(len(one.encode()) <= LONGEST_NAME == LONGEST_TYPE for one in told)


def test_names_that_clash_get_numbers_that_no_other_has():
    text = "do:\n- x y: { do: [ set: { set: { a: 1 } } ] }\n- x-y: { set: { a: 1 } }\n- x-y-2: { set: { a: 1 } }\n- x?y: { set: { a: 1 } }\n"
    types = Types(workflow_of(text.replace("x?y", '"x?y"'), "a"))
    assert len(set(types.names.values())) == len(types.names) == 5


def test_a_workflow_without_participants_has_no_first_one():
    with pytest.raises(DefinitionError, match="names no participant"):
        first_owner(workflow_of("do:\n- x: { call: x }\n"), {})


def test_the_start_of_any_workflow_is_known_without_its_other_types():
    assert start_type(workflow_of(CHAIN, "a", "b")) == "batuta.shop.order.start"


def test_a_workflow_hears_what_its_listens_and_its_schedule_do():
    listen = "do:\n- l: { listen: { to: { any: [ { with: { type: paid } } ] } } }\n"
    schedule = "schedule: { on: { one: { with: { type: asked } } } }\n"
    assert heard_types(workflow_of(listen + schedule)) == {"paid", "asked"}
    assert heard_types(workflow_of(listen.replace("type: paid", "source: 's:x'"))) is None


@pytest.mark.parametrize(
    ("transform", "members"),
    [
        ({"a": 1, "b": 2}, {"a", "b"}),
        ('${ { a: 1, "b": 2 } }', {"a", "b"}),
        ("${ $context + { a: 1 } }", {"a"}),
        ('${ $context | .a = 1 | .["b"] = 2 }', {"a", "b"}),
        ("${ { (.x): 1 } }", None),
        ("${ $context | .a.b = 1 }", None),
        ("${ $context | .a }", None),
        ("${ . }", None),
        ("${ $context + . }", None),
    ],
)  # fmt: skip
def test_the_members_that_an_export_sets_are_seen_where_it_writes_them_out(transform, members):
    assert members_of(transform) == members
