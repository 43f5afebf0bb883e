"""Token answers: what a token endpoint said, checked, pure.

Owns the reading of RFC 6749 sections 5.1 and 5.2, and the issuer check. A complaint never shows the
answer: it may hold a token.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from batuta.adapters.callers.http.exchange import Answer

# RFC 6749 only recommends expires_in. Not long: a token that ended early costs one 401.
_ASSUMED_LIFETIME_S = 300.0
_ERROR_CODE = re.compile(r"[a-z0-9_.:/-]{1,80}", re.IGNORECASE)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An access token, the seconds it lives, and the refresh token that came with it."""

    access_token: str
    lifetime_s: float
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Token(...)"


def read_token(answer: Answer, endpoint: str, issuers: tuple[str, ...]) -> Token:
    """Return the token in a token endpoint's answer.

    Raises:
        Fault: `authentication` 401 for a refusal (with its OAuth error code), for an answer that
            is none, and for a token of an issuer that is not listed.
    """
    try:
        found: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        found = {}
    if answer.status != HTTPStatus.OK or "error" in found:
        raise _failed(f"{endpoint} answered {answer.status}: {_error_code(found)}")
    token = found.get("access_token")
    if not isinstance(token, str) or not token:
        raise _failed(f"{endpoint} answered without an access_token")
    kind = found.get("token_type", "Bearer")
    # N_A is what RFC 8693 section 2.2.1 calls a token that is no access token.
    if str(kind).lower() not in ("bearer", "n_a"):
        raise _failed(f"{endpoint} issued a token of type {kind!r}; only bearer tokens can be used")
    if issuers:
        _check_issuer(found, endpoint, issuers)
    refresh = found.get("refresh_token")
    return Token(
        access_token=token,
        lifetime_s=_lifetime(found.get("expires_in")),
        refresh_token=refresh if isinstance(refresh, str) else None,
    )


def _check_issuer(found: dict[str, Any], endpoint: str, issuers: tuple[str, ...]) -> None:
    candidates = (_issuer(found.get("access_token")), _issuer(found.get("id_token")))
    named = [issuer for issuer in candidates if issuer is not None]
    if not named:
        raise _failed(
            f"{endpoint} issued an opaque token, whose issuer cannot be checked; "
            "remove 'issuers' from the policy to accept it"
        )
    accepted = {issuer.rstrip("/") for issuer in issuers}
    for issuer in named:
        if issuer.rstrip("/") not in accepted:
            raise _failed(f"{endpoint} issued a token of {issuer!r}, which 'issuers' does not list")


def _issuer(token: Any) -> str | None:
    if not isinstance(token, str) or token.count(".") != 2:  # noqa: PLR2004 -- a JWT has three parts
        return None
    claims = token.split(".")[1]
    try:
        decoded = urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
        issuer = msgspec.json.decode(decoded, type=dict[str, Any]).get("iss")
    except (ValueError, RecursionError):
        return None
    return issuer if isinstance(issuer, str) else None


def _lifetime(expires_in: Any) -> float:
    try:
        return max(0.0, float(expires_in))
    except (TypeError, ValueError):
        return _ASSUMED_LIFETIME_S


def _error_code(found: dict[str, Any]) -> str:
    code = found.get("error")
    if isinstance(code, str) and _ERROR_CODE.fullmatch(code):
        return code
    return "no OAuth error code"


def _failed(detail: str) -> Fault:
    return Fault("authentication", 401, "Authentication failed", detail)
