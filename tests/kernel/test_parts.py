# ruff: noqa: E501 -- a document reads best in one piece
"""A participant's part of a run: its beginning and end, and what is asked of all parts at once.

What is asked of a run (cancel, suspend, resume) reaches its participants at different times: before
the token, while it is there, or when it has gone. It means the same each time.
"""

from __future__ import annotations

from typing import Any

import pytest
from driver import RUN, Raises
from ensemble import Ensemble

from batuta.kernel.commands import Abandon, EndBranch, Finish
from batuta.kernel.events import (
    Arrived,
    BranchCancelled,
    CancelAsked,
    Closed,
    Facts,
    Opened,
    ResumeAsked,
    Started,
    SuspendAsked,
)
from batuta.kernel.state import CANCELLED, PENDING, RUNNING, SUSPENDED

TO_A, TO_B, TO_C = (f"metadata: {{ participant: {name} }}" for name in "abc")
UNDONE = "metadata: { participant: %s, compensate: { call: undo_%s } }"
ROW = f"do: [ {{ one: {{ call: x, {UNDONE % ('a', 'one')} }} }}, {{ two: {{ call: y, {TO_B} }} }}, {{ three: {{ call: z, {TO_C} }} }} ]"
FORK = f"""
do:
  - f:
      fork:
        branches:
          - l: {{ do: [ {{ l1: {{ call: l1, {UNDONE % ("b", "l1")} }} }}, {{ l2: {{ call: l2, {TO_B} }} }} ] }}
          - r: {{ call: r, {TO_C} }}
"""


def run(text: str, **more: Any) -> Ensemble:
    """Start a run of a document in parts, at `a`."""
    return Ensemble(text, **more).start({})


def on_its_way(text: str, to: str, **more: Any) -> tuple[Ensemble, Arrived]:
    """Return a run up to the moment when a participant is sent its first token, and that token."""
    ran = Ensemble(text, **more)
    ran.send(ran.parts["a"], Started(RUN, {}))
    while True:
        for place, (part, event) in enumerate(ran.messages):
            if part.name == to and isinstance(event, Arrived):
                del ran.messages[place]
                return ran, event
        ran.deliver()


# -- beginning and end -----------------------------------------------------------------------------


def test_a_part_knows_of_its_run_what_the_first_participant_does():
    ran = run(ROW, answers={"one": 1})
    first, second = ran.parts["a"].state, ran.parts["b"].state
    assert (second.id, second.origin, second.started) == (first.id, first.origin, first.started)
    assert second.input == first.input


def test_what_is_known_of_a_run_does_not_change():
    part = run(ROW, answers={"one": 1}).parts["b"]
    before = part.state
    assert part.take(Opened(Facts(RUN, "other", 1, {"other": 1}))).state is before


def test_a_token_that_is_here_does_not_come_again():
    ran, token = on_its_way(ROW, "b", answers={"one": 1})
    ran.give(ran.parts["b"], token)
    before = ran.parts["b"].state
    assert ran.parts["b"].take(token).state is before


def test_a_run_that_ends_closes_the_parts_of_all():
    ran = run(FORK).fail("l1")
    assert [part.status for part in ran.parts.values()] == ["faulted"] * 3
    assert [len(part.of(Finish)) for part in ran.parts.values()] == [1, 1, 1]


def test_a_part_that_is_closed_gives_back_what_is_open_and_hears_no_more():
    ran, token = on_its_way(FORK, "c")
    part = ran.parts["c"]
    part.receive(token)
    part.take(Closed("faulted"))
    assert [one.key for one in part.of(Abandon)] == ["/do/0/f/fork/branches/1/r"]
    assert part.state.tokens == {}
    assert part.take(token).status == "faulted"


def test_a_part_that_knew_nothing_of_a_run_may_be_closed():
    assert run(ROW).parts["c"].take(Closed("cancelled")).status == CANCELLED


# -- cancelling ------------------------------------------------------------------------------------


def test_a_cancel_is_carried_out_by_whoever_has_the_token():
    ran = run(ROW, answers={"one": 1}).cancel().settle()
    assert ran.parts["b"].traced("cancelled") == ["two"]
    assert ran.parts["a"].waiting == ["compensate"]
    assert ran.answer("undo_one").finished[0].status == CANCELLED


def test_a_cancel_before_the_token_comes_keeps_its_task_from_beginning():
    ran, token = on_its_way(ROW, "b", answers={"one": 1, "compensate": 1})
    ran.cancel().settle()
    assert [part.status for part in ran.parts.values()] == [RUNNING] * 3
    ran.give(ran.parts["b"], token)
    ran.settle()
    assert ran.parts["b"].performed == []
    assert ran.parts["a"].performed == ["one", "compensate"]
    assert [one.status for one in ran.finished] == [CANCELLED]


def test_a_cancel_that_undoes_nothing_does_so_wherever_the_token_comes():
    ran, token = on_its_way(ROW, "b", answers={"one": 1})
    ran.cancel(compensate=False).settle()
    ran.give(ran.parts["b"], token)
    assert ran.settle().parts["a"].performed == ["one"]
    assert [one.status for one in ran.finished] == [CANCELLED]


def test_a_cancel_of_a_fork_waits_for_what_the_branches_owe():
    ran = run(FORK, answers={"l1": 1}).cancel().settle()
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["compensate"], []]
    assert ran.answer("undo_l1").finished[0].status == CANCELLED


def test_a_branch_ends_with_its_run_before_its_keeper_knows():
    ran = run(FORK, answers={"l1": 1})
    for name in "bc":
        ran.parts[name].take(CancelAsked())
    assert [len(ran.parts[name].of(EndBranch)) for name in "bc"] == [1, 1]
    ran.settle()
    join = ran.parts["a"].state
    assert (join.status, list(join.tokens)) == (RUNNING, [""]), "nothing is decided by that"
    ran.parts["a"].take(CancelAsked())
    assert ran.settle().answer("undo_l1").finished[0].status == CANCELLED


def test_a_competition_is_not_won_by_a_branch_that_was_cancelled():
    ran = run(FORK.replace("fork:", "fork:\n        compete: true"), answers={"l1": 1})
    ran.parts["b"].take(CancelAsked())
    assert ran.settle().finished == []
    ran.fail("r")
    assert ran.finished == []
    ran.parts["a"].take(CancelAsked())
    assert ran.settle().answer("undo_l1").finished[0].status == CANCELLED


def test_what_undoes_a_cancelled_run_is_not_cancelled_by_the_same_cancel():
    text = f"""
do:
  - one:
      call: x
      metadata:
        participant: a
        compensate: {{ fork: {{ branches: [ {{ u: {{ call: u, {TO_B} }} }}, {{ v: {{ call: v, {TO_C} }} }} ] }} }}
  - two: {{ call: y, {TO_A} }}
"""
    ran = run(text, answers={"one": 1})
    ran.parts["a"].take(CancelAsked())
    ran.settle()
    assert [ran.parts[name].waiting for name in "abc"] == [[], ["u"], ["v"]]
    for name in "bc":
        ran.parts[name].take(CancelAsked())
    assert ran.answer("u").answer("v").finished[0].status == CANCELLED


def test_undoing_goes_on_where_a_pause_that_the_cancel_ended_is_heard_of_late():
    text = f"do: [ {{ one: {{ call: x, {UNDONE % ('b', 'one')} }} }}, {{ two: {{ call: y, {TO_A} }} }} ]"
    ran = run(text, answers={"one": 1})
    asks = (SuspendAsked(), CancelAsked())
    for ask in asks:
        ran.parts["a"].take(ask)
    assert ran.settle().parts["b"].waiting == ["compensate"]
    for ask in asks:
        ran.parts["b"].take(ask)
    assert ran.parts["b"].status == RUNNING
    assert ran.answer("undo_one").finished[0].status == CANCELLED


def test_what_nobody_waits_for_stops_at_once():
    text = f"do: [ {{ one: {{ run: {{ await: false, shell: {{ command: x }} }}, {TO_A} }} }}, {{ two: {{ call: y, {TO_B} }} }} ]"
    ran = run(text)
    assert ran.parts["a"].waiting == ["one"]
    ran.parts["a"].take(CancelAsked())
    assert ran.parts["a"].waiting == []
    assert ran.settle().finished == []


def test_a_branch_is_asked_to_end_once_and_only_by_a_keeper_elsewhere():
    ran = run(FORK)
    away = BranchCancelled("/do/9/g/branches/0")
    barred = ran.parts["a"].take(away).state
    assert ran.parts["a"].take(away).state is barred
    text = f"do: [ {{ f: {{ fork: {{ branches: [ {{ l: {{ call: x, {TO_A} }} }} ] }} }} }} ]"
    here = run(text).parts["a"]
    before = here.state
    assert here.take(BranchCancelled("/do/0/f/branches/0")).state is before


# -- suspending ------------------------------------------------------------------------------------


def test_a_suspended_part_keeps_the_token_that_comes_and_lets_it_begin_later():
    ran, token = on_its_way(ROW, "b", answers={"one": 1})
    ran.suspend().settle()
    ran.give(ran.parts["b"], token)
    assert ran.parts["b"].performed == []
    assert ran.resume().settle().parts["b"].waiting == ["two"]


def test_a_suspended_part_keeps_what_it_is_answered_by_branches():
    ran = run(FORK).suspend().settle().answer("r", 1)
    ran.parts["c"].take(ResumeAsked())
    ran.settle()
    assert ran.parts["a"].status == SUSPENDED
    assert len(ran.parts["a"].state.held) == 1
    assert ran.resume().settle().answer("l1").answer("l2", 2).finished[0].output == [2, 1]


def test_a_pause_that_a_token_has_missed_on_its_way_counts_for_it_too():
    text = f"do: [ {{ one: {{ call: x, {TO_A} }} }}, {{ t: {{ timeout: {{ after: PT10S }}, do: [ {{ two: {{ call: y, {TO_B} }} }} ] }} }} ]"
    ran, token = on_its_way(text, "b", answers={"one": 1})
    begun = ran.now
    ran.suspend().settle().advance(60_000).resume().settle()
    ran.give(ran.parts["b"], token)
    assert ran.parts["b"].state.wake == begun + 70_000


def test_what_a_suspended_part_was_sent_still_counts_when_the_run_is_cancelled():
    ran = run(FORK, answers={"l1": 1}).suspend().settle().answer("l2", 1).answer("r", 2)
    assert [part.status for part in ran.parts.values()] == [SUSPENDED] * 3
    ran.cancel().settle()
    assert ran.answer("undo_l1").finished[0].status == CANCELLED


# -- before anything is known of the run -----------------------------------------------------------


def test_a_part_that_is_only_asked_to_end_learns_of_its_run_later():
    ran, token = on_its_way(ROW, "b", answers={"one": 1})
    part = ran.parts["b"]
    part.take(SuspendAsked())
    assert (part.status, part.state.is_known) == (SUSPENDED, False)
    part.receive(token)
    assert (part.status, part.state.is_known) == (SUSPENDED, True)
    assert part.state.started == ran.parts["a"].state.started
    part.take(ResumeAsked())
    assert part.waiting == ["two"]


@pytest.mark.parametrize("asks", [[SuspendAsked(), ResumeAsked()], [BranchCancelled("/x")]])
def test_a_part_that_was_asked_for_something_takes_its_token_as_if_it_had_not_been(asks):
    ran, token = on_its_way(ROW, "b", answers={"one": 1})
    for ask in asks:
        ran.parts["b"].take(ask)
    ran.parts["b"].receive(token)
    assert ran.parts["b"].waiting == ["two"]


def test_a_run_that_is_suspended_before_its_start_begins_when_it_is_resumed():
    ran = Ensemble(ROW)
    part = ran.parts["a"].take(SuspendAsked())
    ran.start({"x": 1})
    assert (part.status, part.performed) == (SUSPENDED, [])
    before = part.state
    assert part.take(Started(RUN, {"x": 1})).state is before
    assert part.take(ResumeAsked()).waiting == ["one"]
    assert part.state.input == {"x": 1}


@pytest.mark.parametrize("asks", [[CancelAsked()], [SuspendAsked(), CancelAsked(compensate=False)]])
def test_a_run_that_is_cancelled_before_its_start_ends_with_it(asks):
    ran = Ensemble(ROW)
    for ask in asks:
        ran.parts["a"].take(ask)
    assert ran.parts["a"].status == RUNNING
    ran.start()
    assert [one.status for one in ran.finished] == [CANCELLED]
    assert ran.parts["a"].performed == []


def test_a_run_that_is_suspended_then_started_then_cancelled_ends():
    ran = Ensemble(ROW)
    ran.parts["a"].take(SuspendAsked())
    ran.start()
    ran.cancel().settle()
    assert [one.status for one in ran.finished] == [CANCELLED]


def test_a_run_that_was_never_heard_of_is_pending():
    assert run(ROW, answers={"one": Raises()}).parts["c"].watch == []
    assert Ensemble(ROW).parts["b"].status == PENDING
