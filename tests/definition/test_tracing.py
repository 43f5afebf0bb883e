"""A mistake inside a value is shown where it was written, whatever the quoting."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.definition.problems import Findings
from batuta.definition.reading import read
from batuta.definition.tracing import trace


def traced(text, key="a"):
    """Yield each character of a value with what stands at the place it is traced to."""
    root, source = read(text, Findings("x"))
    node = root.fields[key]
    lines = text.split("\n")
    for offset, character in enumerate(node.plain):
        line, column = trace(node, offset, source)
        yield character, lines[line - 1][column - 1 :]


@pytest.mark.parametrize(
    "text",
    [
        "a: plain text",
        "a: &anchor !!str tagged text",
        "a: 'single'",
        'a: &anchor !!str "double"',
        "a: |\n  a literal\n    block\n\n  text\n",
        "a: |2- # with a comment\n   indented\n  block\nb: 1\n",
        "a: |+\n  kept\n\n",
        "{ a: in a flow, b: 1 }",
    ],
)
def test_every_character_is_found_again(text):
    for character, rest in traced(text):
        assert rest.startswith(character.rstrip("\n")), (character, rest)


@pytest.mark.parametrize(
    ("text", "widths"),
    [
        ("a: 'it''s'", [1, 1, 2, 1]),
        (r'a: "\x41\u0042\U00000043\n\"\\é"', [4, 6, 10, 2, 2, 2, 1]),
        ('{"a": "' + json.dumps("😀x")[1:] + "}", [12, 1]),
    ],
)
def test_escapes_count_as_they_are_written(text, widths):
    places = [len(text) - len(rest) for _, rest in traced(text)]
    assert [after - before for before, after in pairwise(places)] == widths[:-1]


@pytest.mark.parametrize(
    "text", ["a: >\n  folded\n  text\n", "a: 'over\n  lines'", "a: over\n  lines"]
)
def test_a_folded_value_is_shown_where_it_begins(text):
    assert {rest for _, rest in traced(text)} == {text.split("\n")[0][3:]}


@settings(max_examples=100, deadline=None)
@given(
    value=st.text("ab'\"\\ ${}:#\n\té😀", min_size=1, max_size=30),
    style=st.sampled_from(["'", '"', "|"]),
    ascii_only=st.booleans(),
)
def test_any_value_is_traced_into_the_text(value, style, ascii_only):
    text = yaml.dump({"a": value}, default_style=style, allow_unicode=not ascii_only, width=10_000)
    root, source = read(text, Findings("x"))
    node = root.fields["a"]
    lines = text.split("\n")
    for offset in range(len(value) + 1):
        line, column = trace(node, offset, source)
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
