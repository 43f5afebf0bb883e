"""Keeping secrets and credentials out of what a call returns.

Owns what is removed from results and faults: the values of secrets (which the `SecretSource`
knows), in plain and in percent-encoded form, and the credentials that a request was signed with,
which no secret store knows: a base64 pair, a digest, a token fetched a moment ago. A server that
echoes its request must not turn them into workflow data, because that is journalled.

Does not own the store of secrets, and cannot see a secret that a server encoded in its own way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.ports.caller import SecretSource

CREDENTIAL_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie"))
MASK = "[redacted]"

_BETWEEN_DELIMITERS = re.compile(
    r"[^\s/?&=#;,:@\"'<>{}\[\]]*%[0-9A-Fa-f]{2}[^\s/?&=#;,:@\"'<>{}\[\]]*"
)
# Shorter ones would match by chance, and nobody is kept out by them.
_SHORTEST_CREDENTIAL = 6


def credentials_in(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the credentials, without their scheme, that these request headers carry."""
    values = [value for name, value in headers if name.lower() in CREDENTIAL_HEADERS]
    found = [value.partition(" ")[2] or value for value in values]
    return tuple(value for value in found if len(value) >= _SHORTEST_CREDENTIAL)


def masked(value: Any, credentials: tuple[str, ...]) -> Any:
    """Return JSON data with every occurrence of a credential in its strings masked."""
    if not credentials:
        return value

    def mask(text: str) -> str:
        for credential in credentials:
            text = text.replace(credential, MASK)
        return text

    return _mapped(value, mask)


class Redactor:
    """Removes secrets, and the credentials of one exchange, from what leaves the call."""

    def __init__(self, secrets: SecretSource, credentials: tuple[str, ...] = ()) -> None:
        self._secrets = secrets
        self._credentials = credentials

    def value(self, value: Any) -> Any:
        """Return JSON data without secrets and credentials."""
        plain = self._secrets.redact(masked(value, self._credentials))
        return _mapped(plain, self._percent_decoded)

    def content(self, content: bytes) -> bytes:
        """Return a body without secrets and credentials; it is still what it was otherwise."""
        text = content.decode("utf-8", "surrogateescape")
        return self._secrets.redact(masked(text, self._credentials)).encode(
            "utf-8", "surrogateescape"
        )

    def _percent_decoded(self, text: str) -> str:
        if "%" not in text:
            return text
        return _BETWEEN_DELIMITERS.sub(lambda match: self._part(match.group()), text)

    def _part(self, part: str) -> str:
        for decoded in (unquote(part), unquote_plus(part)):
            redacted = self._secrets.redact(decoded)
            if redacted != decoded:
                return redacted
        return part


def _mapped(value: Any, change: Any) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_mapped(item, change) for item in value]
        case dict():
            return {change(key): _mapped(item, change) for key, item in value.items()}
        case _:
            return value
