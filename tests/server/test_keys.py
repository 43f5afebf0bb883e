"""API keys: who comes in with one, as what, and for how long."""

import json

import httpx2
import pytest
from click.testing import CliRunner

from batuta.cli import main
from batuta.errors import RequestError
from batuta.server import keys as module_of_keys
from batuta.server.keys import Keys, new_key
from batuta.server.routes import stream

NOW = 1_800_000_000_000
WORKFLOW = """\
document: { dsl: '1.0.3', namespace: demo, name: greeting, version: '1.0.0' }
do: [ a: { set: { b: 1 } } ]
"""


@pytest.fixture
def keys(tmp_path, opened):
    """Runs `batuta keys` over the store that the server is over."""

    def run(*words, code=0):
        store = f"sqlite:///{tmp_path}/batuta.db"
        done = CliRunner().invoke(main, ["keys", *words, "--store", store, "--json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if code == 0 else done.stderr

    return run


def client(served, token):
    return httpx2.AsyncClient(base_url=served.address, headers={"authorization": f"Bearer {token}"})


async def test_a_key_lets_in_as_far_as_its_role_and_namespaces_go(served, keys):
    made = keys("add", "ci", "--role", "operator", "--namespace", "demo")
    async with client(served, made["token"]) as http:
        who = (await http.get("/api/v1/session")).json()
        assert (who["user"], who["role"], who["namespaces"]) == ("ci", "operator", ["demo"])
        listed = (await http.get("/api/v1/workflows")).json()["items"]
        assert {one["name"].partition("/")[0] for one in listed} == {"demo"}
        began = await http.post("/api/v1/runs", json={"workflow": "demo/greeting", "input": {}})
        assert began.status_code == 201
        assert (await http.get("/api/v1/audit")).status_code == 403
        headers = {"content-type": "application/yaml"}
        deployed = await http.post("/api/v1/workflows", content="x: 1", headers=headers)
        assert deployed.status_code == 403
    async with client(served, keys("add", "other", "--namespace", "else")["token"]) as http:
        assert (await http.get("/api/v1/workflows")).json()["items"] == []


async def test_a_key_that_is_revoked_ends_at_once_with_the_sessions_that_were_made_of_it(
    served, keys
):
    made = keys("add", "ada")
    async with client(served, made["token"]) as http, served.stranger() as page:
        begun = await page.post("/api/v1/session", json={"token": made["token"]})
        assert begun.status_code == 200
        assert (await http.get("/api/v1/session")).status_code == 200
        assert (await page.get("/api/v1/session")).status_code == 200
        keys("revoke", made["id"])
        assert (await http.get("/api/v1/session")).status_code == 401
        assert (await page.get("/api/v1/session")).status_code == 401


async def test_a_stream_ends_with_the_key_that_it_was_opened_with(served, keys, monkeypatch):
    monkeypatch.setattr(stream, "LOOK_AGAIN_S", 0.0)
    made = keys("add", "ada")
    async with (
        client(served, made["token"]) as http,
        http.stream("GET", "/api/v1/stream?topics=runs") as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
        while not (await anext(lines)).startswith("event: run.changed"):
            pass
        keys("revoke", made["id"])
        await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
        rest = [line async for line in lines]

    assert not any(line.startswith("event") for line in rest)


async def test_a_key_is_not_verified_for_who_has_guessed_too_often(served, keys, monkeypatch):
    known, made = keys("add", "ada"), keys("add", "bob")
    async with client(served, known["token"]) as http:
        assert (await http.get("/api/v1/session")).status_code == 200
        async with client(served, "guess") as guesser:
            while (await guesser.get("/api/v1/session")).status_code != 429:
                pass
        monkeypatch.setattr(module_of_keys, "_verifies", lambda *_: pytest.fail("it was verified"))
        async with client(served, made["token"]) as stranger:
            assert (await stranger.get("/api/v1/session")).status_code == 429
        assert (await http.get("/api/v1/session")).status_code == 200


async def test_what_is_no_key_lets_nobody_in(served, keys):
    made = keys("add", "ada")
    wrong = made["token"][:-1] + ("A" if made["token"][-1] != "A" else "B")
    for token in (wrong, "bk_", "bk_x_y", f"bk_{made['id']}_", "nonsense"):
        async with client(served, token) as http:
            assert (await http.get("/api/v1/session")).status_code == 401


async def test_a_key_ends_with_its_time(served):
    kept, token = new_key("ada", "viewer", (), NOW, days=1)
    served.engine.records.keep_key(kept)

    class Clock:
        time = NOW

        def now(self):
            return self.time

    clock = Clock()
    known = Keys(served.engine.records, clock)
    assert (await known.owner(token)).name == "ada"
    clock.time += 86_400_000
    assert await known.owner(token) is None


def test_the_secret_of_a_key_is_not_kept_and_not_listed(keys, tmp_path):
    token = keys("add", "ada", "--days", "30")["token"]
    listed = keys("list")["keys"]
    assert [(one["name"], one["role"]) for one in listed] == [("ada", "viewer")]
    secret = token.split("_", 2)[2]
    assert secret not in json.dumps(listed)
    assert not any(secret.encode() in file.read_bytes() for file in tmp_path.glob("batuta.db*"))


async def test_making_and_revoking_keys_is_noted(served, keys):
    made = keys("add", "ada")
    keys("revoke", made["id"])
    rows = (await served.get("/audit", target=made["id"]))["items"]
    assert [one["action"] for one in rows] == ["key.revoke", "key.add"]


def test_a_role_or_key_that_there_is_not_is_refused(keys):
    assert "there is no role 'king'" in keys("add", "ada", "--role", "king", code=2)
    assert "there is no key nobody" in keys("revoke", "nobody", code=2)
    with pytest.raises(RequestError, match="name"):
        new_key(" ", "viewer", (), NOW)


async def test_what_tells_of_all_namespaces_is_for_who_has_them_all(served, keys):
    limited = keys("add", "ada", "--role", "admin", "--namespace", "else")["token"]
    places = ["events", "dead-letters", "dead-letters/groups", "participants", "map"]
    async with client(served, limited) as http:
        for place in [*places, "stream?topics=events"]:
            assert (await http.get(f"/api/v1/{place}")).status_code == 403, place
        done = await http.post("/api/v1/dead-letters/redrive", json={"ids": ["x/1"]})
        assert done.status_code == 403
    for place in places:
        await served.get(f"/{place}")


async def test_the_stream_tells_of_runs_in_ones_own_namespaces_only(served, keys):
    own = WORKFLOW.replace("demo", "else")
    await served.deploy(own)
    limited = keys("add", "ada", "--namespace", "else")["token"]
    async with client(served, limited) as http, http.stream("GET", "/api/v1/stream") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await served.post("/runs", {"workflow": "demo/greeting", "input": {}}, status=201)
        mine = await served.post("/runs", {"workflow": "else/greeting"}, status=201)
        async for line in lines:
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["id"] == mine["id"]
                break
