"""How the parameters of a call find their places."""

from __future__ import annotations

import json

import httpx2
import pytest

EXPLODED = {"explode": True}
ARRAY = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object"}
LIST = ["a b", "c"]
DICT = {"x": 1, "y": "é"}


def parameter(place="query", name="q", **more):
    return {"parameters": [{"name": name, "in": place, **more}]}


@pytest.mark.parametrize(
    ("settings", "value", "query"),
    [
        ({}, "a&b", "q=a%26b"),
        ({}, True, "q=true"),
        ({}, 3.0, "q=3"),
        ({}, LIST, "q=a%20b&q=c"),
        ({"explode": False}, LIST, "q=a%20b,c"),
        ({"style": "spaceDelimited", "explode": False}, LIST, "q=a%20b%20c"),
        ({"style": "pipeDelimited", "explode": False}, LIST, "q=a%20b%7Cc"),
        ({}, DICT, "x=1&y=%C3%A9"),
        ({"explode": False}, DICT, "q=x,1,y,%C3%A9"),
        ({"style": "deepObject", "explode": True}, DICT, "q%5Bx%5D=1&q%5By%5D=%C3%A9"),
        ({"allowReserved": True}, "a/b?c", "q=a/b?c"),
        ({"content": {"application/json": {}}}, {"a": [1]}, "q=%7B%22a%22%3A%5B1%5D%7D"),
        ({}, [], ""),
    ],
)
async def test_a_query_parameter_is_written_in_its_style(perform, sent, v3, settings, value, query):
    await perform(v3(parameter(**settings)), parameters={"q": value})
    assert sent[0].url.query.decode() == query


@pytest.mark.parametrize(
    ("settings", "value", "path"),
    [
        ({}, "a/b", "/a%2Fb"),
        ({}, LIST, "/a%20b,c"),
        ({}, DICT, "/x,1,y,%C3%A9"),
        ({"explode": True}, DICT, "/x=1,y=%C3%A9"),
        ({"style": "label"}, "v", "/.v"),
        ({"style": "label", "explode": True}, LIST, "/.a%20b.c"),
        ({"style": "label"}, LIST, "/.a%20b,c"),
        ({"style": "matrix"}, "v", "/;q=v"),
        ({"style": "matrix"}, LIST, "/;q=a%20b,c"),
        ({"style": "matrix", "explode": True}, LIST, "/;q=a%20b;q=c"),
        ({"style": "matrix", "explode": True}, DICT, "/;x=1;y=%C3%A9"),
    ],
)
async def test_a_path_parameter_is_written_in_its_style(perform, sent, v3, settings, value, path):
    await perform(
        v3(parameter("path", required=True, **settings), path="/{q}"), parameters={"q": value}
    )
    assert sent[0].url.raw_path.decode() == f"/v1{path}"


@pytest.mark.parametrize("value", ["..", ".", ""])
async def test_a_path_value_that_leads_elsewhere_is_refused(perform, faulted, sent, v3, value):
    document = v3(parameter("path", required=True), path="/{q}/x")
    fault = await faulted(perform(document, parameters={"q": value}))
    assert (fault.kind, fault.status) == ("validation", 400)
    assert sent == []


@pytest.mark.parametrize(
    ("settings", "value", "header"),
    [
        ({}, 3, "3"),
        ({}, LIST, "a b,c"),
        ({}, {"x": 1}, "x,1"),
        ({"explode": True}, {"x": 1}, "x=1"),
    ],
)
async def test_a_header_parameter_is_written_plainly(perform, sent, v3, settings, value, header):
    await perform(v3(parameter("header", "X-Q", **settings)), parameters={"x-q": value})
    assert sent[0].headers["x-q"] == header


async def test_a_cookie_parameter_is_a_cookie(perform, sent, v3):
    await perform(v3(parameter("cookie")), parameters={"q": "a;b"})
    assert sent[0].headers["cookie"] == "q=a%3Bb"


@pytest.mark.parametrize(
    ("settings", "query"),
    [
        ({}, "q=a%20b,c"),
        ({"collectionFormat": "csv"}, "q=a%20b,c"),
        ({"collectionFormat": "ssv"}, "q=a%20b%20c"),
        ({"collectionFormat": "tsv"}, "q=a%20b%09c"),
        ({"collectionFormat": "pipes"}, "q=a%20b%7Cc"),
        ({"collectionFormat": "multi"}, "q=a%20b&q=c"),
    ],
)
async def test_swagger_collections_are_written_in_their_format(perform, sent, v2, settings, query):
    await perform(v2(parameter(**ARRAY, **settings)), parameters={"q": LIST})
    assert sent[0].url.query.decode() == query


async def test_one_value_where_an_array_is_declared_is_an_array_of_one(perform, sent, faulted, v2):
    items = {"type": "string", "enum": ["available", "sold"]}
    document = v2(
        parameter(name="status", type="array", items=items, collectionFormat="multi", required=True)
    )
    await perform(document, parameters={"status": "available"})
    assert sent[0].url.query == b"status=available"
    assert (await faulted(perform(document, parameters={"status": "lost"}))).kind == "validation"


async def test_one_name_in_two_places_fills_both_and_a_prefix_means_one(perform, sent, v3):
    both = [
        {"name": "id", "in": "path", "required": True},
        {"name": "id", "in": "query"},
    ]
    document = v3({"parameters": both}, path="/{id}")
    await perform(document, parameters={"id": 1})
    await perform(document, parameters={"path.id": 2})
    await perform(document, parameters={"path.id": 3, "query.id": 4})
    assert [r.url.raw_path.decode() for r in sent] == ["/v1/1?id=1", "/v1/2", "/v1/3?id=4"]


async def test_the_parameters_of_the_path_are_inherited(perform, sent, v3):
    document = v3(parameter(schema={"type": "integer"}))
    document["paths"]["/things"]["parameters"] = [
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "p", "in": "query"},
    ]
    await perform(document, parameters={"q": 1, "p": 2})
    assert sent[0].url.query == b"q=1&p=2"


async def test_every_missing_parameter_is_named(perform, faulted, sent, v3):
    required = [{"name": name, "in": "query", "required": name != "c"} for name in ("a", "b", "c")]
    body = {"required": True, "content": {"application/json": {}}}
    document = v3({"parameters": required, "requestBody": body}, method="post")
    fault = await faulted(perform(document, parameters={"b": None}))
    assert (fault.kind, fault.status) == ("validation", 400)
    assert fault.detail.startswith("op needs `a`, `b`, `body`;")
    assert sent == []


async def test_an_unknown_parameter_is_refused_with_the_name_that_was_meant(
    perform, faulted, sent, v3
):
    document = v3(parameter(name="status"))
    fault = await faulted(perform(document, parameters={"statsu": "x", "zzzzzzz": 1}))
    assert (fault.kind, fault.status) == ("validation", 400)
    assert "`statsu` (did you mean `status`?), `zzzzzzz`;" in fault.detail
    assert sent == []


@pytest.mark.parametrize("value", ["1", 0, None, 1.5, [1]])
@pytest.mark.parametrize("version", ["v2", "3.0.3", "3.1.0"])
async def test_a_value_is_checked_against_its_schema(perform, faulted, v2, v3, version, value):
    schema = {"type": "integer", "minimum": 1}
    if version == "v2":
        document = v2(parameter(**schema, required=True))
    else:
        document = v3(parameter(schema=schema, required=True), openapi=version)
    fault = await faulted(perform(document, parameters={"q": value}))
    assert (fault.kind, fault.status) == ("validation", 400)
    assert "q" in fault.detail
    assert await perform(document, parameters={"q": 1}) == {"ok": True}


@pytest.mark.parametrize(
    ("version", "schema", "good", "bad"),
    [
        ("3.0.3", {"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ("3.1.0", {"exclusiveMinimum": 1}, 2, 1),
        ("3.1.0", {"type": ["integer", "null"]}, 2, "x"),
        ("3.1.0", {"const": 2}, 2, 1),
        ("3.1.0", {"$ref": "#/components/schemas/N", "maximum": 5}, 2, 9),
        ("3.0.3", {"$ref": "#/components/schemas/N", "maximum": 5}, 9, "x"),
    ],
)
async def test_each_version_has_its_own_json_schema(
    perform, faulted, v3, version, schema, good, bad
):
    components = {"schemas": {"N": {"type": "integer"}}}
    document = v3(parameter(schema=schema), openapi=version, components=components)
    assert await perform(document, parameters={"q": good}) == {"ok": True}
    assert (await faulted(perform(document, parameters={"q": bad}))).kind == "validation"


async def test_a_schema_that_is_not_valid_is_not_checked(perform, sent, v3, caplog):
    document = v3(parameter(schema={"type": "number", "exclusiveMinimum": 0}))
    await perform(document, parameters={"q": 1})
    assert sent[0].url.query == b"q=1"
    assert "a schema that is not checked" in caplog.text


def body(schema, media_type="application/json", required=True):
    return {"requestBody": {"required": required, "content": {media_type: {"schema": schema}}}}


PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "tag": {"type": "string", "nullable": True, "enum": ["a", "b"]},
        "parent": {"$ref": "#/components/schemas/Pet"},
    },
}


@pytest.fixture
def pets(v3):
    return v3(
        body({"$ref": "#/components/schemas/Pet"}),
        method="post",
        components={"schemas": {"Pet": PET}},
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"body": {"name": "Milou", "tag": "a"}},
        {"name": "Milou", "tag": "a"},
        {"body": {"name": "Milou"}, "tag": "a"},
    ],
)
async def test_the_body_is_given_whole_or_by_its_properties(perform, sent, pets, parameters):
    await perform(pets, parameters=parameters)
    assert json.loads(sent[0].content) == {"name": "Milou", "tag": "a"}
    assert sent[0].headers["content-type"] == "application/json"


async def test_a_body_is_checked_as_deep_as_it_goes(perform, faulted, sent, pets):
    fault = await faulted(perform(pets, parameters={"name": "M", "parent": {"name": 1}}))
    assert "body/parent/name" in fault.detail
    assert sent == []


async def test_a_nullable_property_may_be_null_in_the_body(perform, sent, pets):
    await perform(pets, parameters={"body": {"name": "M", "tag": None}})
    assert json.loads(sent[0].content)["tag"] is None


async def test_properties_of_a_composition_belong_to_the_body(perform, sent, v3):
    parts = [{"$ref": "#/components/schemas/A"}, {"properties": {"b": {"type": "integer"}}}]
    document = v3(
        body({"allOf": parts}),
        method="post",
        components={"schemas": {"A": {"properties": {"a": {"type": "integer"}}}}},
    )
    await perform(document, parameters={"a": 1, "b": 2})
    assert json.loads(sent[0].content) == {"a": 1, "b": 2}


async def test_a_string_body_of_a_json_type_is_a_json_string(perform, sent, v3):
    await perform(v3(body({"type": "string"}), method="post"), parameters={"body": "text"})
    assert sent[0].content == b'"text"'


@pytest.mark.parametrize(
    ("media_type", "value", "content"),
    [
        (
            "application/x-www-form-urlencoded",
            {"a": [1, 2], "b": {"c": 1}},
            b"a=1&a=2&b=%7B%22c",
        ),
        ("application/xml", "<a/>", b"<a/>"),
        ("application/octet-stream", "AAE=", b"\x00\x01"),
        ("*/*", {"a": 1}, b'{"a":1}'),
    ],
)
async def test_a_body_is_written_in_its_media_type(perform, sent, v3, media_type, value, content):
    await perform(v3(body({}, media_type), method="post"), parameters={"body": value})
    assert sent[0].content.startswith(content)


async def test_a_multipart_body_has_a_part_for_each_property(perform, sent, v3):
    schema = {"type": "object", "properties": {"file": {"type": "string"}}}
    document = v3(body(schema, "multipart/form-data"), method="post")
    await perform(document, parameters={"file": "content"})
    assert sent[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"\r\n\r\ncontent\r\n' in sent[0].content


async def test_json_is_chosen_among_media_types(perform, sent, v3):
    content = {"application/xml": {}, "application/json": {}, "text/plain": {}}
    document = v3({"requestBody": {"content": content}}, method="post")
    await perform(document, parameters={"body": {"a": 1}})
    assert sent[0].headers["content-type"] == "application/json"


async def test_no_body_is_sent_when_none_is_given(perform, sent, v3):
    await perform(v3(body({}, required=False), method="post"))
    assert sent[0].content == b""


@pytest.mark.parametrize("name", ["pet", "body"])
async def test_the_body_parameter_of_swagger_goes_by_its_name_or_body(perform, sent, v2, name):
    document = v2(
        {"parameters": [{"name": "pet", "in": "body", "required": True, "schema": PET}]},
        method="post",
        definitions={},
    )
    document["paths"]["/things"]["post"]["parameters"][0]["schema"] = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
    }
    await perform(document, parameters={name: {"name": "Milou"}})
    assert json.loads(sent[0].content) == {"name": "Milou"}


async def test_form_data_of_swagger_is_a_form(perform, sent, faulted, v2):
    fields = [
        {"name": "name", "in": "formData", "type": "string", "required": True},
        {"name": "tags", "in": "formData", **ARRAY},
        {"name": "sizes", "in": "formData", **ARRAY, "collectionFormat": "multi"},
    ]
    document = v2({"parameters": fields}, method="post")
    await perform(document, parameters={"name": "M", "tags": ["a", "b"], "sizes": ["1", "2"]})
    assert sent[0].content == b"name=M&tags=a%2Cb&sizes=1&sizes=2"
    assert "`name`" in (await faulted(perform(document))).detail


async def test_a_file_of_swagger_makes_the_form_multipart(perform, sent, v2):
    fields = [{"name": "file", "in": "formData", "type": "file", "required": True}]
    await perform(v2({"parameters": fields}, method="post"), parameters={"file": "content"})
    assert b'name="file"\r\n\r\ncontent\r\n' in sent[0].content


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("header", lambda request: request.headers.get("X-Key")),
        ("query", lambda request: request.url.params.get("X-Key")),
        ("cookie", lambda request: request.headers.get("cookie", "").partition("=")[2]),
    ],
)
async def test_an_api_key_is_an_optional_parameter(perform, sent, v3, place, found):
    schemes = {"key": {"type": "apiKey", "in": place, "name": "X-Key"}}
    document = v3({}, security=[{"key": []}], components={"securitySchemes": schemes})
    await perform(document)
    await perform(document, parameters={"X-Key": "<<key>>"})
    assert not found(sent[0])
    assert found(sent[1]) == "k3y-value"


async def test_a_secret_is_redacted_from_faults_about_it(perform, faulted, v3):
    document = v3(parameter(schema={"enum": ["a"]}))
    fault = await faulted(perform(document, parameters={"q": "<<key>>"}))
    assert "k3y-value" not in str(fault)
    assert "q: the value is not" in fault.detail
    assert 'it is "<<key>>"' in fault.detail


async def test_a_secret_parameter_is_not_sent_to_another_origin(perform, sent, answers, v3):
    answers.append(httpx2.Response(302, headers={"Location": "https://other.test/"}))
    await perform(v3(parameter("header", "X-Key")), parameters={"X-Key": "<<key>>"}, redirect=True)
    assert sent[0].headers["x-key"] == "k3y-value"
    assert sent[1].url.host == "other.test"
    assert "x-key" not in sent[1].headers


async def test_a_path_with_an_undeclared_parameter_is_refused(perform, faulted, v3):
    fault = await faulted(perform(v3({}, path="/{id}")))
    assert fault.kind == "configuration"
    assert "`id`" in fault.detail


async def test_parameters_must_be_an_object(perform, faulted, v3):
    fault = await faulted(perform(v3({}), parameters=["a"]))
    assert (fault.kind, fault.status) == ("validation", 400)
