"""Repairs change what was meant, where it stands, and nothing else of the text."""
# ruff: noqa: E501, ISC004 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest

from batuta.choreography.realisability import realisability
from batuta.choreography.repairs import repaired
from batuta.definition import check

HEAD = "document:\n  dsl: '1.0.3'\n  namespace: shop\n  name: order\n  version: '1.0.0'\n"
ONE = f"{HEAD}  # who takes part\n  metadata:\n    # the desk\n    participants: {{ desk: {{}} }} # one\n"
PAY = "  - pay: { call: pay, metadata: { participant: a } }\n"
TELL = "  - tell: { call: tell, if: .x, metadata: { participant: b } }\n"


def mend(text):
    """Return what became of a text, which is right but for what can be mended."""
    workflow = check(text).workflow
    assert workflow is not None
    return repaired(workflow, {}, text)


def errors(text):
    workflow = check(text).workflow
    found = realisability(workflow, {}, text=text)
    return [one.code for one in found if one.severity == "error"]


def after_wait(*lines):
    """Return a document whose wait falls to one participant or another, and what is written of it."""
    return f"{HEAD}do:\n{PAY}{TELL}" + "".join(f"  {line}\n" for line in lines)


def test_the_only_participant_becomes_the_default_of_the_document():
    text = f"{ONE}do:\n  - pay: {{ call: pay }} # dear\n"
    mended = mend(text)
    line = "    participants: { desk: {} } # one\n"
    assert mended.text == text.replace(
        f"    # the desk\n{line}", f"    participant: desk\n    # the desk\n{line}"
    )
    assert [str(one) for one in mended.made] == ["name `desk` at the document"]
    assert errors(text) == ["owner-missing"]
    assert errors(mended.text) == []


def test_nothing_is_named_where_nothing_is_missing():
    text = f"{ONE}do:\n  - x: {{ wait: PT1S }}\n"
    assert errors(text) == []
    assert mend(text).made == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            ["- w: { wait: PT1S }"],
            ["- w: { metadata: { participant: b }, wait: PT1S }"],
        ),
        (
            ["- w: {wait: PT1S}"],
            ["- w: {metadata: { participant: b }, wait: PT1S}"],
        ),
        (
            ["- w: {", "    wait: PT1S }"],
            ["- w: {", "    metadata: { participant: b },", "    wait: PT1S }"],
        ),
        (
            ['- "w": {"wait": "PT1S"}'],
            ['- "w": {"metadata": {"participant": "b"}, "wait": "PT1S"}'],
        ),
        (
            ["- w:", "    # a moment", "    wait: PT1S # no more"],
            [
                "- w:",
                "    metadata: { participant: b }",
                "    # a moment",
                "    wait: PT1S # no more",
            ],
        ),
        (
            ["- w:", "    wait: PT1S", "    metadata:", "      example.com/why: x"],
            [
                "- w:",
                "    wait: PT1S",
                "    metadata:",
                "      participant: b",
                "      example.com/why: x",
            ],
        ),
        (
            ["- w:", "    wait: PT1S", "    metadata: {}"],
            ["- w:", "    wait: PT1S", "    metadata: {participant: b}"],
        ),
        (
            ["- w:", "    wait: PT1S", "    metadata: { }"],
            ["- w:", "    wait: PT1S", "    metadata: { participant: b }"],
        ),
    ],
)
def test_a_wait_is_given_to_whoever_did_what_stands_before_it(before, after):
    text = after_wait(*before)
    mended = mend(text)
    assert errors(text) == ["owner-ambiguous"]
    assert mended.text == after_wait(*after)
    assert [str(one) for one in mended.made] == ["name `b` at `w`"]
    assert mended.left == ()
    assert errors(mended.text) == []


def test_line_ends_stay_what_they_are():
    text = after_wait("- w:", "    wait: PT1S").replace("\n", "\r\n")
    mended = mend(text)
    assert mended.text.count("\r\n") == mended.text.count("\n") == text.count("\n") + 1


@pytest.mark.parametrize("name", ["true", "1st"])
def test_a_name_that_yaml_would_not_take_for_text_is_quoted(name):
    text = (
        f"{HEAD}  metadata: {{ participants: {{ '{name}': {{}} }} }}\ndo:\n  - x: {{ call: pay }}\n"
    )
    mended = mend(text)
    assert f'{{ participant: "{name}", participants:' in mended.text
    assert errors(mended.text) == []


def test_what_is_shared_with_another_task_is_left_as_it_is():
    text = after_wait("- w: &pause { wait: PT1S }", "- again: *pause")
    mended = mend(text)
    assert mended.text == text
    assert mended.made == ()
    assert [str(one) for one in mended.left] == ["name `b` at `w`"]


def test_a_key_that_does_not_begin_its_line_is_left_as_it_is():
    text = after_wait("- ? w", "  : wait: PT1S")
    assert errors(text) == ["owner-ambiguous"]
    assert mend(text).text == text
    assert len(mend(text).left) == 1


@pytest.mark.parametrize(
    "text",
    [
        # Two could be meant, or none stands before.
        "do:\n  - x: { if: .a, call: pay, metadata: { participant: a } }\n"
        "  - y: { do: [ p: { call: p, if: .p, metadata: { participant: a } }, q: { call: q, if: .q, metadata: { participant: b } } ] }\n"
        "  - w: { wait: PT1S }\n",
        "do:\n  - each: { for: { in: .xs }, do: [ w: { wait: PT1S }, t: { call: t, metadata: { participant: b } } ] }\n",
        "do:\n  - pay: { call: pay }\n",
        "use: { functions: { f: { do: [ w: { wait: PT1S } ] } } }\n"
        "do:\n  - x: { call: p, if: .a, metadata: { participant: a } }\n  - y: { call: q, if: .b, metadata: { participant: b } }\n  - z: { call: f }\n",
    ],
)
def test_what_needs_a_thought_is_not_offered(text):
    mended = mend(f"{HEAD}  metadata: {{ participants: {{ a: {{}}, b: {{}} }} }}\n{text}")
    assert (mended.made, mended.left) == ((), ())


def test_several_are_mended_at_once_also_in_branches_and_catches():
    text = after_wait(
        "- f: { fork: { branches: [ l: { do: [ t: { call: t, if: .t, metadata: { participant: a } }, w: { wait: PT1S } ] }, r: { set: { a: 1 } } ] } }",
        "- g: { try: [ v: { wait: PT2S } ], catch: { do: [ c: { call: c, metadata: { participant: a } } ] } }",
    )
    mended = mend(text)
    assert [str(one) for one in mended.made] == ["name `a` at `w`"]
    assert errors(mended.text) == ["owner-ambiguous"]


def test_the_default_is_not_named_where_others_have_a_part():
    text = (
        f"{HEAD}  metadata: {{ participants: {{ a: {{}}, o: {{ external: true }} }} }}\n"
        "do:\n- x: { call: pay, metadata: { participant: o } }\n- y: { call: tell }\n"
    )
    assert errors(text) == ["owner-missing"]
    assert mend(text).made == ()
