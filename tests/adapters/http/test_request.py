"""What a `call: http` sends."""

from __future__ import annotations

import json

import pytest


async def test_method_path_and_query_are_sent(get, server):
    assert await get("/pets", query={"status": "for sale", "tag": ["a", "b"], "none": None}) == {
        "ok": True
    }
    request = server.received[0]
    assert (request.method, request.target) == ("GET", "/pets?status=for%20sale&tag=a&tag=b")


async def test_query_arguments_are_added_to_the_query_of_the_uri(get, server):
    await get("/pets?x=1%2C2", query={"y": "&=", "z": 3, "b": True})
    assert server.received[0].target == "/pets?x=1%2C2&y=%26%3D&z=3&b=true"


async def test_the_endpoint_may_be_an_object(caller, call, server):
    await caller(call(method="GET", endpoint={"uri": server.url + "/a"}))
    assert server.received[0].path == "/a"


async def test_template_variables_are_filled_from_the_input_and_encoded(get, server):
    values = {"id": "a/b c", "n": 3.0, "flag": True, "nothing": None, "pet.id": "é"}
    await get("/pets/{id}/{n}/{flag}/{nothing}/{missing}/{pet.id}?q={id}", input=values)
    assert server.received[0].target == "/pets/a%2Fb%20c/3/true///%C3%A9?q=a%2Fb%20c"


async def test_a_template_value_that_is_an_object_faults(get, server, faulted):
    fault = await faulted(get("/pets/{pet}", input={"pet": {"id": 1}}))
    assert (fault.kind, fault.status) == ("expression", 400)
    assert "{pet}" in fault.detail
    assert server.received == []


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/a/{x}/b", {"x": ".."}),
        ("/a/{x}", {"x": "."}),
        ("/a/{x}{y}?q=1", {"x": ".", "y": "."}),
        ("/a/.{x}", {"x": "."}),
        ("/a/{x}.", {}),
    ],
)
async def test_a_template_value_that_would_walk_up_the_path_is_refused(
    get, server, faulted, path, values
):
    fault = await faulted(get(path, input=values))
    assert (fault.kind, fault.status) == ("expression", 400)
    assert server.received == []


@pytest.mark.parametrize("template", ["{?q}", "{+path}", "{a,b}", "{list*}", "{name:3}"])
async def test_a_template_beyond_level_one_is_refused(get, faulted, template):
    fault = await faulted(get("/" + template, input={"q": 1}))
    assert (fault.kind, fault.status) == ("configuration", 400)


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"a": [1, "é"]}, '{"a":[1,"é"]}', "application/json"),
        ([1], "[1]", "application/json"),
        (1.5, "1.5", "application/json"),
        (False, "false", "application/json"),
        ("plain é", "plain é", "text/plain; charset=utf-8"),
    ],
)
async def test_a_body_without_content_type_is_typed_by_its_kind(send, body, sent, content_type):
    request = await send(body=body)
    assert (request.body.decode(), request.headers["content-type"]) == (sent, content_type)


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        ("application/vnd.api+json", {"a": 1}, b'{"a":1}'),
        ("application/json", '{"a": 1}', b'{"a": 1}'),
        (
            "application/x-www-form-urlencoded",
            {"a": "1 2", "b": [1, True], "c": None},
            b"a=1+2&b=1&b=true",
        ),
        ("text/csv", "a;b", b"a;b"),
        ("text/plain; charset=iso-8859-1", "é", b"\xe9"),
        ("application/xml", "<a/>", b"<a/>"),
        ("image/png", "iVBORw==", b"\x89PNG"),
    ],
)
async def test_a_content_type_header_says_how_the_body_is_meant(send, content_type, body, sent):
    request = await send(body=body, headers={"content-type": content_type})
    assert request.body == sent
    assert request.headers["content-type"] == content_type


async def test_a_multipart_body_has_one_part_for_each_field(send):
    request = await send(
        body={"name": "Milou", "tags": ["a", "b"]}, headers={"Content-Type": "multipart/form-data"}
    )
    boundary = request.headers["content-type"].partition("boundary=")[2]
    assert request.body.count(f"--{boundary}".encode()) == 4
    assert b'name="name"\r\n\r\nMilou\r\n' in request.body


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", {"a": 1}),
        ("image/png", "not base64!"),
        ("application/x-www-form-urlencoded", {"a": {"b": 1}}),
        ("application/x-www-form-urlencoded", [1]),
        ("text/plain; charset=ascii", "é"),
    ],
)
async def test_a_body_that_does_not_fit_its_content_type_faults(
    send, faulted, server, content_type, body
):
    fault = await faulted(send(body=body, headers={"Content-Type": content_type}))
    assert (fault.kind, fault.status) == ("validation", 400)
    assert server.received == []


async def test_no_body_is_sent_for_null(send):
    request = await send(body=None)
    assert request.body == b""
    assert "content-type" not in request.headers


async def test_headers_are_sent_and_scalars_become_text(send):
    request = await send(headers={"X-Count": 3, "X-Flag": True, "X-None": None, "X-Text": "é"})
    assert request.headers["x-count"] == "3"
    assert request.headers["x-flag"] == "true"
    assert request.headers["x-text"] == "é"
    assert "x-none" not in request.headers


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"X-Bad": "a\r\nInjected: 1"}, "validation"),
        ({"X Bad": "a"}, "validation"),
        ({"X-Bad": {"a": 1}}, "validation"),
        ({"Content-Length": "3"}, "configuration"),
        ({"transfer-encoding": "chunked"}, "configuration"),
    ],
)
async def test_a_header_that_would_break_the_message_is_refused(
    send, faulted, server, headers, kind
):
    fault = await faulted(send(headers=headers))
    assert (fault.kind, fault.status) == (kind, 400)
    assert server.received == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_idempotency_key_goes_with_methods_that_act(send, method):
    request = await send(method=method)
    assert request.headers["idempotency-key"] == "run-1/do/0/ask/1"


@pytest.mark.parametrize("method", ["get", "HEAD", "options"])
async def test_no_idempotency_key_goes_with_methods_that_read(send, method):
    request = await send(method=method)
    assert "idempotency-key" not in request.headers


async def test_an_idempotency_key_of_the_document_stands(send):
    request = await send(headers={"idempotency-key": "mine"})
    assert request.headers["idempotency-key"] == "mine"


async def test_the_client_introduces_itself(send):
    request = await send()
    assert request.headers["user-agent"].startswith("batuta/")
    assert (await send(headers={"User-Agent": "other"})).headers["user-agent"] == "other"


@pytest.mark.parametrize(
    "endpoint", ["ftp://127.0.0.1/", "file:///etc/passwd", "/relative", "http://", "http://h:0/", 7]
)
async def test_an_endpoint_that_cannot_be_called_is_refused(caller, call, faulted, endpoint):
    fault = await faulted(caller(call(method="get", endpoint=endpoint)))
    assert (fault.kind, fault.status) == ("configuration", 400)


@pytest.mark.parametrize("method", ["CONNECT", "GET /", "", None])
async def test_a_method_that_cannot_be_called_is_refused(caller, call, faulted, server, method):
    fault = await faulted(caller(call(method=method, endpoint=server.url)))
    assert (fault.kind, fault.status) == ("configuration", 400)


async def test_cookies_of_one_call_are_not_sent_with_the_next(get, server, reply):
    server.handler = lambda _: reply(200, b"", {"Set-Cookie": "session=1"})
    await get()
    await get()
    assert "cookie" not in server.received[1].headers


async def test_a_secret_is_revealed_in_the_request_and_redacted_in_the_result(
    caller, call, server, answer_json
):
    server.handler = lambda request: answer_json(
        {
            "target": request.target,
            "body": json.loads(request.body),
            "key": request.headers["x-key"],
        }
    )
    result = await caller(
        call(
            method="post",
            endpoint=server.url + "/{key}",
            query={"key": "<<secret:apiKey>>"},
            headers={"X-Key": "<<secret:apiKey>>"},
            body={"key": "<<secret:apiKey>>"},
            output="response",
            input={"key": "<<secret:apiKey>>"},
        )
    )
    request = server.received[0]
    assert request.headers["x-key"] == "s3cr3t/k&y=1"
    assert request.target == "/s3cr3t%2Fk%26y%3D1?key=s3cr3t%2Fk%26y%3D1"
    text = json.dumps(result)
    assert "s3cr3t" not in text
    assert result["content"]["key"] == "<<secret:apiKey>>"
    assert result["request"]["headers"]["X-Key"] == "<<secret:apiKey>>"
