"""The values of an exchange: a request to send, its answer, and who signs it.

Owns their shape and what makes a URL callable. Sending is `sending`'s.
"""

from __future__ import annotations

from typing import Protocol

import httpx2
import msgspec

from batuta.ports.caller import Fault

DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A request, ready to be sent: absolute URL without user info, encoded body."""

    method: str
    url: httpx2.URL
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    private_headers: frozenset[str] = frozenset()
    """Lower-case names of headers whose value holds a secret."""
    private_body: bool = False

    def with_header(self, name: str, value: str) -> Outgoing:
        """Return a copy in which `name` has this one value."""
        return msgspec.structs.replace(
            self, headers=(*self._headers_without({name.lower()}), (name, value))
        )

    def without_headers(self, names: set[str] | frozenset[str]) -> Outgoing:
        """Return a copy without the headers of these lower-case names."""
        return msgspec.structs.replace(self, headers=self._headers_without(names))

    def _headers_without(self, names: set[str] | frozenset[str]) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in self.headers if pair[0].lower() not in names)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer, and the request (of the last hop) that it answers."""

    request: Outgoing
    status: int
    headers: httpx2.Headers
    body: bytes


class Credentials(Protocol):
    """Signs requests to one origin, and may sign once more after a 401."""

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """Return the request with its credentials."""
        ...

    async def sign_again(self, outgoing: Outgoing, answer: Answer) -> Outgoing | None:
        """Return the request with new credentials after a 401, or None when there are none."""
        ...


class Anonymous:
    """The credentials of a call without authentication."""

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """Return the request as it is."""
        return outgoing

    async def sign_again(self, outgoing: Outgoing, answer: Answer) -> Outgoing | None:  # noqa: ARG002 -- the protocol's
        """Return None: there is nothing to sign with."""
        return None


def parsed_url(text: str) -> httpx2.URL:
    """Return `text` as an absolute HTTP URL, without its fragment and user info.

    Raises:
        Fault: `configuration` 400 when it is none.
    """
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise Fault("configuration", 400, "Invalid URL", f"{text!r}: {error}") from error
    if url.scheme not in DEFAULT_PORTS:
        raise Fault(
            "configuration",
            400,
            "Invalid URL",
            f"{text!r} has the scheme {url.scheme or 'none'!r}; only http and https can be called",
        )
    port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
    if not url.host or not 0 < port <= _HIGHEST_PORT:
        raise Fault("configuration", 400, "Invalid URL", f"{text!r} has no valid host and port")
    return url.copy_with(fragment=None, username=None, password=None)


def described(outgoing: Outgoing) -> str:
    """Return method and URL, as faults show them."""
    return f"{outgoing.method} {outgoing.url}"
