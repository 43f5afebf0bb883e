"""Business keys: by what a run is found, evaluated while it begins."""

from __future__ import annotations

from driver import Run

from batuta.kernel.commands import Index
from batuta.kernel.step import BEHAVIOUR

HEAD = """
document:
  dsl: '1.0.3'
  namespace: test
  name: keyed
  version: '1.0.0'
  metadata: { keys: { %s } }
"""
DO = "do: [ { a: { set: { done: true } } } ]"


def indexed(keys, data, *, more="", behaviour=BEHAVIOUR):
    begun = Run(HEAD % keys + more + DO).start(data, behaviour=behaviour)
    assert begun.state.status in {"completed", "faulted"}
    return [one.keys for one in begun.commands if isinstance(one, Index)]


def test_keys_are_evaluated_over_the_input():
    keys = "order: .id, customer: '${ $input.customer.name }', large: '.amount > 100'"
    data = {"id": "A-1", "customer": {"name": "Ada"}, "amount": 250}
    assert indexed(keys, data) == [{"order": "A-1", "customer": "Ada", "large": True}]


def test_keys_see_the_input_as_the_workflow_transforms_it():
    assert indexed("order: .number", {"id": 7}, more="input: { from: '{ number: .id }' }\n") == [
        {"order": 7}
    ]


def test_a_key_that_is_no_text_number_or_list_of_them_is_left_out():
    keys = "none: .absent, object: ., deep: '[.]', empty: '[]', list: '[1, \"a\", true]'"
    assert indexed(keys, {"a": 1}) == [{"list": [1, "a", True]}]


def test_a_key_that_cannot_be_evaluated_stops_no_run():
    assert indexed("bad: '.a.b', good: .a", {"a": 1}) == [{"good": 1}]
    assert indexed("bad: '.a.b'", {"a": 1}) == []


def test_a_key_may_need_the_sandbox():
    assert indexed("""year: '.day | capture("(?<y>[0-9]+)").y'""", {"day": "2026-01-31"}) == [
        {"year": "2026"}
    ]


def test_a_run_that_its_input_refuses_has_no_keys():
    schema = "input: { schema: { document: { required: [ id ] } } }\n"
    assert indexed("order: .id", {}, more=schema) == []


def test_histories_from_before_there_were_keys_have_none():
    assert indexed("order: .id", {"id": 1}, behaviour=1) == []
