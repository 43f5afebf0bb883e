# ruff: noqa: E501 -- a document reads best in one piece
"""Tasks of other participants: who performs what, and joins whose branches are elsewhere."""

from __future__ import annotations

from typing import Any

from driver import RUN, Raises, Run, program_of
from ensemble import HEADER, Ensemble

from batuta.kernel.commands import CancelBranch, EndBranch, HandOver, Perform
from batuta.kernel.events import BranchEnded, Started
from batuta.kernel.state import Branch

TO_A, TO_B, TO_C = (f"metadata: {{ participant: {name} }}" for name in "abc")


def run(text: str, data: Any = None, **more: Any) -> Ensemble:
    """Start a run of a document in parts, at `a`."""
    return Ensemble(text, **more).start(data)


def undone_by(name: str, undo: str, owner: str) -> str:
    """Return a task of `owner` that calls a function, and another one to undo that."""
    return f"call: {name}, metadata: {{ participant: {owner}, compensate: {{ call: {undo} }} }}"


def owed_and(owner: str, name: str, then: str) -> str:
    """Return a branch that completes a task of an owner, and goes on to another one."""
    first = undone_by(name, f"undo_{name}", owner)
    return f"{name}_first: {{ do: [ {{ {name}: {{ {first} }} }}, {{ {then} }} ] }}"


# -- who performs what -----------------------------------------------------------------------------


def test_each_task_is_performed_by_its_participant_and_hears_what_the_last_one_gave():
    text = f"do: [ {{ one: {{ call: x, {TO_A} }} }}, {{ two: {{ call: y, with: {{ got: '${{ . }}' }}, {TO_B} }} }} ]"
    ran = run(text, answers={"one": 1})
    assert ran.parts["a"].performed == ["one"]
    asked = ran.parts["b"].asked("two")
    assert (asked.arguments, asked.participant) == ({"got": 1}, "b")
    ran.answer("two", 2)
    assert [(one.status, one.output) for one in ran.finished] == [("completed", 2)]
    assert {part.status for part in ran.parts.values()} == {"completed"}


def test_a_hand_over_tells_what_ended_before_it():
    text = f"""
do:
  - t:
      try: [ {{ one: {{ call: x, {TO_A} }} }} ]
      catch: {{ do: [ {{ two: {{ call: y, {TO_B} }} }}, {{ three: {{ call: z, {TO_A} }} }} ] }}
"""
    ran = run(text, answers={"one": Raises(), "two": 1})
    gone = [one for part in ran.parts.values() for one in part.of(HandOver)]
    assert [(one.cause, one.outcome, one.to) for one in gone] == [
        ("/do/0/t/try/0/one", "faulted", "b"),
        ("/do/0/t/catch/do/0/two", "completed", "a"),
    ]


def test_the_condition_is_evaluated_before_the_token_goes_and_the_input_after():
    text = f"""
do:
  - no: {{ if: .no, call: never, {TO_B} }}
  - yes: {{ if: .yes, input: {{ from: '${{ 1 + {{}} }}' }}, call: x, {TO_B} }}
"""
    ran = run(text, {"yes": True, "no": False})
    assert ran.parts["a"].traced("faulted") == []
    assert ran.parts["b"].traced("faulted") == ["yes"]
    assert ran.finished[0].status == "faulted"


def test_pure_tasks_are_done_by_whoever_holds_the_token():
    text = f"do: [ {{ one: {{ call: x, {TO_B} }} }}, {{ set: {{ set: '${{ . + 1 }}' }} }}, {{ two: {{ call: y, {TO_C} }} }} ]"
    ran = run(text, answers={"one": 1})
    assert [ran.parts[name].traced("completed") for name in "abc"] == [[], ["one", "set"], []]
    assert ran.parts["c"].asked("two").input == 2


def test_an_emit_and_a_wait_that_nobody_owns_are_done_by_whoever_holds_the_token():
    text = f"do: [ {{ one: {{ call: x, {TO_B} }} }}, {{ w: {{ wait: PT1S }} }}, {{ e: {{ emit: {{ event: {{ with: {{ type: t }} }} }} }} }} ]"
    ran = run(text, answers={"one": 1}).advance(1_000)
    assert ran.parts["b"].traced("completed") == ["one", "w", "e"]
    assert [event["type"] for _, event in ran.published] == ["t"]


def test_a_function_of_the_document_is_performed_by_the_participant_of_its_call():
    text = f"""
use: {{ functions: {{ f: {{ do: [ {{ inner: {{ call: x }} }}, {{ other: {{ call: y, {TO_C} }} }} ] }} }} }}
do: [ {{ outer: {{ call: f, {TO_B} }} }} ]
"""
    ran = run(text, answers={"inner": 1})
    assert ran.parts["b"].performed == ["inner"]
    ran.answer("other", 2)
    assert ran.finished[0].output == 2


def test_what_undoes_a_task_belongs_to_who_performed_it():
    text = f"""
use: {{ functions: {{ f: {{ call: x, metadata: {{ compensate: {{ call: undo }} }} }} }} }}
do: [ {{ t: {{ call: f, {TO_B} }} }}, {{ r: {{ call: breaks, {TO_C} }} }} ]
"""
    ran = run(text, answers={"f": 1, "x": 1, "breaks": Raises(), "undo": 1})
    assert ran.parts["b"].of(Perform)[-1].target == "undo"
    assert ran.finished[0].status == "faulted"


def test_the_tasks_of_an_external_participant_stay_with_whoever_holds_the_token():
    text = HEADER + f"do: [ {{ one: {{ call: x, {TO_B} }} }}, {{ two: {{ call: y, {TO_C} }} }} ]"
    part = Run(program_of(text).seen_by("a", frozenset({"b"}))).start()
    assert part.asked("one").participant == "b"
    part.answer("one", 1)
    assert [one.to for one in part.of(HandOver)] == ["c"]


# -- joins -----------------------------------------------------------------------------------------

TWO = f"""
do:
  - t:
      try:
        - f:
            timeout: {{ after: PT30S }}
            fork:
              compete: false
              branches:
                - {{ {owed_and("b", "l", "l2: { call: l2, metadata: { participant: b } }")} }}
                - {{ {owed_and("c", "r", "r2: { call: r2, metadata: { participant: c } }")} }}
      catch: {{ as: e, do: [ {{ caught: {{ set: '${{ $e.title }}' }} }} ] }}
"""
RACE = TWO.replace("compete: false", "compete: true")


def test_whoever_reaches_a_fork_keeps_the_join_and_gets_what_the_branches_give():
    ran = run(TWO, answers={"l": 1, "r": 1})
    assert ran.parts["a"].state.tokens[""].key == "/do/0/t/try/0/f"
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["l2"], ["r2"]]
    ran.answer("r2", 2)
    ended = ran.parts["c"].of(EndBranch)[0]
    assert (ended.keeper, ended.cause) == ("a", "/do/0/t/try/0/f/fork/branches/1/r_first/do/1/r2")
    assert ran.parts["c"].state.tokens == {}
    ran.answer("l2", 1)
    assert ran.finished[0].output == [1, 2]


def test_a_fork_that_faults_asks_what_is_elsewhere_to_end_and_goes_on_with_what_that_owes():
    ran = run(TWO, answers={"l": 1, "r": 1}).fail("l2", settle=False)
    while any(isinstance(event, BranchEnded) for _, event in ran.messages[:1]):
        ran.deliver()
    assert [one.token for one in ran.parts["a"].of(CancelBranch)] == ["/do/0/t/try/0/f/branches/1"]
    assert ran.parts["a"].state.tokens[""].is_leaving
    assert ran.parts["a"].state.wake is None, "no time moves what waits for branches to answer"
    ran.settle()
    assert ran.parts["c"].traced("cancelled") == ["r2", "r_first"]
    assert ran.parts["c"].waiting == ["compensate"], "the newest is undone first"
    ran.answer("undo_r").answer("undo_l")
    assert ran.finished[0].output == "Broken"


def test_a_decision_that_was_made_stays_whatever_else_ends_before_the_answer():
    ran = run(TWO, answers={"l": 1, "r": 1, "undo_l": 0, "undo_r": 0}).fail("l2", settle=False)
    ran.answer("r2", 2, settle=False)
    ran.settle()
    assert ran.finished[0].output == "Broken"


def test_the_winner_of_a_competition_waits_for_the_losers_and_has_them_undone():
    ran = run(RACE, answers={"l": 1, "r": 1}).answer("r2", 2)
    assert ran.finished == []
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["compensate"], []]
    assert ran.answer("undo_l").finished[0].output == 2


def test_a_timeout_around_a_fork_takes_the_branches_back_first():
    ran = run(TWO, answers={"l": 1, "r": 1}).advance(30_000)
    assert [ran.parts[name].waiting for name in "abc"] == [[], [], ["compensate"]]
    assert ran.answer("undo_r").answer("undo_l").finished[0].output == "Timeout"


def test_a_fork_inside_a_branch_ends_with_the_fork_around_it():
    inner = "inner: { fork: { branches: [ { x: { call: x, metadata: { participant: c } } }, { y: { call: y, metadata: { participant: a } } } ] } }"
    text = f"""
do:
  - outer:
      fork:
        compete: true
        branches:
          - {{ {owed_and("b", "l", inner)} }}
          - r: {{ call: r, {TO_A} }}
"""
    ran = run(text, answers={"l": 1})
    assert [ran.parts[name].waiting for name in "abc"] == [["r", "y"], [], ["x"]]
    assert "/do/0/outer/branches/0" in ran.parts["b"].state.tokens
    ran.answer("r", 2)
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["compensate"], []]
    assert ran.answer("undo_l").finished[0].output == 2


def test_a_fork_around_one_that_is_being_left_decides_for_both():
    inner = f"inner: {{ fork: {{ branches: [ {{ {owed_and('b', 'x', 'x2: { call: x2, metadata: { participant: b } }')} }}, {{ y: {{ call: y, {TO_A} }} }} ] }} }}"
    text = f"do: [ {{ outer: {{ fork: {{ branches: [ {{ i: {{ do: [ {{ {inner} }} ] }} }}, {{ r: {{ call: r, {TO_A} }} }} ] }} }} }} ]"
    ran = run(text, answers={"x": 1})
    # Both branches of the outer fork are here, below one of them a branch is elsewhere.
    ran.fail("r")
    assert ran.parts["b"].waiting == ["compensate"]
    assert ran.answer("undo_x").finished[0].fault.instance == "/do/0/outer/fork/branches/1/r"


def test_a_branch_elsewhere_may_end_the_run():
    text = f"""
do:
  - f:
      fork:
        branches:
          - l: {{ call: l, then: end, {TO_B} }}
          - r: {{ call: r, {TO_C} }}
  - never: {{ call: n, {TO_A} }}
"""
    ran = run(text).answer("l", 7)
    assert [(one.status, one.output) for one in ran.finished] == [("completed", 7)]
    assert ran.parts["c"].traced("cancelled") == ["r"]


def test_the_end_of_a_run_closes_the_listen_that_it_came_from():
    text = f"""
do:
  - f:
      fork:
        branches:
          - l:
              listen: {{ to: {{ any: [ {{ with: {{ type: t }} }} ], until: 'false' }} }}
              foreach: {{ do: [ {{ e: {{ set: '${{ $item }}', then: end }} }} ] }}
              {TO_B}
          - r: {{ call: r, {TO_C} }}
"""
    ran = run(text)
    ran.publish({"type": "t", "data": 3})
    assert ran.settle().finished[0].output == 3


def test_the_end_of_an_undoing_that_forks_ends_the_undoing_alone():
    text = f"""
do:
  - one:
      call: x
      metadata:
        participant: a
        compensate:
          fork:
            branches:
              - u: {{ call: u, then: end, {TO_B} }}
              - v: {{ call: v, {TO_C} }}
  - two: {{ call: breaks, {TO_B} }}
"""
    ran = run(text, answers={"one": 1, "breaks": Raises()})
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["u"], ["v"]]
    ran.answer("u", 1)
    assert ran.parts["c"].traced("cancelled") == ["v"]
    assert ran.finished[0].status == "faulted"


# -- branches on their way -------------------------------------------------------------------------


def test_a_branch_that_was_asked_to_end_before_it_arrived_never_begins():
    ran = Ensemble(TWO, answers={"l": Raises()})
    ran.send(ran.parts["a"], Started(RUN))
    ran.deliver()
    branch = ran.messages.pop(1)
    ran.settle()
    assert ran.parts["c"].state.barred == ("/do/0/t/try/0/f/branches/1",)
    ran.give(*branch)
    assert ran.parts["c"].performed == []
    assert ran.settle().finished[0].output == "Broken"


def test_a_branch_that_comes_back_to_its_keeper_after_that_has_decided_never_goes_on():
    text = f"""
do:
  - f:
      fork:
        compete: true
        branches:
          - l: {{ do: [ {{ l1: {{ call: l1, {TO_B} }} }}, {{ l2: {{ call: l2, {TO_A} }} }} ] }}
          - r: {{ call: r, {TO_A} }}
"""
    ran = run(text).answer("l1", 1, settle=False).answer("r", 2, settle=False)
    assert ran.settle().finished[0].output == 2
    assert ran.parts["a"].performed == ["r"]


def test_the_end_of_a_branch_that_nobody_waits_for_changes_nothing():
    ran = run(TWO, answers={"l": 1, "r": 1})
    join = "/do/0/t/try/0/f"
    before = ran.parts["a"].state
    for owner, token in (
        ("", "/do/9/f/branches/0"),
        ("/do/9/g/branches/1", f"{join}/branches/0"),
    ):
        assert ran.parts["a"].take(BranchEnded(owner, token, Branch("completed"))).state is before
    ran.answer("l2", 1)
    before = ran.parts["a"].state
    again = BranchEnded("", f"{join}/branches/0", Branch("completed", 5))
    assert ran.parts["a"].take(again).state is before
