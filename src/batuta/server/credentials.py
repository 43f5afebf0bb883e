"""How somebody proves who they are: the local token, API keys, and sessions made of either.

Owns the file of the local token and what a session's cookie holds. A session needs no place to be
kept: its cookie says whose it is and until when, signed with a key made of the local token, so it
outlives a restart and ends with the token, or with the key that it goes back to. Does not own what
somebody may do (`access`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import msgspec

from batuta.errors import UnavailableError
from batuta.server.access import ADMIN, Principal

if TYPE_CHECKING:
    from pathlib import Path

    from batuta.ports.clock import Clock
    from batuta.server.keys import Keys

COOKIE = "batuta_session"
SESSION_MS = 12 * 3_600_000
LOCAL = "local"


def local_token(path: Path) -> str:
    """Return the token in a file that only its owner may read; made when there is none.

    Raises:
        UnavailableError: the file cannot be read or written, or is not its owner's alone.
    """
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.stat().st_mode & 0o077:
                raise UnavailableError(
                    f"{path} can be read by others", hint=f"chmod 600 {path}, or delete it"
                ) from None
            return path.read_text("ascii").strip()
        with os.fdopen(descriptor, "w") as file:
            token = secrets.token_urlsafe(32)
            file.write(f"{token}\n")
            return token
    except OSError as error:
        raise UnavailableError(f"the token at {path} cannot be used: {error.strerror}") from error


class _Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a session's cookie says. `until` is in epoch milliseconds."""

    name: str
    role: str
    namespaces: tuple[str, ...]
    until: int
    nonce: str
    by: str
    key: str = ""
    grants: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Ticket).decode


class Credentials:
    """Knows people by what they send."""

    def __init__(self, token: str, keys: Keys, clock: Clock) -> None:
        self._token = token.encode()
        self._keys = keys
        self._key = hashlib.sha256(b"batuta session\n" + self._token).digest()
        self._clock = clock

    def knows(self, token: str) -> bool:
        """Say whether a token was good before, so that it costs little to look at it again."""
        return hmac.compare_digest(token.encode(), self._token) or self._keys.knows(token)

    def admits(self, who: Principal) -> bool:
        """Say whether somebody who was let in still would be."""
        if who.until is not None and who.until <= self._clock.now():
            return False
        return not who.key or self._keys.valid(who.key) is not None

    async def of_token(self, token: str) -> Principal | None:
        """Return whose token this is."""
        if hmac.compare_digest(token.encode(), self._token):
            return Principal(LOCAL, ADMIN)
        return await self._keys.owner(token)

    def of_session(self, cookie: str) -> Principal | None:
        """Return whose session a cookie is, None when it is none (any more)."""
        content = self.opened("ticket", cookie)
        if content is None:
            return None
        ticket = _decode(content)
        who = Principal(
            name=ticket.name,
            role=ticket.role,
            namespaces=ticket.namespaces,
            by=ticket.by,
            csrf=self._signed("csrf", cookie.partition(".")[0]),
            key=ticket.key,
            until=ticket.until,
            grants=ticket.grants,
        )
        return who if self.admits(who) else None

    def session_for(self, who: Principal) -> str:
        """Return the cookie of a new session."""
        until = self._clock.now() + SESSION_MS
        ticket = _Ticket(
            name=who.name,
            role=who.role,
            namespaces=who.namespaces,
            until=until,
            nonce=secrets.token_urlsafe(12),
            by=who.by,
            key=who.key,
            grants=who.grants,
        )
        return self.sealed("ticket", _encode(ticket))

    def sealed(self, what: str, content: bytes) -> str:
        """Return content as a cookie that nobody else can make."""
        body = urlsafe_b64encode(content).decode()
        return f"{body}.{self._signed(what, body)}"

    def opened(self, what: str, cookie: str) -> bytes | None:
        """Return the content of a sealed cookie, None when it is none."""
        body, _, signature = cookie.partition(".")
        wanted = self._signed(what, body).encode()
        if not hmac.compare_digest(wanted, signature.encode("utf-8", "surrogateescape")):
            return None
        return urlsafe_b64decode(body)

    def _signed(self, what: str, body: str) -> str:
        text = f"{what}\n{body}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
