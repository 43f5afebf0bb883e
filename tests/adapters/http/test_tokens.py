"""OAuth 2 and OpenID Connect, against a local authority."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs

import pytest

from batuta.adapters.callers.http import HttpCaller, TokenStore


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Authority:
    """A token endpoint: issues token-1, token-2, ... and remembers what it was asked."""

    def __init__(self, server, answer_json):
        self.server = server
        self.url = server.url + "/realms/x"
        self.answer_json = answer_json
        self.requests = []
        self.answer = {"token_type": "Bearer", "expires_in": 3600}
        self.error = None
        self.issuer = self.url
        server.handler = self.handle

    def handle(self, request):
        if request.path.endswith("/.well-known/openid-configuration"):
            return self.answer_json(
                {"issuer": self.issuer, "token_endpoint": self.server.url + "/discovered/token"}
            )
        self.requests.append(request)
        if self.error:
            return self.error
        return self.answer_json({"access_token": f"token-{len(self.requests)}", **self.answer})

    @property
    def form(self):
        return {n: v[0] for n, v in parse_qs(self.requests[-1].body.decode()).items()}


@pytest.fixture
def authority(other_server, answer_json):
    return Authority(other_server, answer_json)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def caller(client, secrets, clock):
    return HttpCaller(client, secrets, tokens=TokenStore(now=clock))


def oauth2(authority, /, **properties):
    properties = {
        "authority": authority.url,
        "grant": "client_credentials",
        "client": {"id": "me", "secret": "client-secret"},
        **properties,
    }
    return {"scheme": "oauth2", "properties": properties}


async def test_client_credentials_fetch_a_token(sent, authority):
    header = await sent(oauth2(authority, scopes=["a", "b"], audiences=["api"]))
    assert header == "Bearer token-1"
    assert authority.requests[0].path == "/realms/x/oauth2/token"
    assert authority.form == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": "client-secret",
        "scope": "a b",
        "audience": "api",
    }


async def test_the_token_endpoint_may_be_given(sent, authority):
    await sent(oauth2(authority, endpoints={"token": "/protocol/token"}))
    assert authority.requests[0].path == "/realms/x/protocol/token"


async def test_the_authority_is_a_uri_template(sent, authority):
    realm = authority.url.replace("/x", "/{realm}")
    await sent(oauth2(authority, authority=realm), input={"realm": "blue"})
    assert authority.requests[0].path == "/realms/blue/oauth2/token"


async def test_the_token_endpoint_may_be_a_template_and_absolute(sent, authority):
    token = {"token": authority.server.url + "/{tenant}/token"}
    await sent(oauth2(authority, endpoints=token), input={"tenant": "blue"})
    assert authority.requests[0].path == "/blue/token"


async def test_the_request_may_be_json(sent, authority):
    encoding = {"encoding": "application/json"}
    await sent(oauth2(authority, request=encoding, audiences=["a", "b"]))
    assert json.loads(authority.requests[0].body) == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": "client-secret",
        "audience": ["a", "b"],
    }


async def test_the_password_grant_sends_name_and_password(sent, authority):
    await sent(oauth2(authority, grant="password", username="ada", password="pw"))
    assert authority.form["grant_type"] == "password"
    assert (authority.form["username"], authority.form["password"]) == ("ada", "pw")


async def test_token_exchange_sends_subject_and_actor(sent, authority):
    kind = "urn:ietf:params:oauth:token-type:access_token"
    await sent(
        oauth2(
            authority,
            grant="urn:ietf:params:oauth:grant-type:token-exchange",
            subject={"token": "subject-token", "type": kind},
            actor={"token": "actor-token", "type": kind},
        )
    )
    form = authority.form
    assert (form["subject_token"], form["subject_token_type"]) == ("subject-token", kind)
    assert (form["actor_token"], form["actor_token_type"]) == ("actor-token", kind)


async def test_a_rotated_refresh_token_replaces_the_first(sent, authority, clock):
    rotating = oauth2(authority, grant="refresh_token", subject={"token": "r-0", "type": "refresh"})
    authority.answer["refresh_token"] = "r-1"
    await sent(rotating)
    assert authority.form["refresh_token"] == "r-0"
    clock.now += 4000
    await sent(rotating)
    assert authority.form["refresh_token"] == "r-1"


@pytest.mark.parametrize("scheme", ["oauth2", "oidc"])
async def test_the_interactive_grant_is_refused(sent, authority, faulted, scheme):
    interactive = oauth2(authority, grant="authorization_code") | {"scheme": scheme}
    fault = await faulted(sent(interactive))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "interactive" in fault.detail
    assert authority.requests == []


async def test_a_client_may_identify_itself_by_basic(sent, authority):
    client = {"id": "m e", "secret": "s:1", "authentication": "client_secret_basic"}
    await sent(oauth2(authority, client=client))
    assert authority.requests[0].headers["authorization"] == basic("m+e", "s%3A1")
    assert "client_secret" not in authority.form


async def test_a_client_may_sign_an_assertion_with_its_secret(sent, authority, clock):
    client = {"id": "me", "secret": "shared", "authentication": "client_secret_jwt"}
    await sent(oauth2(authority, client=client))
    signed, _, signature = authority.form["client_assertion"].rpartition(".")
    expected = hmac.new(b"shared", signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == expected
    claims = signed.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (decoded["iss"], decoded["sub"]) == ("me", "me")
    assert decoded["aud"] == authority.url + "/oauth2/token"
    assert decoded["exp"] > clock.now
    assert "shared" not in authority.requests[0].body.decode()


async def test_a_client_may_send_a_ready_assertion(sent, authority):
    client = {"id": "me", "assertion": "a.b.c", "authentication": "private_key_jwt"}
    await sent(oauth2(authority, client=client))
    assert authority.form["client_assertion"] == "a.b.c"
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert authority.form["client_assertion_type"] == kind


async def test_a_public_client_sends_its_id_only(sent, authority):
    await sent(oauth2(authority, client={"id": "me", "authentication": "none"}))
    assert authority.form == {"grant_type": "client_credentials", "client_id": "me"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client": {"id": "me"}},
        {"client": {"id": "me", "authentication": "private_key_jwt"}},
        {"client": {"id": "me", "secret": "x", "authentication": "magic"}},
        {"grant": "magic"},
        {"grant": "password"},
        {"grant": "refresh_token"},
        {"grant": "urn:ietf:params:oauth:grant-type:token-exchange"},
        {"request": {"encoding": "text/plain"}},
    ],
)
async def test_a_grant_that_lacks_something_is_a_configuration_fault(
    sent, authority, faulted, wrong
):
    fault = await faulted(sent(oauth2(authority, **wrong)))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert authority.requests == []


async def test_a_token_is_kept_until_shortly_before_it_expires(sent, authority, clock):
    kept = oauth2(authority)
    assert await sent(kept) == "Bearer token-1"
    clock.now += 3500
    assert await sent(kept) == "Bearer token-1"
    clock.now += 75
    assert await sent(kept) == "Bearer token-2"


async def test_policies_that_differ_do_not_share_a_token(sent, authority):
    assert await sent(oauth2(authority, scopes=["a"])) == "Bearer token-1"
    assert await sent(oauth2(authority, scopes=["b"])) == "Bearer token-2"


async def test_many_calls_at_once_fetch_one_token(sent, authority):
    await asyncio.gather(*(sent(oauth2(authority)) for _ in range(10)))
    assert len(authority.requests) == 1


async def test_a_cancelled_first_caller_does_not_spoil_the_token_of_the_others(
    sent, authority, other_server
):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_request, writer):
        arrived.set()
        await go_on.wait()
        writer.close()

    other_server.raw = slowly
    first = asyncio.ensure_future(sent(oauth2(authority)))
    await arrived.wait()
    second = asyncio.ensure_future(sent(oauth2(authority)))
    other_server.raw = None
    first.cancel()
    assert await second == "Bearer token-1"
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_refused_token_is_fetched_anew_once(get, server, authority, reply, answer_json):
    def handler(request):
        if request.headers["authorization"] == "Bearer token-2":
            return answer_json({"seen": 1})
        return reply(401)

    server.handler = handler
    assert await get("/", authentication=oauth2(authority)) == {"seen": 1}
    assert len(server.received) == 2


async def test_a_token_that_stays_refused_is_a_401(get, server, authority, reply, faulted):
    server.handler = lambda _: reply(401)
    fault = await faulted(get("/", authentication=oauth2(authority)))
    assert (fault.kind, fault.status) == ("communication", 401)
    assert len(server.received) == 2
    assert len(authority.requests) == 2


async def test_a_refusal_shows_the_oauth_error_and_no_credentials(
    sent, authority, faulted, answer_json
):
    authority.error = answer_json(
        {"error": "invalid_client", "error_description": "bad secret client-secret"}, status=401
    )
    fault = await faulted(sent(oauth2(authority)))
    assert (fault.kind, fault.status) == ("authentication", 401)
    assert "invalid_client" in fault.detail
    assert "client-secret" not in str(fault)


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": None},
        {"access_token": "x", "token_type": "DPoP"},
        {"error": "<script>"},
        ["no object"],
    ],
)
async def test_a_bad_token_answer_is_an_authentication_fault(
    sent, authority, faulted, answer_json, answer
):
    authority.error = answer_json(answer)
    fault = await faulted(sent(oauth2(authority)))
    assert (fault.kind, fault.status) == ("authentication", 401)
    assert "<script>" not in fault.detail


async def test_an_authority_that_is_down_is_a_communication_fault(sent, authority, faulted, reply):
    authority.error = reply(503, b"while handling client-secret")
    fault = await faulted(sent(oauth2(authority)))
    assert (fault.kind, fault.status) == ("communication", 503)
    assert "client-secret" not in fault.detail


async def test_an_oidc_authority_is_discovered(sent, authority):
    discovered = oauth2(authority) | {"scheme": "oidc"}
    assert await sent(discovered) == "Bearer token-1"
    assert authority.requests[0].path == "/discovered/token"


async def test_an_oidc_authority_may_be_given_by_its_configuration(sent, authority):
    where = authority.url + "/.well-known/openid-configuration"
    assert await sent(oauth2(authority, authority=where) | {"scheme": "oidc"}) == "Bearer token-1"


async def test_an_authority_that_says_to_be_another_is_refused(sent, authority, faulted):
    authority.issuer = "https://evil.test"
    fault = await faulted(sent(oauth2(authority) | {"scheme": "oidc"}))
    assert (fault.kind, fault.status) == ("authentication", 401)
    assert authority.requests == []


@pytest.mark.parametrize("found", [{"issuer": "{issuer}"}, [1], None])
async def test_a_discovery_that_says_too_little_is_refused(
    sent, authority, faulted, answer_json, found
):
    if isinstance(found, dict):
        found = {"issuer": authority.url}
    authority.server.handler = lambda _: answer_json(found)
    fault = await faulted(sent(oauth2(authority) | {"scheme": "oidc"}))
    assert (fault.kind, fault.status) == ("authentication", 401)


def jwt(issuer):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'iss': issuer})}.x"


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ({"access_token": jwt("https://good.test/")}, True),
        ({"access_token": "opaque", "id_token": jwt("https://good.test")}, True),
        ({"access_token": jwt("https://evil.test")}, False),
        ({"access_token": jwt("https://good.test"), "id_token": jwt("https://evil.test")}, False),
        ({"access_token": "opaque"}, False),
        ({"access_token": "a.b.c"}, False),
    ],
)
async def test_the_issuer_of_a_token_is_checked(sent, authority, faulted, answer, accepted):
    authority.answer |= answer
    checked = oauth2(authority, issuers=["https://good.test"])
    if accepted:
        assert await sent(checked) == f"Bearer {answer['access_token']}"
    else:
        fault = await faulted(sent(checked))
        assert (fault.kind, fault.status) == ("authentication", 401)


async def test_a_whole_policy_may_be_held_by_a_secret(sent, secrets, authority):
    secrets.values["policy"] = oauth2(authority)["properties"]
    assert await sent({"scheme": "oauth2", "secret": "policy"}) == "Bearer token-1"
