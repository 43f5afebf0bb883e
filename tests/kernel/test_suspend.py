# ruff: noqa: E501 -- a document reads best in one piece
"""Suspending and resuming: clocks stop, results are kept, nothing new begins."""

from __future__ import annotations

from driver import RUN, Raises, Run, fault, program_of, run

from batuta.kernel.commands import Perform, Publish
from batuta.kernel.events import Continued, Failed, Heard, Performed, Started, SuspendAsked
from batuta.kernel.step import NEW, step

TWO = "do: [ { a: { call: a } }, { b: { call: b } } ]"


def test_an_answer_is_kept_and_counts_after_resuming():
    run_ = run(TWO).suspend().answer("a", 1)
    assert (run_.status, len(run_.of(Perform))) == ("suspended", 1)
    run_.resume()
    assert run_.waiting == ["b"]
    assert run_.answer("b", 2).output == 2


def test_a_fault_is_kept_too():
    run_ = run(TWO).suspend().fail("a")
    assert run_.status == "suspended"
    assert run_.resume().status == "faulted"


def test_an_answer_that_nobody_waits_for_is_not_kept():
    run_ = run(TWO).suspend()
    asked = run_.asked("a")
    run_.answer("a", 1)
    before = run_.state
    for event in (
        Performed(asked.token, asked.key, 2),
        Failed(asked.token, asked.key, fault()),
        Performed("", "/do/9/x", 1),
        Performed("/nobody", "/do/0/a", 1),
        Continued(),
        Started(RUN),
    ):
        assert run_.take(event).state is before
    assert run_.resume().waiting == ["b"]


def test_the_clock_of_a_wait_stops():
    run_ = run("do: [ { w: { wait: PT5S } } ]").advance(2_000).suspend()
    assert run_.state.wake is None
    assert run_.advance(60_000).status == "suspended"
    run_.resume()
    assert (run_.state.wake or 0) - run_.now == 3_000
    assert run_.advance(3_000).status == "completed"


def test_every_clock_stops():
    text = """
timeout: { after: PT20S }
do:
  - t:
      timeout: { after: PT10S }
      try: [ { f: { fork: { branches: [ { a: { call: a, timeout: { after: PT4S } } }, { w: { wait: PT3S } } ] } } } ]
      catch: { retry: { delay: PT2S, limit: { attempt: { duration: PT9S }, duration: PT12S } } }
"""
    run_ = run(text).advance(1_000).suspend().advance(30_000).resume()
    base = run_.now - 1_000
    wakes = sorted({token.wake - base for token in run_.state.tokens.values() if token.wake})
    assert wakes == [3_000, 4_000, 9_000]
    run_.advance(3_000)
    assert run_.traced("retried") == ["t"]
    run_.advance(60_000)
    assert run_.state.ended == base + 10_000


def test_a_pause_does_not_use_up_the_time_for_retries():
    text = "do: [ { t: { try: [ { a: { call: a } } ], catch: { retry: { delay: PT2S, limit: { duration: PT5S } } } } } ]"
    run_ = run(text).suspend().advance(60_000).fail("a").resume()
    assert run_.advance(2_000).waiting == ["a"]


def test_events_are_kept_once_and_heard_in_order_after_resuming():
    text = "do: [ { l: { listen: { to: { any: [ { with: { type: a } } ], until: '. | length >= 2' } } } } ]"
    run_ = run(text).suspend().send("a", 1).send("a", 2)
    before = run_.state
    assert run_.take(Heard(1, run_.published[0][1])).state is before
    assert run_.resume().output == [1, 2]


HEARD_AFTER_A_PAUSE = (
    "do: [ { a: { listen: { to: { one: { with: { type: x } } } } } }, "
    "{ b: { listen: { to: { one: { with: { type: y } } } } } } ]"
)


def test_a_listen_that_begins_at_the_resuming_hears_earlier_events_first():
    begun = Run(HEARD_AFTER_A_PAUSE).start(behaviour=2)
    begun.send("y", 1).suspend().send("x", 0).send("y", 2)
    assert begun.resume().output == [1]


def test_a_run_that_began_with_the_first_behaviour_keeps_it():
    begun = Run(HEARD_AFTER_A_PAUSE).start(behaviour=1)
    begun.send("y", 1).suspend().send("x", 0).send("y", 2)
    assert begun.resume().output == [2]


def test_what_is_kept_survives_a_snapshot_and_ends_with_the_run():
    # The driver goes on from a snapshot after every step: what is kept must come back as events.
    run_ = run(TWO, answers={"b": Raises()}).suspend().answer("a", 1).resume()
    assert run_.status == "faulted"


def test_events_after_the_one_that_ends_the_run_are_dropped():
    text = "do: [ { f: { fork: { branches: [ { a: { call: a } }, { b: { call: b } } ] } } } ]"
    run_ = run(text).suspend().fail("a").answer("b", 1).resume()
    assert (run_.status, run_.fault.instance) == ("faulted", "/do/0/f/fork/branches/0/a")


def test_a_suspended_run_may_be_cancelled():
    text = "do: [ { a: { call: a, metadata: { compensate: { call: undo } } } }, { w: { wait: PT9S } } ]"
    run_ = run(text, answers={"a": 1}).suspend().cancel()
    assert (run_.status, run_.waiting) == ("running", ["compensate"])
    assert run_.answer("undo").status == "cancelled"


PAID = """
do:
  - pay: { call: pay, metadata: { compensate: { call: refund, with: { paid: '${ $output }' } } } }
  - tell: { emit: { event: { with: { type: paid } } } }
"""


def test_a_cancel_undoes_what_was_answered_during_the_pause():
    run_ = run(PAID).suspend().answer("pay", 7).cancel()
    assert (run_.status, run_.waiting) == ("running", ["compensate"])
    assert run_.asked("compensate").arguments == {"paid": 7}
    assert run_.answer("compensate").status == "cancelled"
    assert run_.of(Publish) == []


def test_a_cancel_that_undoes_nothing_drops_what_was_answered_during_the_pause():
    assert run(PAID).suspend().answer("pay", 7).cancel(compensate=False).status == "cancelled"


def test_a_cancel_of_a_run_that_began_before_drops_what_was_answered_during_the_pause():
    assert Run(PAID).start(behaviour=3).suspend().answer("pay", 7).cancel().status == "cancelled"


def test_a_fault_during_the_pause_leaves_nothing_to_undo():
    caught = "do: [ { t: { try: [ { pay: { call: pay } } ], catch: { do: [ { other: { call: other } } ] } } } ]"
    run_ = run(caught).suspend().fail("pay").cancel()
    assert (run_.status, len(run_.of(Perform))) == ("cancelled", 1)


def test_an_answer_that_cannot_be_made_an_output_leaves_nothing_to_undo():
    text = "do: [ { pay: { call: pay, output: { as: '${ error }' }, metadata: { compensate: { call: refund } } } } ]"
    assert run(text).suspend().answer("pay", 7).cancel().status == "cancelled"


def test_branches_that_were_answered_during_the_pause_are_all_undone():
    pay = "call: pay, metadata: { compensate: { call: refund, with: { paid: '${ $output }' } } }"
    text = f"do: [ {{ f: {{ fork: {{ branches: [ {{ a: {{ {pay} }} }}, {{ b: {{ {pay} }} }}, {{ c: {{ {pay} }} }} ] }} }} }} ]"
    run_ = run(text).suspend().answer("a", 1).answer("b", 2).cancel()
    undone = []
    while run_.status == "running":
        undone.append(run_.asked("compensate").arguments["paid"])
        run_.answer("compensate")
    assert (run_.status, sorted(undone)) == ("cancelled", [1, 2])


def test_undoing_that_was_answered_during_a_pause_is_not_begun_anew_by_a_cancel():
    text = (
        "do: [ { a: { call: a, metadata: { compensate: { call: undo } } } }, { b: { call: b } } ]"
    )
    run_ = run(text, answers={"a": 1, "b": Raises()}).suspend().answer("compensate")
    assert run_.cancel().answer("compensate").status == "cancelled"


def test_undoing_may_be_suspended():
    text = (
        "do: [ { a: { call: a, metadata: { compensate: { call: undo } } } }, { b: { call: b } } ]"
    )
    run_ = run(text, answers={"a": 1, "b": Raises()}).suspend().answer("undo")
    assert run_.resume().status == "faulted"


def test_a_long_stretch_goes_on_after_a_pause():
    program = program_of(
        "do: [ { l: { for: { in: '[range(5000)]' }, do: [ { a: { set: '${ . + 1 }' } } ] } } ]"
    )
    state = step(program, NEW, Started(RUN, 0), 0).state
    state = step(program, state, SuspendAsked(), 0).state
    kept = step(program, state, Continued(), 0)
    assert kept.changed
    assert not step(program, kept.state, Continued(), 0).changed
    run_ = Run(program, careful=False)
    run_.state = kept.state
    assert run_.resume().output == 5_000


def test_a_run_that_has_not_begun_takes_nothing_but_its_start():
    program = program_of(TWO)
    for event in (SuspendAsked(), Performed("", "/do/0/a", 1), Continued()):
        assert not step(program, NEW, event, 0).changed
