"""Schemas inside a document are schemas, judged without fetching anything."""

from __future__ import annotations

import json

import pytest


def within(schema):
    return f"input: {{ schema: {{ document: {json.dumps(schema)} }} }}\ndo: []\n"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{}]},
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{}]},
        {"$ref": "https://elsewhere.example/schema.json"},
        {"properties": {"a": {"$ref": "https://elsewhere.example/schema.json#/$defs/deep"}}},
    ],
)
def test_a_schema_is_accepted(schema, built):
    assert built(within(schema)).input.schema.document == schema


@pytest.mark.parametrize(
    ("schema", "reference", "message"),
    [
        (
            {"properties": {"a": {"minLength": -1}}},
            "/properties/a/minLength",
            "less than the minimum",
        ),
        ({"anyOf": [{}, {"type": "strng"}]}, "/anyOf/1/type", "strng"),
        ({"$ref": "#/$defs/a"}, "", "does not exist"),
        ({"$ref": "http://[x"}, "", "Invalid URI"),
        ({"$schema": "https://example.com/mine"}, "/$schema", "draft"),
        ([], "", "an object, or true or false"),
    ],
)
def test_a_schema_that_is_none_is_refused_at_the_place(schema, reference, message, checked):
    (problem,) = checked(within(schema)).problems
    assert problem.code == "schema-invalid"
    assert problem.reference == "/input/schema/document" + reference
    assert message in problem.message


def test_a_schema_that_is_used_twice_is_judged_once(checked):
    report = checked("""
input: { schema: { document: &s { type: strng } } }
output: { schema: { document: *s } }
do: []
""")
    assert [problem.reference for problem in report.problems] == ["/input/schema/document/type"]
