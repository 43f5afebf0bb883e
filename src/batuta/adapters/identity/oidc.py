"""Logins by OpenID Connect. The contract is `batuta.ports.identity.IdentityProvider`.

Source: OpenID Connect Core 1.0, sections 3.1 and 3.1.3.7; Discovery 1.0, section 4; RFC 7636.
What the provider says about itself is asked once, its keys again whenever it signs with one that is
not known.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx2
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from batuta.errors import RequestError, UnavailableError
from batuta.ports.identity import Login

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 10.0
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by keys that the provider alone has; none that a shared secret would make."""


class OidcProvider:
    """One provider, as which we are registered under a client id."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        secret: Callable[[], str | None],
        *,
        scope: str,
        now: Callable[[], float],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            issuer: the provider's address, as its tokens name it.
            client_id: ours, as it knows us.
            secret: gives what proves that to it, None for a public client.
            scope: what we ask for; `openid` has to be among it.
            now: the time in seconds.
            transport: replaces the network, for tests.
        """
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._scope = scope
        self._now = now
        self._transport = transport
        self._about: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    async def begin(self, back: str) -> Login:
        """Begin a login. See the port."""
        about = await self._discovered()
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        login = Login("", state, nonce, secrets.token_urlsafe(48))
        address = prepare_grant_uri(
            about["authorization_endpoint"],
            client_id=self._client_id,
            response_type="code",
            redirect_uri=back,
            scope=self._scope,
            state=login.state,
            nonce=login.nonce,
            code_challenge=create_s256_code_challenge(login.verifier),
            code_challenge_method="S256",
        )
        return login._replace(address=address)

    async def finish(self, login: Login, code: str, back: str) -> dict[str, Any]:
        """Exchange a code for claims. See the port."""
        about = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client_id,
            "code_verifier": login.verifier,
        }
        secret = self._secret()
        if secret is not None:
            form["client_secret"] = secret
        answer = await self._asked("POST", about["token_endpoint"], data=form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise RequestError(
                f"{self._issuer} refuses the login: {answer.get('error', 'no id_token')}",
                hint="begin again",
            )
        return await self._claims(token, login.nonce, answer.get("access_token"))

    async def _claims(self, token: str, nonce: str, access: Any) -> dict[str, Any]:
        """Return the claims of a token that is signed for us, now, and for this login."""
        try:
            try:
                decoded = jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                # It may sign with a new key.
                self._keys = None
                decoded = jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": access},
            )
            claims.validate(now=int(self._now()), leeway=LEEWAY_S)
        except (JoseError, ValueError) as error:
            raise RequestError(
                f"the token of {self._issuer} is not good for this login: {error}",
                hint="begin again; see that this machine's time is right",
            ) from error
        return dict(claims)

    async def _known_keys(self) -> KeySet:
        if self._keys is None:
            about = await self._discovered()
            told = await self._asked("GET", about["jwks_uri"])
            self._keys = KeySet.import_key_set(told)  # pyright: ignore[reportArgumentType] -- it checks
        return self._keys

    async def _discovered(self) -> dict[str, Any]:
        if self._about is None:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            about = await self._asked("GET", address)
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if about.get("issuer") != self._issuer or any(name not in about for name in wanted):
                raise UnavailableError(
                    f"{address} does not describe {self._issuer}",
                    hint="`server.oidc.issuer` has to be what the provider calls itself",
                )
            self._about = about
        return self._about

    async def _asked(self, method: str, address: str, **what: Any) -> dict[str, Any]:
        """Return the JSON object that the provider answers with."""
        try:
            async with httpx2.AsyncClient(
                timeout=TIMEOUT_S, transport=self._transport, trust_env=False
            ) as client:
                answer = await client.request(method, address, **what)
                told = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise UnavailableError(
                f"{address} cannot be asked: {error!r}", hint="try again; is the provider up?"
            ) from error
        if not isinstance(told, dict):
            raise UnavailableError(f"{address} does not answer with a JSON object")
        return told
