"""Templates: expressions inside JSON values."""

from __future__ import annotations

import pytest

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import Expression, compile_template


def evaluate(template, data, variables=None):
    compiled = compile_template(template)
    assert compiled.evaluate is not None
    return compiled.evaluate(data, variables or {})


def test_a_template_keeps_its_shape_and_fills_its_expressions():
    template = {"a": "${ .x }", "b": [1, "${ $y.z }", {"c": "${ .x + 1 }"}], "d": None, "e": "text"}
    assert evaluate(template, {"x": 2}, {"y": {"z": True}}) == {
        "a": 2,
        "b": [1, True, {"c": 3}],
        "d": None,
        "e": "text",
    }


def test_a_result_is_not_evaluated_again():
    assert evaluate({"a": "${ .x }"}, {"x": "${ now }"}) == {"a": "${ now }"}


def test_keys_and_embedded_expressions_are_text():
    assert evaluate({"${ .x }": "a ${ .x }"}, {"x": 1}) == {"${ .x }": "a ${ .x }"}


def test_a_template_without_expressions_is_constant():
    value = {"a": [1, "b"]}
    compiled = compile_template(value)
    assert compiled.constant
    assert compiled.value is value
    assert compiled.evaluate is not None
    assert compiled.evaluate({}, {}) is value
    assert compiled.evaluate_with({}, {}, lambda *_: None) is value


def test_a_template_knows_its_expressions_and_their_variables():
    compiled = compile_template(["${ $a }", {"k": "${ .x + $b }"}])
    assert not compiled.constant
    assert [one.source for one in compiled.expressions] == ["$a", ".x + $b"]
    assert compiled.variables == {"a", "b"}


def test_expressions_can_be_routed_one_by_one():
    compiled = compile_template({"n": "${ .x }", "s": '${ test("a+") }', "c": 1})
    assert compiled.evaluate is None
    seen = []

    def run(expression: Expression, data, variables):
        seen.append((expression.source, expression.evaluate is None))
        return expression.evaluate(data, variables) if expression.evaluate else "sandboxed"

    assert compiled.evaluate_with({"x": 3}, {}, run) == {"n": 3, "s": "sandboxed", "c": 1}
    assert seen == [(".x", False), ('test("a+")', True)]


def test_a_template_that_cannot_be_read_is_refused():
    with pytest.raises(ExpressionSyntaxError):
        compile_template({"a": ["${ .x + }"]})
