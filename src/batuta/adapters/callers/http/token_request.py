"""Token requests: a policy's grant as an HTTP request, pure.

Owns the parameters of each grant, the ways a client authenticates itself, and both encodings.

Sources: RFC 6749 (grants, client_secret_basic and _post), RFC 8693 (token exchange), RFC 7523
(assertions), OpenID Connect Core 1.0 section 9 (client_secret_jwt, private_key_jwt).

What the DSL leaves open, decided here: the refresh token of the grant `refresh_token` is
`subject.token`; several audiences are repeated parameters (a list in JSON); `private_key_jwt` sends
the `client.assertion` that the policy holds, as the DSL has no property for a key.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from batuta.adapters.callers.http.exchange import Outgoing, parsed_url
from batuta.adapters.callers.http.policy_properties import basic, optional, required, texts
from batuta.ports.caller import Fault

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 -- a grant's name
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME_S = 60
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


def token_request(
    endpoint: str,
    scheme: str,
    properties: dict[str, Any],
    now: float,
    refresh_token: str | None = None,
) -> Outgoing:
    """Return the request that fetches a token.

    Args:
        endpoint: absolute URL of the token endpoint.
        scheme: `oauth2` or `oidc`, for complaints.
        properties: the policy's properties, revealed.
        now: epoch seconds, for a signed assertion.
        refresh_token: a rotated refresh token that replaces the policy's own.

    Raises:
        Fault: `configuration` 400 when the policy lacks what its grant needs.
    """
    parameters = _grant(scheme, properties, refresh_token)
    headers = [("Accept", _JSON)]
    identity = _ClientIdentity(scheme, properties)
    parameters |= identity.parameters(endpoint, now)
    headers += identity.headers()
    encoding = optional(properties, "request", "encoding") or _FORM
    if encoding == _JSON:
        body = msgspec.json.encode(
            {name: values[0] if len(values) == 1 else values for name, values in parameters.items()}
        )
    elif encoding == _FORM:
        body = urlencode(parameters, doseq=True).encode()
    else:
        raise _incomplete(scheme, f"request.encoding {encoding!r} is neither {_FORM} nor {_JSON}")
    return Outgoing(
        method="POST",
        url=parsed_url(endpoint),
        headers=(*headers, ("Content-Type", encoding)),
        body=body,
        private_body=True,
    )


def _grant(
    scheme: str, properties: dict[str, Any], refresh_token: str | None
) -> dict[str, list[str]]:
    grant = required(scheme, properties, "grant")
    parameters: dict[str, list[str]] = {"grant_type": [grant]}
    match grant:
        case "client_credentials":
            pass
        case "password":
            parameters["username"] = [required(scheme, properties, "username")]
            parameters["password"] = [required(scheme, properties, "password")]
        case "refresh_token":
            token = refresh_token or optional(properties, "subject", "token")
            if token is None:
                raise _incomplete(scheme, "the grant refresh_token needs subject.token")
            parameters["refresh_token"] = [token]
        case _ if grant == TOKEN_EXCHANGE:
            _exchange(scheme, properties, parameters)
        case _:
            raise _incomplete(scheme, f"the grant {grant!r} is unknown")
    scopes = texts(properties, "scopes")
    if scopes:
        parameters["scope"] = [" ".join(scopes)]
    audiences = texts(properties, "audiences")
    if audiences:
        parameters["audience"] = list(audiences)
    return parameters


def _exchange(scheme: str, properties: dict[str, Any], parameters: dict[str, list[str]]) -> None:
    for role in ("subject", "actor"):
        token, kind = optional(properties, role, "token"), optional(properties, role, "type")
        if token is not None and kind is not None:
            parameters[f"{role}_token"] = [token]
            parameters[f"{role}_token_type"] = [kind]
        elif role == "subject" or token is not None:
            raise _incomplete(scheme, f"token exchange needs {role}.token and {role}.type")


class _ClientIdentity:
    """How the client proves who it is: by parameters, by a header, or not at all."""

    def __init__(self, scheme: str, properties: dict[str, Any]) -> None:
        self._scheme = scheme
        self._method = optional(properties, "client", "authentication") or "client_secret_post"
        self._properties = properties

    def headers(self) -> list[tuple[str, str]]:
        if self._method != "client_secret_basic":
            return []
        # RFC 6749, section 2.3.1: both are form-encoded first.
        pair = basic(quote_plus(self._needed("id")), quote_plus(self._needed("secret")))
        return [("Authorization", pair)]

    def parameters(self, endpoint: str, now: float) -> dict[str, list[str]]:
        match self._method:
            case "none":
                client_id = optional(self._properties, "client", "id")
                return {} if client_id is None else {"client_id": [client_id]}
            case "client_secret_basic":
                return {}
            case "client_secret_post":
                return {
                    "client_id": [self._needed("id")],
                    "client_secret": [self._needed("secret")],
                }
            case "private_key_jwt":
                return self._asserted(self._needed("assertion"))
            case "client_secret_jwt":
                client_id, secret = self._needed("id"), self._needed("secret")
                return self._asserted(_signed_assertion(client_id, secret, endpoint, now))
            case _:
                raise _incomplete(
                    self._scheme, f"client authentication {self._method!r} is unknown"
                )

    def _asserted(self, assertion: str) -> dict[str, list[str]]:
        return {
            "client_id": [self._needed("id")],
            "client_assertion_type": [_JWT_BEARER],
            "client_assertion": [assertion],
        }

    def _needed(self, name: str) -> str:
        value = optional(self._properties, "client", name)
        if value is None:
            raise _incomplete(
                self._scheme, f"client authentication {self._method} needs client.{name}"
            )
        return value


def _signed_assertion(client_id: str, secret: str, audience: str, now: float) -> str:
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + _ASSERTION_LIFETIME_S,
    }
    signed = f"{_base64url(msgspec.json.encode(header))}.{_base64url(msgspec.json.encode(claims))}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _incomplete(scheme: str, what: str) -> Fault:
    return Fault("configuration", 400, "Incomplete authentication policy", f"{scheme}: {what}")
