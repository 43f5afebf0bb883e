"""Every way in which a workflow cannot do without a conductor: its code, and exactly where."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest
from material import function_of, headed, workflow_of

from batuta.choreography.codes import CODES
from batuta.choreography.realisability import realisability
from batuta.definition import CODES as DOCUMENT_CODES
from batuta.definition import check

A = "metadata: { participant: a }"
B = "metadata: { participant: b }"
PAY = "- pay: { call: pay, metadata: { participant: a } }\n"
SECRET = "use: { secrets: [s] }\n"

REFUSED = [
    # Who does what.
    ("nobody-starts", "do:\n- x: { set: { a: 1 } }\n", {}),
    ("owner-missing", "do:\n- §x: { call: pay }\n", {}),
    ("owner-missing", "do:\n- §x: { run: { shell: { command: a } } }\n", {}),
    ("owner-missing", "do:\n- §x: { listen: { to: { any: [] } } }\n", {}),
    (
        "owner-missing",
        "use: { functions: { f: { do: [ §x: { call: pay } ] } } }\ndo:\n- y: { call: f }\n",
        {},
    ),
    (
        "owner-missing",
        f"do:\n- x: {{ do: [], metadata: {{ §compensate: {{ call: undo }} }} }}\n{PAY}",
        {},
    ),
    (
        "owner-missing",
        f"use: {{ extensions: [ e: {{ extend: set, before: [ §n: {{ emit: {{ event: {{ with: {{ type: t }} }} }} }} ] }} ] }}\ndo:\n- x: {{ set: {{ a: 1 }} }}\n{PAY}",
        {},
    ),
    (
        "owner-ambiguous",
        f"do:\n{PAY}- other: {{ call: tell, if: .x, {B} }}\n- §x: {{ wait: PT1S }}\n",
        {},
    ),
    (
        "owner-ambiguous",
        f"do:\n{PAY}- each: {{ for: {{ in: .xs }}, do: [ §w: {{ wait: PT1S }}, t: {{ call: tell, {B} }} ] }}\n",
        {},
    ),
    (
        "foreach-leaves",
        f"do:\n- l: {{ listen: {{ to: {{ any: [ {{ with: {{ type: t }} }} ], until: false }} }}, foreach: {{ do: [ §x: {{ call: pay, {B} }} ] }}, {A} }}\n",
        {},
    ),
    (
        "foreach-leaves",
        f"use: {{ functions: {{ f: {{ call: pay, §metadata: {{ participant: b }} }} }} }}\ndo:\n- l: {{ listen: {{ to: {{ any: [], until: false }} }}, foreach: {{ do: [ y: {{ call: f }} ] }}, {A} }}\n".replace(
            "§", ""
        ).replace("f: { call", "§f: { call"),
        {},
    ),
    (
        "external-acts",
        f"do:\n{PAY}- §x: {{ wait: PT1S, metadata: {{ participant: o }} }}\n",
        {"external": ("o",)},
    ),
    (
        "external-acts",
        f"do:\n{PAY}- §x: {{ run: {{ shell: {{ command: a }} }}, metadata: {{ participant: o }} }}\n",
        {"external": ("o",)},
    ),
    ("external-starts", "do:\n- x: { call: pay }\n", {"default": "o", "external": ("o",)}),
    ("participant-idle", f"do:\n{PAY}", {"declared": ("a", "b")}),
    (
        "participant-idle",
        f"use: {{ functions: {{ f: {{ call: pay, {B} }} }} }}\ndo:\n{PAY}",
        {"declared": ("a", "b")},
    ),
    (
        "participant-idle",
        f"do:\n- s: {{ raise: {{ error: {{ type: 'http://x.example', status: 400 }} }} }}\n- x: {{ call: pay, {B} }}\n{PAY}",
        {"declared": ("a", "b"), "default": "a"},
    ),
    # What may be known where.
    ("secret-decides", f"{SECRET}do:\n- x: {{ call: pay, if: '§$secrets.s', {A} }}\n", {}),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ switch: [ c: {{ when: '.a == §$secrets.s', then: end }} ] }}\n{PAY}",
        {},
    ),
    ("secret-decides", f"{SECRET}do:\n- x: {{ for: {{ in: '§$secrets.s' }}, do: [] }}\n{PAY}", {}),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ for: {{ in: .a }}, while: '§$secrets.s', do: [] }}\n{PAY}",
        {},
    ),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ try: [], catch: {{ when: '§$secrets.s' }} }}\n{PAY}",
        {},
    ),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ try: [], catch: {{ retry: {{ when: '§$secrets.s' }} }} }}\n{PAY}",
        {},
    ),
    ("secret-decides", f"{SECRET}do:\n- x: {{ wait: '${{ §$secrets.s }}', {A} }}\n", {}),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ do: [], timeout: {{ after: '${{ §$secrets.s }}' }} }}\n{PAY}",
        {},
    ),
    (
        "secret-decides",
        f"{SECRET}do:\n- x: {{ listen: {{ to: {{ one: {{ with: {{ type: t, data: '${{ . == §$secrets.s }}' }} }} }} }}, {A} }}\n",
        {},
    ),
    (
        "secret-decides",
        "use: { secrets: [s], retries: { r: { delay: '${ §$secrets.s }' } } }\ndo:\n" + PAY,
        {},
    ),
    ("secret-shared", f"{SECRET}do:\n- x: {{ set: {{ a: '${{ §$secrets.s }}' }} }}\n{PAY}", {}),
    (
        "secret-shared",
        f"{SECRET}do:\n- x: {{ call: pay, output: {{ as: '§$secrets.s' }}, {A} }}\n",
        {},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n- x: {{ call: pay, export: {{ as: '§$secrets.s' }}, {A} }}\n",
        {},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n- x: {{ do: [], input: {{ from: '§$secrets.s' }} }}\n{PAY}",
        {},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n- x: {{ emit: {{ event: {{ with: {{ type: t, data: '${{ §$secrets.s }}' }} }} }}, {A} }}\n",
        {},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n- x: {{ raise: {{ error: {{ type: 'http://x.example', status: 400, detail: '${{ §$secrets.s }}' }} }} }}\n- y: {{ call: pay, {A} }}\n",
        {},
    ),
    ("secret-shared", f"{SECRET}output: {{ as: '§$secrets.s' }}\ndo:\n{PAY}", {}),
    (
        "secret-shared",
        f"{SECRET}do:\n- w: {{ wait: PT1S, input: {{ from: '§$secrets.s' }} }}\n{PAY}",
        {},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n{PAY}- x: {{ call: pay, with: {{ k: '${{ §$secrets.s }}' }}, metadata: {{ participant: o }} }}\n",
        {"external": ("o",)},
    ),
    (
        "secret-shared",
        f"{SECRET}do:\n{PAY}- x: {{ call: http, with: {{ method: get, endpoint: {{ uri: 'http://x.example', authentication: {{ basic: {{ use: §s }} }} }} }}, metadata: {{ participant: o }} }}\n",
        {"external": ("o",)},
    ),
    (
        "secret-shared",
        f"use: {{ secrets: [s], functions: {{ f: {{ call: pay, {B} }} }} }}\ndo:\n{PAY}- x: {{ call: f, with: {{ k: '${{ §$secrets.s }}' }} }}\n",
        {},
    ),
    # Branches.
    (
        "fork-exports",
        f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, export: {{ as: '{{ k: 1 }}' }} }}, r: {{ set: {{ a: 1 }}, §export: {{ as: {{ k: 2 }} }} }} ] }} }}\n{PAY}",
        {},
    ),
    (
        "fork-exports",
        f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, export: {{ as: '$context + {{ k: 1 }}' }} }}, r: {{ set: {{ a: 1 }}, §export: {{ as: '$context | .k = 1' }} }} ] }} }}\n{PAY}",
        {},
    ),
    (
        "fork-exports",
        f"use: {{ functions: {{ g: {{ set: {{ a: 1 }}, §export: {{ as: {{ k: 2 }} }} }} }} }}\ndo:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, export: {{ as: '{{ \"k\": 1 }}' }} }}, r: {{ call: g }} ] }} }}\n{PAY}",
        {},
    ),
    (
        "fork-exports",
        f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, export: {{ as: {{ k: 1 }} }} }}, §r: {{ listen: {{ to: {{ any: [], until: false }} }}, foreach: {{ export: {{ as: {{ k: 1 }} }} }}, {A} }} ] }} }}\n",
        {},
    ),
    (
        "fork-exports-unclear",
        f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, §export: {{ as: . }} }}, r: {{ set: {{ a: 1 }}, export: {{ as: {{ k: 2 }} }} }} ] }} }}\n{PAY}",
        {},
    ),
    *(
        (
            "fork-exports-unclear",
            f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, §export: {{ as: '{program}' }} }}, r: {{ set: {{ a: 1 }}, export: {{ as: {{ k: 2 }} }} }} ] }} }}\n{PAY}",
            {},
        )
        for program in ("$context | del(.a)", "$context | .[0] = 1", "{ (.a): 1 }", "$context + .a")
    ),
    (
        "compete-uncompensated",
        f"do:\n- f: {{ fork: {{ compete: true, branches: [ §l: {{ call: pay, {A} }}, r: {{ call: pay, metadata: {{ participant: a, compensate: {{ call: undo }} }} }} ] }} }}\n",
        {},
    ),
    (
        "compete-uncompensated",
        f"use: {{ functions: {{ g: {{ emit: {{ event: {{ with: {{ type: t }} }} }} }} }} }}\ndo:\n- f: {{ fork: {{ compete: true, branches: [ §l: {{ do: [ x: {{ call: g }}, y: {{ call: g }} ] }}, r: {{ call: http, with: {{ method: GET, endpoint: 'http://x.example' }}, {A} }} ] }} }}\n",
        {"default": "a"},
    ),
    # Events.
    (
        "event-ambiguous",
        "do:\n- x: { call: pay, metadata: { participant: a, event: paid } }\n- y: { call: pay, metadata: { participant: a, §event: paid } }\n",
        {},
    ),
    (
        "event-ambiguous",
        f"do:\n- x: {{ call: pay, metadata: {{ participant: a, event: paid }} }}\n- y: {{ emit: {{ event: {{ with: {{ §type: paid }} }} }}, {A} }}\n",
        {},
    ),
    (
        "event-reserved",
        "do:\n- x: { call: pay, metadata: { participant: a, §event: batuta.paid } }\n",
        {},
    ),
    (
        "event-reserved",
        f"do:\n- y: {{ emit: {{ event: {{ with: {{ §type: batuta.x }} }} }}, {A} }}\n",
        {},
    ),
    (
        "event-reserved",
        f"do:\n- y: {{ §listen: {{ to: {{ one: {{ with: {{ type: batuta.x }} }} }} }}, {A} }}\n",
        {},
    ),
    (
        "event-too-long",
        f"do:\n- x: {{ call: pay, metadata: {{ participant: a, §event: {'é' * 201} }} }}\n",
        {},
    ),
    (
        "event-unheard",
        f"do:\n- y: {{ emit: {{ event: {{ with: {{ §type: paid }} }} }}, {A} }}\n",
        {"heard": {"shipped"}},
    ),
    (
        "event-name-clash",
        "do:\n- x y: { call: pay, metadata: { participant: a } }\n- §x-y: { call: pay, metadata: { participant: a } }\n",
        {},
    ),
    (
        "child-unknown",
        f"do:\n- x: {{ run: {{ workflow: {{ namespace: n, §name: '${{ .name }}', version: '1.0.0' }} }}, {A} }}\n",
        {},
    ),
]
"""Code, document with the place marked, and what there is besides."""

ALLOWED = [
    (  # one function exports, however often a branch calls it
        f"use: {{ functions: {{ g: {{ set: {{ a: 1 }}, export: {{ as: {{ k: 2 }} }} }} }} }}\ndo:\n- f: {{ fork: {{ branches: [ l: {{ do: [ x: {{ call: g }}, y: {{ call: g }} ] }}, r: {{ set: {{ a: 1 }} }} ] }} }}\n{PAY}",
        {},
    ),
    (  # two names clash, but of what tells nothing, or has an event of its own
        "do:\n- x y: { set: { a: 1 } }\n- x-y: { set: { a: 1 } }\n- z y: { call: pay, metadata: { participant: a } }\n- z-y: { call: pay, metadata: { participant: a, event: paid } }\n",
        {},
    ),
    (  # two calls of functions; the secret goes to one participant
        f"use: {{ secrets: [s], functions: {{ f: {{ call: pay }}, g: {{ call: tell, {B} }} }} }}\ndo:\n- x: {{ call: f, with: {{ k: '${{ $secrets.s }}' }}, {A} }}\n- y: {{ call: g }}\n",
        {},
    ),
    (
        f"{SECRET}do:\n- x: {{ call: pay, with: {{ k: '${{ $secrets.s }}' }}, input: {{ from: '{{ k: $secrets.s }}' }}, {A} }}\n",
        {},
    ),
    (f"{SECRET}do:\n- x: {{ run: {{ shell: {{ command: '${{ $secrets.s }}' }} }}, {A} }}\n", {}),
    (
        f"use: {{ secrets: [s], authentications: {{ b: {{ basic: {{ use: s }} }} }}, functions: {{ f: {{ call: http, with: {{ method: get, endpoint: {{ uri: 'http://x.example', authentication: {{ use: b }} }} }} }} }} }}\ndo:\n- x: {{ call: f, with: {{ k: '${{ $secrets.s }}' }}, {A} }}\n",
        {},
    ),
    (
        f"use: {{ secrets: [s], catalogs: {{ c: {{ endpoint: {{ uri: 'http://x.example', authentication: {{ bearer: {{ token: '${{ $secrets.s }}' }} }} }} }} }} }}\nschedule: {{ on: {{ one: {{ with: {{ type: t, data: '${{ . == $secrets.s }}' }} }} }} }}\ndo:\n{PAY}",
        {},
    ),
    (
        f"do:\n- f: {{ fork: {{ branches: [ l: {{ set: {{ a: 1 }}, export: {{ as: {{ k: 1 }} }} }}, r: {{ set: {{ a: 1 }}, export: {{ as: '$context * {{ j: 2 }} + {{ i: 3 }}' }} }} ] }} }}\n{PAY}",
        {},
    ),
    (
        f"do:\n- f: {{ fork: {{ compete: true, branches: [ l: {{ wait: PT1S, export: {{ as: . }} }}, r: {{ set: {{ a: 1 }}, export: {{ as: . }} }} ] }} }}\n{PAY}",
        {},
    ),
    (
        f"do:\n{PAY}- x: {{ emit: {{ event: {{ with: {{ type: t }} }} }} }}\n- y: {{ emit: {{ event: {{ with: {{ type: '${{ .t }}' }} }} }} }}\n- z: {{ emit: {{ event: {{ with: {{ source: /x, type: t }} }} }} }}\n",
        {},
    ),
    (
        f"do:\n- l: {{ listen: {{ to: {{ any: [], until: false }} }}, foreach: {{ do: [ x: {{ call: pay, {A} }}, y: {{ wait: PT1S }}, z: {{ call: ask, metadata: {{ participant: o }} }} ] }}, {A} }}\n",
        {"external": ("o",)},
    ),
    (
        f"do:\n- y: {{ emit: {{ event: {{ with: {{ type: paid }} }} }}, {A} }}\n",
        {"heard": {"paid"}},
    ),
    (
        f"do:\n- y: {{ emit: {{ event: {{ with: {{ type: paid }} }} }}, {A} }}\n- l: {{ listen: {{ to: {{ any: [] }} }}, {A} }}\n",
        {"heard": set()},
    ),
    (
        f"do:\n- x: {{ run: {{ workflow: {{ namespace: n, name: '${{ .name }}', version: '1.0.0' }}, await: false }}, {A} }}\n",
        {},
    ),
]


def said(text: str, more: dict, functions=()):
    """Return the problems of a document."""
    names = more.get("declared", ("a",) if more else ())
    whole = headed(text, *names, default=more.get("default", ""), external=more.get("external", ()))
    report = check(whole.replace("§", ""))
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    found = realisability(
        report.workflow,
        dict(functions),
        text=whole.replace("§", ""),
        file="order.yaml",
        heard=more.get("heard"),
    )
    return whole, found


@pytest.mark.parametrize(("code", "text", "more"), REFUSED)
def test_what_needs_a_conductor_is_refused_where_it_stands(code, text, more):
    whole, found = said(text, more)
    problems = [one for one in found if one.code == code]
    assert problems, [one.render() for one in found]
    problem = problems[-1]
    assert problem.message
    assert problem.hint
    assert problem.severity == CODES[code].severity
    if "§" in whole:
        before = whole.partition("§")[0].split("\n")
        assert (problem.line, problem.column) == (len(before), len(before[-1]) + 1), (
            problem.render()
        )


@pytest.mark.parametrize(("text", "more"), ALLOWED)
def test_what_participants_can_do_among_themselves_is_let_be(text, more):
    _, found = said(text, more)
    assert [one.render() for one in found] == []


def test_every_code_is_produced_by_a_test():
    assert {code for code, _, _ in REFUSED} == set(CODES)


def test_no_code_is_also_one_of_documents():
    assert not set(CODES) & set(DOCUMENT_CODES)


def test_all_problems_are_told_at_once_in_the_order_of_the_text():
    text = f"{SECRET}do:\n- x: {{ set: {{ a: '${{ $secrets.s }}' }} }}\n- y: {{ call: pay }}\n{PAY}"
    _, found = said(text, {"declared": ("a", "b")})
    assert [one.code for one in found] == ["participant-idle", "secret-shared", "owner-missing"]


def test_a_problem_in_a_function_from_elsewhere_is_shown_at_the_call_that_leads_there():
    functions = function_of("http://x.example/f.yaml", {"do": [{"inner": {"call": "pay"}}]})
    text = "do:\n- §x: { call: 'http://x.example/f.yaml' }\n" + PAY
    whole, found = said(text, {}, functions.items())
    (problem,) = found
    before = whole.partition("§")[0].split("\n")
    assert problem.code == "owner-missing"
    assert "`inner` of `http://x.example/f.yaml`" in problem.message
    assert (problem.line, problem.column) == (len(before), len(before[-1]) + 1)


def test_without_a_text_the_reasons_are_the_same():
    workflow = workflow_of("do:\n- x: { call: pay }\n")
    found = realisability(workflow, {})
    assert [one.code for one in found] == ["nobody-starts", "owner-missing"]


def test_the_retail_example_can_do_without_a_conductor(pytestconfig):
    text = pytestconfig.rootpath.joinpath("examples/retail/order.yaml").read_bytes()
    workflow = check(text).workflow
    assert workflow is not None
    assert realisability(workflow, {}, text=text) == []
