# ruff: noqa: E501 -- a document reads best in one piece
"""`for`: items one after the other."""

from __future__ import annotations

import pytest
from driver import run


def test_each_iteration_gets_the_output_of_the_one_before():
    done = run(
        """
do:
  - loop:
      for: { in: .items }
      do:
        - add: { set: { sum: '${ (.sum // 0) + $item * 10 + $index }' } }
""",
        {"items": [1, 2, 3]},
    )
    assert done.output == {"sum": 63}
    assert [one.iteration for one in done.watch if one.name == "add"] == [0, 0, 1, 1, 2, 2]


def test_the_variables_have_the_names_that_the_document_gives_them():
    text = """
do:
  - loop:
      for: { each: pet, at: place, in: '${ .pets }' }
      do: [ { add: { set: { seen: '${ (.seen // []) + [[$place, $pet]] }' } } } ]
"""
    assert run(text, {"pets": ["a", "b"]}).output == {"seen": [[0, "a"], [1, "b"]]}


def test_an_array_in_the_document_is_a_list_of_templates():
    text = """
do:
  - loop:
      for: { in: [ 1, '${ .x }' ] }
      do: [ { add: { set: '${ {x: .x, seen: ((.seen // []) + [$item])} }' } } ]
"""
    assert run(text, {"x": 7}).output == {"x": 7, "seen": [1, 7]}


def test_while_is_asked_before_each_iteration_and_sees_item_input_and_task():
    text = """
do:
  - loop:
      for: { in: .items }
      while: $item < $input.limit and $task.name == "loop" and . != 99
      do: [ { take: { set: '${ {n: $item} }' } } ]
"""
    assert run(text, {"items": [1, 2, 9, 3], "limit": 5}).output == {"n": 2}
    assert run(text, {"items": [9], "limit": 5}).output == {"items": [9], "limit": 5}


def test_exit_ends_the_loop_with_the_output_of_the_task_that_left():
    text = """
do:
  - loop:
      for: { in: .items }
      do:
        - take: { set: '${ {n: $item} }' }
        - leave: { switch: [ { two: { when: .n == 2, then: exit } } ] }
        - mark: { set: '${ {n: .n, marked: true} }' }
  - after: { set: '${ {was: .} }' }
"""
    assert run(text, {"items": [1, 2, 3]}).output == {"was": {"n": 2}}


def test_continue_on_the_last_task_goes_to_the_next_item():
    text = """
do:
  - loop:
      for: { in: '[1,2,3]' }
      do: [ { add: { set: '${ {n: ((.n // 0) + 1)} }', then: continue } } ]
"""
    assert run(text, {}).output == {"n": 3}


def test_loops_nest_and_the_inner_variables_hide_the_outer_ones():
    text = """
do:
  - outer:
      for: { in: '[1,2]', at: i }
      do:
        - inner:
            for: { in: '[10,20]' }
            do: [ { add: { set: '${ (. // []) + [[$item, $i, $index]] }' } } ]
        - mark: { set: '${ . + [$item] }' }
"""
    assert run(text).output == [[10, 0, 0], [20, 0, 1], 1, [10, 1, 0], [20, 1, 1], 2]


@pytest.mark.parametrize("do", ["[]", "[ { a: { set: { n: 1 } } } ]"])
def test_without_items_the_input_passes_through(do):
    assert run(f"do: [ {{ l: {{ for: {{ in: '[]' }}, do: {do} }} }} ]", {"x": 1}).output == {"x": 1}


def test_a_loop_without_tasks_passes_its_input_through():
    assert run("do: [ { l: { for: { in: '[1,2]' }, do: [] } } ]", {"x": 1}).output == {"x": 1}


def test_what_is_no_array_is_an_expression_fault():
    done = run("do: [ { l: { for: { in: .x }, do: [ { a: { set: { n: 1 } } } ] } } ]", {"x": 3})
    assert (done.kind_of_fault, done.fault.instance) == ("expression", "/do/0/l")
    assert "array" in (done.fault.detail or "")


def test_items_are_evaluated_once():
    text = """
do:
  - loop:
      for: { in: .items }
      do: [ { grow: { set: '${ {items: (.items + [1])} }' } } ]
"""
    assert run(text, {"items": [1, 2]}).output == {"items": [1, 2, 1, 1]}


def test_each_iteration_asks_under_a_key_of_its_own():
    text = "do: [ { l: { for: { in: '[1,2]' }, do: [ { a: { call: work } } ] } } ]"
    done = run(text, answers={"a": 1})
    assert [one.key for one in done.performs] == []
    assert [key.key for key in done.commands if hasattr(key, "reference")] == [
        "/do/0/l/do/0/a[0]",
        "/do/0/l/do/0/a[1]",
    ]


def test_a_while_that_cannot_be_evaluated_faults_in_the_loop():
    done = run(
        "do: [ { l: { for: { in: '[1]' }, while: '1 + {} > 0', do: [ { a: { set: { n: 1 } } } ] } } ]"
    )
    assert (done.kind_of_fault, done.fault.instance) == ("expression", "/do/0/l")
