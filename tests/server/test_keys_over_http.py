"""API keys over HTTP: what each role may do, where, and until when."""

from contextlib import AsyncExitStack

import pytest

START = {"workflow": "demo/greeting"}
YAML = {"content-type": "application/yaml"}
DOCUMENT = """\
document: {dsl: '1.0.3', namespace: other, name: w, version: '1.0.0'}
do: [ { a: { set: { b: 1 } } } ]
"""


@pytest.fixture
async def by(served):
    """Gives a client that comes by a new key."""
    clients = AsyncExitStack()

    async def client(role, *namespaces, **more):
        body = {"name": "ci", "role": role, "namespaces": list(namespaces) or ["*"], **more}
        made = await served.post("/keys", body, status=201)
        http = await clients.enter_async_context(served.stranger())
        http.headers["authorization"] = f"Bearer {made['token']}"
        http.key_id = made["key"]["id"]
        return http

    async with clients:
        yield client


async def statuses(http):
    """What the calls of each role answer: see, start, deploy, read the audit."""
    return [
        (await http.get("/api/v1/runs")).status_code,
        (await http.post("/api/v1/runs", json=START)).status_code,
        (await http.post("/api/v1/workflows", content=DOCUMENT, headers=YAML)).status_code,
        (await http.get("/api/v1/audit")).status_code,
    ]


async def test_each_role_may_do_what_those_before_it_may(by):
    found = {role: await statuses(await by(role)) for role in ("viewer", "operator", "deployer")}
    found["admin"] = await statuses(await by("admin"))

    assert found == {
        "viewer": [200, 403, 403, 403],
        "operator": [200, 201, 403, 403],
        "deployer": [200, 201, 201, 403],
        "admin": [200, 201, 201, 200],
    }


async def test_who_administers_some_namespaces_makes_and_ends_no_keys_and_reads_no_audit(by):
    http = await by("admin", "other")
    everywhere = {"name": "more", "role": "admin", "namespaces": ["*"]}
    refused = [
        await http.get("/api/v1/keys"),
        await http.post("/api/v1/keys", json=everywhere),
        await http.delete(f"/api/v1/keys/{http.key_id}"),
        await http.get("/api/v1/audit"),
    ]

    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "namespace")}


async def test_a_key_is_good_for_its_namespaces_and_no_others(served, by):
    await served.deploy(DOCUMENT)
    run = await served.ended("demo/greeting")
    await served.ended("other/w")
    http = await by("deployer", "oth*")
    runs = (await http.get("/api/v1/runs")).json()["items"]
    workflows = (await http.get("/api/v1/workflows")).json()["items"]
    refused = [
        await http.get(f"/api/v1/runs/{run['id']}"),
        await http.get(f"/api/v1/runs/{run['id']}/tasks"),
        await http.post("/api/v1/runs", json=START),
        await http.post(f"/api/v1/runs/{run['id']}/cancel", json={}),
        await http.get("/api/v1/workflows/demo/greeting/versions/1.0.0"),
        await http.get(f"/api/v1/stream?topics=run:{run['id']}"),
        await http.post(
            "/api/v1/workflows", content=DOCUMENT.replace("other", "demo"), headers=YAML
        ),
    ]
    bulk = await http.post("/api/v1/bulk?dryRun=true", json={"action": "cancel", "filter": {}})

    assert {one["workflow"] for one in runs} == {"other/w"}
    assert [one["name"] for one in workflows] == ["other/w"]
    assert {one.status_code for one in refused} == {403}
    assert bulk.json() == {"matched": 1, "more": False}


async def test_a_revoked_key_lets_nobody_in_nor_do_its_sessions(served, by):
    http = await by("viewer")
    token = http.headers["authorization"].partition(" ")[2]
    async with served.stranger() as browser:
        await browser.post("/api/v1/session", json={"token": token})
        before = await browser.get("/api/v1/session")
        answer = await served.http.delete(f"/api/v1/keys/{http.key_id}")
        after = await browser.get("/api/v1/session")

    assert [before.status_code, before.json()["user"]] == [200, "ci"]
    assert answer.status_code == 204
    assert after.status_code == 401
    assert (await http.get("/api/v1/runs")).status_code == 401
    assert (await served.http.delete("/api/v1/keys/none")).status_code == 404


async def test_a_key_expires(served, by, monkeypatch):
    http = await by("viewer", days=1)
    clock = served.engine.clock
    before = (await http.get("/api/v1/runs")).status_code
    later = clock.now() + 86_400_001
    monkeypatch.setattr(type(clock), "now", lambda _: later)

    assert before == 200
    assert (await http.get("/api/v1/runs")).status_code == 401


async def test_what_only_looks_like_a_key_is_refused(served, by):
    http = await by("viewer")
    good = http.headers["authorization"]
    for wrong in (good[:-1], good + "x", f"Bearer bk_{http.key_id}_", "Bearer bk_none_x"):
        answer = await http.get("/api/v1/runs", headers={"authorization": wrong})
        assert answer.status_code == 401


async def test_keys_are_listed_without_themselves(served, by):
    http = await by("operator", "a", "b-*", days=2)
    (listed,) = (await served.get("/keys"))["items"]

    assert listed["namespaces"] == ["a", "b-*"]
    assert listed["expiresAt"] > listed["createdAt"]
    assert http.headers["authorization"].split("_", 2)[2] not in str(listed)


async def test_changes_by_a_key_are_audited_under_its_name(served, by):
    run = (await (await by("operator")).post("/api/v1/runs", json=START)).json()
    (row,) = (await served.get("/audit", target=run["id"]))["items"]

    assert [row["who"], row["by"]] == ["ci", "key"]
