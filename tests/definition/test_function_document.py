"""Functions that have a file of their own: read alone, without their caller's names and secrets."""

import pytest

from batuta.definition.function_document import call_problem, check_function, load_function
from batuta.errors import DefinitionError

NESTED = """
do:
  - first: { set: { a: 1 } }
  - second: { call: missing }
"""


def codes(text: str) -> list[str]:
    return [problem.code for problem in check_function(text, "f").problems]


def test_a_text_that_cannot_be_read_is_no_function():
    report = check_function("set: {", "f", file="f.yaml")
    assert report.function is None
    assert report.problems[0].file == "f.yaml"


def test_a_function_may_name_no_secret_for_its_authentication():
    text = (
        "call: http\nwith:\n  method: get\n  endpoint:\n    uri: https://x.example\n"
        "    authentication: { basic: { use: mine } }"
    )
    assert codes(text) == ["unknown-secret"]


def test_a_function_reads_no_secret_in_an_expression():
    assert codes("set: { a: '${ $secrets.mine }' }") == ["unknown-secret"]


def test_a_function_may_read_all_else():
    assert codes("set: { a: '${ .token + $context.x }' }") == []


def test_an_expression_that_cannot_be_read_is_one_problem_only():
    assert codes("set: { a: '${ $secrets. + }' }") == ["expression-syntax"]


def test_loading_a_function_with_errors_shows_them_all():
    with pytest.raises(DefinitionError, match=r"f\.json") as caught:
        load_function({"set": {}, "zet": 1}, "f", file="f.json")
    assert caught.value.problems


def test_a_problem_with_a_call_stands_at_the_call():
    problem = call_problem(NESTED, "/do/1/second", "unknown-function", "not there", file="f")
    assert (problem.line, problem.column) == (4, 21)


def test_a_problem_with_a_call_that_is_not_in_the_text_stands_where_the_way_ends():
    problem = call_problem(NESTED, "/do/1/third/do", "unknown-function", "not there", file="f")
    assert problem.line == 4
