"""What a reader is told: texts, JSON, and the exception of `load`."""

from __future__ import annotations

import json

import pytest

import batuta.definition
from batuta.definition import CODES, check, load
from batuta.definition.suggest import did_you_mean, distance, listed, nearest
from batuta.errors import DefinitionError

TEXT = """document: { dsl: '1.0.3', namespace: test, name: sample, version: '0.1.0' }
do:
- pay:
    call: http
    with: { method: get, endpoint: https://x.example }
    then: shipp
- ship/now: { wait: 5 }
- ship: { set: { a: '${ $contxt }' } }
"""


def test_a_problem_is_shown_with_its_place_and_its_advice():
    first = check(TEXT, file="order.yaml").problems[0]
    assert first.render() == (
        "order.yaml:6:11: error unknown-task there is no task `shipp` in this list\n"
        '  value: "shipp"\n'
        "  expected: one of `continue`, `exit`, `end`, `pay`, `ship/now`, `ship`\n"
        "  hint: did you mean `ship`?"
    )


def test_a_problem_is_plain_json():
    second = check(TEXT, file="order.yaml").problems[1]
    assert json.loads(json.dumps(second.as_json())) == {
        "code": "wrong-type",
        "severity": "error",
        "file": "order.yaml",
        "line": 7,
        "column": 21,
        "reference": "/do/1/ship~1now/wait",
        "message": "an integer stands where a duration such as PT30S or { seconds: 30 } is wanted",
        "value": "5",
        "expected": "a duration such as PT30S or { seconds: 30 }",
        "hint": "say in which unit it counts",
    }


def test_loading_raises_with_every_problem():
    with pytest.raises(DefinitionError) as refused:
        load(TEXT, file="order.yaml")
    assert [problem.code for problem in refused.value.problems] == [
        "unknown-task",
        "wrong-type",
        "unknown-variable",
    ]
    for place in ("order.yaml:6:11: ", "order.yaml:7:21: ", "order.yaml:8:25: "):
        assert place in str(refused.value)


def test_loading_takes_no_offence_at_warnings():
    text = (
        TEXT.replace("shipp", "ship")
        .replace("wait: 5", "set: { a: .b }")
        .replace("contxt", "context")
    )
    report = check(text)
    assert {problem.severity for problem in report.problems} == {"warning"}
    assert report.ok
    assert load(text) == report.workflow


def test_loading_knows_functions_when_told():
    text = TEXT.partition("do:")[0] + "do: [ a: { call: f } ]"
    assert load(text, known_functions=["f"]).identity == "test/sample:0.1.0"
    with pytest.raises(DefinitionError, match="unknown-function"):
        load(text, known_functions=[])


def test_a_value_that_stands_in_many_places_is_mended_once():
    text = (
        TEXT.partition("do:")[0] + "do:\n- a: { do: &x [ b: { wait: soon } ] }\n- c: { do: *x }\n"
    )
    (problem,) = check(text).problems
    assert problem.reference == "/do/0/a/do/0/b/wait"


def test_a_long_value_is_shortened():
    (problem,) = check(TEXT.partition("do:")[0] + f"do:\n- a: {{ wait: {'x' * 200} }}\n").problems
    assert len(problem.value) == 80
    assert problem.value.endswith("...")


def test_every_code_says_what_it_means():
    for code, (severity, meaning) in CODES.items():
        assert code == code.lower()
        assert severity in {"error", "warning"}
        assert meaning.endswith(".")


def test_the_digest_is_of_the_meaning_and_not_of_the_writing():
    text = TEXT.partition("do:")[0] + "do: [ a: { set: { x: 1, y: é } } ]\n"
    workflow = load(text)
    again = load(json.dumps(dict(reversed(workflow.source.items())), indent=1))
    assert workflow.digest == again.digest
    assert len(workflow.digest) == 64
    assert load(text.replace("x: 1", "x: 2")).digest != workflow.digest


def test_the_public_names_exist():
    for name in batuta.definition.__all__:
        assert getattr(batuta.definition, name)


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "", 0), ("a", "", 1), ("abc", "acb", 1), ("kitten", "sitting", 3), ("then", "than", 1)],
)
def test_the_distance_of_two_words_counts_slips_of_the_finger(left, right, edits):
    assert distance(left, right) == distance(right, left) == edits


def test_a_suggestion_is_made_only_when_it_is_close():
    known = ["timeout", "then", "if", "at"]
    assert nearest("timeuot", known) == "timeout"
    assert nearest("THEN", known) == "then"
    assert nearest("x", known) is None
    assert did_you_mean("completely", known) == ""
    assert listed("abc", most=2) == "`a`, `b` and 1 more"
