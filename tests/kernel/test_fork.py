# ruff: noqa: E501 -- a document reads best in one piece
"""`fork`: branches at once, and the join."""

from __future__ import annotations

import pytest
from driver import Raises, Run, fault, run

from batuta.kernel.commands import Abandon, Perform
from batuta.kernel.events import Heard
from batuta.kernel.step import BEHAVIOUR

TWO = """
do:
  - both:
      fork:
        compete: false
        branches:
          - left: { call: l }
          - right: { call: r }
"""
RACE = TWO.replace("false", "true")


def test_results_come_in_declared_order_whatever_ends_first():
    forked = run(TWO, {})
    assert forked.waiting == ["left", "right"]
    assert forked.answer("right", 2).status == "running"
    assert forked.answer("left", 1).output == [1, 2]


def test_every_branch_gets_the_input_of_the_fork():
    text = """
do:
  - f: { input: { from: .x }, fork: { branches: [ { a: { set: '${ . + 1 }' } }, { b: { set: '${ . }' } } ] } }
"""
    assert run(text, {"x": 1}).output == [2, 1]


def test_a_fork_without_branches_gives_an_empty_list():
    assert run("do: [ { f: { fork: { branches: [] } } } ]", 1).output == []


def test_the_first_fault_cancels_the_other_branches_and_goes_on_from_the_fork():
    forked = run(TWO, {}).fail("left")
    assert forked.status == "faulted"
    assert forked.fault.instance == "/do/0/both/fork/branches/0/left"
    assert [one.key for one in forked.of(Abandon)] == ["/do/0/both/fork/branches/1/right"]
    assert forked.trace[-3:] == ["faulted left", "cancelled right", "faulted both"]


def test_a_branch_that_faults_at_once_keeps_the_others_from_beginning():
    text = """
do:
  - try:
      try:
        - f:
            fork:
              branches:
                - asks: { call: l }
                - breaks: { raise: { error: { type: 'https://a.b/c', status: 400 } } }
                - never: { call: r }
      catch: { do: [ { handle: { set: '${ $error.status }' } } ] }
"""
    done = run(text)
    assert done.output == 400
    # What the same step asked for and took back is never asked for at all.
    assert done.of(Perform) == []
    assert done.of(Abandon) == []


def test_a_late_answer_to_a_cancelled_branch_changes_nothing():
    text = """
do:
  - t:
      try: [ { f: { fork: { branches: [ { a: { call: l } }, { b: { call: r } } ] } } } ]
      catch: { do: [ { w: { wait: PT1S } } ] }
"""
    forked = run(text)
    late = forked.asked("a")
    forked.fail("b")
    before = forked.state
    from batuta.kernel.events import Performed

    assert forked.take(Performed(late.token, late.key, 1)).state is before


def test_forks_nest():
    text = """
do:
  - f:
      fork:
        branches:
          - a: { fork: { branches: [ { x: { call: x } }, { y: { call: y } } ] } }
          - b: { do: [ { z: { call: z } }, { g: { fork: { branches: [ { v: { set: '${ . }' } } ] } } } ] }
"""
    forked = run(text, {}).answer("y", "y").answer("z", "z")
    assert sorted(forked.state.tokens) == [
        "",
        "/do/0/f/branches/0",
        "/do/0/f/fork/branches/0/a/branches/0",
    ]
    assert forked.answer("x", "x").output == [["x", "y"], ["z"]]


def test_a_fault_deep_inside_cancels_everything_up_to_its_handler():
    text = """
do:
  - f:
      fork:
        branches:
          - a: { fork: { branches: [ { x: { call: x } }, { y: { call: y } } ] } }
          - b: { fork: { branches: [ { z: { call: z } } ] } }
"""
    forked = run(text, {}).fail("x")
    assert forked.status == "faulted"
    assert sorted(one.key.rpartition("/")[2] for one in forked.of(Abandon)) == ["y", "z"]
    assert sorted(forked.traced("cancelled")) == ["b", "y", "z"]


def test_exports_of_branches_are_merged_in_declared_order():
    text = """
do:
  - first: { set: { n: 0 }, export: { as: '{kept: 1, changed: 1}' } }
  - f:
      fork:
        branches:
          - a: { set: { n: 1 }, export: { as: '$context + {a: 1, both: "a"}' } }
          - b: { set: { n: 2 }, export: { as: '$context + {b: 1, both: "b", changed: 2}' } }
          - c: { set: { n: 3 } }
  - look: { set: '${ $context }' }
"""
    assert run(text).output == {"kept": 1, "changed": 2, "a": 1, "b": 1, "both": "b"}


def test_a_context_that_is_no_object_is_replaced_by_the_last_branch_that_exports():
    text = """
do:
  - f:
      fork:
        branches:
          - a: { set: { n: 1 }, export: { as: '[1]' } }
          - b: { set: { n: 2 }, export: { as: '[2]' } }
  - look: { set: '${ $context }' }
"""
    assert run(text).output == [2]


def test_a_competition_is_won_by_the_first_success():
    race = run(RACE, {}).answer("right", 2)
    assert race.output == 2
    assert [one.key for one in race.of(Abandon)] == ["/do/0/both/fork/branches/0/left"]
    assert race.traced("cancelled") == ["left"]


def test_faults_are_ignored_while_somebody_may_win():
    race = run(RACE, {}).fail("left")
    assert race.status == "running"
    assert race.answer("right", 2).output == 2


def test_a_competition_that_nobody_wins_faults_like_its_last_branch():
    race = (
        run(RACE, {}).fail("right", fault("authorization", 403)).fail("left", fault("timeout", 408))
    )
    assert (race.status, race.fault.status) == ("faulted", 408)


def test_the_winner_s_context_counts():
    text = """
do:
  - f:
      fork:
        compete: true
        branches:
          - a: { call: a, export: { as: '{winner: "a"}' } }
          - b: { call: b, export: { as: '{winner: "b"}' } }
  - look: { set: '${ $context }' }
"""
    assert run(text).answer("b", 1).output == {"winner": "b"}


def test_a_loser_that_completed_something_is_compensated_before_the_fork_completes():
    text = """
do:
  - f:
      fork:
        compete: true
        branches:
          - slow:
              do:
                - book: { call: book, metadata: { compensate: { call: unbook, with: { id: '${ $output.id }' } } } }
                - more: { call: more }
          - fast:
              do:
                - grab: { call: grab, metadata: { compensate: { call: ungrab } } }
  - next: { set: '${ {was: .} }' }
"""
    race = run(text).answer("book", {"id": 7}).answer("grab", "won")
    assert race.waiting == ["compensate"]
    assert race.asked("unbook").arguments == {"id": 7}
    assert race.answer("unbook").output == {"was": "won"}
    assert "ungrab" not in [one.target for one in race.of(Perform)]


def test_what_the_winner_completed_is_still_owed_by_the_run():
    text = """
do:
  - f:
      fork:
        compete: true
        branches:
          - a: { call: a, metadata: { compensate: { call: undo } } }
          - b: { call: b }
  - fails: { call: f }
"""
    race = run(text).answer("a", 1).fail("fails")
    assert race.asked("undo")
    assert race.answer("undo").status == "faulted"


def test_a_loser_that_cannot_be_undone_makes_the_fork_fault():
    text = """
do:
  - t:
      try:
        - f:
            fork:
              compete: true
              branches:
                - a: { do: [ { x: { call: x, metadata: { compensate: { call: undo } } } }, { y: { call: y } } ] }
                - b: { call: b }
      catch: { do: [ { look: { set: '${ $error.title }' } } ] }
"""
    race = run(text, answers={"undo": Raises()}).answer("x", 1).answer("b", 2).advance(60_000)
    assert race.output == "Compensation failed"


def test_what_a_fork_asked_for_is_in_the_hands_of_its_branches():
    forked = run(TWO, {})
    assert [one.token for one in forked.performs] == [
        "/do/0/both/branches/0",
        "/do/0/both/branches/1",
    ]


def test_then_in_a_branch_cannot_leave_it():
    text = """
do:
  - f: { fork: { branches: [ { a: { set: { n: 1 }, then: exit } }, { b: { call: b, then: continue } } ] } }
  - look: { set: '${ . }' }
"""
    assert run(text).answer("b", 2).output == [{"n": 1}, 2]


def test_a_fork_in_a_loop_keeps_its_rounds_apart():
    text = """
do:
  - l:
      for: { in: '[1,2]' }
      do: [ { f: { fork: { branches: [ { a: { call: a, with: { i: '${ $item }' } } }, { b: { set: '${ $index }' } } ] } } } ]
"""
    forked = run(text)
    assert sorted(forked.state.tokens) == ["", "/do/0/l/do/0/f[0]/branches/0"]
    assert forked.answer("a", "x").asked("a").arguments == {"i": 2}
    assert sorted(forked.state.tokens) == ["", "/do/0/l/do/0/f[1]/branches/0"]
    assert forked.answer("a", "y").output == ["y", 1]


def test_the_output_transformation_of_a_fork_that_fails_is_the_forks_own_fault():
    text = """
do:
  - t:
      try: [ { f: { fork: { branches: [ { a: { set: { n: 1 } } } ] }, output: { as: '. + 1' } } } ]
      catch: { do: [ { look: { set: '${ $error.instance }' } } ] }
"""
    assert run(text).output == "/do/0/t/try/0/f"


def test_a_branch_whose_turn_has_not_come_is_not_begun_after_the_fork_gave_up():
    text = """
do:
  - t:
      try:
        - f:
            fork:
              branches:
                - breaks: { raise: { error: { type: 'https://a.b/c', status: 400 } } }
                - never: { call: r }
      catch: { do: [ { w: { wait: PT1S } } ] }
"""
    assert run(text).performed == []


HEARD_AROUND = """
do:
  - all:
      listen: { to: { any: [ { with: { type: x } } ], until: false } }
      foreach:
        do:
          - race: { fork: { compete: true, branches: [ { a: { call: a } }, { b: { call: b } } ] } }
"""


@pytest.mark.parametrize(("behaviour", "asked"), [(4, 3), (BEHAVIOUR, 2)])
def test_a_listen_around_a_competition_hears_no_event_twice(behaviour, asked):
    begun = Run(HEARD_AROUND).start(behaviour=behaviour)
    begun.send("x", 1).send("x", 2).answer("a")
    # A participant may be brought an event again, behind later ones.
    begun.take(Heard(*begun.published[1])).answer("a")
    assert len(begun.of(Perform)) == 2 * asked
