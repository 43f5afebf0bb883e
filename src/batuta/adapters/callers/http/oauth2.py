"""OAuth 2 and OpenID Connect: fetching, checking, keeping and renewing access tokens.

Owns `TokenStore`, the tokens of all policies in use. A token is fetched once however many calls
wait for it, used until shortly before it expires, and fetched anew once when a server answers 401.
Does not own the token request itself (`token_request`).

Rules:

* A token belongs to the whole policy as revealed: two policies that differ in anything, be it a
  scope, never share one. Only a hash of the policy is kept as the key.
* The token endpoint of `oauth2` is `authority` followed by `endpoints.token` (`/oauth2/token`); it
  is appended, not resolved, because authorities have paths (`/realms/x`). An absolute URL stands.
* The token endpoint of `oidc` is what `/.well-known/openid-configuration` below the authority says,
  and the `issuer` there must be the authority (OpenID Connect Discovery 1.0, section 4.3), or one
  of `issuers`.
* `issuers`: the `iss` of the token, or of the ID token next to it, must be listed. It is read and
  not verified by signature: the token came straight from the authority over the connection that we
  opened (OpenID Connect Core 1.0, section 3.1.3.7, rule 6). An opaque token has no issuer to check
  and is refused.
* Nothing of a refusal is shown but the OAuth error code (RFC 6749, section 5.2).
* Tokens live in memory. After a restart they are fetched again; a rotated refresh token is lost
  then, and the policy's own is tried.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.http.exchange import Answer, Outgoing, described, parsed_url
from batuta.adapters.callers.http.policy_properties import optional, required, texts
from batuta.adapters.callers.http.token_answer import Token, read_token
from batuta.adapters.callers.http.token_request import token_request
from batuta.adapters.callers.http.uri_template import expand
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.callers.http.sending import HttpClient

_WELL_KNOWN = "/.well-known/openid-configuration"
_TOKENS_KEPT = 1024
_OAUTH_REFUSALS = frozenset((400, 401, 403))
_ALL_ERRORS = frozenset(range(300, 600))
_LONGEST_SKEW_S = 30.0


class GrantPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """An `oauth2` or `oidc` policy with secrets revealed and URI templates expanded."""

    scheme: str
    authority: str
    properties: dict[str, Any]
    token_path: str
    issuers: tuple[str, ...] = ()

    @classmethod
    def from_properties(cls, scheme: str, properties: dict[str, Any], values: Any) -> GrantPolicy:
        """Read a policy's properties.

        Raises:
            Fault: `configuration` 400 for a grant that needs a person, and for a missing one.
        """
        grant = required(scheme, properties, "grant")
        if grant == "authorization_code":
            raise Fault(
                "configuration",
                400,
                "Interactive grant",
                "authorization_code is interactive: it needs a person in front of a browser, and a "
                "workflow has none; use client_credentials, refresh_token or token exchange",
            )
        authority = expand(required(scheme, properties, "authority"), values)
        return cls(
            scheme=scheme,
            authority=authority.rstrip("/"),
            properties=properties,
            token_path=expand(
                optional(properties, "endpoints", "token") or "/oauth2/token", values
            ),
            issuers=tuple(expand(issuer, values) for issuer in texts(properties, "issuers")),
        )

    def key(self) -> bytes:
        """Return a digest that is equal for equal policies and gives nothing away."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).digest()


class _Kept(msgspec.Struct):
    """What is kept of one policy: its token, and the lock that makes its fetching single."""

    lock: asyncio.Lock
    token: Token | None = None
    usable_until: float = 0.0
    refresh_token: str | None = None


class TokenStore:
    """Access tokens by policy; one is shared by all callers.

    Args:
        now: epoch seconds, for assertions and expiry.
    """

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    async def token(
        self, policy: GrantPolicy, client: HttpClient, *, instead_of: str | None = None
    ) -> str:
        """Return an access token for `policy`, fetching one when none is kept.

        Args:
            policy: whose token.
            client: sends token requests, under the same limits and address policy as calls.
            instead_of: a token that a server refused; if it is still the kept one, it is replaced.

        Raises:
            Fault: `authentication` 401 when the authority refuses or answers nonsense.
        """
        kept = self._entry(policy.key())
        # Whoever waits here finds the token that the one before fetched. A cancelled fetch frees
        # the lock, and the next in line fetches.
        async with kept.lock:
            token = kept.token
            if (
                token is None
                or token.access_token == instead_of
                or self._now() >= kept.usable_until
            ):
                token = await self._fetch(policy, client, kept)
            return token.access_token

    def _entry(self, key: bytes) -> _Kept:
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(lock=asyncio.Lock())
            if len(self._kept) > _TOKENS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept

    async def _fetch(self, policy: GrantPolicy, client: HttpClient, kept: _Kept) -> Token:
        kept.token = None
        endpoint, issuers = await _endpoint(policy, client)
        request = token_request(
            endpoint, policy.scheme, policy.properties, self._now(), kept.refresh_token
        )
        token = read_token(await _answer(request, client), endpoint, issuers)
        skew = min(_LONGEST_SKEW_S, token.lifetime_s / 10)
        kept.usable_until = self._now() + token.lifetime_s - skew
        kept.refresh_token = token.refresh_token or kept.refresh_token
        kept.token = token
        return token


class TokenCredentials:
    """Signs with a policy's access token, and once more with a new one after a 401."""

    def __init__(self, tokens: TokenStore, policy: GrantPolicy, client: HttpClient) -> None:
        self._tokens = tokens
        self._client = client
        self._policy = policy
        self._used: str | None = None

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """Return the request with the kept or a fetched token."""
        self._used = await self._tokens.token(self._policy, self._client)
        return outgoing.with_header("Authorization", f"Bearer {self._used}")

    async def sign_again(self, outgoing: Outgoing, answer: Answer) -> Outgoing | None:  # noqa: ARG002 -- the protocol's
        """Return the request with another token than the one that was refused."""
        self._used = await self._tokens.token(self._policy, self._client, instead_of=self._used)
        return outgoing.with_header("Authorization", f"Bearer {self._used}")


async def _endpoint(policy: GrantPolicy, client: HttpClient) -> tuple[str, tuple[str, ...]]:
    if policy.scheme == "oidc":
        return await _discovered(policy, client), policy.issuers
    path = policy.token_path
    if path.startswith(("http://", "https://")):
        return path, policy.issuers
    return f"{policy.authority}/{path.lstrip('/')}", policy.issuers


async def _discovered(policy: GrantPolicy, client: HttpClient) -> str:
    authority = policy.authority.removesuffix(_WELL_KNOWN).rstrip("/")
    where = authority + _WELL_KNOWN
    answer = await client.send(
        Outgoing(method="GET", url=parsed_url(where), headers=(("Accept", "application/json"),))
    )
    found = _json_object(answer)
    issuer, endpoint = found.get("issuer"), found.get("token_endpoint")
    known = policy.issuers or (authority,)
    if str(issuer).rstrip("/") not in {name.rstrip("/") for name in known}:
        raise _refused(where, f"names the issuer {issuer!r}, expected {' or '.join(known)}")
    if not isinstance(endpoint, str):
        raise _refused(where, "names no token_endpoint")
    return endpoint


async def _answer(request: Outgoing, client: HttpClient) -> Answer:
    answer = await client.send(request, also_accept=_ALL_ERRORS)
    # 400, 401 and 403 are the protocol's own refusals and are read; the rest are faults of the
    # network, with their status, so that a retry policy may tell them apart. Their body is not
    # shown: it may repeat the request, and the request is all credentials.
    if answer.status in _OAUTH_REFUSALS or answer.status == HTTPStatus.OK:
        return answer
    raise Fault(
        "communication",
        answer.status,
        "Token endpoint failed",
        f"{described(request)} answered {answer.status}",
    )


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise _refused(str(answer.request.url), "did not answer with a JSON object") from None


def _refused(where: str, what: str) -> Fault:
    return Fault("authentication", 401, "Authentication failed", f"{where} {what}")
