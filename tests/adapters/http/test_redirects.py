"""The redirect rule."""

from __future__ import annotations

import pytest


@pytest.fixture
def redirecting(server, reply, answer_json):
    """Make the server redirect every path but /end."""

    def configure(location, status=302):
        def handler(request):
            if request.path == "/end":
                return answer_json({"method": request.method, "body": request.body.decode()})
            return reply(status, b"", {"Location": location})

        server.handler = handler

    return configure


async def test_a_redirect_is_an_error_and_not_followed_by_default(
    get, server, redirecting, faulted
):
    redirecting("/end")
    fault = await faulted(get("/start"))
    assert (fault.kind, fault.status) == ("communication", 302)
    assert len(server.received) == 1


async def test_a_redirect_is_followed_when_asked(get, server, redirecting):
    redirecting("/end")
    output = await get("/start", redirect=True, output="response")
    assert output["request"]["uri"] == server.url + "/end"
    assert output["content"] == {"method": "GET", "body": ""}


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", '{"a":1}'),
        (308, "POST", '{"a":1}'),
    ],
)
async def test_method_and_body_follow_the_kind_of_redirect(
    caller, call, server, redirecting, status, method, body
):
    redirecting("/end", status)
    arguments = {"method": "post", "endpoint": server.url + "/start", "body": {"a": 1}}
    output = await caller(call(**arguments, redirect=True))
    assert output == {"method": method, "body": body}
    assert ("content-type" in server.received[1].headers) == bool(body)


async def test_a_redirecting_status_without_a_place_is_an_answer_when_redirects_are_allowed(
    get, server, reply
):
    server.handler = lambda _: reply(304)
    output = await get(redirect=True, output="response")
    assert output["statusCode"] == 304


async def test_a_redirect_loop_ends_after_five_hops(get, server, redirecting, faulted):
    redirecting("/start")
    fault = await faulted(get("/start", redirect=True))
    assert (fault.kind, fault.status) == ("communication", 302)
    assert fault.title == "Too many redirects"
    assert len(server.received) == 6


async def test_an_error_at_the_end_of_a_redirect_is_an_error(get, server, reply, faulted):
    server.handler = lambda request: (
        reply(404) if request.path == "/end" else reply(302, b"", {"Location": "/end"})
    )
    assert (await faulted(get("/start", redirect=True))).status == 404


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "http://h:0/", "file:///etc/passwd"])
async def test_a_redirect_to_what_cannot_be_called_is_refused(get, redirecting, faulted, location):
    redirecting(location)
    fault = await faulted(get("/start", redirect=True))
    assert (fault.kind, fault.title) == ("communication", "Invalid redirect")
    assert location in fault.detail


async def test_a_redirect_to_a_metadata_address_is_refused(get, redirecting, faulted):
    redirecting("http://169.254.169.254/latest/meta-data/")
    fault = await faulted(get("/start", redirect=True))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "169.254.169.254 is link-local" in fault.detail


async def test_credentials_and_secret_headers_stay_with_their_origin(
    get, server, other_server, redirecting
):
    redirecting(other_server.url + "/end")
    await get(
        "/start",
        redirect=True,
        headers={"Cookie": "a=1", "X-Key": "<<secret:apiKey>>", "X-Open": "1"},
        authentication={"scheme": "bearer", "properties": {"token": "<<secret:token>>"}},
    )
    first, second = server.received[0].headers, other_server.received[0].headers
    assert {"authorization", "cookie", "x-key", "x-open"} <= set(first)
    assert "x-open" in second
    assert not {"authorization", "cookie", "x-key"} & set(second)


async def test_credentials_go_along_within_an_origin(get, server, redirecting):
    redirecting("/end")
    policy = {"scheme": "bearer", "properties": {"token": "t"}}
    await get("/start", redirect=True, authentication=policy)
    assert server.received[1].headers["authorization"] == "Bearer t"


async def test_a_body_with_a_secret_is_not_sent_to_another_origin(
    caller, call, server, other_server, redirecting, faulted
):
    redirecting(other_server.url + "/end", 307)
    arguments = {"method": "post", "endpoint": server.url, "body": {"key": "<<secret:token>>"}}
    fault = await faulted(caller(call(**arguments, redirect=True)))
    assert fault.title == "Redirect refused"
    assert other_server.received == []
