"""Bounds: native evaluation stops by itself, at the same place every time, and never blows up."""

from __future__ import annotations

import time

import pytest

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import ExpressionFailure, TooMuchWork, compile_expression
from batuta.expressions.arithmetic import BUDGET

NESTED = "x"
for _ in range(20_000):
    NESTED = [NESTED]


def natively(program, data=None, variables=None):
    compiled = compile_expression(program)
    assert compiled.evaluate is not None
    return compiled.evaluate(data, variables or {})


def test_the_budget_counts_elements():
    assert natively("[range(19000)] | length") == 19_000
    with pytest.raises(TooMuchWork):
        natively(f"[range({BUDGET + 1})] | length")
    with pytest.raises(TooMuchWork):
        natively("map(.)", [0] * (BUDGET + 1))


VARIABLES = {"big": ["x" * 10_000] * 10, "long": "y" * 10_000, "ones": [1] * 2_000}


@pytest.mark.parametrize(
    "program",
    [
        "[range(1e15)]",
        "last(range(1e15))",
        "until(false; .)",
        "[while(true; .)]",
        "[range(0; 1; 1e-300)]",
        "reduce range(1000000) as $x (0; . + 1)",
        "[range(300) | range(300)] | length",
        '"abc" * 1e9',
        "reduce range(64) as $x ([1]; . + .)",
        'reduce range(64) as $x ("ab"; . + .)',
        "reduce range(64) as $x ({a: 1}; {a: ., b: .})",
        "reduce range(64) as $x ([]; [., .])",
        "reduce range(64) as $x ([]; [., .]) | tojson",
        "reduce range(64) as $x ([]; [., .]) | . == .",
        "reduce range(64) as $x ([]; [., .]) | [.] | sort",
        'reduce range(64) as $x ([]; [., .]) | "\\(.)"',
        "reduce range(64) as $x ([]; [., .]) | [..] | length",
        "[.[] | $big]",
        " | ".join(["tojson"] * 40),
        " | ".join(["[.] | tostring"] * 25),
        " | ".join(["@base64"] * 50),
        " | ".join(['"\\([.])"'] * 40),
        "join($long)",
        "[.[] | $long] | add",
        "ascii_downcase? // $long | " + " | ".join(["[., .]"] * 20),
        "($ones | .[$ones])",
        "(1 == 1) | " + " | ".join(["[., .]"] * 40),
        "[range(9000)] | " + " | ".join(["[., .]"] * 12),
        "any(range(1e15); false)",
        "[limit(100000000; range(1e15))]",
        ".[1e9] = 1",
        "[1] | until(length > 1e9; . + .)",
        " | ".join(["[., .]"] * 50),
        " | ".join(["{a: ., b: .}"] * 50) + " | tojson",
        " | ".join([". + ."] * 50),
        "[1] | " + " | ".join([". + ."] * 50),
        ". as $x | " * 30 + "1 | " + " | ".join(["[., .] as $y | [$y, $y]"] * 20),
    ],
)
def test_what_would_not_end_or_not_fit_is_handed_over_in_time(program):
    started = time.process_time()
    try:
        compiled = compile_expression(program)
    except ExpressionSyntaxError:
        return
    if compiled.evaluate is not None:
        with pytest.raises(TooMuchWork):
            compiled.evaluate([1] * 1_000, VARIABLES)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("program", [". + .", "[1] | . + .", "1 | . * 2"])
def test_numbers_may_double_as_often_as_they_like(program):
    natively(program, 1)
    assert natively(" | ".join(["1"] + [". + ."] * 40)) == 2**40


def test_the_work_is_the_same_each_time():
    program = compile_expression("[.[] | select(. > 1)] | length")
    assert program.evaluate is not None
    for _ in range(5):
        assert program.evaluate([1, 2, 3], {}) == 2


@pytest.mark.parametrize(
    "program", [". == .[0]", "tojson", "[., .] | sort", "..", "flatten", "contains(.[0])", ". * 1"]
)
def test_deep_data_is_handed_over_and_not_a_crash(program):
    with pytest.raises((TooMuchWork, ExpressionFailure)):
        natively(program + " | length", NESTED)


@pytest.mark.parametrize("part", [" | .", " | if . then . else . end", " + 1", " | [.]", " | .a?"])
def test_a_long_program_either_runs_or_goes_to_the_sandbox(part):
    for times in (10, 25, 50, 100, 1_000, 2_500):
        compiled = compile_expression("1" + part * times)
        if compiled.evaluate is not None:
            compiled.evaluate(None, {})


def test_a_long_program_goes_to_the_sandbox():
    assert compile_expression("1" + " + 1" * 5_000).evaluate is None
    assert natively("1" + " | . + 1" * 20) == 21


def test_a_local_variable_of_one_evaluation_is_not_seen_by_the_next():
    program = compile_expression("if . then 1 as $x | $x else [.[]? as $x | $x] end")
    assert program.evaluate is not None
    assert program.evaluate(True, {}) == 1
    assert program.evaluate(False, {}) == []
