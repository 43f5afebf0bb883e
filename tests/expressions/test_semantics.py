"""A table of what expressions mean; each row also holds for jq itself."""

from __future__ import annotations

import json

import jq
import pytest

from batuta.expressions import ExpressionFailure, TooMuchWork, compile_expression

ROWS = [
    # program, input, result
    (".", 5, 5),
    (".a.b", {"a": {"b": 1}}, 1),
    (".a.b", {"a": None}, None),
    (".a.b", None, None),
    ('.["a b"]', {"a b": 1}, 1),
    (".[0], .[-1], .[5]", [1, 2], [1, 2, None]),
    (".[1:]", "héllo", "éllo"),
    (".[:-1]", [1, 2, 3], [1, 2]),
    (".[1.2:3.5]", [1, 2, 3, 4, 5], [2, 3, 4]),
    (".a[1:2][0]", {"a": [1, 2]}, 2),
    ("[.[]]", {"b": 1, "a": 2}, [1, 2]),
    ("empty", 1, None),
    ("1, 2", None, [1, 2]),
    ("[1, 2] | .[]", None, [1, 2]),
    ("[]", None, []),
    ("[.[]?]", 1, []),
    (".a.b.c?", {"a": {"b": 1}}, None),
    ("null + 1", None, 1),
    ('"a" + "b"', None, "ab"),
    ("[1] + [2]", None, [1, 2]),
    ("{a: 1} + {b: 2}", None, {"a": 1, "b": 2}),
    ("[1, 2, 1] - [1]", None, [2]),
    ('"a,b" / ","', None, ["a", "b"]),
    ("{a: {b: 1}} * {a: {c: 2}}", None, {"a": {"b": 1, "c": 2}}),
    ('"ab" * 3', None, "ababab"),
    ("1 / 2", None, 0.5),
    ("4 / 2", None, 2),
    ("5 % 3, -5 % 3, 5 % -3, 5.9 % 2.1", None, [2, -2, 2, 1]),
    ("0.1 + 0.2", None, 0.30000000000000004),
    ("9007199254740993 + 0", None, 9007199254740992),
    (". + 1", 9007199254740992, 9007199254740992),
    ("-(.a)", {"a": 2}, -2),
    ("-.a * 2", {"a": 2}, -4),
    ("1 == 1.0", None, True),
    ("[true] == [1]", None, False),
    ("true == 1", None, False),
    ("{a: [1, {b: false}]} == {a: [1.0, {b: 0}]}", None, False),
    ('[null, false, true, 0, "", [], {}] | sort | map(type)', None,
     ["null", "boolean", "boolean", "number", "string", "array", "object"]),
    ("{a: 2} < {b: 1}", None, True),
    ("[1] < [1, 0]", None, True),
    ("null and error, true or error", None, [False, True]),
    (".a // 3", {"a": False}, 3),
    ("[.[] // 5]", [None, 1, False, 2], [1, 2]),
    ("[empty // 5]", None, [5]),
    ("if . then 1 end", False, False),
    ("if .a then 1 elif .b then 2 else 3 end", {"b": 0}, 2),
    ("[if (true, false) then 1 else 2 end]", None, [1, 2]),
    ('try error("x") catch .', None, "x"),
    ("try error({a: 1}) catch .a", None, 1),
    ("[.[] | tonumber?]", ["1", "x", "2"], [1, 2]),
    ('"\\(.a) and \\([1, null])"', {"a": "x"}, "x and [1,null]"),
    ('@base64 "a\\(.)b"', "xy", "aeHk=b"),
    ('@uri "\\(.)"', "a b/é", "a%20b%2F%C3%A9"),
    ("@json", [1, "é\x7f"], '[1,"é\\u007f"]'),
    ("map(. * 1) | tojson", [1.5, 1e-5, 12345678901234567000.0, 1e15, 1e-4],
     "[1.5,1e-05,12345678901234567000,1000000000000000,0.0001]"),
    (". as [$a, {b: $c}] | [$a, $c]", [1, {"b": 2}], [1, 2]),
    (". as {a: $x, $b} | $x + $b", {"a": 1, "b": 2}, 3),
    ("1 as $x | 2 as $y | $x as $y | [$x, $y]", None, [1, 1]),
    ("reduce .[] as $x (0; . + $x)", [1, 2, 3], 6),
    ("reduce .[] as [$a, $b] (null; . + $a * $b)", [[1, 2], [3, 4]], 14),
    ("reduce .[] as $x (0; empty)", [1, 2], None),
    ("[foreach .[] as $x (0; . + $x; [$x, .])]", [1, 2], [[1, 1], [2, 3]]),
    ("[.[] | (1, 2) + (10, 20)]", [0], [11, 12, 21, 22]),
    ("[limit(2; .[])], first(.[]), [first(empty)]", [1, 2, 3], [[1, 2], 1, []]),
    ("[range(3)], [range(1; 3)], [range(0; 10; 4)]", None, [[0, 1, 2], [1, 2], [0, 4, 8]]),
    ("length", "é", 1),
    ("[.[] | length]", [[1], {"a": 1}, None, -5, "ab"], [1, 1, 0, 5, 2]),
    ("keys", {"b": 1, "a": 2}, ["a", "b"]),
    ("keys_unsorted", {"b": 1, "a": 2}, ["b", "a"]),
    ("map(. + 1), map_values(. + 1)", [1, 2], [[2, 3], [2, 3]]),
    ("map_values(empty)", {"a": 1}, {}),
    ("to_entries", {"a": 1}, [{"key": "a", "value": 1}]),
    ("with_entries(select(.value > 1))", {"a": 1, "b": 2}, {"b": 2}),
    ("add", ["a", None, "b"], "ab"),
    ("add", [], None),
    ("add(.[].a)", [{"a": 1}, {"a": 2}], 3),
    ("any, all", [True, False], [True, False]),
    ("any(. > 1), all(. > 1)", [1, 2], [True, False]),
    ("sort_by(.a, .b) | map(.c)", [{"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 1, "c": 2}], [2, 1]),
    ("group_by(.a) | map(length)", [{"a": 1}, {"a": 0}, {"a": 1.0}], [1, 2]),
    ("unique, unique_by(length)", ["b", "a", "b", "cc"], [["a", "b", "cc"], ["b", "cc"]]),
    ("min_by(.a), max_by(.a) | .b", [{"a": 1, "b": 1}, {"a": 1, "b": 2}], [1, 2]),
    ("min, max", [3, 1, 2], [1, 3]),
    ("reverse", [1, 2], [2, 1]),
    ("flatten, flatten(1)", [1, [2, [3]]], [[1, 2, 3], [1, 2, [3]]]),
    ('contains("b"), inside("abc")', "b", [True, True]),
    ("contains({a: [{b: 1}]})", {"a": [{"b": 1, "c": 2}], "d": 3}, True),
    ('has("a"), has("z")', {"a": None}, [True, False]),
    ("has(0), has(-1)", [1], [True, False]),
    ('startswith("a"), endswith("b")', "ab", [True, True]),
    ('ltrimstr("a"), rtrimstr("b")', "ab", ["b", "a"]),
    ("trim, ltrim, rtrim", " \u00a0a\n", ["a", "a\n", " \u00a0a"]),
    ('split(", ") | join("-")', "a, b", "a-b"),
    ('join(",")', ["a", 1, None, True], "a,1,,true"),
    ("ascii_downcase, ascii_upcase", "aÀB", ["aÀb", "AÀB"]),
    ('index(","), rindex(","), indices(",")', "é,b,", [1, 3, [1, 3]]),
    ("index(1), indices([1, 2])", [0, 1, 2], [1, [1]]),
    ("floor, ceil, round, sqrt", 6.25, [6, 7, 6, 2.5]),
    ("map(round)", [0.5, -0.5, 2.5, -1.5, 0.49999999999999994], [1, -1, 3, -2, 0]),
    ("map(tostring)", ["a", 1, [1], None], ["a", "1", "[1]", "null"]),
    ("map(tonumber)", ["1", "-1.5", "1e2", 7], [1, -1.5, 100, 7]),
    ("fromjson", '{"a": [1, 2.5]}', {"a": [1, 2.5]}),
    ("[.[] | values], [.[] | numbers, strings]", [None, 1, "a"], [[1, "a"], [1, "a"]]),
    ("[..]", [[1]], [[[1]], [1], 1]),
    ("[paths]", {"a": [1]}, [["a"], ["a", 0]]),
    ("[path(.a[]?)]", {"a": [1, 2]}, [["a", 0], ["a", 1]]),
    ('getpath(["a", "b"])', {"a": {"b": 1}}, 1),
    ('setpath(["a", 1]; 5)', None, {"a": [None, 5]}),
    ("del(.a, .b)", {"a": 1, "b": 2, "c": 3}, {"c": 3}),
    ("del(.[0, 2])", [1, 2, 3], [2]),
    ("del(.[] | select(. > 1))", [1, 2, 3], [1]),
    (".a = 1", None, {"a": 1}),
    (".a.b |= . + 1", {"a": {"b": 1}}, {"a": {"b": 2}}),
    (".[] += 1", [1, 2], [2, 3]),
    (".a += .b", {"a": 1, "b": 2}, {"a": 3, "b": 2}),
    ('.a //= "x"', {"a": None}, {"a": "x"}),
    ("(.a, .b) = 0", {}, {"a": 0, "b": 0}),
    ("(.[] | select(. > 1)) |= 0", [1, 2], [1, 0]),
    (".[0] |= empty", [1, 2], [2]),
    ("INDEX(.id)", [{"id": 1}], {"1": {"id": 1}}),
    ("IN(1, 2)", 1, True),
    ("until(. > 100; . * 2)", 1, 128),
    ("isempty(.[]), isempty(empty)", [1], [False, True]),
    ("{(.a): 1, b: .c}", {"a": "x", "c": 2}, {"x": 1, "b": 2}),
    ("{a, $__loc__}", {"a": 1}, {"a": 1, "__loc__": {"file": "<top-level>", "line": 1}}),
    ("type", True, "boolean"),
]  # fmt: skip

FAILURES = [
    (".a", [1], 'Cannot index array with string ("a")'),
    (".[0]", {}, "Cannot index object with number (0)"),
    (".a.b", {"a": 5}, 'Cannot index number with string ("b")'),
    (".[]", 5, "Cannot iterate over number (5)"),
    (". + 1", "a", 'string ("a") and number (1) cannot be added'),
    ("{} - 1", None, "object ({}) and number (1) cannot be subtracted"),
    (". / 0", 5, "number (5) and number (0) cannot be divided because the divisor is zero"),
    (
        "tonumber",
        [*range(99)],
        "array ([0,1,2,3,4,5,6,7,8,9,10,1...]) cannot be parsed as a number",
    ),
    ("keys", "x" * 50, f'string ("{"x" * 24}...") has no keys'),
    ('error("no stock")', None, "no stock"),
    ("{(.a): 1}", {"a": 1}, "Cannot use number (1) as object key"),
    ('has("a")', [1], "Cannot check whether array has a string key"),
    ("-.a", {"a": "x"}, 'string ("x") cannot be negated'),
]


@pytest.mark.parametrize(("program", "data", "expected"), ROWS)
def test_an_expression_means_what_jq_means(program, data, expected):
    compiled = compile_expression(program)
    assert compiled.evaluate is not None
    before = json.dumps(data)
    result = compiled.evaluate(data, {})
    assert json.dumps(data) == before
    assert json.dumps(result) == json.dumps(expected)
    outputs = jq.compile(program).input_text(before).all()
    assert outputs == ([expected] if len(outputs) == 1 else [] if expected is None else expected)


@pytest.mark.parametrize(("program", "data", "message"), FAILURES)
def test_a_failure_says_what_jq_says(program, data, message):
    compiled = compile_expression(program)
    assert compiled.evaluate is not None
    with pytest.raises(ExpressionFailure) as caught:
        compiled.evaluate(data, {})
    assert caught.value.message == message
    with pytest.raises(ValueError, match=r".") as theirs:
        jq.compile(program).input_value(data).all()
    assert str(theirs.value) == message


def test_a_number_keeps_its_value_not_its_spelling():
    compiled = compile_expression("[1.10, 1e2, .] | tojson")
    assert compiled.evaluate is not None
    assert compiled.evaluate(1e17, {}) == "[1.1,100,1e+17]"


def test_integers_beyond_doubles_are_kept_until_they_are_calculated_with():
    identity, sum_ = compile_expression(".[0]").evaluate, compile_expression(".[0] + 0").evaluate
    assert identity is not None
    assert sum_ is not None
    assert identity([10**20 + 1], {}) == 10**20 + 1
    assert sum_([10**20 + 1], {}) == 1e20


def test_there_is_no_negative_zero():
    compiled = compile_expression("0 * -1 | tojson")
    assert compiled.evaluate is not None
    assert compiled.evaluate(None, {}) == "0"


def test_an_unknown_variable_is_a_failure():
    for program in ("$x", "[.[] | $x]"):
        compiled = compile_expression(program)
        assert compiled.evaluate is not None
        with pytest.raises(ExpressionFailure, match=r"\$x is not defined"):
            compiled.evaluate([1], {})


@pytest.mark.parametrize(
    ("program", "data"),
    [
        (".a // 1", 5),
        ("1e308 * 10", None),
        ("sqrt", -1),
        ('"a" * 0.5', None),
        ("tonumber", "nan"),
        ("fromjson", "{a"),
        ("from_entries", [{"name": "a"}]),
        ("reverse", "abc"),
        (".[[]]", [1]),
    ],
)
def test_where_releases_of_jq_disagree_the_sandbox_decides(program, data):
    compiled = compile_expression(program)
    assert compiled.evaluate is not None
    with pytest.raises(TooMuchWork):
        compiled.evaluate(data, {})


@pytest.mark.parametrize(
    "program",
    ['test("a")', "def f: 1; f", "label $x | 1", ". as [$a] ?// $a | $a", "@csv", "{a: (1, 2)}",
     "recurse(.a)", "walk(.)", "todate", '[splits(",")]', "nan"],
)  # fmt: skip
def test_the_rest_of_jq_has_no_native_form(program):
    assert compile_expression(program).evaluate is None
