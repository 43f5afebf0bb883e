"""Who is let in: nobody without credentials, on any route, and cookies only with their token."""

import stat

import pytest

from batuta.server.application import BASE, routes_of
from batuta.server.gate import is_open
from batuta.server.serving import desk_of

OPEN = {
    ("GET", "/problems/code"),
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/livez"),
    ("POST", f"{BASE}/session"),
}


def places(routes):
    """Yield (method, path) of every route, those behind other routers too."""
    document = routes.openapi()
    for path, operations in document["paths"].items():
        for method in operations:
            yield method.upper(), path.replace("{", "").replace("}", "")
    for route in routes.routes:
        for method in getattr(route, "methods", None) or ():
            yield method, route.path.replace("{", "").replace("}", "")


async def test_every_route_refuses_who_has_no_credentials(served):
    found = sorted(set(places(routes_of(desk_of(served.engine, served.around, "x")))))
    closed = [one for one in found if not is_open(*one)]
    async with served.stranger() as http:
        answers = {(m, path): await http.request(m, path) for m, path in closed}

    assert {one: answer.status_code for one, answer in answers.items()} == dict.fromkeys(
        closed, 401
    )
    assert set(found) - set(closed) == OPEN & set(found)
    assert len(closed) > 15


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic bG9jYWw6eA=="},
        {"authorization": "Bearer"},
        {"authorization": "Bearer é".encode()},
        {"cookie": "batuta_session=nonsense"},
        {"cookie": "batuta_session=W10.0000"},
        {"cookie": "batuta_session=é".encode()},
    ],
)
async def test_credentials_that_are_none_are_refused(served, headers):
    async with served.stranger() as http:
        answer = await http.get("/api/v1/runs", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "credentials"


async def test_a_place_that_there_is_not_is_closed_too(served):
    async with served.stranger() as http:
        answer = await http.get("/api/v1/nothing")

    assert answer.status_code == 401
    assert (await served.http.get("/api/v1/nothing")).status_code == 404


async def test_a_session_is_made_of_the_token_and_changes_repeat_its_own(served):
    async with served.stranger() as http:
        begun = await http.post("/api/v1/session", json={"token": served.token})
        shown = await http.get("/api/v1/session")
        csrf = shown.json()["csrf"]
        body = {"workflow": "demo/greeting"}
        forged = await http.post("/api/v1/runs", json=body)
        meant = await http.post("/api/v1/runs", json=body, headers={"x-csrf-token": csrf})
        ended = await http.delete("/api/v1/session", headers={"x-csrf-token": csrf})
        after = await http.get("/api/v1/session")

    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert shown.json() | {"csrf": ""} == {
        "user": "local",
        "role": "admin",
        "namespaces": ["*"],
        "reveal": True,
        "csrf": "",
        "production": False,
    }
    assert [forged.status_code, meant.status_code] == [403, 201]
    assert forged.json()["code"] == "csrf"
    assert [ended.status_code, after.status_code] == [204, 401]


async def test_a_session_outlives_a_restart(opened):
    async with opened() as one, one.stranger() as http:
        await http.post("/api/v1/session", json={"token": one.token})
        cookies = dict(http.cookies)
    async with opened() as other, other.stranger() as http:
        http.cookies.update(cookies)
        answer = await http.get("/api/v1/session")

    assert answer.status_code == 200


async def test_no_session_is_made_of_another_token(served):
    async with served.stranger() as http:
        answer = await http.post("/api/v1/session", json={"token": "x"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_the_token_is_kept_for_its_owner_alone(served, tmp_path):
    file = tmp_path / "token"

    assert file.read_text().strip() == served.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_body_that_is_too_large_is_refused(served):
    body = {"workflow": "demo/greeting", "input": "x" * 5_000_000}
    answer = await served.http.post("/api/v1/runs", json=body)

    async def parts():
        for _ in range(6):
            yield b"x" * 1_000_000

    streamed = await served.http.post(
        "/api/v1/workflows/check", content=parts(), headers={"content-type": "application/yaml"}
    )

    assert [answer.status_code, streamed.status_code] == [413, 413]


async def test_every_answer_says_what_a_browser_may_do_with_it(served):
    answer = await served.http.get("/api/v1/runs")

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_path_that_is_not_there_is_named_with_where_to_look(served):
    missing = await served.post("/nothing", {}, status=404)
    other = await served.http.put("/api/v1/runs")

    assert missing["detail"] == "no POST /api/v1/nothing"
    assert other.json()["detail"] == "no PUT /api/v1/runs"
    assert "openapi.json" in missing["hint"]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "runs", "participant"),
        ("GET", "runs/x/tasks", "this takes none"),
        ("POST", "runs", "this takes none"),
        ("POST", "events", "this takes none"),
        ("POST", "session", "this takes none"),
        ("POST", "hooks/x", "this takes none"),
        ("GET", "stream", "topics"),
    ],
)
async def test_a_query_parameter_that_there_is_not_is_refused(served, method, path, known):
    answer = await served.http.request(method, f"/api/v1/{path}", params={"statsu": "a", "b": 1})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "there is no query parameter statsu, b here"
    assert [one["path"] for one in answer.json()["errors"]] == ["query:/statsu", "query:/b"]
    assert known in answer.json()["hint"]


async def test_business_keys_are_parameters_of_any_name(served):
    assert (await served.get("/runs", **{"key.order": "1"}))["items"] == []
    refused = await served.http.get("/api/v1/events", params={"key.order": "1"})
    assert refused.status_code == 422


async def test_the_type_of_an_error_leads_to_what_it_means(served):
    refused = await served.http.get("/api/v1/runs/none")
    async with served.stranger() as http:
        shown = await http.get(refused.json()["type"])
        missing = await http.get("/problems/none")
        posted = await http.post("/problems/not-found")

    assert refused.json()["type"] == "/problems/not-found"
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/html")
    assert "A misspelt id, name or path." in shown.text
    assert [missing.status_code, posted.status_code] == [404, 401]
