"""Random programs of the native grammar on random data: the same value as jq, or both fail."""

from __future__ import annotations

import json
from typing import Any

import jq
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import ExpressionFailure, TooMuchWork, compile_expression

KEYS = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 2, 3, -1, 10, 100, 2**53, 0.5, 1.5, -2.25, 1.0])
    | st.sampled_from(["", "a", "b", "ab", "a,b", "1", "é", "x y", "1.5", "A", "null"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)

SIMPLE = [
    ".",
    ".a",
    ".b",
    ".c",
    ".a.b",
    ".[0]",
    ".[-1]",
    ".c.a",
    '.["a"]',
    ".[1:]",
    ".[:1]",
    '."a"',
    "..",
    "0",
    "1",
    "2",
    "-1",
    "1.5",
    '"a"',
    '"b"',
    '""',
    "null",
    "true",
    "false",
    "[]",
    "{}",
    '"1"',
    '","',
    "[1,2]",
    '{"a":1}',
    ".[]",
    ".a[]",
    ".[]?",
    ".a?",
    ".[0]?",
    ".b[]?",
    "$v",
]
NULLARY = [
    "length",
    "keys",
    "not",
    "add",
    "any",
    "all",
    "sort",
    "unique",
    "min",
    "max",
    "reverse",
    "flatten",
    "to_entries",
    "from_entries",
    "tostring",
    "tojson",
    "tonumber",
    "type",
    "floor",
    "ceil",
    "round",
    "abs",
    "sqrt",
    "ascii_downcase",
    "ascii_upcase",
    "trim",
    "ltrim",
    "rtrim",
    "first",
    "last",
    "values",
    "strings",
    "numbers",
    "nulls",
    "arrays",
    "objects",
    "scalars",
    "iterables",
    "booleans",
    "empty",
    "error",
    "keys_unsorted",
    "fromjson",
    "utf8bytelength",
    "@base64",
    "@uri",
    "@json",
    "@text",
    "paths",
    "recurse",
    "fabs",
]
OVER = [
    "map",
    "select",
    "sort_by",
    "group_by",
    "unique_by",
    "min_by",
    "max_by",
    "map_values",
    "with_entries",
    "any",
    "all",
    "add",
    "first",
    "last",
    "isempty",
    "IN",
    "INDEX",
    "path",
    "paths",
]
WITH = [
    "has",
    "in",
    "contains",
    "inside",
    "startswith",
    "endswith",
    "ltrimstr",
    "rtrimstr",
    "split",
    "join",
    "index",
    "rindex",
    "indices",
    "flatten",
    "nth",
    "getpath",
    "error",
]
PLACES = [
    ".a",
    ".b",
    ".a.b",
    ".[0]",
    ".[]",
    ".[]?",
    ".a[]?",
    "(.a,.b)",
    "(.[]?|select(.!=1))",
    ".a?",
    '.["c"]',
    "..",
    ".[-1]",
]
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", "|", ","]
BINDINGS = ["$w", "[$w, $v]", "{a: $w, $v}", "[[$w], $v]"]

SHAPES = [
    ("({} {} {})", (None, OPERATORS, None)),
    ("({} {} {})", (None, OPERATORS, None)),
    ("({} | {})", (None, None)),
    ("{{a: {}, b: {}}}", (None, None)),
    ('{{("k", .a | tostring): {}}}', (None,)),
    ("{{(.a): {}}}", (None,)),
    ("[{}]", (None,)),
    ("[{}]", (None,)),
    ("(if {} then {} else {} end)", (None, None, None)),
    ("(try {} catch {})", (None, None)),
    ("({})?", (None,)),
    ("({} as {} | {})", (None, BINDINGS, None)),
    ("(reduce {} as $v ({}; {}))", (None, None, None)),
    ("[foreach {} as $v ({}; {})]", (None, None, None)),
    ('"x\\({})y"', (None,)),
    ("(-{})", (None,)),
    ("{}", (NULLARY,)),
    ("({} | {})", (None, NULLARY)),
    ("({} | {})", (None, NULLARY)),
    ("{}({})", (OVER, None)),
    ("{}({})", (OVER, None)),
    ("{}({})", (WITH, None)),
    ("limit({}; {})", (["0", "1", "2"], None)),
    ("[range({}; {})]", (["0", "1", ".a"], ["3", "2.5", "length"])),
    ("any({}; {})", (None, None)),
    ("all({}; {})", (None, None)),
    ('setpath(["a"]; {})', (None,)),
    ("({} {} {})", (PLACES, ["=", "|=", "+=", "-=", "*=", "//="], None)),
    ("del({})", (PLACES,)),
    ("({})[{}:{}]", (None, ["0", "1", "-1"], ["1", "2", "-1", "null"])),
    ("({})[{}]?", (None, None)),
]


@st.composite
def programs(draw: st.DrawFn, depth: int = 4) -> str:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(SIMPLE))
    shape, slots = draw(st.sampled_from(SHAPES))
    return shape.format(
        *(
            draw(programs(depth=depth - 1)) if slot is None else draw(st.sampled_from(slot))
            for slot in slots
        ),
    )


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same, also in the order of keys; 1 is 1.0 but never true."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), VALUES, VALUES)
def test_native_code_gives_what_jq_gives(program, data, variable):
    try:
        compiled = compile_expression(program)
    except ExpressionSyntaxError:
        event("no program")
        return
    if compiled.evaluate is None:
        event("for the sandbox")
        return
    variables = {"v": variable}
    before = json.dumps([data, variables])
    try:
        result, failure = compiled.evaluate(data, variables), None
    except ExpressionFailure as caught:
        result, failure = None, caught
    except TooMuchWork:
        event("handed over")
        return
    assert json.dumps([data, variables]) == before
    try:
        outputs = jq.compile(program, args=variables).input_value(data).all()
    except ValueError as theirs:
        outputs, message = [], str(theirs)
    else:
        message = None
    event("both succeed" if message is None else "both fail")
    assert (failure is None) == (message is None), f"jq: {message or outputs}"
    if failure is not None:
        return
    expected = None if not outputs else outputs[0] if len(outputs) == 1 else outputs
    assert same(result, expected), f"{result} is not {expected}"
