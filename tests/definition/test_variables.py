"""What an expression sees depends on where it stands."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest

ALWAYS = {"secrets", "workflow", "runtime"}
BEFORE = ALWAYS | {"context", "task"}
DURING = BEFORE | {"input", "authorization"}

PLACES = [
    ("input: {{ from: {x} }}\ndo: []\n", ALWAYS),
    ("output: {{ as: {x} }}\ndo: []\n", ALWAYS | {"context"}),
    ("timeout: {{ after: '${{ {x} }}' }}\ndo: []\n", ALWAYS | {"input"}),
    ("schedule: {{ on: {{ one: {{ with: {{ type: '${{ {x} }}' }} }} }} }}\ndo: []\n", ALWAYS),
    ("use: {{ catalogs: {{ a: {{ endpoint: '${{ {x} }}' }} }} }}\ndo: []\n", ALWAYS),
    ("do:\n- a: {{ if: {x}, do: [] }}\n", BEFORE),
    ("do:\n- a: {{ input: {{ from: {x} }}, do: [] }}\n", BEFORE),
    ("do:\n- a: {{ set: {{ b: '${{ {x} }}' }} }}\n", DURING),
    ("do:\n- a: {{ output: {{ as: {x} }}, do: [] }}\n", DURING),
    ("do:\n- a: {{ export: {{ as: {x} }}, do: [] }}\n", DURING | {"output"}),
    ("do:\n- a: {{ for: {{ in: {x} }}, do: [] }}\n", DURING),
    ("do:\n- a: {{ for: {{ in: . }}, do: [], while: {x} }}\n", DURING | {"item", "index"}),
    (
        "do:\n- a: {{ for: {{ in: . }}, do: [ b: {{ if: {x}, do: [] }} ] }}\n",
        BEFORE | {"item", "index"},
    ),
    ("do:\n- a: {{ for: {{ in: . }}, do: [], output: {{ as: {x} }} }}\n", DURING),
    ("do:\n- a: {{ try: [], catch: {{ when: {x} }} }}\n", DURING | {"error"}),
    ("do:\n- a: {{ try: [], catch: {{ retry: {{ when: {x} }} }} }}\n", DURING | {"error"}),
    (
        "do:\n- a: {{ try: [], catch: {{ do: [ b: {{ set: '${{ {x} }}' }} ] }} }}\n",
        DURING | {"error"},
    ),
    ("do:\n- a: {{ try: [ b: {{ set: '${{ {x} }}' }} ], catch: {{}} }}\n", DURING),
    (
        "do:\n- a: {{ do: [], metadata: {{ compensate: {{ if: {x}, do: [] }} }} }}\n",
        BEFORE | {"input", "output"},
    ),
    (
        "do:\n- a:\n    listen: {{ to: {{ any: [] }} }}\n    foreach: {{ output: {{ as: {x} }} }}\n",
        DURING | {"item", "index"},
    ),
    ("use: {{ functions: {{ f: {{ set: '${{ {x} }}' }} }} }}\ndo: []\n", DURING),
    ("use: {{ extensions: [ e: {{ extend: all, when: {x} }} ] }}\ndo: []\n", DURING),
]
VARIABLES = sorted(DURING | {"output", "item", "index", "error"})


@pytest.mark.parametrize(("text", "visible"), PLACES)
def test_a_place_sees_its_variables_and_no_others(text, visible, checked):
    seen = set()
    for name in VARIABLES:
        problems = checked(text.format(x=f"${name}")).problems
        unknown = [problem for problem in problems if problem.code == "unknown-variable"]
        if not unknown:
            seen.add(name)
    assert seen == visible


@pytest.mark.parametrize("table", ["errors", "retries", "timeouts", "authentications"])
def test_what_is_shared_sees_what_its_users_see(table, built):
    shared = {
        "errors": "{ type: /x, status: 1, title: '${ $pet }' }",
        "retries": "{ when: $problem.status == 1 }",
        "timeouts": "{ after: '${ $pet.patience }' }",
        "authentications": "{ bearer: { token: '${ $pet.token }' } }",
    }
    built(f"use: {{ {table}: {{ a: {shared[table]} }} }}\ndo: []\n")


def test_variables_that_an_expression_binds_itself_are_its_own(built):
    built("do:\n- a: { set: { b: '${ .x as $x | reduce .y[] as $y (0; . + $y + $x) }' } }\n")


def test_a_loop_inside_a_loop_sees_both(built):
    built("""
do:
- a:
    for: { each: x, at: i, in: . }
    do:
    - b:
        for: { each: y, at: j, in: $x.ys }
        do:
        - c: { set: { d: '${ [ $x, $i, $y, $j ] }' } }
""")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("do:\n- a: { if: §$input.x, do: [] }\n", "workflow's own input"),
        ("do:\n- a: { output: { as: §$output }, do: [] }\n", "`export.as`"),
        ("do:\n- a: { set: { b: '${ §$secret.x }' } }\n", "did you mean `secrets`?"),
        ("do:\n- a: { for: { each: pet, in: . }, do: [ b: { set: '${ §$pets }' } ] }\n", "`pet`"),
    ],
)
def test_a_wrong_variable_comes_with_advice(text, hint, refused):
    assert hint in refused("unknown-variable", text).hint


@pytest.mark.parametrize(
    "text",
    [
        "a: { switch: [ x: { when: §$secrets.s == 1, then: end } ] }",
        "a: { for: { in: §$secrets.s }, do: [] }",
        "a: { for: { in: [ '${ §$secrets.s }' ] }, do: [] }",
        "a: { for: { in: . }, while: §$secrets.s, do: [] }",
        "a: { try: [], catch: { exceptWhen: §$secrets.s } }",
        "a: { listen: { to: { one: { with: { type: '${ . == §$secrets.s }' } } } } }",
        "a: { listen: { to: { any: [], until: §$secrets.s } } }",
    ],
)
def test_a_secret_that_decides_is_doubted(text, refused):
    refused("secret-in-decision", f"use: {{ secrets: [ s ] }}\ndo:\n- {text}\n")


def test_secrets_are_known_by_every_way_of_writing_them(built):
    built("""
use: { secrets: [ token, a-b ] }
do:
- a: { set: { x: '${ $secrets.token }', y: '${ $secrets["a-b"] }', z: '${ $secrets."a-b" }', all: '${ $secrets }' } }
""")


def test_a_value_is_an_expression_only_as_a_whole(built):
    workflow = built(
        "do:\n- a: { set: { b: '${\n .x\n }', c: '$5', d: .5, e: ./x, f: a.b, g: '${ \"x ${ y\" }' } }\n"
    )
    assert workflow.do[0].value["c"] == "$5"
