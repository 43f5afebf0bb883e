"""What is read before it can be used, schemas, descriptions and scripts, may need credentials."""

import json

import pytest

from batuta.errors import RequestError

TOKEN = "authentication: {bearer: {token: '${ $secrets.key }'}}"
NAMED = "authentication: {use: all}"
USE = "{secrets: [key], authentications: {all: {bearer: {token: '${ $secrets.key }'}}}}"
KEY = {"key": "s3cret-t0ken"}
SEEN = ["Bearer s3cret-t0ken"]


@pytest.mark.parametrize("policy", [TOKEN, NAMED])
async def test_a_schema_is_read_with_its_credentials(opened, web, workflow, policy):
    web.files["https://s.example/order.json"] = '{"required": ["id"]}'
    schema = f"{{resource: {{endpoint: {{uri: 'https://s.example/order.json', {policy}}}}}}}"
    text = workflow(f"{{input: {{schema: {schema}}}, set: {{a: 1}}}}", use=USE)
    async with opened(secrets=KEY) as engine:
        run = await engine.start(await engine.deploy(text), {})
        assert (await run.result(10)).status == "faulted"
    assert web.credentials == SEEN


async def test_a_schema_that_is_none_is_told(opened, web, workflow):
    web.files["https://s.example/order.json"] = "{"
    schema = "{resource: {endpoint: 'https://s.example/order.json'}}"
    async with opened() as engine:
        with pytest.raises(RequestError, match="neither JSON nor YAML"):
            await engine.deploy(workflow(f"{{input: {{schema: {schema}}}, set: {{a: 1}}}}"))


@pytest.mark.parametrize("policy", [TOKEN, NAMED])
async def test_a_description_is_read_with_its_own_credentials(
    opened, web, workflow, result, policy
):
    web.files["https://d.example/api.json"] = json.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "t", "version": "1"},
            "servers": [{"url": "https://api.example"}],
            "paths": {"/pets": {"get": {"operationId": "pets", "responses": {}}}},
        }
    )
    web.files["https://api.example/pets"] = "{}"
    document = f"{{endpoint: {{uri: 'https://d.example/api.json', {policy}}}}}"
    task = f"{{call: openapi, with: {{document: {document}, operationId: pets}}}}"
    async with opened(secrets=KEY) as engine:
        view = await result(engine, workflow(task, use=USE))
    assert view.status == "completed", view.error
    assert web.asked == ["https://d.example/api.json", "https://api.example/pets"]
    assert web.credentials == [*SEEN, None]


@pytest.mark.parametrize("policy", [TOKEN, NAMED])
async def test_a_script_is_read_with_its_credentials(opened, web, workflow, result, policy):
    web.files["https://c.example/hello.py"] = "print('hello')"
    source = f"{{endpoint: {{uri: 'https://c.example/{{name}}.py', {policy}}}}}"
    task = f"{{run: {{script: {{language: python, source: {source}}}}}}}"
    async with opened(secrets=KEY) as engine:
        view = await result(engine, workflow(task, use=USE), {"name": "hello"})
    assert view.status == "completed", view.error
    assert view.output.strip() == "hello"
    assert web.credentials == SEEN
