# ruff: noqa: E501 -- a document reads best in one piece
"""`then`: continue, exit, end and names, in every scope."""

from __future__ import annotations

import pytest
from driver import Raises, Run, run

from batuta.kernel.commands import Abandon, Perform, Unsubscribe


def text_of(name: str) -> str:
    return f"'${{ \"{name}\" }}'"


A, B, C, N = (text_of(name) for name in ("a", "b", "c", "never"))


def test_a_name_jumps_forward():
    text = f"do: [ {{ a: {{ set: {A}, then: c }} }}, {{ b: {{ set: {N} }} }}, {{ c: {{ set: '${{ [.] }}' }} }} ]"
    assert run(text).output == ["a"]


LOOP = """
do:
  - add: { set: '${ {n: ((.n // 0) + 1)} }' }
  - choose: { switch: [ { more: { when: .n < 5, then: add } } ] }
  - work: { call: work, with: { n: '${ .n }' } }
  - again: { switch: [ { more: { when: . < 7, then: work2 } } ], then: end }
  - work2: { set: '${ {n: .} }', then: add }
"""


def test_a_name_jumps_back_and_loops():
    done = run(LOOP, answers={"work": lambda asked: asked.arguments["n"]})
    assert done.output == 7
    assert [one.key for one in done.of(Perform)] == ["/do/2/work~4", "/do/2/work~5", "/do/2/work~6"]


def test_each_round_of_a_jump_has_paths_of_its_own_inside_loops_too():
    text = """
do:
  - l:
      for: { in: '[1,2]' }
      do:
        - a: { call: work }
        - c: { switch: [ { again: { when: . == "again", then: a } } ] }
"""
    answers = iter(["again", "ok", "ok"])
    done = run(text, answers={"a": lambda _: next(answers)})
    assert [one.key for one in done.of(Perform)] == [
        "/do/0/l/do/0/a[0]",
        "/do/0/l/do/0/a[0]~1",
        "/do/0/l/do/0/a[1]",
    ]


def test_a_task_may_jump_to_itself():
    text = "do: [ { a: { set: '${ . + 1 }', then: c } }, { c: { switch: [ { m: { when: . < 3, then: c2 } } ], then: end } }, { c2: { set: '${ . + 1 }', then: c } } ]"
    assert run(text, 0).output == 3


@pytest.mark.parametrize(
    "scope",
    [
        "do: [ INNER ]",
        "try: [ INNER ]\n      catch: {}",
        "for: { in: '[1,2]' }\n      do: [ INNER ]",
        "try: [ { f: { raise: { error: { type: 'https://a.b/c', status: 400 } } } } ]\n      catch: { do: [ INNER ] }",
    ],
)
@pytest.mark.parametrize(
    ("then", "expected"), [("exit", ["a"]), ("end", "a"), ("continue", ["never"])]
)
def test_exit_ends_the_scope_and_end_the_run(scope, then, expected):
    inner = f"{{ a: {{ set: {A}, then: {then} }} }}, {{ b: {{ set: {N} }} }}"
    text = (
        f"do:\n  - s:\n      {scope.replace('INNER', inner)}\n  - last: {{ set: '${{ [.] }}' }}\n"
    )
    assert run(text).output == expected


def test_exit_of_the_outermost_scope_completes_the_run():
    assert (
        run(f"do: [ {{ a: {{ set: {A}, then: exit }} }}, {{ b: {{ set: {N} }} }} ]").output == "a"
    )


def test_a_composite_s_own_then_is_followed_when_it_ends():
    text = f"do: [ {{ s: {{ do: [ {{ a: {{ set: {A} }} }} ], then: c }} }}, {{ b: {{ set: {N} }} }}, {{ c: {{ set: '${{ [.] }}' }} }} ]"
    assert run(text).output == ["a"]


END_IN_BRANCH = """
do:
  - outer:
      listen: { to: { any: [ { with: { type: x } } ], until: false } }
      foreach:
        do:
          - f:
              fork:
                branches:
                  - a: { do: [ { c: { call: c } }, { stop: { set: '${ "stopped" }', then: end } } ] }
                  - b: { fork: { branches: [ { d: { call: d } }, { l: { listen: { to: { one: { with: { type: y } } } } } } ] } }
  - last: { set: { n: 1 } }
"""


def test_end_in_a_branch_completes_the_run_and_cancels_the_rest():
    done = run(END_IN_BRANCH).send("x").answer("c")
    assert done.output == "stopped"
    assert [one.key.partition("[")[0].rpartition("/")[2] for one in done.of(Abandon)] == ["d"]
    assert len(done.of(Unsubscribe)) == 2
    # What led to the end completes; what stood beside it is cancelled.
    assert done.traced("completed") == ["c", "stop", "a", "f", "outer"]
    assert done.traced("cancelled") == ["d", "l", "b"]


def test_end_keeps_what_every_branch_owes_until_the_run_has_an_output():
    text = """
output: { as: '${ . + {} }' }
do:
  - f:
      fork:
        branches:
          - a: { do: [ { x: { call: x, metadata: { compensate: { call: undo_x } } } }, { m: { call: m } } ] }
          - b: { do: [ { y: { call: y, metadata: { compensate: { call: undo_y } } } }, { stop: { set: '${ 1 }', then: end } } ] }
"""
    done = run(text).answer("x").answer("y")
    assert done.status == "running"
    assert done.asked("undo_y")
    done.answer("undo_y").answer("undo_x")
    assert (done.status, done.kind_of_fault) == ("faulted", "expression")


def test_the_context_at_the_end_is_that_of_who_ended():
    text = "output: { as: $context }\n" + END_IN_BRANCH.replace(
        "then: end }", "export: { as: '{by: \"a\"}' }, then: end }"
    )
    assert run(text).send("x").answer("c").output == {"by": "a"}


def test_a_name_that_is_not_beside_a_branch_is_a_configuration_fault():
    # The checks of a definition refuse it; a program that was compiled without them is no worse off.
    import msgspec
    from driver import HEADER

    from batuta.definition import check
    from batuta.kernel.program import compile_workflow

    workflow = check(HEADER + "do: [ { a: { set: { n: 1 } } } ]").workflow
    assert workflow is not None
    task = msgspec.structs.replace(workflow.do[0], then="nowhere")
    program = compile_workflow(msgspec.structs.replace(workflow, do=(task,)))
    done = Run(program).start()
    assert (done.kind_of_fault, done.fault.instance) == ("configuration", "/do/0/a")


def test_a_retried_body_may_jump():
    text = """
do:
  - t:
      try:
        - a: { call: work }
        - c: { switch: [ { again: { when: . == "again", then: a } } ] }
      catch: { retry: { limit: { attempt: { count: 1 } } } }
"""
    answers = iter(["again", Raises(), "again", "ok"])
    done = run(text, answers={"a": lambda _: next(answers)})
    assert done.output == "ok"
    assert [one.key.rpartition("/")[2] for one in done.of(Perform)] == ["a", "a~1", "a+1", "a+1~1"]
    assert [one.occurrence.rpartition("/")[2] for one in done.of(Perform)] == [
        "a",
        "a~1",
        "a",
        "a~1",
    ]
