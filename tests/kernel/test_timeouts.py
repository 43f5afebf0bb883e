# ruff: noqa: E501 -- a document reads best in one piece
"""`timeout`: of tasks, of scopes, of the run."""

from __future__ import annotations

import pytest
from driver import run

from batuta.kernel.commands import Abandon, Unsubscribe


@pytest.mark.parametrize("after", ["PT2S", "{ seconds: 2 }", "'${ {seconds: .s} }'"])
def test_a_task_that_takes_too_long_faults_with_408(after):
    slow = run(f"do: [ {{ a: {{ call: work, timeout: {{ after: {after} }} }} }} ]", {"s": 2})
    assert slow.asked("a").deadline == slow.now + 2_000
    assert slow.advance(1_999).status == "running"
    slow.advance(1)
    assert (slow.kind_of_fault, slow.fault.status, slow.fault.instance) == (
        "timeout",
        408,
        "/do/0/a",
    )
    assert [one.key for one in slow.of(Abandon)] == ["/do/0/a"]
    assert slow.traced("faulted") == ["a"]
    assert slow.traced("cancelled") == []


def test_a_task_in_time_is_not_cut_later():
    text = "do: [ { a: { call: work, timeout: { after: PT1S } } }, { w: { wait: PT5S } } ]"
    assert run(text).answer("a", 1).advance(5_000).output == 1


def test_a_scope_that_takes_too_long_cancels_what_is_inside():
    text = "do: [ { s: { timeout: { after: PT1S }, do: [ { d: { do: [ { a: { call: work } } ] } } ] } } ]"
    slow = run(text)
    assert slow.asked("a").deadline == slow.now + 1_000
    slow.advance(1_000)
    assert slow.fault.instance == "/do/0/s"
    assert slow.trace[-3:] == ["cancelled a", "cancelled d", "faulted s"]


def test_the_outermost_overdue_timeout_counts():
    text = "do: [ { s: { timeout: { after: PT1S }, do: [ { a: { call: work, timeout: { after: PT1S } } } ] } } ]"
    assert run(text).advance(1_000).fault.instance == "/do/0/s"


def test_a_fork_that_takes_too_long_cancels_its_branches():
    text = """
do:
  - f:
      timeout: { after: PT2S }
      fork:
        branches:
          - a: { call: a }
          - l: { listen: { to: { one: { with: { type: x } } } } }
          - n: { fork: { branches: [ { b: { call: b } } ] } }
"""
    slow = run(text).advance(2_000)
    assert slow.fault.instance == "/do/0/f"
    assert sorted(one.key.rpartition("/")[2] for one in slow.of(Abandon)) == ["a", "b"]
    assert len(slow.of(Unsubscribe)) == 1


def test_a_branch_has_a_timeout_of_its_own():
    text = "do: [ { f: { fork: { branches: [ { a: { call: a, timeout: { after: PT1S } } }, { b: { call: b } } ] } } } ]"
    slow = run(text).advance(1_000)
    assert slow.fault.instance == "/do/0/f/fork/branches/0/a"


def test_a_try_does_not_catch_its_own_timeout_but_that_of_a_task_inside():
    own = "do: [ { t: { timeout: { after: PT1S }, try: [ { a: { call: a } } ], catch: {} } } ]"
    inside = "do: [ { t: { try: [ { a: { call: a, timeout: { after: PT1S } } } ], catch: {} } } ]"
    assert run(own).advance(1_000).fault.instance == "/do/0/t"
    assert run(inside, 5).advance(1_000).output == 5


def test_a_timeout_is_caught_around():
    text = """
do:
  - t:
      try: [ { s: { timeout: { after: PT1S }, do: [ { w: { wait: PT5S } } ] } } ]
      catch: { do: [ { h: { set: '${ $error.status }' } } ] }
"""
    assert run(text).advance(1_000).output == 408


def test_a_timeout_counts_over_all_retries():
    text = """
do:
  - t:
      timeout: { after: PT5S }
      try: [ { a: { call: a } } ]
      catch: { retry: { delay: PT2S } }
"""
    slow = run(text).fail("a").advance(2_000).fail("a")
    assert slow.advance(3_000).fault.status == 408
    assert slow.state.ended == 1_000_000 + 5_000


def test_the_whole_workflow_may_time_out():
    text = "timeout: { after: PT3S }\ndo: [ { t: { try: [ { a: { call: a } } ], catch: {} } } ]"
    slow = run(text).advance(3_000)
    assert (slow.status, slow.fault.instance) == ("faulted", "")
    assert [one.key for one in slow.of(Abandon)] == ["/do/0/t/try/0/a"]


def test_the_workflow_s_timeout_may_be_computed_from_its_input():
    text = "timeout: { after: '${ {seconds: .s} }' }\ndo: [ { a: { call: a } } ]"
    assert run(text, {"s": 2}).state.wake == 1_002_000


def test_a_workflow_s_timeout_that_is_no_duration_faults_the_run():
    done = run("timeout: { after: '${ .s }' }\ndo: [ { a: { call: a } } ]", {})
    assert (done.kind_of_fault, done.fault.instance) == ("configuration", "")


def test_a_timeout_that_is_no_duration_faults_the_task():
    done = run("do: [ { a: { call: a, timeout: { after: '${ .s }' } } } ]", {})
    assert (done.kind_of_fault, done.fault.instance) == ("configuration", "/do/0/a")


def test_a_listen_in_a_foreach_is_cut_with_its_iteration():
    text = """
do:
  - l:
      timeout: { after: PT5S }
      listen: { to: { any: [ { with: { type: x } } ], until: false } }
      foreach: { do: [ { a: { call: a, timeout: { after: PT9S } } } ] }
"""
    slow = run(text).send("x").advance(5_000)
    assert slow.fault.instance == "/do/0/l"
    assert [len(slow.of(kind)) for kind in (Abandon, Unsubscribe)] == [1, 1]


def test_the_compensations_of_cancelled_branches_are_not_lost_by_a_timeout():
    text = """
do:
  - t:
      try:
        - f:
            timeout: { after: PT2S }
            fork:
              branches:
                - a: { do: [ { x: { call: x, metadata: { compensate: { call: undo } } } }, { y: { call: y } } ] }
                - b: { call: b }
      catch: { do: [ { h: { set: '${ "handled" }' } } ] }
"""
    slow = run(text).answer("x", 1).advance(2_000)
    assert slow.asked("undo")
    assert slow.answer("undo").output == "handled"


def test_a_function_may_have_a_timeout_at_both_ends():
    text = """
use: { functions: { f: { timeout: { after: AFTER }, do: [ { w: { wait: PT9S } } ] } } }
do: [ { a: { call: f, timeout: { after: PT2S } } } ]
"""
    assert run(text.replace("AFTER", "PT1S")).advance(1_000).fault.instance == "/use/functions/f"
    assert run(text.replace("AFTER", "PT3S")).advance(2_000).fault.instance == "/do/0/a"


def test_a_listen_that_has_heard_enough_is_cut_in_its_last_iteration():
    text = """
do:
  - l:
      timeout: { after: PT5S }
      listen: { to: { one: { with: { type: x } } } }
      foreach: { do: [ { a: { call: a } } ] }
"""
    slow = run(text).send("x").advance(5_000)
    assert slow.fault.instance == "/do/0/l"
    assert len(slow.of(Unsubscribe)) == 1


def test_a_timeout_around_a_fork_is_not_a_branchs_to_deal_with():
    # The id of the inner branch sorts before that of the token that it belongs to.
    text = """
use:
  functions:
    a: { timeout: { after: PT1S }, fork: { branches: [ { slow: { call: slow } } ] } }
    z: { fork: { branches: [ { inner: { call: a } } ] } }
do: [ { t: { call: z } } ]
"""
    run_ = run(text).advance(1_000)
    assert (run_.kind_of_fault, run_.fault.instance) == ("timeout", "/use/functions/a")
