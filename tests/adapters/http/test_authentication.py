"""Authentication policies, against a local authority."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest


def policy(scheme, **properties):
    return {"scheme": scheme, "properties": properties}


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


async def test_basic_sends_name_and_password(sent):
    assert await sent(policy("basic", username="ada", password="é:1")) == basic("ada", "é:1")


async def test_a_number_is_a_password(sent):
    assert await sent(policy("basic", username="ada", password=1234)) == basic("ada", "1234")


async def test_bearer_sends_the_revealed_token(sent):
    assert await sent(policy("bearer", token="<<secret:token>>")) == "Bearer tok-0123456789"


@pytest.mark.parametrize(
    ("scheme", "held", "header"),
    [
        ("basic", {"username": "ada", "password": "pw"}, basic("ada", "pw")),
        ("basic", '{"username": "ada", "password": "pw"}', basic("ada", "pw")),
        ("bearer", "plain-token", "Bearer plain-token"),
        ("bearer", {"token": "held-token"}, "Bearer held-token"),
    ],
)
async def test_a_policy_may_be_held_by_a_secret(sent, secrets, scheme, held, header):
    secrets.values["policy"] = held
    assert await sent({"scheme": scheme, "secret": "policy"}) == header


async def test_a_missing_secret_is_an_authorization_fault(sent, faulted, server):
    fault = await faulted(sent({"scheme": "basic", "secret": "none"}))
    assert (fault.kind, fault.status) == ("authorization", 403)
    assert server.received == []


@pytest.mark.parametrize(
    "incomplete",
    [
        policy("basic", username="ada"),
        policy("bearer"),
        policy("digest", password="x"),
        policy("oauth2", grant="client_credentials"),
        policy("oauth2", authority="http://a.test"),
        policy("certificate"),
        {"scheme": "basic", "secret": "token"},
    ],
)
async def test_an_incomplete_policy_is_a_configuration_fault(sent, faulted, server, incomplete):
    fault = await faulted(sent(incomplete))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "tok-0123456789" not in str(fault)
    assert server.received == []


async def test_user_info_in_the_uri_is_basic_authentication_and_not_shown(caller, call, server):
    endpoint = f"http://ada:p%40ss@127.0.0.1:{server.port}/"
    output = await caller(call(method="get", endpoint=endpoint, output="response"))
    assert server.received[0].headers["authorization"] == basic("ada", "p@ss")
    assert output["request"]["uri"] == server.url + "/"


async def test_an_echoed_credential_is_masked(get, server, answer_json, reply, faulted):
    server.handler = lambda request: answer_json(request.headers)
    ada = policy("basic", username="ada", password="lovelace")
    output = await get("/", authentication=ada, output="response")
    assert basic("ada", "lovelace")[6:] not in json.dumps(output)
    assert output["request"]["headers"]["Authorization"] == "[redacted]"
    server.handler = lambda request: reply(500, request.headers["authorization"].encode())
    assert "Basic [redacted]" in (await faulted(get("/", authentication=ada))).detail


async def test_digest_answers_the_challenge(get, server, reply, answer_json):
    def handler(request):
        if "authorization" not in request.headers:
            challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'
            return reply(401, b"", {"WWW-Authenticate": challenge})
        return answer_json({"authorization": True})

    server.handler = handler
    ada = policy("digest", username="ada", password="lovelace")
    assert await get("/a?b=1", authentication=ada) == {"authorization": True}
    header = server.received[1].headers["authorization"]
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', header))

    def digest(text):
        return hashlib.sha256(text.encode()).hexdigest()

    expected = digest(
        ":".join(
            [
                digest("ada:r:lovelace"),
                *("n", found["nc"], found["cnonce"], "auth"),
                digest("GET:/a?b=1"),
            ]
        )
    )
    assert found["response"] == expected


@pytest.mark.parametrize(
    ("challenge", "kind"),
    [
        ('Digest realm="r"', "authentication"),
        ('Digest realm="r", nonce="n", algorithm=CRC', "authentication"),
        ('Digest realm="r", nonce="n", qop="auth-int"', "authentication"),
        ('Basic realm="r"', "communication"),
    ],
)
async def test_an_unusable_challenge_is_a_401(get, server, reply, faulted, challenge, kind):
    server.handler = lambda _: reply(401, b"", {"WWW-Authenticate": challenge})
    ada = policy("digest", username="ada", password="lovelace")
    fault = await faulted(get("/", authentication=ada))
    assert (fault.kind, fault.status) == (kind, 401)
