# ruff: noqa: E501 -- a document reads best in one piece
"""Long stretches of pure tasks: no depth, no monopoly, one `Continue` at a time."""

from __future__ import annotations

from driver import Run, program_of, run

from batuta.kernel.commands import Continue
from batuta.kernel.transition import STRETCH


def test_many_tasks_in_a_row_need_no_depth():
    count = 10_000
    tasks = "".join(f"  - t{n}: {{ set: '${{ . + 1 }}' }}\n" for n in range(100))
    text = (
        f"do:\n  - l:\n      for: {{ in: '[range({count // 100})]' }}\n      do:\n"
        + tasks.replace("  - ", "        - ")
    )
    done = Run(text, careful=False).start(0)
    assert done.output == count


def test_a_document_of_many_tasks_runs_to_its_end():
    tasks = "".join(f"  - t{n}: {{ set: '${{ . + 1 }}' }}\n" for n in range(3_000))
    done = Run(f"do:\n{tasks}", careful=False).start(0)
    assert done.output == 3_000
    assert len(done.of(Continue)) == 3_000 // STRETCH


def test_a_long_loop_lets_others_go_first_every_stretch():
    program = program_of(
        "do: [ { l: { for: { in: '[range(5000)]' }, do: [ { a: { set: '${ . + 1 }' } } ] } } ]"
    )
    done = Run(program, careful=False).start(0)
    assert done.output == 5_000
    assert len(done.of(Continue)) == 5_001 // STRETCH
    assert len(done.journal) == 1 + 5_001 // STRETCH


def test_a_loop_by_then_goes_on_and_on():
    text = "do: [ { a: { set: '${ . + 1 }' } }, { c: { switch: [ { m: { when: . < 3000, then: a } } ] } } ]"
    done = Run(text, careful=False).start(0)
    assert done.output == 3_000


ENDLESS = """
do:
  - f:
      fork:
        branches:
          - x: { do: [ { a: { set: '${ . + 1 }' } }, { c: { switch: [ { more: { when: . < 4000, then: a } } ] } } ] }
          - y: { do: [ { a: { set: '${ . + 1 }' } }, { c: { switch: [ { more: { when: . < 4000, then: a } } ] } } ] }
          - z: { call: z }
"""


def test_branches_that_go_on_and_on_ask_for_their_turn_once():
    forked = Run(ENDLESS, careful=False).start(0)
    assert forked.answer("z", 1).output == [4_000, 4_000, 1]
    # Two branches of 8,000 tasks each: no turn is asked for twice.
    assert len(forked.of(Continue)) <= 16_000 // STRETCH + 1


def test_a_token_that_waits_for_its_turn_is_careful_too():
    text = "do: [ { l: { for: { in: '[range(2100)]' }, do: [ { a: { set: '${ . + 1 }' } } ] } } ]"
    assert run(text, 0).output == 2_100


def test_what_is_parked_may_be_cut_by_a_timeout_or_cancelled():
    from batuta.kernel.events import CancelAsked, Started, Woken
    from batuta.kernel.step import NEW, step

    text = "do: [ { s: { timeout: { after: PT1S }, do: [ { l: { for: { in: '[range(9000)]' }, do: [ { a: { set: '${ . + 1 }' } } ] } } ] } } ]"
    program = program_of(text)
    parked = step(program, NEW, Started("r1", 0), 0).state
    assert parked.tokens[""].entering == "/do/0/s/do/0/l/do/0/a"
    cut = step(program, parked, Woken(), 1_000).state
    assert (cut.status, cut.fault.status if cut.fault else 0) == ("faulted", 408)
    assert step(program, parked, CancelAsked(), 0).state.status == "cancelled"


def test_undoing_that_parks_asks_for_a_turn_of_its_own():
    from batuta.kernel.events import CancelAsked, Continued, Performed, Started, SuspendAsked
    from batuta.kernel.step import NEW, step

    text = """
do:
  - a:
      call: a
      metadata: { compensate: { for: { in: '[range(3000)]' }, do: [ { x: { set: { n: 1 } } } ] } }
  - l: { for: { in: '[range(9000)]' }, do: [ { x: { set: { n: 1 } } } ] }
"""
    program = program_of(text)
    state = step(program, NEW, Started("r1", 0), 0).state
    state = step(program, state, Performed("", "/do/0/a"), 0).state
    state = step(program, state, SuspendAsked(), 0).state
    cancelled = step(program, state, CancelAsked(), 0)
    assert cancelled.commands == [Continue()]
    assert step(program, cancelled.state, Continued(), 0).state.status == "cancelled"


def test_a_branch_that_ends_its_fork_ends_the_turn_of_the_others():
    text = """
do:
  - f:
      fork:
        compete: true
        branches:
          - x: { for: { in: '[range(2500)]' }, do: [ { a: { set: '${ . + 1 }' } } ] }
          - y: { for: { in: '[range(9000)]' }, do: [ { a: { set: '${ . + 1 }' } } ] }
"""
    assert Run(text, careful=False).start(0).output == 2_500
