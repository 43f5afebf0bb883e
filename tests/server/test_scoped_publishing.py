"""Who has some namespaces publishes into these, and nowhere else."""

import httpx2
import pytest

from batuta.server.keys import new_key

HEARING = """\
document: {{ dsl: '1.0.3', namespace: {namespace}, name: {name}, version: '1.0.0' }}
{more}
do:
  - hear: {{ listen: {{ to: {{ one: {{ with: {{ type: {type} }} }} }} }} }}
"""


@pytest.fixture
async def shops(served):
    """A server on which two namespaces hear events, some of them the same."""
    start = "schedule: { on: { one: { with: { type: a.begin } } } }"
    for namespace, name, type_, more in [
        ("a", "own", "a.only", start),
        ("a", "both", "shared", ""),
        ("b", "both", "shared", ""),
        ("b", "own", "b.only", ""),
    ]:
        text = HEARING.format(namespace=namespace, name=name, type=type_, more=more)
        await served.deploy(text)
    return served


async def published(served, *types, namespaces=("a",), grants=()):
    kept, token = new_key("eve", "operator", namespaces, 0, grants=grants)
    served.engine.records.keep_key(kept)
    events = [
        {"specversion": "1.0", "id": f"{kept.id}{one}", "source": "/t", "type": one}
        for one in types
    ]
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/cloudevents-batch+json",
    }
    async with httpx2.AsyncClient(base_url=served.address, headers=headers) as http:
        return await http.post("/api/v1/events", json=events)


@pytest.mark.parametrize(
    ("types", "status"),
    [
        (["a.only"], 202),
        (["a.begin", "a.only"], 202),
        (["b.only"], 403),
        (["shared"], 403),
        (["nobody"], 403),
        (["a.only", "b.only"], 403),
    ],
)
async def test_a_key_publishes_what_only_its_namespaces_hear(shops, types, status):
    answer = await published(shops, *types)
    kept = [one["event"]["type"] for one in (await shops.get("/events"))["items"]]

    assert answer.status_code == status
    assert kept == (types if status == 202 else [])
    if status == 403:
        assert answer.json()["code"] == "namespace"
        assert "publish:*" in answer.json()["hint"]


async def test_a_grant_and_all_namespaces_allow_any_type(shops):
    granted = await published(shops, "b.only", "nobody", grants=("publish:*",))
    everywhere = await published(shops, "shared", "nobody", namespaces=("*",))
    both = await published(shops, "shared", namespaces=("a", "b"))

    assert [one.status_code for one in (granted, everywhere, both)] == [202, 202, 202]


async def test_who_hears_everything_is_no_reason_to_refuse(shops):
    listening = HEARING.replace("one: {{ with: {{ type: {type} }} }}", "any: []")
    await shops.deploy(listening.format(namespace="b", name="all", more=""))
    own = await published(shops, "a.only")
    other = await published(shops, "nobody")
    theirs = await published(shops, "nobody", namespaces=("b",))

    assert [own.status_code, other.status_code, theirs.status_code] == [202, 403, 202]
