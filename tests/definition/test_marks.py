"""What schemas mark as secret is found in values, wherever a schema can say it."""

from __future__ import annotations

import pytest

from batuta.definition.marks import DEEPEST, marks_of

SECRET = {"writeOnly": True}


def covered(schema, value, **elsewhere):
    marks = marks_of(schema, elsewhere.get("elsewhere", {}))
    return marks.covered(value, lambda name, _: f"<{name}>")


@pytest.mark.parametrize(
    "mark", [{"writeOnly": True}, {"x-secret": True}, {"type": "string", "format": "password"}]
)
def test_three_words_are_marks(mark):
    schema = {"properties": {"pin": mark, "name": {"type": "string"}}}

    assert covered(schema, {"pin": "1234", "name": "Ada"}) == {"pin": "<pin>", "name": "Ada"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"properties": {"pin": {"writeOnly": False, "format": "date", "x-secret": "yes"}}},
        {"const": [1, {"a": None}]},
    ],
)
def test_what_says_nothing_of_the_kind_marks_nothing(schema):
    assert marks_of(schema) is None


def test_all_of_a_marked_value_is_secret_and_null_stays_null():
    schema = {"properties": {"card": SECRET, "other": SECRET}}

    assert covered(schema, {"card": {"number": [1, 2]}, "other": None}) == {
        "card": "<card>",
        "other": None,
    }


def test_a_schema_may_mark_the_whole_value():
    assert covered(SECRET, "abc") == "<>"


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        ({"items": {"properties": {"pin": SECRET}}}, [{"pin": 1}, 2], [{"pin": "<pin>"}, 2]),
        ({"prefixItems": [{}, SECRET]}, [1, 2, 3], [1, "<>", 3]),
        ({"items": [{}, SECRET], "additionalItems": {}}, [1, 2, 3], [1, "<>", 3]),
        ({"items": [{}], "additionalItems": SECRET}, [1, 2], ["<>", "<>"]),
        ({"additionalProperties": SECRET, "properties": {"a": {}}}, {"a": 1, "b": 2},
         {"a": 1, "b": "<b>"}),
        ({"unevaluatedProperties": SECRET}, {"b": 2}, {"b": "<b>"}),
        ({"patternProperties": {"^s_": SECRET}}, {"s_a": 1, "b": 2}, {"s_a": "<s_a>", "b": 2}),
        ({"patternProperties": {"(": SECRET}}, {"b": 2}, {"b": "<b>"}),
        ({"allOf": [{"properties": {"a": SECRET}}]}, {"a": 1}, {"a": "<a>"}),
        ({"anyOf": [{"properties": {"a": SECRET}}, {"type": "null"}]}, {"a": 1}, {"a": "<a>"}),
        ({"oneOf": [True, {"properties": {"a": SECRET}}]}, {"a": 1}, {"a": "<a>"}),
        ({"if": {}, "then": {"properties": {"a": SECRET}}}, {"a": 1}, {"a": "<a>"}),
        ({"dependentSchemas": {"b": {"properties": {"a": SECRET}}}}, {"a": 1}, {"a": "<a>"}),
        ({"properties": {"a": {"items": SECRET}}}, {"a": [1, [2]]}, {"a": ["<a>", "<a>"]}),
        ({"properties": [], "items": {"x-secret": True}}, {"a": 1}, {"a": 1}),
    ],
)  # fmt: skip
def test_marks_are_followed_through(schema, value, shown):
    assert covered(schema, value) == shown


@pytest.mark.parametrize(
    "reference",
    ["#/$defs/a~1b/0", "#/$defs/a%7E1b/0", "#here", "other.json", "other.json#/x"],
)
def test_references_are_followed(reference):
    pin = {"properties": {"pin": SECRET}}
    schema = {
        "properties": {"card": {"$ref": reference}},
        "$defs": {"a/b": [pin], "there": {"$anchor": "here", **pin}},
    }
    elsewhere = {"other.json": {"x": pin, **pin}}

    assert covered(schema, {"card": {"pin": 1}}, elsewhere=elsewhere) == {"card": {"pin": "<pin>"}}


@pytest.mark.parametrize("reference", ["#/$defs/none", "#/$defs/list/7", "#no", "gone.json#/a"])
def test_a_reference_to_nothing_marks_nothing(reference):
    schema = {
        "properties": {"card": {"$ref": reference}, "pin": SECRET},
        "$defs": {"list": [{}]},
    }

    assert covered(schema, {"card": 1, "pin": 2}) == {"card": 1, "pin": "<pin>"}


@pytest.mark.parametrize("again", [{"$ref": "#"}, {"$recursiveRef": "#"}, {"$dynamicRef": "#"}])
def test_a_schema_that_refers_to_itself_is_followed_as_deep_as_the_value(again):
    schema = {"properties": {"pin": SECRET, "children": {"items": again}}}
    family = {"children": [{"pin": 1, "children": [{"pin": 2}]}]}

    assert covered(schema, family) == {
        "children": [{"pin": "<pin>", "children": [{"pin": "<pin>"}]}]
    }
    assert marks_of(schema).paths() == {("pin",), ("children", "*", "pin")}


def test_two_references_by_name_are_both_followed():
    named = {"$defs": {"pin": {"$anchor": "pin", **SECRET}, "key": {"$anchor": "key", **SECRET}}}
    schema = {**named, "properties": {"a": {"$ref": "#pin"}, "b": {"$ref": "#key"}}}

    assert covered(schema, {"a": 1, "b": 2, "c": 3}) == {"a": "<a>", "b": "<b>", "c": 3}


def test_what_lies_too_deep_to_be_looked_at_is_secret():
    schema = {"properties": {"pin": SECRET, "a": {"$ref": "#"}}}
    value = {"deep": 1}
    for _ in range(DEEPEST + 5):
        value = {"a": value}
    shown = covered(schema, value)
    depth = 0
    while isinstance(shown, dict):
        shown, depth = shown["a"], depth + 1

    assert (shown, depth) == ("<a>", DEEPEST)


def test_paths_say_where_secrets_are():
    schema = {
        "properties": {
            "card": {"properties": {"pin": SECRET, "name": {}}},
            "keys": {"items": SECRET},
            "more": {"additionalProperties": SECRET},
        }
    }

    assert marks_of(schema).paths() == {("card", "pin"), ("keys", "*"), ("more", "*")}


def test_an_item_and_a_member_have_marks_of_their_own():
    schema = {"items": {"properties": {"data": {"properties": {"pin": SECRET}}}}}
    marks = marks_of(schema).item().member("data")

    assert marks.covered({"pin": 1}, lambda *_: "x") == {"pin": "x"}
