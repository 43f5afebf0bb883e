# ruff: noqa: E501 -- a document reads best in one piece
"""`try`: what is caught, what is retried, and what follows."""

from __future__ import annotations

import pytest
from driver import Raises, Run, Sequence, fault, run

from batuta.kernel.commands import Abandon, Perform

CAUGHT = """
do:
  - t:
      try: [ { a: { call: work } } ]
      catch:
        CATCH
        do: [ { handle: { set: '${ {caught: $error.status} }' } } ]
"""


def catching(catch: str) -> str:
    return CAUGHT.replace("CATCH", catch)


def retrying(policy: str, *, handled: bool = False) -> str:
    do = ", do: [ { handle: { set: '${ {handled: $error.status} }' } } ]" if handled else ""
    return f"do: [ {{ t: {{ try: [ {{ a: {{ call: work }} }} ], catch: {{ retry: {policy}{do} }} }} }} ]"


def test_without_a_fault_the_output_is_the_body_s_and_nothing_is_handled():
    assert run(catching(""), answers={"a": 5}).output == 5


def test_a_caught_error_goes_to_the_handler_whose_output_counts():
    done = run(catching(""), {"x": 1}, answers={"a": Raises(status=503)})
    assert done.output == {"caught": 503}
    assert done.trace == [
        "started t",
        "started a",
        "faulted a",
        "started handle",
        "completed handle",
        "completed t",
    ]


def test_a_catch_without_anything_swallows_and_gives_the_input():
    text = "do: [ { t: { try: [ { a: { call: work } } ], catch: {} } } ]"
    assert run(text, {"x": 1}, answers={"a": Raises()}).output == {"x": 1}


def test_an_empty_handler_handles_too():
    text = "do: [ { t: { try: [ { a: { call: work } } ], catch: { do: [] } } } ]"
    assert run(text, {"x": 1}, answers={"a": Raises()}).output == {"x": 1}


def test_an_empty_body_passes_its_input_on():
    assert run("do: [ { t: { try: [], catch: {} } } ]", {"x": 1}).output == {"x": 1}


@pytest.mark.parametrize(
    "uri",
    [
        "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
        "https://open-workflow-specification.org/spec/1.0.0/errors/communication",
        "https://serverlessworkflow.io/dsl/errors/types/communication",
    ],
)
def test_a_standard_type_is_recognised_under_every_address_of_its_family(uri):
    text = catching(f"errors: {{ with: {{ type: {uri} }} }}")
    assert run(text, answers={"a": Raises()}).output == {"caught": 500}
    assert run(text, answers={"a": Raises("timeout", 408)}).status == "faulted"


@pytest.mark.parametrize(
    ("filter_", "caught"),
    [
        ("status: 503", True),
        ("status: 500", False),
        ("instance: /do/0/t/try/0/a", True),
        ("instance: /do/0/t", False),
        ("title: Broken", True),
        ("details: why", True),
        ("details: other", False),
        ("status: 503, title: Other", False),
        ("title: '${ .wanted }'", True),
        ("type: '${ .none }'", False),
    ],
)
def test_the_filter_compares_every_member_that_it_names(filter_, caught):
    done = run(
        catching(f"errors: {{ with: {{ {filter_} }} }}"),
        {"wanted": "Broken"},
        answers={"a": Raises(status=503, detail="why")},
    )
    assert (done.status == "completed") is caught


@pytest.mark.parametrize(
    ("conditions", "caught"),
    [
        ("when: .status == 503", True),
        ("when: .status == 500", False),
        ("exceptWhen: .status == 503", False),
        ("exceptWhen: .status == 500", True),
        ('when: $error.status == 503 and $input.x == 1 and $task.name == "t"', True),
        ("when: .status == 503, exceptWhen: $input.x == 1", False),
    ],
)
def test_conditions_are_asked_on_the_error(conditions, caught):
    done = run(
        catching(
            "# no filter\n        " + conditions.replace(", exceptWhen", "\n        exceptWhen")
        ),
        {"x": 1},
        answers={"a": Raises(status=503)},
    )
    assert (done.status == "completed") is caught


def test_the_error_has_the_name_that_the_document_gives_it():
    text = """
do:
  - t:
      try: [ { a: { call: work } } ]
      catch: { as: problem, do: [ { h: { set: '${ [$problem.title, $error] }' } } ] }
""".replace(", $error", "")
    assert run(text, answers={"a": Raises()}).output == ["Broken"]


def test_a_condition_that_cannot_be_evaluated_takes_the_place_of_the_fault():
    done = run(catching("when: '.status + {} > 1'"), answers={"a": Raises()})
    assert (done.status, done.kind_of_fault, done.fault.instance) == (
        "faulted",
        "expression",
        "/do/0/t",
    )


def test_a_fault_of_the_handler_is_not_this_try_s_to_catch():
    text = """
do:
  - outer:
      try:
        - inner:
            try: [ { a: { call: work } } ]
            catch: { do: [ { again: { call: again } } ] }
      catch: { do: [ { h: { set: '${ $error.instance }' } } ] }
"""
    done = run(text, answers={"a": Raises(), "again": Raises()})
    assert done.output == "/do/0/outer/try/0/inner/catch/do/0/again"


def test_an_error_that_the_inner_catch_does_not_mean_goes_to_the_outer_one():
    text = """
do:
  - outer:
      try:
        - inner:
            try: [ { a: { call: work } } ]
            catch: { errors: { with: { status: 400 } }, do: [ { never: { set: { n: 1 } } } ] }
      catch: { do: [ { h: { set: '${ [$error.status, .] }' } } ] }
"""
    assert run(text, {"x": 1}, answers={"a": Raises(status=503)}).output == [503, {"x": 1}]


@pytest.mark.parametrize(
    ("catch", "expected"),
    [("then: exit", "caught"), ("then: last", "last"), ("", "next")],
)
def test_the_catch_s_own_then_is_followed_after_an_error_only(catch, expected):
    text = f"""
do:
  - scope:
      do:
        - t:
            try: [ {{ a: {{ call: work }} }} ]
            catch:
              do: [ {{ h: {{ set: '${{ "caught" }}' }} }} ]
              {catch}
            then: next
        - never: {{ set: '${{ "never" }}' }}
        - next: {{ set: '${{ "next" }}', then: exit }}
        - last: {{ set: '${{ "last" }}' }}
"""
    assert run(text, answers={"a": Raises()}).output == expected
    assert run(text, answers={"a": 1}).output == "next"


def test_then_of_a_catch_without_handler_is_followed():
    text = """
do:
  - t: { try: [ { a: { call: work } } ], catch: { then: end } }
  - never: { set: { n: 1 } }
"""
    assert run(text, {"x": 1}, answers={"a": Raises()}).output == {"x": 1}


# -- retries ---------------------------------------------------------------------------------------


def delays(policy: str, attempts: int) -> list[int]:
    """Return how long a run waits before each further attempt."""
    tries = run(retrying(policy), answers={"a": Raises()})
    found = []
    for _ in range(attempts):
        if tries.status != "running":
            break
        found.append((tries.state.wake or 0) - tries.now)
        tries.advance(found[-1])
    return found


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ("constant: {}", [2_000, 2_000, 2_000, 2_000]),
        ("linear: {}", [2_000, 4_000, 6_000, 8_000]),
        ("exponential: {}", [2_000, 4_000, 8_000, 16_000]),
        ("exponential: { factor: 3, max: PT10S }", [2_000, 6_000, 10_000, 10_000]),
        ("linear: { max: PT5S }", [2_000, 4_000, 5_000, 5_000]),
    ],
)
def test_delays_grow_as_the_backoff_says(backoff, expected):
    assert delays(f"{{ delay: PT2S, backoff: {{ {backoff} }} }}", 4) == expected


def test_the_number_of_retries_is_counted_without_the_first_attempt():
    tries = run(
        retrying("{ delay: PT1S, limit: { attempt: { count: 2 } } }"), answers={"a": Raises()}
    )
    tries.advance(10_000)
    assert tries.performed == ["a", "a", "a"]
    assert [one.attempt for one in tries.of(Perform)] == [1, 2, 3]
    assert (tries.status, tries.fault.instance) == ("faulted", "/do/0/t/try/0/a")
    assert tries.traced("retried") == ["t", "t"]


def test_a_retry_starts_with_the_original_input_and_may_succeed():
    text = """
do:
  - t:
      try:
        - change: { set: '${ {n: (.n + 1)} }' }
        - a: { call: work, with: { n: '${ .n }' } }
      catch: { retry: { limit: { attempt: { count: 3 } } } }
"""
    done = run(text, {"n": 1}, answers={"a": Sequence(Raises(), Raises(), "ok")})
    assert done.output == "ok"
    assert [one.arguments for one in done.of(Perform)] == [{"n": 2}] * 3


def test_attempts_have_keys_of_their_own_and_one_occurrence():
    done = run(retrying("{ limit: { attempt: { count: 1 } } }"), answers={"a": Raises()})
    assert [one.key for one in done.of(Perform)] == ["/do/0/t/try/0/a", "/do/0/t/try/0/a+1"]
    assert {one.occurrence for one in done.of(Perform)} == {"/do/0/t/try/0/a"}


def test_after_the_last_retry_the_handler_runs():
    done = run(
        retrying("{ limit: { attempt: { count: 1 } } }", handled=True),
        answers={"a": Raises(status=502)},
    )
    assert done.output == {"handled": 502}


@pytest.mark.parametrize(
    ("condition", "attempts"),
    [
        ("when: .status == 503", 2),
        ("when: .status == 500", 1),
        ("exceptWhen: .status == 503", 1),
        ('exceptWhen: $error.status == 500 or $task.name != "t"', 2),
    ],
)
def test_a_policy_may_refuse_to_retry(condition, attempts):
    text = retrying(f"{{ {condition}, limit: {{ attempt: {{ count: 1 }} }} }}", handled=True)
    done = run(text, answers={"a": Raises(status=503)})
    assert len(done.performed) == attempts
    assert done.output == {"handled": 503}


def test_jitter_lies_within_its_bounds_and_is_the_same_for_a_replay():
    policy = "{ delay: PT1S, jitter: { from: PT1S, to: PT3S } }"
    drawn = delays(policy, 12)
    assert all(2_000 <= delay <= 4_000 for delay in drawn)
    assert len(set(drawn)) > 5
    assert delays(policy, 12) == drawn


@pytest.mark.parametrize("to", ["PT2S", "'${ {seconds: 1} }'"])
def test_jitter_without_a_span_is_its_lower_bound(to):
    assert delays(f"{{ jitter: {{ from: PT2S, to: {to} }} }}", 1) == [2_000]


def test_the_total_duration_ends_the_retries():
    tries = run(retrying("{ delay: PT2S, limit: { duration: PT5S } }"), answers={"a": Raises()})
    tries.advance(60_000)
    assert (tries.status, len(tries.performed)) == ("faulted", 3)


def test_an_attempt_that_takes_too_long_is_cut_and_tried_again():
    tries = run(
        retrying("{ limit: { attempt: { count: 1, duration: PT1S } } }", handled=True), {"x": 1}
    )
    first = tries.asked("a")
    assert first.deadline == tries.now + 1_000
    tries.advance(1_000)
    assert [one.key for one in tries.of(Abandon)] == [first.key]
    assert tries.waiting == ["a"]
    assert tries.advance(1_000).output == {"handled": 408}


def test_an_attempt_in_time_is_not_cut_later():
    tries = run(retrying("{ limit: { attempt: { duration: PT1S } } }") + "\n", answers={})
    assert tries.advance(900).answer("a", 1).output == 1


def test_computed_limits_see_the_input():
    text = retrying("{ delay: '${ {seconds: $input.d} }', limit: { attempt: { count: 1 } } }")
    tries = run(text, {"d": 3}, answers={"a": Raises()})
    assert (tries.state.wake or 0) - tries.now == 3_000


def test_a_computed_delay_that_is_none_faults_instead_of_the_error():
    done = run(retrying("{ delay: '${ .none }' }"), {}, answers={"a": Raises()})
    assert (done.status, done.kind_of_fault, done.fault.instance) == (
        "faulted",
        "configuration",
        "/do/0/t",
    )


def test_an_attempt_duration_that_cannot_be_computed_is_not_caught_by_the_try_itself():
    done = run(retrying("{ limit: { attempt: { duration: '${ .none }' } } }", handled=True), {})
    assert (done.status, done.kind_of_fault, done.fault.instance) == (
        "faulted",
        "configuration",
        "/do/0/t",
    )


def test_a_delay_never_overflows():
    program = retrying("{ delay: PT1S, backoff: { exponential: { factor: 1000 } } }")
    tries = Run(program, answers={"a": Raises()}, careful=False).start()
    for _ in range(150):
        tries.advance((tries.state.wake or 0) - tries.now)
    assert (tries.state.wake or 0) - tries.now == 365 * 86_400_000


def test_a_try_inside_a_retried_try_begins_anew():
    text = """
do:
  - outer:
      try:
        - inner:
            try: [ { a: { call: work } } ]
            catch: { retry: { limit: { attempt: { count: 1 } } } }
      catch: { retry: { limit: { attempt: { count: 1 } } } }
"""
    done = run(text, answers={"a": Raises()})
    assert [one.key.rpartition("/")[2] for one in done.of(Perform)] == [
        "a",
        "a++1",
        "a+1",
        "a+1++1",
    ]
    assert [one.attempt for one in done.of(Perform)] == [1, 2, 1, 2]
    assert done.status == "faulted"


def test_a_fault_inside_a_fork_is_caught_around_it():
    text = """
do:
  - t:
      try: [ { f: { fork: { branches: [ { a: { call: work } }, { b: { call: b } } ] } } } ]
      catch: { retry: { limit: { attempt: { count: 1 } } } }
"""
    tries = run(text).fail("a")
    assert tries.waiting == ["a", "b"]
    assert tries.answer("a", 1).answer("b", 2).output == [1, 2]


def test_the_output_transformation_of_a_try_is_outside_of_it():
    text = (
        "do: [ { t: { try: [ { a: { set: { n: 1 } } } ], catch: {}, output: { as: '. + 1' } } } ]"
    )
    assert run(text).status == "faulted"


def test_a_fault_with_an_instance_of_its_own_keeps_it():
    done = run(catching(""), answers={}).fail("a", fault(instance="/elsewhere"))
    assert done.output == {"caught": 500}
    text = catching("").replace("{caught: $error.status}", "$error.instance")
    assert run(text).fail("a", fault(instance="/elsewhere")).output == "/elsewhere"
