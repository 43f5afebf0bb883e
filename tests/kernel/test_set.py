"""`set`: the value is the output, whole."""

from __future__ import annotations

import pytest
from driver import run


def test_the_value_replaces_the_input():
    assert run("do: [ { a: { set: { b: 1 } } } ]", {"a": 0}).output == {"b": 1}


@pytest.mark.parametrize("text", ["'${ .a }'", ".a"])
def test_a_direct_expression_may_give_any_value(text):
    assert run(f"do: [ {{ a: {{ set: {text} }} }} ]", {"a": [1, 2]}).output == [1, 2]


def test_expressions_stand_anywhere_inside_and_data_is_never_evaluated():
    done = run(
        "do: [ { a: { set: { deep: [ { x: '${ .x }' } ], text: 'plain' } } } ]",
        {"x": "${ .secret }"},
    )
    assert done.output == {"deep": [{"x": "${ .secret }"}], "text": "plain"}


def test_an_expression_without_output_gives_null_and_several_a_list():
    assert run("do: [ { a: { set: { none: '${ empty }', two: '${ 1, 2 }' } } } ]").output == {
        "none": None,
        "two": [1, 2],
    }
