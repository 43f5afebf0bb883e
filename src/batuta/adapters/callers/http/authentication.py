"""Authentication policies: from what a workflow says to signed requests.

Owns basic, bearer and digest, and the choice of the policy's properties: inline ones, whose secret
placeholders are revealed here, or those of a named secret. Tokens are `oauth2`'s. Credentials live
as long as one call; only tokens are kept longer, by `TokenStore`.

A secret that holds a policy is an object with the policy's properties. Two shorthands: a string is
the token of a bearer policy, and a string that is a JSON object is that object.

Source: dsl-reference.md, "Authentication"; RFC 7617 (basic), RFC 6750 (bearer), RFC 7616 (digest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from batuta.adapters.callers.http.exchange import Anonymous, Answer, Credentials, Outgoing
from batuta.adapters.callers.http.oauth2 import GrantPolicy, TokenCredentials, TokenStore
from batuta.adapters.callers.http.policy_properties import basic, required
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from batuta.adapters.callers.http.sending import HttpClient
    from batuta.ports.caller import SecretSource


class Authenticator:
    """Makes credentials from policies; one is shared, because it holds the tokens."""

    def __init__(self, client: HttpClient, tokens: TokenStore, secrets: SecretSource) -> None:
        self._client = client
        self._tokens = tokens
        self._secrets = secrets

    def credentials(self, policy: dict[str, Any] | None, values: Any = None) -> Credentials:
        """Return what signs requests under `policy`.

        Args:
            policy: as in `Call.authentication`.
            values: the task's input, for the URI templates of an OAuth2 policy.

        Raises:
            Fault: `configuration` 400 for a policy that lacks something, `authorization` 403 for an
                unknown secret.
        """
        if policy is None:
            return Anonymous()
        scheme = str(policy.get("scheme"))
        properties = self._properties(scheme, policy)
        match scheme:
            case "basic":
                return _SignedHeader(basic(*_user_and_password(scheme, properties)))
            case "bearer":
                return _SignedHeader(f"Bearer {required(scheme, properties, 'token')}")
            case "digest":
                return _Digest(*_user_and_password(scheme, properties))
            case "oauth2" | "oidc":
                grant = GrantPolicy.from_properties(scheme, properties, values)
                return TokenCredentials(self._tokens, grant, self._client)
            case _:
                raise Fault(
                    "configuration",
                    400,
                    "Unknown authentication scheme",
                    f"{scheme!r} is none of basic, bearer, digest, oauth2, oidc",
                )

    def _properties(self, scheme: str, policy: dict[str, Any]) -> dict[str, Any]:
        name = policy.get("secret")
        if name is None:
            return self._secrets.reveal(policy.get("properties") or {})
        held = self._secrets.get(name)
        if isinstance(held, str):
            held = _object_in(held) or ({"token": held} if scheme == "bearer" else None)
        if not isinstance(held, dict):
            raise Fault(
                "configuration",
                400,
                "Unusable secret",
                f"the secret {name!r} does not hold the properties of a {scheme} policy",
            )
        return held


def _user_and_password(scheme: str, properties: dict[str, Any]) -> tuple[str, str]:
    return required(scheme, properties, "username"), required(scheme, properties, "password")


def _object_in(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return None


class _SignedHeader:
    """Credentials that are the same `Authorization` header every time."""

    def __init__(self, header: str) -> None:
        self._header = header

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        return outgoing.with_header("Authorization", self._header)

    async def sign_again(self, outgoing: Outgoing, answer: Answer) -> Outgoing | None:  # noqa: ARG002 -- the protocol's
        return None


class _Digest:
    """Answers the challenge of a 401; the first request of a call goes without credentials."""

    def __init__(self, username: str, password: str) -> None:
        self._auth = httpx2.DigestAuth(username, password)

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        return outgoing

    async def sign_again(self, outgoing: Outgoing, answer: Answer) -> Outgoing | None:
        # The library computes digests but would read a challenge's body without a limit, so its
        # flow is driven by hand, on an answer that was read within ours.
        request = httpx2.Request(outgoing.method, outgoing.url)
        challenge = httpx2.Response(answer.status, headers=answer.headers, request=request)
        flow = self._auth.auth_flow(request)
        try:
            next(flow)
            signed = flow.send(challenge)
        except StopIteration:
            return None
        except (httpx2.ProtocolError, NotImplementedError, ValueError) as error:
            raise Fault(
                "authentication",
                401,
                "Unusable digest challenge",
                f"{outgoing.method} {outgoing.url}: {error}",
            ) from error
        return outgoing.with_header("Authorization", signed.headers["authorization"])
