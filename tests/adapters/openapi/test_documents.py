"""Which documents are read, how often, and where they say the server is."""

from __future__ import annotations

import asyncio

import pytest

from batuta.ports.caller import Fault

YAML = b"""
openapi: 3.0.3
servers:
  - url: https://api.test/v1
paths:
  /switch/{on}:
    get:
      operationId: op
      parameters:
        - { name: on, in: path, required: true, schema: { enum: [yes, no], type: string } }
      responses:
        200: { description: fine }
"""


async def test_a_yaml_document_is_read_by_the_rules_of_yaml_1_2(perform, sent):
    await perform(YAML, parameters={"on": "no"})
    assert str(sent[0].url) == "https://api.test/v1/switch/no"


async def test_an_operation_is_called_as_http_is(perform, sent, v3):
    assert await perform(v3({}, method="post")) == {"ok": True}
    assert sent[0].method == "POST"
    assert sent[0].headers["idempotency-key"] == "key-1"
    assert sent[0].headers["user-agent"].startswith("batuta/")


async def test_output_redirect_and_credentials_are_those_of_http(perform, sent, v3):
    policy = {"scheme": "bearer", "properties": {"token": "some-token"}}
    output = await perform(v3({}), output="response", authentication=policy)
    assert output["statusCode"] == 200
    assert output["content"] == {"ok": True}
    assert sent[0].headers["authorization"] == "Bearer some-token"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{not json", "communication"),
        (b"\xff\xfe", "communication"),
        (b"a: [", "communication"),
        (b"just text", "communication"),
        (b"[1]", "communication"),
        (b"[" * 100_000, "communication"),
        (b"- " * 50_000, "communication"),
        (b"{}", "configuration"),
        (b'{"openapi": "4.0.0", "paths": {}}', "configuration"),
        (b'{"swagger": "1.2", "paths": {}}', "configuration"),
    ],
)
async def test_what_is_no_document_is_refused(perform, faulted, content, kind):
    fault = await faulted(perform(content))
    assert fault.kind == kind
    assert "https://api.test/docs/openapi.json" in fault.detail


async def test_a_document_that_cannot_be_fetched_is_a_communication_fault(perform, faulted):
    fault = await faulted(perform(None))
    assert (fault.kind, fault.status) == ("communication", 404)


async def test_an_alias_bomb_does_not_explode(perform, faulted):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    bomb = "\n".join(["openapi: 3.0.0", *lines, "paths: {/x: {get: {operationId: op, parameters: "])
    bomb += "[{name: q, in: query, schema: {allOf: *a11}}]}}}"
    fault = await faulted(perform(bomb.encode(), parameters={"q": 1}))
    assert (fault.kind, fault.status) == ("communication", 500)


async def test_a_long_chain_of_schemas_is_followed(perform, faulted, v3):
    schemas = {f"s{n}": {"items": {"$ref": f"#/components/schemas/s{n + 1}"}} for n in range(300)}
    schemas["s300"] = {"type": "integer"}
    schema = {"$ref": "#/components/schemas/s298"}
    document = v3(
        {"parameters": [{"name": "q", "in": "query", "schema": schema}]},
        components={"schemas": schemas},
    )
    assert await perform(document, parameters={"q": [[1]]}) == {"ok": True}
    assert "q/0/0" in (await faulted(perform(document, parameters={"q": [["x"]]}))).detail
    schema["$ref"] = "#/components/schemas/s0"
    assert await perform(document, parameters={"q": []}) == {"ok": True}


async def test_a_schema_that_nests_too_deep_is_not_checked(perform, v3, caplog):
    schema: dict = {"type": "integer"}
    for _ in range(300):
        schema = {"items": schema}
    document = v3({"parameters": [{"name": "q", "in": "query", "schema": schema}]})
    assert await perform(document, parameters={"q": 1}) == {"ok": True}
    assert "a schema that is not checked" in caplog.text


async def test_a_yaml_mistake_is_told_with_its_place(perform, faulted):
    fault = await faulted(perform(b"openapi: 3.0.0\npaths: {\n"))
    assert "line 3" in fault.detail


async def test_an_unknown_operation_lists_close_names(perform, faulted, v3):
    document = v3({})
    document["paths"]["/pets"] = {
        "get": {"operationId": "listPets"},
        "post": {"operationId": "createPet"},
    }
    fault = await faulted(perform(document, "listPet"))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "`listPets`" in fault.detail
    assert "`createPet`" in (await faulted(perform(document, "zzzzzz"))).detail


async def test_a_reference_inside_the_document_is_followed(perform, sent, v3):
    document = v3(
        {"parameters": [{"$ref": "#/components/parameters/a~1b"}]},
        components={
            "parameters": {"a/b": {"name": "q", "in": "query", "schema": {"$ref": "#/x"}}},
        },
        x={"type": "integer"},
    )
    await perform(document, parameters={"q": 1})
    assert sent[0].url.query == b"q=1"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("other.yaml#/Q", "another document"),
        ("https://evil.test/x", "another document"),
        ("#/components/none", "leads nowhere"),
        ("#Q", "no JSON Pointer"),
        ("#/components/loop", "circle"),
    ],
)
async def test_a_reference_that_cannot_be_followed_is_refused(
    perform, faulted, sent, v3, reference, words
):
    components = {"loop": {"$ref": "#/components/loop"}}
    document = v3({"parameters": [{"$ref": reference}]}, components=components)
    fault = await faulted(perform(document))
    assert fault.kind == "configuration"
    assert words in fault.detail
    assert sent == []


async def test_a_remote_schema_is_refused_when_it_is_needed(perform, faulted, v3):
    schema = {"$ref": "https://evil.test/schema.json"}
    document = v3({"parameters": [{"name": "q", "in": "query", "schema": schema}]})
    assert await perform(document) == {"ok": True}
    assert "another document" in (await faulted(perform(document, parameters={"q": 1}))).detail


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        (
            [{"url": "https://one.test/a/"}, {"url": "https://two.test"}],
            "https://one.test/a/things",
        ),
        ([{"url": "/v9"}], "https://api.test/v9/things"),
        ([{"url": "v9"}], "https://api.test/docs/v9/things"),
        ([], "https://api.test/things"),
        (
            [
                {
                    "url": "https://{host}.test:{port}/",
                    "variables": {"host": {"default": "blue"}, "port": {"default": 8443}},
                }
            ],
            "https://blue.test:8443/things",
        ),
    ],
)
async def test_the_first_server_is_called(perform, sent, v3, servers, url):
    await perform(v3({}, servers=servers))
    assert str(sent[0].url) == url


async def test_a_server_of_the_path_or_operation_comes_first(perform, sent, v3):
    document = v3({"servers": [{"url": "https://operation.test"}]})
    document["paths"]["/things"]["servers"] = [{"url": "https://path.test"}]
    await perform(document)
    assert sent[0].url.host == "operation.test"


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://api.test/v2/things"),
        ({"schemes": ["http"]}, "http://api.test/v2/things"),
        ({"schemes": None, "host": None, "basePath": None}, "https://api.test/things"),
        ({"host": "other.test:8080"}, "https://other.test:8080/v2/things"),
    ],
)
async def test_swagger_says_where_the_server_is_in_parts(perform, sent, v2, changes, url):
    document = {name: value for name, value in {**v2({}), **changes}.items() if value is not None}
    await perform(document)
    assert str(sent[0].url) == url


async def test_a_document_from_a_file_must_name_its_server(perform, faulted, v3, v2):
    relative = v3({}, servers=[{"url": "/v1"}])
    fault = await faulted(perform(relative, uri="openapi/api.json"))
    assert fault.kind == "configuration"
    assert "absolute server URL" in fault.detail
    assert await perform(v2({}), uri="openapi/swagger.json") == {"ok": True}


async def test_a_server_variable_without_default_is_refused(perform, faulted, v3):
    document = v3({}, servers=[{"url": "https://{host}.test"}])
    assert "{host}" in (await faulted(perform(document))).detail


async def test_a_document_is_fetched_once_for_many_calls(perform, resources, v3):
    document = v3({})
    await asyncio.gather(*(perform(document) for _ in range(5)))
    assert len(resources.reads) == 1


async def test_a_document_is_fetched_again_after_five_minutes(perform, resources, clock, v3):
    await perform(v3({}))
    clock.now += 299
    await perform(None)
    assert len(resources.reads) == 1
    clock.now += 2
    await perform(v3({}, path="/changed"))
    assert len(resources.reads) == 2


async def test_a_changed_document_takes_effect(perform, sent, clock, v3):
    await perform(v3({}))
    clock.now += 301
    await perform(v3({}, path="/changed"))
    assert [request.url.path for request in sent] == ["/v1/things", "/v1/changed"]


async def test_a_known_document_serves_on_while_its_host_is_down(perform, resources, clock, v3):
    await perform(v3({}))
    clock.now += 301
    resources.fault = Fault("communication", 503, "Service Unavailable")
    assert await perform(None) == {"ok": True}
    assert await perform(None) == {"ok": True}
    assert len(resources.reads) == 2


async def test_a_document_is_read_with_its_own_policy(caller, perform, resources, v3):
    policy = {"scheme": "bearer", "properties": {"token": "x"}}
    endpoint = {"uri": "https://api.test/private.json", "authentication": policy}
    resources.content["https://api.test/private.json"] = b'{"openapi": "3.1.0"}'
    with pytest.raises(Fault):
        await perform(v3({}), document={"endpoint": endpoint})
    assert resources.reads == [("https://api.test/private.json", policy)]


async def test_the_document_uri_is_a_template(perform, resources, v3):
    await perform(
        v3({}),
        document={"endpoint": "https://api.test/docs/{file}.json"},
        input={"file": "openapi"},
    )
    assert resources.reads[0][0] == "https://api.test/docs/openapi.json"
