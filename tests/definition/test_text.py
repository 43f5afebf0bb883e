"""YAML 1.2 and JSON become the same values, with places; what JSON cannot say is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.definition.problems import Findings
from batuta.definition.reading import Limits, read


def value_of(text):
    findings = Findings("x")
    root, _ = read(text, findings)
    assert findings.problems() == ()
    return root.plain


def same(one, other):
    """Compare JSON values strictly: 1, 1.0 and true are three things."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("0777", 777),
        ("0o17", 15),
        ("0xFF", 255),
        ("1_000", "1_000"),
        ("+5", 5),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.0.3", "1.0.3"),
        ("-x", "-x"),
        ("+", "+"),
        (".", "."),
        ("~", None),
        ("null", None),
        ("", None),
        ("True", True),
        ("FALSE", False),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("!!float 1.5", 1.5),
        ("!!bool true", True),
        ("!!null ~", None),
        ("!!map {}", {}),
        ("!!seq []", []),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written, value):
    assert same(value_of(f"a: {written}\n"), {"a": value})


def test_keys_are_texts_as_they_are_written():
    text = "on: 1\nyes: 2\n200: 3\ntrue: 4\n1.50: 5\nnull: 6\n'': 7\n'<<': 8\n2024-01-01: 9\n"
    assert list(value_of(text)) == [
        "on",
        "yes",
        "200",
        "true",
        "1.50",
        "null",
        "",
        "<<",
        "2024-01-01",
    ]


def test_aliases_stand_for_values():
    text = "a: &list [1, 2]\nb: *list\nc: &text x\nd: [*text, *list]\n"
    assert value_of(text) == {"a": [1, 2], "b": [1, 2], "c": "x", "d": ["x", [1, 2]]}


def test_many_small_aliases_of_long_texts_are_a_bomb_too(refused):
    text = f"a: &a {'x' * 500_000}\nb: [" + "*a, " * 11 + "§*a]\n"
    refused("yaml-too-large", text, raw=True)


def test_a_key_has_at_most_1024_characters_as_yaml_says():
    assert len(value_of('{"' + "k" * 1_000 + '": 1}')) == 1
    findings = Findings("x")
    assert read('{"' + "k" * 1_100 + '": 1}', findings)[0] is None
    assert findings.refused


def test_limits_may_be_set_for_documents_of_another_kind():
    findings = Findings("x")
    assert read("[" * 9 + "]" * 9, findings, Limits(depth=8))[0] is None
    assert read("[" * 200 + "]" * 200, Findings("x"), Limits(depth=200))[0] is not None


def test_a_byte_order_mark_is_not_part_of_the_text():
    assert value_of("\ufeffa: 1") == value_of(b"\xef\xbb\xbfa: 1") == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [
        {"smile": "\U0001f600", "\U0001f600": "a\u2028b\u2029c\x85d\x7fe\uffff"},
        {"backslash": '\\ud83d\\ude00 \\\\ / " \t \n'},
        {"long": "x" * 3000, "x" * 100: [[], {}, "", 0, -1.5e-7, None, True]},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_as_json(value, ascii_only, indent):
    assert same(value_of(json.dumps(value, ensure_ascii=ascii_only, indent=indent)), value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="", exclude_categories=["Cs", "Co"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=80), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(value=st.dictionaries(st.text("abc<é😀"), JSON), ascii_only=st.booleans())
def test_any_json_is_read_as_json(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert same(value_of(text), json.loads(text))


@settings(max_examples=150, deadline=None)
@given(text=st.text() | st.text("ab:-[]{}&*!|>'\"#%@`,? \n\t~<"))
def test_any_text_gives_a_value_or_a_problem(text):
    findings = Findings("x")
    root, _ = read(text, findings)
    assert (root is None) <= findings.refused


@settings(max_examples=60, deadline=None)
@given(data=st.binary())
def test_any_bytes_give_a_value_or_a_problem(data):
    findings = Findings("x")
    root, _ = read(data, findings)
    assert (root is None) <= findings.refused
