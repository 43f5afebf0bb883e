"""A task that gets another input than the one that would come to it."""

from __future__ import annotations

from driver import Run


def test_the_occurrence_that_is_meant_gets_the_other_input_and_no_other():
    loop = """
do:
  - each:
      for: { each: n, in: '${ [1, 2] }' }
      do:
        - a: { call: act, with: { n: '${ .n }' } }
"""
    run = Run(loop).start({"n": 0}, amended={"/do/0/each/do/0/a[1]": {"n": 9}})
    first = run.asked("a").arguments
    run.answer("a", {"n": 5})
    second = run.asked("a").arguments
    run.answer("a", {"n": 6})

    assert [first, second] == [{"n": 0}, {"n": 9}]
    assert run.state.output == {"n": 6}


def test_every_attempt_of_it_gets_the_other_input():
    block = """
do:
  - again:
      try: [ { a: { call: act, with: { n: '${ .n }' } } } ]
      catch: { retry: { limit: { attempt: { count: 1 } } } }
"""
    run = Run(block).start({"n": 0}, amended={"/do/0/again/try/0/a": {"n": 9}})
    first = run.asked("a").arguments
    run.fail("a")
    second = run.asked("a").arguments

    assert [first, second] == [{"n": 9}, {"n": 9}]
