"""`do`: order, scope and data."""

from __future__ import annotations

from driver import run


def test_tasks_run_in_order_and_pass_their_output_on():
    done = run(
        """
do:
  - outer:
      do:
        - one: { set: { n: '${ .n + 1 }' } }
        - two: { set: { n: '${ .n * 10 }' } }
  - last: { set: { n: '${ .n + 5 }' } }
""",
        {"n": 1},
    )
    assert done.output == {"n": 25}
    assert done.traced("completed") == ["one", "two", "outer", "last"]


def test_a_scope_without_tasks_passes_its_input_on():
    assert run("do: [ { a: { do: [] } } ]", {"n": 1}).output == {"n": 1}


def test_a_workflow_without_tasks_gives_its_input_back():
    assert run("do: []", [1]).output == [1]


def test_a_scope_is_transformed_as_a_whole():
    done = run(
        """
do:
  - outer:
      input: { from: '${ .inner }' }
      do:
        - one: { set: { seen: '${ . }' } }
      output: { as: '${ .seen + 1 }' }
""",
        {"inner": 4},
    )
    assert done.output == 5


def test_a_fault_inside_names_the_task_it_arose_in():
    done = run("do: [ { a: { do: [ { b: { set: '${ 1 + {} }' } } ] } } ]")
    assert (done.status, done.kind_of_fault, done.fault.instance) == (
        "faulted",
        "expression",
        "/do/0/a/do/0/b",
    )
    assert done.traced("faulted") == ["b", "a"]
