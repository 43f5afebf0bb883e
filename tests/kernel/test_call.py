# ruff: noqa: E501 -- a document reads best in one piece
"""`call`: tasks that act on the world, and functions of the document."""

from __future__ import annotations

from driver import Raises, Run, program_of, run

from batuta.kernel.commands import Perform
from batuta.kernel.events import Performed


def test_a_call_asks_with_evaluated_arguments_and_the_answer_is_its_output():
    called = run(
        """
document: { dsl: '1.0.3', namespace: test, name: s, version: '1.0.0', metadata: { participants: { desk: {} } } }
do: [ { a: { call: work, with: { n: '${ .n }', fixed: 1 }, metadata: { participant: desk } } } ]
""",
        {"n": 5},
    )
    asked = called.asked("a")
    assert asked == Perform(
        token="",
        key="/do/0/a",
        reference="/do/0/a",
        name="a",
        kind="function",
        target="work",
        arguments={"n": 5, "fixed": 1},
        input={"n": 5},
        authentication=None,
        occurrence="/do/0/a",
        attempt=1,
        participant="desk",
        deadline=None,
    )
    assert called.answer("a", [1]).output == [1]


def test_the_input_of_a_call_is_the_transformed_one():
    called = run(
        "do: [ { a: { call: work, input: { from: .x }, with: { n: '${ . }', m: '${ $input }' } } } ]",
        {"x": 3},
    )
    assert called.asked("a").input == 3
    assert called.asked("a").arguments == {"n": 3, "m": 3}


def test_a_protocol_is_asked_for_by_its_kind_with_its_policy_evaluated():
    called = run(
        """
use: { authentications: { mine: { basic: { username: '${ .user }', password: p } } } }
do:
  - a:
      call: http
      with: { method: get, endpoint: { uri: https://a.b/c, authentication: { use: mine } } }
""",
        {"user": "me"},
    )
    asked = called.asked("a")
    assert (asked.kind, asked.target) == ("http", "")
    assert asked.authentication == {
        "scheme": "basic",
        "properties": {"username": "me", "password": "p"},
    }


def test_a_policy_in_a_secret_is_named_and_not_read():
    called = run(
        """
use: { secrets: [ s ] }
do:
  - a:
      call: http
      with: { method: get, endpoint: { uri: https://a.b/c, authentication: { bearer: { use: s } } } }
"""
    )
    assert called.asked("a").authentication == {"scheme": "bearer", "secret": "s"}


def test_a_faulted_call_faults_where_it_stands():
    called = run("do: [ { a: { call: work } } ]").fail("a")
    assert (called.status, called.fault.instance) == ("faulted", "/do/0/a")
    assert called.trace == ["started a", "faulted a"]


def test_arguments_that_cannot_be_evaluated_fault_before_anything_is_asked():
    called = run("do: [ { a: { call: work, with: { n: '${ 1 + {} }' } } } ]")
    assert (called.kind_of_fault, called.fault.instance, called.of(Perform)) == (
        "expression",
        "/do/0/a",
        [],
    )


def test_a_function_of_the_document_runs_inside_the_call_with_its_arguments_as_input():
    text = """
use:
  functions:
    double:
      do:
        - twice: { set: '${ {n: (.n * 2)} }' }
        - ask: { call: work, with: { n: '${ .n }' } }
do:
  - a: { call: double, with: { n: '${ .x }' } }
  - b: { call: double, with: { n: 10 }, output: { as: '{b: .}' } }
"""
    called = run(text, {"x": 1}, answers={"ask": lambda asked: asked.arguments["n"]})
    assert called.output == {"b": 20}
    assert [one.key for one in called.of(Perform)] == [
        "/use/functions/double/do/1/ask@/do/0/a",
        "/use/functions/double/do/1/ask@/do/1/b",
    ]


def test_functions_call_functions_and_their_faults_come_out():
    text = """
use:
  functions:
    inner: { call: work }
    outer: { do: [ { i: { call: inner } } ] }
do: [ { t: { try: [ { a: { call: outer } } ], catch: { do: [ { h: { set: '${ $error.instance }' } } ] } } } ]
"""
    assert run(text, answers={"work": Raises()}).output == "/use/functions/inner"


def test_then_in_a_function_ends_the_function_and_end_ends_the_run():
    text = """
use:
  functions:
    leaves: { do: [ { x: { set: '${ "x" }', then: exit } }, { y: { set: '${ "y" }' } } ], then: exit }
    ends: { set: '${ "ended" }', then: end }
do:
  - a: { call: leaves }
  - b: { set: '${ [.] }' }
  - c: { call: ends }
  - d: { set: '${ "never" }' }
"""
    assert run(text).output == "ended"
    assert run(text.replace("- c: { call: ends }", "- c: { set: '${ . }', then: end }")).output == [
        "x"
    ]


def test_functions_may_lie_inside_each_other_only_so_deep():
    functions = "".join(
        f"    f{n}: {{ do: [ {{ c: {{ call: f{n + 1} }} }} ] }}\n" for n in range(40)
    )
    text = f"use:\n  functions:\n{functions}    f40: {{ set: {{ n: 1 }} }}\n"
    assert run(text + "do: [ { a: { call: f9 } } ]").output == {"n": 1}
    done = run(text + "do: [ { a: { call: f0 } } ]")
    assert done.kind_of_fault == "configuration"
    assert "32" in (done.fault.detail or "")


def test_loops_and_tries_inside_functions_are_no_calls():
    functions = "".join(
        f"    f{n}: {{ for: {{ in: '[1]' }}, do: [ {{ t: {{ try: [ {{ c: {{ call: f{n + 1} }} }} ], catch: {{}} }} }} ] }}\n"
        for n in range(20)
    )
    text = f"use:\n  functions:\n{functions}    f20: {{ call: work }}\n"
    assert run(text + "do: [ { a: { call: f0 } } ]").waiting == ["f20"]


def test_a_process_is_asked_for_with_what_it_returns():
    called = run(
        "do: [ { a: { run: { shell: { command: 'echo ${ .x }' }, return: all } } } ]", {"x": 1}
    )
    assert (called.asked("a").kind, called.asked("a").arguments) == (
        "shell",
        {"command": "echo ${ .x }", "return": "all"},
    )


NOT_AWAITED = """
do:
  - scope:
      timeout: { after: PT5S }
      do:
        - a: { run: { shell: { command: x }, await: false }, timeout: { after: PT1S } }
        - b: { call: work }
"""


def test_a_process_that_is_not_awaited_passes_its_input_on_and_outlives_its_scope():
    called = run(NOT_AWAITED, {"x": 1})
    assert called.waiting == ["a", "b"]
    asked = called.asked("a")
    assert asked.deadline is None
    called.answer("b", 2)
    assert called.output == 2


def test_no_timeout_around_it_reaches_a_task_that_is_not_awaited():
    called = run(NOT_AWAITED + "  - w: { wait: PT1H }\n", {"x": 1}).answer("b", 2)
    assert called.advance(60_000).status == "running"
    assert called.answer("a", "late").status == "running"
    assert called.advance(3_600_000).output == 2


def test_a_fault_of_what_is_not_awaited_is_nobody_s():
    called = run(NOT_AWAITED, {"x": 1}).fail("a")
    assert called.answer("b", 2).output == 2


def test_what_is_not_awaited_hears_nothing_and_ends_with_the_run():
    text = """
do:
  - l:
      listen: { to: { any: [ { with: { type: x } } ], until: '. | length > 1' } }
      foreach: { do: [ { a: { run: { shell: { command: x }, await: false } } } ] }
"""
    called = run(text).send("x", 1).send("x", 2)
    assert called.output == [1, 2]
    assert [one.name for one in called.of(Perform)] == ["a", "a"]


def test_an_answer_may_come_only_once():
    called = run("do: [ { a: { call: work } }, { b: { call: work } } ]")
    first = called.asked("a")
    called.answer("a", 1)
    before = called.state
    assert called.take(Performed(first.token, first.key, 2)).state is before


def test_a_function_that_the_catalogue_has_is_called_by_its_name():
    program = program_of("do: [ { a: { call: 'work@default' } } ]")
    called = Run(program).start()
    assert (called.asked("a").kind, called.asked("a").target) == ("function", "work")
