# ruff: noqa: E501 -- a document reads best in one piece
"""`use.extensions`: tasks before and after others."""

from __future__ import annotations

import pytest
from driver import Raises, run

from batuta.kernel.commands import Perform


def extending(extension: str, do: str) -> str:
    return f"use:\n  extensions:\n{extension}\ndo:\n{do}"


LOGGING = """
    - logging:
        extend: all
        before: [ { log: { call: log, with: { before: '${ $task.reference }', input: '${ . }' } } } ]
        after: [ { log: { call: log, with: { after: '${ $task.name }', output: '${ $task.output }', input: '${ . }' } } } ]
"""


def test_before_and_after_run_around_the_task_and_change_nothing():
    done = run(
        extending(
            LOGGING, "  - a: { call: a, output: { as: '. + 1' } }\n  - b: { set: '${ [.] }' }"
        ),
        5,
        answers={"log": "ignored", "a": 1},
    )
    assert done.output == [2]
    logged = [one for one in done.of(Perform) if one.name == "log"]
    assert [one.arguments for one in logged] == [
        {"before": "/do/0/a", "input": 5},
        {"after": "a", "output": 2, "input": 2},
        {"before": "/do/1/b", "input": 2},
        {"after": "b", "output": [2], "input": [2]},
    ]
    assert len({one.key for one in logged}) == 4
    assert len({one.occurrence for one in logged}) == 4


def test_tasks_of_extensions_are_not_extended_and_nested_tasks_are():
    done = run(
        extending(LOGGING, "  - d: { do: [ { a: { set: { n: 1 } } } ] }"), answers={"log": 0}
    )
    logged = [one.arguments.get("before") or one.arguments["after"] for one in done.of(Perform)]
    assert logged == ["/do/0/d", "/do/0/d/do/0/a", "a", "d"]


@pytest.mark.parametrize(
    ("extend", "extended"),
    [("set", ["a"]), ("call", ["b"]), ("composite", ["d", "f"]), ("all", ["a", "b", "d", "f"])],
)
def test_an_extension_extends_its_kind(extend, extended):
    text = extending(
        f"    - x: {{ extend: {extend}, before: [ {{ log: {{ call: log, with: {{ who: '${{ $task.name }}' }} }} }} ] }}",
        "  - a: { set: { n: 1 } }\n  - b: { call: b }\n  - d: { do: [] }\n  - f: { fork: { branches: [] } }",
    )
    done = run(text, answers={"log": 0, "b": 1})
    assert [one.arguments["who"] for one in done.of(Perform) if one.name == "log"] == extended


MOCK = """
    - mock:
        extend: call
        when: $task.call == "work" and $input.mocked and .mocked
        before: [ { answer: { set: '${ "mocked" }', then: exit } } ]
        after: [ { log: { call: log } } ]
"""


def test_before_may_take_the_task_s_place_by_exit():
    text = extending(MOCK, "  - a: { call: work }\n  - b: { set: '${ [.] }' }")
    assert run(text, {"mocked": True}).output == ["mocked"]
    asked = run(text, {"mocked": False}, answers={"a": 1})
    assert (asked.output, asked.performed) == ([1], ["a"])


def test_end_in_an_extension_ends_the_run():
    text = extending(
        MOCK.replace("exit", "end"), "  - a: { call: work }\n  - b: { set: '${ [.] }' }"
    )
    assert run(text, {"mocked": True}).output == "mocked"


def test_a_jump_inside_before_is_no_part_of_the_task_s_path():
    text = extending(
        """
    - x:
        extend: call
        before:
          - n: { set: '${ {n: ((.n // 0) + 1)} }' }
          - c: { switch: [ { again: { when: .n < 3, then: n } } ] }
""",
        "  - a: { call: work, with: { n: '${ .n }' } }",
    )
    asked = run(text, {"n": 0})
    assert (asked.asked("a").key, asked.asked("a").arguments) == ("/do/0/a", {"n": 0})


def test_a_skipped_task_is_not_extended_and_its_condition_sees_the_task_itself():
    text = extending(LOGGING, "  - a: { if: '$task.reference != \"/do/0/a\"', set: { n: 1 } }")
    done = run(text, 5)
    assert (done.output, done.performed) == (5, [])


def test_the_first_extension_is_outermost():
    two = "".join(
        f"    - {name}: {{ extend: set, before: [ {{ b: {{ call: '{name}' }} }} ], after: [ {{ c: {{ call: '{name}' }} }} ] }}\n"
        for name in ("outer", "inner")
    )
    done = run(extending(two, "  - a: { set: { n: 1 } }"), answers={"outer": 0, "inner": 0})
    assert [one.target for one in done.of(Perform)] == ["outer", "inner", "inner", "outer"]


def test_an_inner_extension_that_takes_the_task_s_place_is_still_inside_the_outer_one():
    text = extending(
        """
    - outer: { extend: set, after: [ { log: { call: log, with: { o: '${ $task.output }', t: '${ $task.name }' } } } ] }
    - inner: { extend: set, before: [ { x: { set: '${ "mock" }', then: exit } } ] }
""",
        "  - a: { set: { n: 1 } }",
    )
    done = run(text, answers={"log": 0})
    assert done.output == "mock"
    assert done.of(Perform)[0].arguments == {"o": "mock", "t": "a"}


def test_then_of_the_task_is_followed_after_what_comes_after():
    text = extending(
        LOGGING,
        "  - a: { set: { n: 1 }, then: c }\n  - b: { call: never }\n  - c: { set: { n: 2 } }",
    )
    done = run(text, answers={"log": 0})
    assert done.output == {"n": 2}
    assert "never" not in [one.target for one in done.of(Perform)]


def test_a_fault_of_an_extension_or_its_task_goes_outwards():
    text = extending(LOGGING, "  - t: { try: [ { a: { call: a } } ], catch: { do: [] } }")
    assert run(text, 1, answers={"log": 0, "a": Raises()}).output == 1
    assert run(text, 1, answers={"log": Raises()}).status == "faulted"


def test_an_extended_branch_of_a_fork_joins():
    text = extending(
        LOGGING, "  - f: { fork: { branches: [ { a: { call: a } }, { b: { set: { n: 1 } } } ] } }"
    )
    assert run(text, answers={"log": 0, "a": 5}).output == [5, {"n": 1}]


def test_a_condition_of_an_extension_that_cannot_be_evaluated_faults_the_task():
    text = extending(
        "    - x: { extend: set, when: '1 + {} > 1', before: [] }", "  - a: { set: { n: 1 } }"
    )
    assert run(text).kind_of_fault == "expression"


def test_what_an_extension_completed_is_owed_and_undone_by_the_try_around_the_task():
    text = extending(
        "    - x: { extend: call, before: [ { lock: { call: lock, metadata: { compensate: { call: unlock } } } } ] }",
        "  - t: { try: [ { a: { call: a } } ], catch: {} }",
    )
    done = run(text, answers={"lock": 1, "a": Raises(), "unlock": 0})
    assert (done.status, done.performed) == ("completed", ["lock", "a", "compensate"])


def test_the_extended_task_itself_is_still_its_own_task():
    text = extending(LOGGING, "  - d: { do: [ { a: { set: '${ $task.name }' } } ] }")
    assert run(text, answers={"log": 0}).output == "a"
