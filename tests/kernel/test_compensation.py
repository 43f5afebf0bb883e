# ruff: noqa: E501 -- a document reads best in one piece
"""Undoing: order, place, repetition, and what may not be lost on the way."""

from __future__ import annotations

import pytest
from driver import Raises, Sequence, run

from batuta.kernel.commands import Abandon, Perform

UNDO = "metadata: { compensate: { call: undo, with: { what: '${ $output }', of: '${ $input }' } } }"


def undone(done) -> list[object]:
    return [one.arguments.get("what") for one in done.of(Perform) if one.target == "undo"]


TWO = f"""
do:
  - a: {{ call: a, {UNDO} }}
  - b: {{ call: b, {UNDO} }}
  - c: {{ call: c }}
"""


def test_a_run_that_faults_undoes_what_was_completed_newest_first():
    done = run(TWO, "in", answers={"a": "A", "b": "B", "c": Raises(), "undo": None})
    assert [one.arguments for one in done.of(Perform) if one.target == "undo"] == [
        {"what": "B", "of": "A"},
        {"what": "A", "of": "in"},
    ]
    assert (done.status, done.fault.instance) == ("faulted", "/do/2/c")


def test_a_run_that_completes_undoes_nothing():
    done = run(TWO, answers={"a": 1, "b": 2, "c": 3})
    assert done.performed == ["a", "b", "c"]


def test_the_fault_stands_until_everything_is_undone():
    done = run(TWO, answers={"a": 1, "b": 2, "c": Raises()})
    assert (done.status, done.waiting) == ("running", ["compensate"])
    assert done.answer("undo").status == "running"
    assert done.answer("undo").status == "faulted"


def test_a_skipped_task_and_a_faulted_one_owe_nothing():
    text = f"do: [ {{ a: {{ if: 'false', call: a, {UNDO} }} }}, {{ b: {{ call: b, {UNDO} }} }} ]"
    assert run(text, answers={"b": Raises()}).performed == ["b"]


def test_a_catch_undoes_what_its_try_completed_before_it_handles():
    text = f"""
do:
  - before: {{ call: before, {UNDO} }}
  - t:
      try:
        - a: {{ call: a, {UNDO} }}
        - b: {{ call: b }}
      catch: {{ do: [ {{ h: {{ call: handle }} }} ] }}
  - last: {{ call: last }}
"""
    done = run(
        text, answers={"before": 0, "a": "A", "b": Raises(), "undo": None, "h": 1, "last": Raises()}
    )
    assert done.performed == ["before", "a", "b", "compensate", "h", "last", "compensate"]
    assert undone(done) == ["A", 0]


def test_a_try_without_handler_undoes_too():
    text = f"do: [ {{ t: {{ try: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ], catch: {{}} }} }} ]"
    done = run(text, "in", answers={"a": "A", "b": Raises(), "undo": None})
    assert (undone(done), done.output) == (["A"], "in")


def test_a_try_that_gives_up_after_its_retries_has_undone():
    text = f"""
do:
  - t:
      try: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }} }}
"""
    done = run(text, answers={"a": Sequence("A1", "A2"), "b": Raises(), "undo": None})
    # An occurrence is owed once, whatever the attempts: what it gave last is undone.
    assert (undone(done), done.status) == (["A2"], "faulted")


def test_what_an_earlier_attempt_completed_is_undone_although_the_last_did_not_reach_it():
    text = f"""
do:
  - t:
      try: [ {{ z: {{ call: z }} }}, {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }}, do: [] }}
"""
    done = run(text, answers={"z": Sequence(1, Raises()), "a": "A", "b": Raises(), "undo": None})
    assert undone(done) == ["A"]


def test_an_inner_try_finds_what_it_completed_again_in_a_later_attempt_of_an_outer_one():
    text = f"""
do:
  - outer:
      try:
        - inner:
            try: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
            catch: {{ errors: {{ with: {{ status: 503 }} }}, do: [ {{ h: {{ set: '${{ "handled" }}' }} }} ] }}
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }} }}
"""
    done = run(
        text,
        answers={
            "a": Sequence("A1", "A2"),
            "b": Sequence(Raises(status=400), Raises(status=503)),
            "undo": None,
        },
    )
    assert (undone(done), done.output) == (["A2"], "handled")


def test_each_iteration_is_undone_with_its_own_variables():
    text = """
do:
  - l:
      for: { in: '["x", "y"]', at: i }
      do: [ { a: { call: a, metadata: { compensate: { call: undo, with: { what: '${ [$item, $i, $output] }' } } } } } ]
  - c: { call: c }
"""
    done = run(text, answers={"a": Sequence(1, 2), "c": Raises(), "undo": None})
    assert undone(done) == [["y", 1, 2], ["x", 0, 1]]


def test_each_round_of_a_jump_is_undone():
    text = f"""
do:
  - a: {{ call: a, {UNDO} }}
  - s: {{ switch: [ {{ again: {{ when: . == 1, then: a }} }} ] }}
  - c: {{ call: c }}
"""
    assert undone(run(text, answers={"a": Sequence(1, 2), "c": Raises(), "undo": None})) == [2, 1]


def test_what_a_function_completed_is_undone_by_the_try_that_called_it():
    text = f"""
use: {{ functions: {{ f: {{ do: [ {{ a: {{ call: a, {UNDO} }} }} ] }} }} }}
do:
  - first: {{ call: f }}
  - t:
      try: [ {{ second: {{ call: f }} }}, {{ b: {{ call: b }} }} ]
      catch: {{}}
"""
    assert undone(run(text, answers={"a": Sequence(1, 2), "b": Raises(), "undo": None})) == [2]


def test_what_branches_completed_is_undone_in_declared_order_reversed():
    text = f"""
do:
  - f: {{ fork: {{ branches: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b, {UNDO} }} }} ] }} }}
  - c: {{ call: c }}
"""
    done = run(text).answer("b", "B").answer("a", "A").fail("c").answer("undo").answer("undo")
    assert (undone(done), done.status) == (["B", "A"], "faulted")


def test_a_branch_that_faults_makes_the_run_undo_all_branches():
    text = f"""
do:
  - f:
      fork:
        branches:
          - a: {{ do: [ {{ x: {{ call: x, {UNDO} }} }}, {{ y: {{ call: y }} }} ] }}
          - b: {{ do: [ {{ p: {{ call: p, {UNDO} }} }}, {{ q: {{ call: q }} }} ] }}
"""
    done = run(text, answers={"undo": None}).answer("x", "X").answer("p", "P").fail("q")
    assert (undone(done), done.status) == (["P", "X"], "faulted")


def test_a_catch_inside_a_branch_undoes_its_own_part_only():
    text = f"""
do:
  - f:
      fork:
        branches:
          - a: {{ try: [ {{ x: {{ call: x, {UNDO} }} }}, {{ y: {{ call: y }} }} ], catch: {{}} }}
          - b: {{ call: b, {UNDO} }}
"""
    done = run(text, 0, answers={"undo": None, "b": "B"}).answer("x", "X").fail("y")
    assert (undone(done), done.output) == (["X"], [0, "B"])


def test_what_composites_and_their_tasks_owe_is_undone_inside_out_reversed():
    text = f"do: [ {{ s: {{ do: [ {{ a: {{ call: a, {UNDO} }} }} ], output: {{ as: '\"S\"' }}, {UNDO} }} }}, {{ c: {{ call: c }} }} ]"
    assert undone(run(text, answers={"a": "A", "c": Raises(), "undo": None})) == ["S", "A"]


# -- undoing that fails ----------------------------------------------------------------------------


def test_a_compensation_that_faults_is_tried_again_with_growing_delays():
    done = run(TWO, answers={"a": 1, "b": 2, "c": Raises()})
    found = []
    for _ in range(4):
        done.fail("undo")
        found.append((done.state.wake or 0) - done.now)
        done.advance(found[-1])
    assert found == [1_000, 2_000, 4_000, 8_000]
    done.answer("undo").answer("undo")
    assert (done.status, done.fault.instance) == ("faulted", "/do/2/c")
    attempts = [one for one in done.of(Perform) if one.target == "undo"][:5]
    assert [one.attempt for one in attempts] == [1, 2, 3, 4, 5]
    assert len({one.key for one in attempts}) == 5
    assert len({one.occurrence for one in attempts}) == 1


def test_one_that_cannot_be_undone_is_told_and_the_others_are_undone_all_the_same():
    def fails_b(asked):
        return Raises() if asked.arguments["what"] == "B" else None

    done = run(TWO, answers={"a": "A", "b": "B", "c": Raises(), "undo": fails_b}).advance(60_000)
    assert undone(done) == ["B"] * 5 + ["A"]
    assert (done.status, done.fault.title, done.fault.instance) == (
        "faulted",
        "Compensation failed",
        "/do/1/b/metadata/compensate",
    )
    assert "Broken at /do/2/c" in (done.fault.detail or "")


def test_a_catch_does_not_go_on_over_what_could_not_be_undone():
    text = f"""
do:
  - outer:
      try:
        - t:
            try: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
            catch: {{ do: [ {{ never: {{ call: never }} }} ] }}
      catch: {{ do: [ {{ h: {{ set: '${{ $error.title }}' }} }} ] }}
"""
    done = run(text, answers={"a": 1, "b": Raises(), "undo": Raises()}).advance(60_000)
    assert done.output == "Compensation failed"
    assert "never" not in done.performed


def test_a_compensation_may_have_many_tasks_and_a_deadline_of_its_own():
    text = """
do:
  - a:
      call: a
      metadata:
        compensate:
          timeout: { after: PT2S }
          do:
            - one: { call: one, with: { o: '${ $output }', i: '${ $input }' } }
            - two: { try: [ { x: { call: x } } ], catch: { retry: { limit: { attempt: { count: 1 } } } } }
  - c: { call: c }
"""
    done = run(text, "in", answers={"a": "A", "c": Raises()})
    assert done.asked("one").arguments == {"o": "A", "i": "in"}
    done.advance(2_000).advance(1_000)
    assert done.asked("one").attempt == 2
    done.answer("one").fail("x").answer("x")
    assert done.fault.instance == "/do/1/c"
    keys = [one.key for one in done.of(Perform)]
    assert len(set(keys)) == len(keys)


def test_no_timeout_around_interrupts_the_undoing():
    text = f"""
timeout: {{ after: PT3S }}
do:
  - t:
      timeout: {{ after: PT2S }}
      try: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
      catch: {{ do: [ {{ h: {{ call: h }} }} ] }}
"""
    done = run(text, answers={"a": 1, "b": Raises()})
    done.fail("undo").advance(1_000).fail("undo").advance(2_000)
    assert done.state.wake is None
    assert done.waiting == ["compensate"]
    # Now the timeouts count again, before anything else begins; the outer one was missed first.
    assert done.answer("undo").fault.instance == ""


def test_a_timeout_that_an_undoing_held_up_counts_before_the_winner_of_a_fork_goes_on():
    text = f"""
do:
  - t:
      timeout: {{ after: PT2S }}
      do:
        - race:
            fork:
              compete: true
              branches:
                - slow: {{ do: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ] }}
                - quick: {{ call: c }}
        - next: {{ call: next }}
"""
    done = run(text, answers={"a": 1})
    done.answer("c")
    assert done.waiting == ["compensate"]
    done.advance(3_000).answer("undo")
    assert done.fault.instance == "/do/0/t"


def test_what_is_interrupted_by_the_fault_of_another_branch_is_undone_by_the_run():
    text = f"""
do:
  - f:
      fork:
        branches:
          - a: {{ try: [ {{ x: {{ call: x, {UNDO} }} }}, {{ y: {{ call: y, {UNDO} }} }}, {{ z: {{ call: z }} }} ], catch: {{}} }}
          - b: {{ call: b }}
"""
    done = run(text).answer("x", "X").answer("y", "Y").fail("z").answer("undo").fail("b")
    assert done.of(Abandon)[-1].key.startswith(
        "/do/0/f/fork/branches/0/a/try/0/x/metadata/compensate"
    )
    assert done.answer("undo").status == "faulted"
    assert undone(done) == ["Y", "X", "X"]


def test_end_inside_a_compensation_ends_the_compensation_only():
    text = """
do:
  - a:
      call: a
      metadata:
        compensate:
          fork:
            branches:
              - one: { do: [ { stop: { set: { n: 1 }, then: end } }, { never: { call: never } } ] }
              - two: { call: two }
  - b: { call: b, metadata: { compensate: { set: { n: 1 }, then: end } } }
  - c: { call: c }
"""
    done = run(text, answers={"a": 1, "b": 2, "c": Raises()})
    assert (done.status, done.fault.instance) == ("faulted", "/do/2/c")
    assert "never" not in done.performed


def test_what_undoing_completes_owes_nothing_itself():
    text = f"""
use: {{ functions: {{ f: {{ do: [ {{ x: {{ call: x, {UNDO} }} }} ] }} }} }}
do:
  - t:
      try: [ {{ a: {{ call: a, metadata: {{ compensate: {{ call: f }} }} }} }}, {{ b: {{ call: b }} }} ]
      catch: {{}}
  - c: {{ call: c }}
"""
    done = run(text, answers={"a": 1, "b": Raises(), "x": 1, "c": Raises()})
    assert (done.status, undone(done)) == ("faulted", [])


# -- cancelling ------------------------------------------------------------------------------------


def test_a_cancelled_run_undoes_everything_and_ends_cancelled():
    text = f"""
do:
  - a: {{ call: a, {UNDO} }}
  - f: {{ fork: {{ branches: [ {{ s: {{ do: [ {{ x: {{ call: x, {UNDO} }} }}, {{ y: {{ call: y }} }} ] }} }}, {{ b: {{ call: b, {UNDO} }} }} ] }} }}
"""
    done = run(text, answers={"a": "A", "undo": None}).answer("x", "X").answer("b", "B").cancel()
    assert (undone(done), done.status, done.state.fault) == (["B", "X", "A"], "cancelled", None)
    assert [one.key for one in done.of(Abandon)] == ["/do/1/f/fork/branches/0/s/do/1/y"]


def test_a_cancelled_run_may_leave_everything_as_it_is():
    done = run(TWO, answers={"a": 1}).cancel(compensate=False)
    assert (done.status, undone(done)) == ("cancelled", [])


def test_cancelling_again_changes_nothing_but_may_stop_the_undoing():
    done = run(TWO, answers={"a": 1, "b": 2}).cancel()
    before = done.state
    assert done.cancel().state is before
    assert done.cancel(compensate=False).status == "cancelled"


def test_a_run_that_is_undoing_because_of_a_fault_may_be_cancelled_and_undoes_the_rest():
    done = run(TWO, answers={"a": "A", "b": "B", "c": Raises()}).answer("undo")
    done.cancel()
    assert done.waiting == ["compensate"]
    assert done.answer("undo").status == "cancelled"
    assert undone(done) == ["B", "A", "A"]


def test_a_cancelled_run_tells_what_it_could_not_undo():
    done = run(TWO, answers={"a": 1, "undo": Raises()}).cancel().advance(60_000)
    assert (done.status, done.fault.title) == ("cancelled", "Compensation failed")


@pytest.mark.parametrize("compensate", [True, False])
def test_a_run_without_debts_is_cancelled_at_once(compensate):
    done = run("do: [ { a: { wait: PT1S } } ]").cancel(compensate=compensate)
    assert (done.status, done.state.ended) == ("cancelled", done.now)
    assert done.traced("cancelled") == ["a"]


def test_what_an_earlier_attempt_of_an_outer_try_completed_is_not_the_inner_one_s_to_undo():
    text = f"""
do:
  - outer:
      try:
        - inner:
            try: [ {{ z: {{ call: z }} }}, {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ]
            catch: {{ errors: {{ with: {{ status: 503 }} }}, do: [ {{ h: {{ call: h }} }} ] }}
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }}, do: [] }}
"""
    answers = {
        "z": Sequence(1, Raises(status=503)),
        "a": "A",
        "b": Raises(status=400),
        "undo": None,
    }
    done = run(text, answers=answers)
    assert done.performed == ["z", "a", "b", "z", "h"]
    assert done.fail("h").performed[-1] == "compensate"
    assert undone(done) == ["A"]


def test_what_a_branch_completes_again_in_a_later_attempt_is_owed_once():
    text = f"""
do:
  - t:
      try: [ {{ f: {{ fork: {{ branches: [ {{ a: {{ call: a, {UNDO} }} }}, {{ b: {{ call: b }} }} ] }} }} }} ]
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }} }}
  - c: {{ call: c }}
"""
    done = run(text, answers={"a": Sequence("A1", "A2"), "undo": None, "c": Raises()})
    done.fail("b").answer("b", 1)
    assert (undone(done), done.status) == (["A2"], "faulted")


def test_what_a_loser_completed_in_an_earlier_attempt_is_undone_once():
    text = f"""
do:
  - t:
      try:
        - f:
            fork:
              compete: true
              branches:
                - a: {{ do: [ {{ x: {{ call: x, {UNDO} }} }}, {{ y: {{ call: y }} }} ] }}
                - b: {{ call: b }}
      catch: {{ retry: {{ limit: {{ attempt: {{ count: 1 }} }} }} }}
  - c: {{ call: c }}
"""
    done = run(text, answers={"x": Sequence("X1", "X2"), "undo": None, "c": Raises()})
    done.fail("y").fail("b").answer("b", 1)
    assert (undone(done), done.status) == (["X2"], "faulted")
