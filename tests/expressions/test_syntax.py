"""Reading expressions: what is accepted, and where and how the rest is refused."""

from __future__ import annotations

import jq
import pytest

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import (
    compile_condition,
    compile_expression,
    compile_wrapped,
    has_embedded,
    unwrap,
)
from batuta.expressions.names import BANNED, EXTRA, FUNCTIONS

ACCEPTED = """
.
..
.a.b?.c
.a."b c"["d"].[0]
.a[1:][:-1]
."a"?
.[1:2]?
[.[] | select(.x > 1)]
{a, "b": 2, (.c): 3, $__loc__, @text "x": 1, if: 4, "y\\(1)": 5}
{a: 1 + 2, b: .c // 3 | not,}
if . then 1 elif 2 then 3 end
try error("x") catch .
.a // .b // "c"
reduce .[] as [$a, {b: $c}] (0; . + $c)
foreach .[] as $x (0; . + $x; [$x, .])
. as {a: $x, $b, "c": [$y], (1 | "d"): $z} ?// [$x] | $x
label $out | 1, break $out, 2
def f($a; g): $a + g; f(1; 2)
def f: def g: 3; g; f
@base64 "a\\(1 + 1)b"
"nested \\("in \\("here")")"
-1 - -.a * 2
.a |= . + 1 | .b += 1 | .c //= 2
1 as $x | 2 as $y | [$x, $y, $__loc__]
.and + .reduce
# a comment\\n1
1 # goes on \\\\n still comment\\n+ 1
.[-1:] , .a.[].b
limit(3; repeat(.)) | first
"\\u00e9\\ud83d\\ude00\\n\\/"
1e3 + .5 + 5. + 1E-2
""".strip().split("\n")

REFUSED = [
    # text, offset of what is wrong, a part of the message
    ("", 0, "empty"),
    ("  # nothing", 0, "empty"),
    (".a |", 4, "too early"),
    (".a + ", 5, "too early"),
    (".a & .b", 3, "'&'"),
    ("'a'", 0, "meaning"),
    ('"abc', 1, "not closed"),
    ('"a\\qb"', 2, "\\q"),
    ('"\\(1', 4, "inside a string"),
    ("1 == 2 == 3", 7, "chained"),
    (".a = 1 = 2", 7, "chained"),
    (".a b", 3, "'b'"),
    (".foo.", 5, "too early"),
    ("[1,]", 3, "']'"),
    ("{a b}", 3, "'b'"),
    ("{1: 2}", 1, "key"),
    ("{(1): 2}", 1, "key"),
    ("{a: 1 as $x | $x}", 6, "'as'"),
    ("if 1 then 2", 11, "too early"),
    ("reduce .[] as $x (0)", 19, "first value"),
    ("break $x", 6, "label"),
    ("1 + . as $x | $x", 6, "two ways"),
    ("foo", 0, "no function foo"),
    (". | lenght", 4, "no function lenght"),
    ("limit(1)", 0, "takes 2"),
    (". | map", 4, "takes 1"),
    ("@base99", 0, "no format"),
    (". = = 1", 4, "'='"),
    ("$ x", 0, "'$'"),
    (")", 0, "')'"),
]


@pytest.mark.parametrize("text", [text.replace("\\n", "\n") for text in ACCEPTED])
def test_what_jq_reads_is_read(text):
    jq.compile(text)
    assert compile_expression(text).source == text


@pytest.mark.parametrize(("text", "offset", "part"), REFUSED)
def test_a_refusal_names_the_place_and_the_reason(text, offset, part):
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(text)
    assert caught.value.offset == offset
    assert part in caught.value.message


def test_a_misspelt_function_is_answered_with_the_right_one():
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression("to_entires")
    assert caught.value.hint == "did you mean to_entries?"


@pytest.mark.parametrize(
    "text",
    [
        *("env", "$ENV", "$ENV.PATH", ".a | env.PATH", "now", "[.[] | now]", "input", "inputs"),
        *("input_filename", "input_line_number", "debug", 'debug("x")', "stderr", "halt"),
        *("halt_error", "halt_error(1)", "get_search_list", "modulemeta", "localtime"),
        *('strflocaltime("%H")', "$__prog_args", 'import "a" as b; 1', 'include "a"; 1'),
        *("module {}; 1", '"\\(now)"', "{a: env}", "def f: now; 1", "get_prog_origin"),
    ],
)
def test_what_reads_the_host_or_the_clock_is_refused(text):
    with pytest.raises(ExpressionSyntaxError, match="not allowed"):
        compile_expression(text)


def test_a_name_that_the_program_defines_itself_is_its_own():
    compile_expression("def now: 1; now")
    compile_expression("1 as $ENV | $ENV")


def test_the_list_of_functions_is_what_jq_has():
    known = set(jq.compile("builtins").input_value(None).first())
    allowed = {entry for entry in known if entry.partition("/")[0] not in BANNED}
    assert allowed == FUNCTIONS - EXTRA


@pytest.mark.parametrize("piece", ["[", "(", "{a:", "-", "if ", '"\\(', ". as $x|", "1//", "try "])
def test_hostile_nesting_is_a_syntax_error(piece):
    for times in (100_000, 5_000):
        with pytest.raises(ExpressionSyntaxError):
            compile_expression(piece * times)


@pytest.mark.parametrize("text", ["1" + "+1" * 9_999, "." + "a." * 9_999 + "a", "1" + "|." * 9_999])
def test_long_chains_are_read(text):
    compile_expression(text)


def test_free_variables_are_those_that_nothing_binds():
    found = compile_expression(
        "$a + (1 as $b | $b + $c) | reduce $d as [$e] ($f; $e) | def f($g): $g + $h; f($b)",
    )
    assert found.variables == {"a", "c", "d", "f", "h", "b"}


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("${ .a }", ".a"),
        ("${.a}", ".a"),
        ("  ${ .a }\n", ".a"),
        ("${\n  .a |\n  .b\n}", ".a |\n  .b"),
        ("${ {a: 1} }", "{a: 1}"),
        ("${ .a }-${ .b }", ".a }-${ .b"),
        ("a ${ .a }", None),
        ("${ .a } b", None),
        ("$ { .a }", None),
        ("", None),
    ],
)
def test_only_a_whole_string_is_an_expression(text, program):
    assert unwrap(text) == program


def test_an_expression_inside_a_longer_string_is_noticed():
    assert has_embedded("Hello ${ .name }")
    assert not has_embedded("${ .name }")
    assert not has_embedded("Hello")


def test_an_offset_counts_from_the_start_of_what_was_written():
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_wrapped(" ${  .a + }")
    assert caught.value.offset == 9
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_wrapped("${ .a }-${ .b }")
    assert "join texts" in caught.value.hint


def test_a_condition_may_be_bare_or_wrapped():
    assert compile_condition(".a > 1") == compile_condition("${ .a > 1 }")


def test_an_optional_step_may_be_followed_by_an_alternative():
    found = compile_expression(".a?//1")
    assert found.source == ".a? //1"
    assert found.evaluate is not None
    assert found.evaluate({"a": None}, {}) == 1
    assert compile_expression(". as [$a] ?// $a | $a").source == ". as [$a] ?// $a | $a"
