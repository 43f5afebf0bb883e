"""What becomes of an answer."""

from __future__ import annotations

import base64
import gzip

import pytest


@pytest.mark.parametrize(
    ("content_type", "body", "output"),
    [
        ("application/json", b'{"a":[1,null]}', {"a": [1, None]}),
        ("application/problem+json; charset=utf-8", b'{"a":1}', {"a": 1}),
        ("application/json", b"\xef\xbb\xbf1", 1),
        ("application/json", b"12345678901234567890123", 12345678901234567890123),
        ("text/plain", "é".encode(), "é"),
        ("text/plain; charset=iso-8859-1", b"\xe9", "é"),
        ("text/html; charset=nonsense", b"x", "x"),
        ("application/xml", b"<a/>", "<a/>"),
        ("application/octet-stream", b"\x00\x01", "AAE="),
        ("image/png", b"\x89PNG", "iVBORw=="),
        ("application/json", b"", None),
        ("text/plain", b"", None),
    ],
)
async def test_content_is_deserialised_by_its_media_type(
    get, server, reply, content_type, body, output
):
    server.handler = lambda _: reply(200, body, {"Content-Type": content_type})
    assert await get() == output


async def test_content_without_a_type_is_text_when_it_is_utf8(get, server, reply):
    server.handler = lambda request: reply(200, b"text" if request.path == "/t" else b"\xff\x00")
    assert await get("/t") == "text"
    assert await get("/b") == "/wA="


async def test_raw_output_is_the_body_in_base64(get, server, reply):
    server.handler = lambda _: reply(
        200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip", "Content-Type": "text/json"}
    )
    assert await get(output="raw") == base64.b64encode(b'{"a": 1}').decode()


async def test_raw_output_holds_no_secret(get, server, reply):
    server.handler = lambda _: reply(200, b"\xff key=tok-0123456789")
    assert base64.b64decode(await get(output="raw")) == b"\xff key=<<secret:token>>"


async def test_response_output_describes_request_and_response(get, server, reply):
    server.handler = lambda _: reply(
        201, b"{}", {"content-type": "application/json", "SET-COOKIE": "a=1", "etag": '"1"'}
    )
    output = await get("/a?b=c", output="response", headers={"x-one": "1"})
    assert output["statusCode"] == 201
    assert output["content"] == {}
    assert output["headers"]["Content-Type"] == "application/json"
    assert output["headers"]["Set-Cookie"] == "a=1"
    assert output["headers"]["Etag"] == '"1"'
    assert output["request"]["method"] == "get"
    assert output["request"]["uri"] == f"{server.url}/a?b=c"
    assert output["request"]["headers"]["X-One"] == "1"


async def test_an_unknown_output_form_is_refused(get, server, faulted):
    fault = await faulted(get(output="cooked"))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "content, raw, response" in fault.detail
    assert server.received == []


async def test_a_head_answer_has_no_content_however_long_that_would_be(caller, call, server, reply):
    server.handler = lambda _: reply(200, b"", {"Content-Length": "5000000000"})
    assert await caller(call(method="head", endpoint=server.url)) is None


async def test_a_compressed_answer_is_asked_for(get, server):
    await get()
    assert server.received[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("status", [199 + 105, 400, 404, 429, 500, 503, 599])
async def test_a_status_outside_200_to_299_is_a_communication_fault(
    get, server, reply, faulted, status
):
    server.handler = lambda _: reply(status, b"no pets here", {"Content-Type": "text/plain"})
    fault = await faulted(get("/pets"))
    assert (fault.kind, fault.status) == ("communication", status)
    assert f"GET {server.url}/pets" in fault.detail
    if status >= 400:
        assert "no pets here" in fault.detail


async def test_a_fault_is_titled_by_its_status(get, server, reply, faulted):
    server.handler = lambda _: reply(404)
    assert (await faulted(get())).title == "Not Found"


async def test_a_fault_shows_one_kibibyte_of_the_body_without_secrets(get, server, reply, faulted):
    server.handler = lambda _: reply(500, b"key tok-0123456789 " + b"x" * 5000)
    fault = await faulted(get("/a", query={"key": "<<secret:apiKey>>"}))
    assert "tok-0123456789" not in fault.detail
    assert "s3cr3t" not in fault.detail
    assert "<<secret:token>>" in fault.detail
    assert len(fault.detail) < 1300


async def test_a_fault_tells_when_to_come_back(get, server, reply, faulted):
    server.handler = lambda _: reply(429, b"", {"Retry-After": "17"})
    assert "Retry-After: 17" in (await faulted(get())).detail


@pytest.mark.parametrize(
    "body", [b'{"a":', b"[1,]", b"NaN", b"\xff", b"[" * 99_000, b"[" * 700 + b"]" * 700]
)
async def test_invalid_json_is_a_fault_that_says_where(get, server, reply, faulted, body):
    server.handler = lambda _: reply(200, body, {"Content-Type": "application/json"})
    fault = await faulted(get())
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "is not valid JSON" in fault.detail
