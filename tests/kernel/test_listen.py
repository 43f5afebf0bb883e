# ruff: noqa: E501 -- a document reads best in one piece
"""`listen`: which events count, in which order, and for whom."""

from __future__ import annotations

import pytest
from driver import Run, run

from batuta.kernel import ears
from batuta.kernel.commands import Criterion, Subscribe, Unsubscribe
from batuta.kernel.events import Heard

ONE = "do: [ { l: { listen: { to: { one: { with: { type: a } } } } } } ]"


def listening(to: str, *, more: str = "", read: str = "data") -> str:
    return f"do:\n  - l:\n      listen: {{ to: {to}, read: {read} }}\n{more}"


def test_one_event_ends_the_listen_and_the_output_is_always_an_array():
    heard = run(ONE, {}).send("b", 1)
    assert heard.status == "running"
    assert heard.send("a", 2).output == [2]
    assert [type(one).__name__ for one in heard.commands] == ["Subscribe", "Unsubscribe", "Finish"]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("data", {"n": 1}),
        (
            "envelope",
            {"specversion": "1.0", "id": "e1", "source": "/test", "type": "a", "data": {"n": 1}},
        ),
        ("raw", {"n": 1}),
    ],
)
def test_an_event_is_read_as_the_document_says(read, expected):
    assert run(listening("{ one: { with: { type: a } } }", read=read)).send(
        "a", {"n": 1}
    ).output == [expected]


@pytest.mark.parametrize("read", ["data", "raw"])
def test_binary_data_is_read_as_it_came(read):
    heard = run(listening("{ one: { with: { type: a } } }", read=read))
    assert heard.send("a", data_base64="aGk=").output == ["aGk="]


def test_any_is_over_with_the_first_event_of_any_filter():
    text = listening("{ any: [ { with: { type: a } }, { with: { type: b } } ] }")
    assert run(text).send("c").send("b", 2).output == [2]


def test_any_of_nothing_hears_every_event():
    heard = run(listening("{ any: [] }"))
    assert heard.of(Subscribe)[0].criteria == (Criterion(None),)
    assert heard.send("whatever", 1).output == [1]


def test_all_waits_for_each_filter_and_gives_them_in_the_order_of_the_filters():
    text = listening("{ all: [ { with: { type: a } }, { with: { type: b } } ] }")
    heard = run(text).send("b", "b1").send("b", "b2")
    assert heard.status == "running"
    assert heard.send("a", "a1").output == ["a1", "b1"]


def test_one_event_fills_one_filter_only():
    text = listening("{ all: [ { with: { type: a } }, { with: { source: /test } } ] }")
    heard = run(text).send("a", 1)
    assert heard.status == "running"
    assert heard.send("a", 2).output == [1, 2]


@pytest.mark.parametrize(
    ("filter_", "event", "meant"),
    [
        ("data: { n: 1 }", {"n": 1, "more": 2}, True),
        ("data: { n: 1 }", {"n": 2}, False),
        ("data: { n: { m: 1 } }", {"n": {"m": 1, "x": 2}}, True),
        ("data: { n: { m: 1 } }", {"n": 5}, False),
        ("data: { n: 1 }", "text", False),
        ("data: { flag: true }", {"flag": 1}, False),
        ("data: { flag: true }", {"flag": True}, True),
        ("data: { n: 1 }", {}, False),
        ("data: '${ .n > 3 }'", {"n": 4}, True),
        ("data: '${ .n > 3 }'", {"n": 3}, False),
        ("data: '${ .n > $input.limit and $task.name == \"l\" }'", {"n": 3}, True),
        ("subject: s", {}, False),
    ],
)
def test_a_literal_must_be_included_and_an_expression_hold(filter_, event, meant):
    heard = run(listening(f"{{ one: {{ with: {{ type: a, {filter_} }} }} }}"), {"limit": 2})
    assert (heard.send("a", event).status == "completed") is meant


def test_a_filter_that_cannot_be_evaluated_faults_the_listen_and_ends_the_subscription():
    text = """
do:
  - t:
      try: [ { l: { listen: { to: { one: { with: { type: a, data: '${ .n + {} > 3 }' } } } } } } ]
      catch: { do: [ { h: { set: '${ $error.instance }' } } ] }
  - w: { wait: PT1S }
"""
    heard = run(text).send("a", {"n": 1})
    assert heard.traced("faulted") == ["l"]
    assert len(heard.of(Unsubscribe)) == 1
    assert heard.advance(1_000).output == "/do/0/t/try/0/l"


# -- until -----------------------------------------------------------------------------------------


def test_until_an_expression_over_the_events_so_far_holds():
    text = listening(
        "{ any: [ { with: { type: a } } ], until: '(map(.n) | add) > 4 and $input.x' }"
    )
    heard = run(text, {"x": True}).send("a", {"n": 2}).send("a", {"n": 2})
    assert heard.status == "running"
    assert heard.send("a", {"n": 1}).output == [{"n": 2}, {"n": 2}, {"n": 1}]


@pytest.mark.parametrize(
    "until", ["one: { with: { type: stop } }", "any: [ { with: { type: stop } } ]"]
)
def test_until_an_event_comes_which_is_not_part_of_the_output(until):
    heard = run(listening(f"{{ any: [ {{ with: {{ type: a }} }} ], until: {{ {until} }} }}"))
    assert heard.send("a", 1).send("stop", 9).output == [1]


def test_until_all_of_several_events_came():
    text = listening(
        "{ any: [ { with: { type: a } } ], until: { all: [ { with: { type: x } }, { with: { type: y } } ] } }"
    )
    heard = run(text).send("y").send("a", 1).send("y").send("a", 2)
    assert heard.status == "running"
    assert heard.send("x").output == [1, 2]


def test_until_any_event_at_all_comes():
    text = listening("{ any: [ { with: { type: a } } ], until: { any: [] } }")
    assert run(text).send("whatever", 1).output == []


def test_an_event_that_is_meant_by_both_ends_the_listen():
    text = listening("{ any: [], until: { one: { with: { type: stop } } } }")
    assert run(text).send("a", 1).send("stop", 2).output == [1]


# -- iterating -------------------------------------------------------------------------------------

FOREACH = """
do:
  - l:
      listen: { to: { any: [ { with: { type: a } } ], until: '. | length >= 2' } }
      foreach:
        item: event
        at: place
        do: [ { work: { call: work, with: { n: '${ $event.n }', at: '${ $place }' } } } ]
        output: { as: '${ . + 1 }' }
        export: { as: '${ {sum: (($context.sum // 0) + .)} }' }
  - look: { set: '${ {outputs: ., context: $context} }' }
"""


def test_events_are_iterated_one_after_the_other_in_the_order_they_came():
    heard = run(FOREACH).send("a", {"n": 1}).send("a", {"n": 2})
    assert [one.arguments for one in heard.performs] == [{"n": 1, "at": 0}]
    assert len(heard.of(Unsubscribe)) == 1
    heard.answer("work", 10)
    assert [one.arguments for one in heard.performs] == [{"n": 2, "at": 1}]
    assert heard.answer("work", 20).output == {"outputs": [11, 21], "context": {"sum": 32}}
    assert [one.iteration for one in heard.watch if one.name == "work"] == [0, 0, 1, 1]


def test_a_listen_goes_on_listening_between_iterations():
    heard = run(FOREACH).send("a", {"n": 1}).answer("work", 10)
    assert heard.status == "running"
    assert heard.waiting == []
    assert heard.send("a", {"n": 2}).answer("work", 20).output["outputs"] == [11, 21]


def test_without_tasks_an_iteration_gives_the_event():
    text = FOREACH.replace(
        "do: [ { work: { call: work, with: { n: '${ $event.n }', at: '${ $place }' } } } ]",
        "do: []",
    )
    assert run(text.replace(". + 1", ".n")).send("a", {"n": 1}).send("a", {"n": 2}).output[
        "outputs"
    ] == [1, 2]


FOREVER = """
do:
  - l:
      listen: { to: { any: [ { with: { type: a } } ], until: false } }
      foreach:
        do:
          - choose: { switch: [ { last: { when: '$item.last', then: exit } } ] }
          - keep: { set: '${ $item.n }' }
"""


def test_a_listen_may_go_on_for_ever_until_an_iteration_exits():
    heard = run(FOREVER)
    for n in range(3):
        heard.send("a", {"n": n})
    assert heard.status == "running"
    done = heard.send("a", {"last": True})
    assert done.output == [0, 1, 2, {"last": True}]
    assert len(done.of(Unsubscribe)) == 1


def test_exit_leaves_queued_events_alone():
    text = FOREVER.replace("- choose", "- ask: { call: ask }\n          - choose")
    heard = run(text).send("a", {"last": True}).send("a", {"n": 2})
    assert heard.answer("ask").output == [None]


def test_a_fault_in_an_iteration_ends_the_subscription():
    text = """
do:
  - t:
      try:
        - l:
            listen: { to: { any: [ { with: { type: a } } ], until: false } }
            foreach: { do: [ { ask: { call: ask } }, { bad: { set: '${ 1 + {} }' } } ] }
      catch: {}
  - w: { wait: PT1S }
"""
    heard = run(text, 1).send("a").answer("ask")
    assert len(heard.of(Unsubscribe)) == 1
    assert heard.traced("faulted") == ["bad", "l"]
    assert heard.advance(1_000).output == 1


def test_an_iteration_s_output_that_cannot_be_transformed_faults_the_listen():
    text = FOREACH.replace("${ . + 1 }", "${ . + {} }")
    heard = run(text).send("a", {"n": 1}).answer("work", 1)
    assert (heard.kind_of_fault, heard.fault.instance) == ("expression", "/do/0/l")


def test_events_come_in_while_an_iteration_forks():
    text = """
do:
  - l:
      listen: { to: { any: [ { with: { type: a } } ], until: '. | length >= 3' } }
      foreach:
        do:
          - f:
              fork:
                branches:
                  - x: { call: x, with: { n: '${ $item }' } }
                  - y: { do: [ { z: { call: z } }, { m: { set: '${ $index }' } } ] }
"""
    heard = run(text, answers={"x": lambda asked: asked.arguments["n"]}).send("a", 1).send("a", 2)
    heard.answer("z")
    heard.send("a", 3).answer("z").answer("z")
    assert heard.output == [[1, 0], [2, 1], [3, 2]]


# -- correlation -----------------------------------------------------------------------------------


def correlated(expect: str = "") -> str:
    return listening(
        "{ all: [ { with: { type: a }, correlate: { order: { from: .order" + expect + " } } }, "
        "{ with: { type: b }, correlate: { order: { from: .data.order" + expect + " } } } ] }"
    )


def test_the_first_value_decides_when_none_is_expected():
    heard = run(correlated()).send("b", {"order": 1}).send("a", {"order": 2})
    assert heard.status == "running"
    assert heard.send("a", {"order": 1}).output == [{"order": 1}, {"order": 1}]


def test_an_event_without_the_value_fixes_nothing():
    heard = run(correlated()).send("b", {"x": 1}).send("b", {"order": 1}).send("a", {"order": 1})
    assert heard.output == [{"order": 1}, {"order": 1}]


def test_the_expected_value_is_compared_and_told_to_the_store():
    heard = run(correlated(", expect: '${ $input.id }'"), {"id": 7})
    assert heard.of(Subscribe)[0].criteria == (
        Criterion("a", ((".order", 7),)),
        Criterion("b", ((".data.order", 7),)),
    )
    heard.send("a", {"order": 1}).send("a", {"order": 7}).send("b", {"order": 1})
    assert heard.status == "running"
    assert heard.send("b", {"order": 7}).output == [{"order": 7}, {"order": 7}]


def test_a_fixed_value_holds_for_later_listens_of_the_run():
    text = """
do:
  - l: { listen: { to: { one: { with: { type: a }, correlate: { order: { from: .order } } } } } }
  - m: { listen: { to: { one: { with: { type: b }, correlate: { order: { from: .order }, own: { from: .x } } } } } }
"""
    heard = run(text).send("a", {"order": 1})
    assert heard.of(Subscribe)[1].criteria == (Criterion("b", ((".order", 1),)),)
    heard.send("b", {"order": 2, "x": 1})
    assert heard.status == "running"
    assert heard.send("b", {"order": 1, "x": 5}).output == [{"order": 1, "x": 5}]


def test_a_source_that_reads_variables_is_not_told_to_the_store():
    text = listening(
        "{ one: { with: { type: a }, correlate: { k: { from: '.[$input.name]', expect: '1' } } } }"
    )
    heard = run(text, {"name": "n"})
    assert heard.of(Subscribe)[0].criteria == (Criterion("a", ()),)
    assert heard.send("a", {"n": "1"}).output == [{"n": "1"}]


EACH_ORDER = """
do:
  - each:
      for: { in: '[1,2,3]' }
      do:
        - l: { listen: { to: { one: { with: { type: paid }, correlate: { o: { from: .order, expect: '${ $item }' } } } } } }
        - mark: { set: '${ .[0].n }' }
"""


def test_events_of_another_group_are_kept_for_the_listen_that_means_them():
    heard = run(EACH_ORDER)
    heard.send("paid", {"order": 3, "n": "c"}).send("paid", {"order": 1, "n": "a"})
    assert heard.of(Subscribe)[-1].after is None
    assert heard.send("paid", {"order": 2, "n": "b"}).output == "c"


# -- which events a listen hears -------------------------------------------------------------------

TWICE = """
do:
  - l: { listen: { to: { one: { with: { type: a } } } } }
  - m: { listen: { to: { one: { with: { type: a } } } } }
"""


def test_an_event_that_came_before_its_listen_is_not_lost():
    text = (
        "do: [ { w: { wait: PT1S } }, { l: { listen: { to: { one: { with: { type: a } } } } } } ]"
    )
    assert run(text).send("a", 1).advance(1_000).output == [1]


def test_an_event_is_not_consumed_twice_by_a_row_of_listens():
    heard = run(TWICE).send("a", 1)
    assert heard.status == "running"
    assert heard.send("a", 2).output == [2]


def test_an_event_that_is_offered_again_is_recognised():
    heard = run(TWICE).send("a", 1)
    before = heard.state
    assert heard.take(Heard(1, heard.published[0][1])).state is before


def test_a_listen_that_is_reached_again_goes_on_behind_its_last_event():
    text = "do: [ { f: { for: { in: '[1,2]' }, do: [ { l: { listen: { to: { one: { with: { type: a } } } } } } ] } } ]"
    heard = run(text).send("b").send("a", 1)
    assert [one.after for one in heard.of(Subscribe)] == [None, 2]
    assert heard.send("a", 2).output == [2]


def test_a_listen_to_all_looks_at_events_again_that_it_left_alone():
    text = """
do:
  - f:
      for: { in: '[1,2]' }
      do: [ { l: { listen: { to: { all: [ { with: { type: a } }, { with: { type: b } } ] } } } } ]
"""
    heard = run(text).send("a", 1).send("a", 2).send("b", 3)
    assert heard.status == "running"
    assert heard.send("b", 4).output == [2, 4]


def test_a_listen_that_compares_looks_at_events_again_that_it_left_alone():
    text = """
do:
  - f:
      for: { in: '[1,2]' }
      do: [ { l: { listen: { to: { one: { with: { type: a, data: '${ .n == $item }' } } } } } } ]
"""
    assert run(text).send("a", {"n": 2}).send("a", {"n": 1}).output == [{"n": 2}]


BOTH = """
do:
  - f:
      fork:
        branches:
          - x: { listen: { to: { one: { with: { type: a } } } } }
          - y: { listen: { to: { one: { with: { type: a } } } } }
  - l: { listen: { to: { one: { with: { type: a } } } } }
"""


def test_parallel_branches_hear_the_same_event_and_neither_their_join_again():
    heard = run(BOTH).send("a", 1)
    assert heard.traced("completed") == ["x", "y", "f"]
    assert heard.send("a", 2).output == [2]


def test_what_a_single_branch_heard_is_not_heard_again_after_the_join():
    text = BOTH.replace(
        "- y: { listen: { to: { one: { with: { type: a } } } } }", "- y: { call: y }"
    )
    heard = run(text).send("a", 1).answer("y")
    assert heard.send("a", 2).output == [2]


def test_a_listen_inside_an_iteration_takes_the_event_before_the_one_around_it():
    text = """
do:
  - outer:
      listen: { to: { any: [ { with: { type: a } } ], until: '. | length >= 2' } }
      foreach: { do: [ { inner: { listen: { to: { one: { with: { type: a } } } } } } ] }
"""
    heard = run(text).send("a", 1).send("a", 2).send("a", 3)
    assert heard.status == "running"
    assert heard.send("a", 4).output == [[2], [4]]


def test_a_run_may_be_told_which_events_one_before_it_has_consumed():
    heard = Run(ONE).start({}, heard=(1,)).send("a", 1)
    assert heard.status == "running"
    assert heard.send("a", 2).output == [2]


def test_the_own_events_of_a_run_are_heard_too():
    text = """
do:
  - e: { emit: { event: { with: { source: /s, type: a, data: 5 } } } }
  - l: { listen: { to: { one: { with: { type: a } } } } }
"""
    assert run(text).output == [5]


def test_the_memory_of_consumed_events_is_bounded_and_forgets_towards_consumed():
    memory = None
    for number in range(1, ears.REMEMBERED + 11):
        memory = ears.having_heard(memory, None, number, {})
    assert memory is not None
    assert len(memory.recent) == ears.REMEMBERED
    assert ears.behind(memory, None) == 10
    assert ears.behind(memory, "/do/0/l") == 10
    other = ears.having_heard(None, "/do/0/l", 5_000, {"k": 1})
    both = ears.joined(memory, other)
    assert (ears.behind(both, "/do/0/l"), both.bound) == (5_000, {"k": 1})
    assert ears.behind(both, None) == 11
    assert ears.joined(None, other) is other


def test_a_listen_that_was_subscribed_and_given_up_in_one_step_is_never_subscribed():
    text = """
do:
  - t:
      try:
        - f:
            fork:
              branches:
                - l: { listen: { to: { one: { with: { type: a } } } } }
                - bad: { set: '${ 1 + {} }' }
      catch: {}
"""
    heard = run(text, 1)
    assert heard.output == 1
    assert (heard.of(Subscribe), heard.of(Unsubscribe)) == ([], [])


def test_what_was_heard_before_a_fork_is_remembered_alike_by_a_restored_run():
    text = """
do:
  - l: { listen: { to: { one: { with: { type: b } } } } }
  - m: { listen: { to: { one: { with: { type: a } } } } }
  - f: { fork: { branches: [ { x: { call: x } }, { y: { call: y } } ] } }
  - w: { wait: PT1S }
"""
    heard = run(text).send("a", 1).send("b", 2).answer("x").answer("y")
    ears = heard.state.tokens[""].ears
    assert ears is not None
    assert ears.recent == (2, 1)
