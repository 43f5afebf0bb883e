"""Business keys over what a schema marks as secret are refused, at their place."""

from __future__ import annotations

import pytest

from batuta.definition.reads import reads_of

DOCUMENT = """\
document:
  dsl: '1.0.3'
  namespace: a
  name: b
  version: 1.0.0
  metadata: {{ keys: {{ found: {key} }} }}
input:
  schema:
    document:
      properties:
        card: {{ properties: {{ pin: {{ writeOnly: true }}, owner: {{}} }} }}
        order: {{}}
        tokens: {{ items: {{ format: password }} }}
  {more}
do: []
"""


def text(key, more=""):
    return DOCUMENT.format(key=key, more=more)


@pytest.mark.parametrize(
    "key",
    [
        ".card.pin",
        "'${ .card.pin }'",
        ".card",
        ".",
        "'.card[\"pin\"]'",
        "'.card | .pin'",
        "'.tokens[0]'",
        "'.tokens[]'",
        "'.tokens | length'",
        "'.order + .card.pin'",
        "'(.order | tostring) + .card.pin?'",
        "'.card.owner, .card.pin'",
        "'$input.card.pin'",
        "'to_entries'",
        "'[..]'",
        "'@json'",
        "'reduce .tokens[] as $t (0; . + 1)'",
        "'foreach .card.pin as $t (0; . + 1; $t)'",
        "'. as {card: $c} | $c.owner'",
        "'.order = 1'",
        "'if .order then .card.pin else 1 end'",
    ],
)
def test_a_key_that_reads_a_secret_is_refused(key, refused):
    refused("secret-key", text(f"§{key}"))


@pytest.mark.parametrize(
    "key",
    [
        ".order",
        ".card.owner",
        "'.order | tostring'",
        "'.order.pin'",
        "'\"a-\\(.order.id)\"'",
        "'[.order, .card.owner] | join(\"-\")'",
        "'reduce .order[] as $i (0; . + 1)'",
        "'foreach .order[] as $i (0; . + 1)'",
        "'$input.order'",
        "'.order[.card.owner]'",
    ],
)
def test_a_key_that_reads_something_else_is_not(key, built):
    assert built(text(key)).keys


def test_behind_a_transformation_the_names_of_secrets_count(checked):
    more = "from: '${ { c: .card, order: .order } }'"
    problems = [checked(text(key, more)).problems for key in (".c.pin", ".order")]

    assert [[one.code for one in found] for found in problems] == [["secret-key"], []]


def test_what_is_no_expression_reads_nothing():
    assert reads_of(".a +") == (frozenset(), frozenset())


def test_an_input_that_is_not_right_is_left_to_other_checks(checked):
    found = checked("input: 5\ndo: []\n").problems + checked("[]").problems

    assert "secret-key" not in {one.code for one in found}
