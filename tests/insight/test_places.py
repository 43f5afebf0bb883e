"""What lies inside what, and what may come before what."""

import pytest

from batuta.insight.places import Order, is_inside, orders_of, scope_of


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        (("/do/0/a", ""), ("/do/0/a/do/0/b", ""), True),
        (("/do/0/a", ""), ("/do/0/a", ""), False),
        (("/do/0/a", ""), ("/do/0/ab/do/0/b", ""), False),
        (("/do/0/a", ""), ("/do/0/a/do/0/b", "[1]"), True),
        (("/do/0/a/do/0/b", "[1]"), ("/do/0/a/do/0/b/do/0/c", "[1]"), True),
        (("/do/0/a/do/0/b", "[1]"), ("/do/0/a/do/0/b/do/0/c", "[2]"), False),
        (("/do/0/a/try/0/b", "+1"), ("/do/0/a/try/0/b/do/0/c", "+10"), False),
        (("/do/0/a", ""), ("/use/functions/f/do/0/c", "@/do/0/a"), True),
        (("/do/0/a", ""), ("/use/functions/f/do/0/c", "@/do/0/ab"), False),
        (("/do/0/a", ""), ("/use/functions/f", "@/do/0/a/do/1/b"), True),
    ],
)
def test_an_occurrence_lies_inside_of_those_that_it_began_in(outer, inner, inside):
    assert is_inside(outer, inner) is inside


def test_occurrences_side_by_side_have_one_scope_however_often_control_turned():
    assert scope_of("[1]~2") == scope_of("[1]") == "[1]"
    assert scope_of("~1[0]") == "~1[0]"


def test_a_task_follows_the_one_before_it_or_one_that_names_it(program):
    orders = orders_of(
        program("""
do:
  - a: { set: { n: 1 }, then: c }
  - b: { set: { n: 1 } }
  - c: { if: .x, set: { n: 1 } }
  - d: { switch: [ { one: { when: .y, then: b } }, { other: { then: exit } } ] }
  - e: { do: [ { f: { if: .x, set: { n: 1 } } }, { g: { set: { n: 1 } } } ] }
""")
    )
    assert orders["/do/0/a"] == Order(True, frozenset())
    assert orders["/do/1/b"] == Order(False, frozenset({"/do/3/d"}))
    assert orders["/do/2/c"] == Order(False, frozenset({"/do/0/a", "/do/1/b"}))
    # What has a condition may be skipped.
    assert orders["/do/3/d"] == Order(False, frozenset({"/do/0/a", "/do/1/b", "/do/2/c"}))
    assert orders["/do/4/e"].after == {"/do/3/d"}
    assert orders["/do/4/e/do/0/f"] == Order(True, frozenset())
    assert orders["/do/4/e/do/1/g"] == Order(True, frozenset({"/do/4/e/do/0/f"}))


def test_branches_functions_and_what_undoes_a_task_have_nothing_before_them(program):
    orders = orders_of(
        program("""
use: { functions: { f: { set: { n: 1 } } } }
do:
  - a: { fork: { branches: [ { l: { set: { n: 1 } } }, { r: { set: { n: 1 } } } ] } }
  - b:
      try: [ { t: { raise: { error: { type: 'https://x', status: 500 } } } } ]
      catch: { do: [ { u: { set: { n: 1 } } } ], then: a }
      metadata: { compensate: { set: { n: 1 } } }
""")
    )
    alone = Order(True, frozenset())
    assert orders["/do/0/a/fork/branches/1/r"] == alone
    assert orders["/use/functions/f"] == alone
    assert orders["/do/1/b/metadata/compensate"] == alone
    assert orders["/do/1/b/catch/do/0/u"] == alone
    assert orders["/do/0/a"] == Order(True, frozenset({"/do/1/b"}))


def test_a_task_with_extensions_keeps_its_place(program):
    orders = orders_of(
        program("""
use:
  extensions:
    - note: { extend: set, when: .x, before: [ { n: { emit: { event: { with: { type: a } } } } } ] }
do:
  - a: { if: .x, set: { n: 1 } }
  - b: { set: { n: 1 } }
""")
    )
    assert orders["/do/0/a"] == Order(True, frozenset())
    assert orders["/do/1/b"] == Order(True, frozenset({"/do/0/a"}))
    assert not any("#" in reference for reference in orders)
