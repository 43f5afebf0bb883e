"""`switch`: the first case that holds."""

from __future__ import annotations

import pytest
from driver import run

CASES = (
    """
do:
  - choose:
      switch:
        - other: { then: three }
        - one: { when: .n == 1, then: one }
        - small: { when: .n < 3, then: two }
  - one: { set: one, then: exit }
  - two: { set: two, then: exit }
  - three: { set: three }
""".replace("set: one", "set: '${ \"one\" }'")
    .replace("set: two", "set: '${ \"two\" }'")
    .replace("set: three", "set: '${ \"three\" }'")
)


@pytest.mark.parametrize(("n", "expected"), [(1, "one"), (2, "two"), (3, "three")])
def test_the_first_case_that_holds_decides_and_the_default_only_when_none_does(n, expected):
    assert run(CASES, {"n": n}).output == expected


def test_without_a_match_the_switch_s_own_then_applies():
    text = """
do:
  - choose: { switch: [ { a: { when: .x, then: end } } ], then: third }
  - second: { set: { second: true } }
  - third: { set: { third: true, was: '${ . }' } }
"""
    assert run(text, {"x": None}).output == {"third": True, "was": {"x": None}}


def test_the_output_is_the_input():
    text = "do: [ { choose: { switch: [ { a: { then: continue } } ] } } ]"
    assert run(text, {"x": 1}).output == {"x": 1}


@pytest.mark.parametrize(("value", "holds"), [(0, True), ("", True), ([], True), (False, False)])
def test_a_condition_holds_unless_it_is_null_or_false(value, holds):
    text = """
do:
  - choose: { switch: [ { yes: { when: .v, then: end } } ] }
  - second: { set: '${ "no" }' }
"""
    assert (run(text, {"v": value}).output != "no") is holds


def test_a_condition_that_cannot_be_evaluated_faults():
    done = run("do: [ { c: { switch: [ { a: { when: '.x + 1 > {} + 1', then: end } } ] } } ]", {})
    assert (done.kind_of_fault, done.fault.instance) == ("expression", "/do/0/c")
