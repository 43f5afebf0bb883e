"""Reading documents, schemas and scripts."""

from __future__ import annotations

import pytest

from batuta.adapters.resources import ResourceReader


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "workflows"
    (inside / "schemas").mkdir(parents=True)
    (inside / "schemas" / "pet one.json").write_bytes(b'{"type":"object"}')
    (tmp_path / "outside.json").write_bytes(b"private")
    (inside / "link.json").symlink_to(tmp_path / "outside.json")
    (inside / "inner-link.json").symlink_to(inside / "schemas" / "pet one.json")
    (inside / "away").symlink_to(tmp_path)
    return inside


@pytest.fixture
def reader(folder, client, secrets):
    return ResourceReader(folder, client, secrets)


@pytest.mark.parametrize(
    "uri",
    [
        "schemas/pet one.json",
        "schemas/pet%20one.json",
        "./schemas/../schemas/pet%20one.json",
        "file:schemas/pet%20one.json",
        "file://schemas/pet%20one.json",
        "inner-link.json",
        "file://localhost{folder}/schemas/pet%20one.json",
        "file://{folder}/schemas/pet%20one.json",
    ],
)
async def test_a_file_below_the_folder_is_read(reader, folder, uri):
    assert await reader.read(uri.format(folder=folder)) == b'{"type":"object"}'


@pytest.mark.parametrize(
    "uri",
    [
        "../outside.json",
        "schemas/../../outside.json",
        "%2e%2e/outside.json",
        "file:///etc/passwd",
        "/etc/passwd",
        "file://../outside.json",
        "link.json",
        "away/outside.json",
        "schemas",
        "a%00b",
        "",
        "ftp://127.0.0.1/x",
        "data:,x",
    ],
)
async def test_nothing_else_is_read(reader, faulted, uri):
    fault = await faulted(reader.read(uri))
    assert (fault.kind, fault.status) == ("configuration", 400)


async def test_no_file_is_read_without_a_folder(client, secrets, faulted):
    fault = await faulted(ResourceReader(None, client, secrets).read("a.json"))
    assert fault.kind == "configuration"


async def test_a_missing_file_is_a_communication_fault(reader, faulted):
    fault = await faulted(reader.read("none.json"))
    assert (fault.kind, fault.status) == ("communication", 404)


async def test_a_file_over_the_limit_is_refused(reader, folder, faulted):
    (folder / "large").write_bytes(b"x" * 100_001)
    assert "larger than 100000 bytes" in (await faulted(reader.read("large"))).detail


async def test_a_resource_is_fetched_with_its_policy(reader, server, reply):
    server.handler = lambda _: reply(200, b"openapi: 3.0.0")
    policy = {"scheme": "bearer", "secret": "token"}
    assert await reader.read(server.url + "/api.yaml", policy) == b"openapi: 3.0.0"
    assert server.received[0].headers["authorization"] == "Bearer tok-0123456789"


async def test_a_redirected_resource_is_found(reader, server, reply):
    server.handler = lambda request: (
        reply(200, b"x") if request.path == "/b" else reply(302, b"", {"Location": "/b"})
    )
    assert await reader.read(server.url + "/a") == b"x"


async def test_an_unchanged_resource_is_not_sent_again(reader, server, reply):
    def handler(request):
        if request.headers.get("if-none-match") == '"1"':
            return reply(304)
        return reply(200, b"content", {"ETag": '"1"'})

    server.handler = handler
    assert await reader.read(server.url) == b"content"
    assert await reader.read(server.url) == b"content"
    assert len(server.received) == 2


async def test_what_one_policy_may_see_is_not_given_to_another(reader, server, reply, faulted):
    def handler(request):
        if "authorization" not in request.headers:
            return reply(401)
        return reply(200, b"content", {"ETag": '"1"'})

    server.handler = handler
    await reader.read(server.url, {"scheme": "bearer", "secret": "token"})
    assert (await faulted(reader.read(server.url))).status == 401


async def test_an_unreadable_resource_is_a_communication_fault(reader, server, reply, faulted):
    server.handler = lambda _: reply(500)
    fault = await faulted(reader.read(server.url))
    assert (fault.kind, fault.status) == ("communication", 500)
