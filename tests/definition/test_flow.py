"""Where control can go: targets, tasks that nothing reaches, loops that nothing leaves."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "tasks",
    [
        # A jump forward, and back by a switch.
        "- a: { do: [], then: c }\n- b: { do: [], then: end }\n- c: { do: [], then: b }\n",
        "- a: { do: [] }\n- b: { switch: [ again: { when: .x, then: a }, done: { then: end } ] }\n",
        # A switch without a default goes on by its own `then`.
        "- a: { switch: [ x: { when: .x, then: c } ] }\n- b: { do: [], then: end }\n- c: { do: [] }\n",
        "- a: { switch: [ x: { when: .x, then: c } ], then: end }\n- c: { do: [] }\n",
        # A task that may be skipped leads on, even when it raises.
        "- a: { if: .x, raise: { error: { type: /e, status: 1 } } }\n- b: { do: [] }\n",
        # The end may be inside: of a task, of a catch.
        "- a: { do: [ x: { switch: [ y: { when: .y, then: end } ] } ] }\n- b: { do: [], then: a }\n",
        "- a: { try: [], catch: { then: end } }\n- b: { do: [], then: a }\n",
        "- a: { try: [], catch: { then: c }, then: end }\n- c: { do: [] }\n",
        "- a: { switch: [ x: { when: .x, then: continue }, y: { then: continue } ] }\n- b: { do: [] }\n",
    ],
)
def test_a_flow_that_ends_is_accepted(tasks, built):
    built("do:\n" + tasks)


@pytest.mark.parametrize(
    ("code", "tasks"),
    [
        (
            "unreachable-task",
            "- a: { raise: { error: { type: /e, status: 1 } } }\n- §b: { do: [] }\n",
        ),
        ("unreachable-task", "- a: { switch: [ x: { then: end } ] }\n- §b: { do: [] }\n"),
        ("unreachable-task", "- a: { do: [], then: exit }\n- §b: { do: [], then: exit }\n"),
        ("endless-loop", "- a: { do: [], then: §a }\n"),
        (
            "endless-loop",
            "- a: { do: [], then: c }\n- b: { do: [] , then: c }\n- c: { do: [], then: §b }\n",
        ),
        (
            "endless-loop",
            "- a: { switch: [ x: { when: .x, then: b } ] }\n- b: { do: [], then: §a }\n",
        ),
        ("endless-loop", "- a: §{ switch: [ x: { then: a } ] }\n"),
    ],
)
def test_a_flow_that_goes_astray_is_doubted(code, tasks, refused):
    refused(code, "do:\n" + tasks)


def test_lists_are_judged_one_by_one(checked):
    report = checked("""
do:
- a:
    do:
    - x: { do: [], then: end }
    - y: { do: [] }
- b: { for: { in: .x }, do: [ z: { do: [], then: z } ] }
""")
    assert [(problem.code, problem.reference) for problem in report.problems] == [
        ("unreachable-task", "/do/0/a/do/1/y"),
        ("endless-loop", "/do/1/b/do/0/z/then"),
    ]
    assert report.ok


def test_paths_are_not_judged_while_targets_are_unknown(refused):
    refused("unknown-task", "do:\n- a: { do: [], then: §c }\n- b: { do: [] }\n")


def test_branches_and_functions_know_no_neighbours(refused):
    refused(
        "unknown-task",
        "use: { functions: { f: { switch: [ x: { then: §a } ] } } }\ndo:\n- a: { do: [] }\n",
    )


def test_a_cycle_of_functions_is_refused_wherever_it_closes(checked):
    report = checked("""
use:
  functions:
    f: { do: [ a: { call: g } ] }
    g: { try: [], catch: { do: [ b: { call: f } ] } }
    h: { call: f }
    i: { call: h, metadata: { compensate: { call: other } } }
do: []
""")
    assert [(problem.code, problem.value) for problem in report.problems] == [
        ("function-cycle", '"g"'),
        ("function-cycle", '"f"'),
    ]
