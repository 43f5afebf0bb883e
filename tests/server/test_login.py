"""Logging in elsewhere: with a provider of OpenID Connect that this process plays."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from batuta.adapters.identity.oidc import OidcProvider
from batuta.errors import RequestError, UnavailableError
from batuta.server.problems import Refused
from batuta.server.routes.login import principal_of
from batuta.wiring.settings import Grant, Oidc, Server

ISSUER = "https://login.example"
GRANTS = (
    Grant(value="staff", role="viewer"),
    Grant(value="retail-ops", role="operator", namespaces=("retail", "shop-*")),
)
OIDC = Oidc(issuer=ISSUER, client_id="batuta", secret="login_secret", grants=GRANTS)


class Provider:
    """A provider: its keys, what it was asked, and the claims of who logs in."""

    def __init__(self, now):
        self.now = now
        self.key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
        self.claims = {"groups": ["staff"], "email": "ada@example.com"}
        self.forms = []
        self.nonce = ""
        self.about = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }

    def token(self, **changed):
        now = int(self.now())
        claims = {"iss": ISSUER, "aud": "batuta", "sub": "u1", "iat": now, "exp": now + 60}
        claims |= {"nonce": self.nonce, **self.claims, **changed}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key, algorithms=["RS256"])

    def answer(self, request):
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx2.Response(200, json=self.about)
            case "/keys":
                return httpx2.Response(200, json={"keys": [self.key.as_dict(private=False)]})
            case _:
                self.forms.append(parse_qs(request.content.decode()))
                return httpx2.Response(200, json={"id_token": self.token()})


@pytest.fixture
def provider():
    return Provider(lambda: 1_000_000)


@pytest.fixture
def client(provider):
    return OidcProvider(
        ISSUER,
        "batuta",
        lambda: "s3cret",
        scope="openid",
        now=lambda: 1_000_000,
        transport=httpx2.MockTransport(provider.answer),
    )


async def test_a_login_leads_to_the_claims_of_who_logged_in(provider, client):
    login = await client.begin("https://here/auth/callback")
    sent = parse_qs(urlsplit(login.address).query)
    provider.nonce = login.nonce
    claims = await client.finish(login, "code-1", "https://here/auth/callback")
    (form,) = provider.forms

    assert claims["email"] == "ada@example.com"
    assert sent["state"] == [login.state]
    assert sent["code_challenge_method"] == ["S256"]
    assert form["code_verifier"] == [login.verifier]
    assert form["client_secret"] == ["s3cret"]


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"nonce": "another"},
        {"exp": 900_000},
        {"azp": "another"},
    ],
)
async def test_a_token_that_is_not_for_this_login_is_refused(provider, client, changed):
    login = await client.begin("https://here/auth/callback")
    provider.nonce = login.nonce
    provider.claims |= changed

    with pytest.raises(RequestError, match="not good for this login"):
        await client.finish(login, "code", "https://here/auth/callback")


async def test_a_token_that_another_key_signed_is_refused(provider, client):
    login = await client.begin("https://here/auth/callback")
    provider.nonce = login.nonce
    await client.finish(login, "code", "https://here/auth/callback")
    honest, provider.key = provider.key, RSAKey.generate_key(2048, {"kid": "1"}, private=True)
    forged = provider.token()
    provider.key = honest
    provider.token = lambda: forged

    with pytest.raises(RequestError):
        await client.finish(login, "code", "https://here/auth/callback")


async def test_a_new_key_of_the_provider_is_asked_for(provider, client):
    login = await client.begin("https://here/auth/callback")
    provider.nonce = login.nonce
    await client.finish(login, "code", "https://here/auth/callback")
    provider.key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)

    assert await client.finish(login, "code", "https://here/auth/callback")


async def test_a_provider_that_calls_itself_otherwise_is_not_asked(provider, client):
    provider.about["issuer"] = "https://evil.example"

    with pytest.raises(UnavailableError, match="does not describe"):
        await client.begin("https://here/auth/callback")


def test_claims_allow_what_their_strongest_grant_says():
    ops = principal_of({"email": "a", "groups": ["staff", "retail-ops", "x"]}, OIDC)
    staff = principal_of({"sub": "u1", "groups": "staff"}, OIDC)

    assert [ops.role, ops.namespaces] == ["operator", ("retail", "shop-*")]
    assert [staff.name, staff.role, staff.namespaces] == ["u1", "viewer", ("*",)]
    with pytest.raises(Refused) as refused:
        principal_of({"email": "a", "groups": []}, OIDC)
    assert refused.value.status == 403


@pytest.fixture
async def teamed(opened, monkeypatch):
    """A server that people log in to, and the provider."""
    from batuta.wiring.surroundings import Surroundings

    made = []

    def instead(around, now):
        provider = Provider(now)
        made.append(provider)
        transport = httpx2.MockTransport(provider.answer)
        return OidcProvider(
            ISSUER, "batuta", lambda: "s", scope="openid", now=now, transport=transport
        )

    monkeypatch.setattr(Surroundings, "provider", instead)
    async with opened(server=Server(oidc=OIDC)) as one:
        yield one, made[0]


async def test_a_browser_comes_back_with_a_session(teamed):
    served, provider = teamed
    async with served.stranger() as browser:
        begun = await browser.get("/auth/login")
        sent = parse_qs(urlsplit(begun.headers["location"]).query)
        provider.nonce = sent["nonce"][0]
        back = {"code": "c", "state": sent["state"][0]}
        ended = await browser.get("/auth/callback", params=back)
        who = await browser.get("/api/v1/session")

    assert [begun.status_code, ended.status_code] == [302, 302]
    assert ended.headers["location"] == "/"
    assert [who.json()["user"], who.json()["role"]] == ["ada@example.com", "viewer"]


@pytest.mark.parametrize("back", [{"code": "c", "state": "x"}, {"state": "x"}, {}])
async def test_a_login_that_was_not_begun_here_is_refused(teamed, back):
    served, _ = teamed
    async with served.stranger() as browser:
        cold = await browser.get("/auth/callback", params=back)
        await browser.get("/auth/login")
        warm = await browser.get("/auth/callback", params=back)

    assert [cold.status_code, warm.status_code] == [401, 401]


async def test_who_has_no_session_hears_where_one_logs_in(teamed):
    async with teamed[0].stranger() as browser:
        told = await browser.get("/auth/ways")

    assert told.json() == {"login": "/auth/login"}


async def test_without_a_provider_nobody_is_sent_anywhere(served):
    async with served.stranger() as browser:
        assert (await browser.get("/auth/login")).status_code == 404
        assert (await browser.get("/auth/callback")).status_code == 404
        assert (await browser.get("/auth/ways")).json() == {"login": None}
