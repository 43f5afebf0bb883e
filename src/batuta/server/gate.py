"""The gate: what every request passes before anything reads it.

Owns who is let in (nobody without credentials, but to the few open places), the token against
forged requests that a cookie needs, how often somebody may ask, how large a body may be, and the
headers of every answer. A
plain ASGI layer, since it is on the path of every start and publish.
"""

from __future__ import annotations

import hmac
import time
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from batuta.server.credentials import COOKIE
from batuta.server.limits import GUESSES, GUESSES_PER_S, Limit
from batuta.server.problems import PLACE, Refused, answer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from batuta.server.access import Principal
    from batuta.server.credentials import Credentials

PRINCIPAL = "batuta.principal"
UNKNOWN = 401
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({("GET", "/"), ("HEAD", "/"), ("POST", "/api/v1/session"), ("GET", "/livez")})
SIGNED_BELOW = "/api/v1/hooks/"
"""Places that know who is sending by a signature of the body, and refuse everybody else."""
OPEN_BELOW = ("/assets/", "/auth/", PLACE)
"""The page's files, logging in, and what errors mean, which says nothing of what is here."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
READ = {
    name.encode(): name for name in ("authorization", "cookie", "x-csrf-token", "content-length")
}
"""The headers of a request that the gate looks at."""
UNCACHED = (b"cache-control", b"no-store")


class Gate:
    """Lets requests through to an application, or answers them."""

    def __init__(
        self,
        application: ASGIApp,
        credentials: Credentials,
        *,
        most_bytes: int,
        rate: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            application: what is behind.
            credentials: knows who is asking.
            most_bytes: of a body.
            rate: requests a second that everybody may make, twice as many at once; 0 for any.
            clock: seconds, never going back.
        """
        self._application = application
        self._credentials = credentials
        self._most_bytes = most_bytes
        self._requests = Limit(rate, 2 * rate, clock)
        self._guesses = Limit(GUESSES_PER_S, GUESSES, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = _read(scope)
        sending, sender = _with_headers(scope, send), _address(scope)
        try:
            who = scope[PRINCIPAL] = await self._admitted(scope, headers, sender)
            if who is None:
                stop = _too_often(self._guesses.waits(sender))
            else:
                stop = _too_often(self._requests.take(who.name))
            if stop is not None:
                raise stop
            receive = self._limited(headers, receive)
            await self._application(scope, receive, self._counting(sender, sending))
        except Refused as refused:
            given = refused
            if refused.status_code == UNKNOWN and headers.get("authorization"):
                given = _too_often(self._guesses.take(sender)) or refused
            await answer_of(given)(scope, receive, sending)

    def _counting(self, sender: str, send: Send) -> Send:
        """Return what sends an answer, and counts a guess that was wrong."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == UNKNOWN:
                self._guesses.take(sender)
            await send(message)

        return counting

    async def _admitted(
        self, scope: Scope, headers: Mapping[str, str], sender: str
    ) -> Principal | None:
        """Return who is asking; None only in open places."""
        who = await self._who(headers, sender)
        if who is None:
            if is_open(scope["method"], scope["path"]) or scope["path"].startswith(SIGNED_BELOW):
                return None
            raise Refused(
                401,
                "credentials",
                "Who is asking?",
                "there are no credentials, or none that are known here",
                hint="send `Authorization: Bearer TOKEN`; `batuta up` prints the page with it",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if who.csrf is not None and scope["method"] not in SAFE:
            given = headers.get("x-csrf-token", "")
            if not hmac.compare_digest(given.encode(), who.csrf.encode()):
                if is_open(scope["method"], scope["path"]):
                    return None
                raise Refused(
                    403,
                    "csrf",
                    "Forged?",
                    "a change that is asked for with a cookie has to repeat the session's token",
                    hint="send `X-CSRF-Token` with what `GET /api/v1/session` tells",
                )
        return who

    async def _who(self, headers: Mapping[str, str], sender: str) -> Principal | None:
        authorization = headers.get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        if authorization:
            if scheme.lower() != "bearer":
                return None
            token = token.strip()
            # To verify a key takes memory and time on purpose: not for who has guessed too often.
            stop = _too_often(self._guesses.waits(sender))
            if stop is not None and not self._credentials.knows(token):
                raise stop
            return await self._credentials.of_token(token)
        cookie = _cookie(headers.get("cookie", ""))
        return None if cookie is None else self._credentials.of_session(cookie)

    def _limited(self, headers: Mapping[str, str], receive: Receive) -> Receive:
        """Return a source of a body that is not longer than allowed."""
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > self._most_bytes:
            raise self._too_large()
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most_bytes:
                raise self._too_large()
            return message

        return limited

    def _too_large(self) -> Refused:
        return Refused(
            413,
            "too-large",
            "Too large",
            f"a body may have {self._most_bytes} bytes",
            hint="keep large data elsewhere and pass its address",
        )


def _read(scope: Scope) -> dict[str, str]:
    """Return those headers of a request that decide here; of several of a name the first."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in READ:
            found.setdefault(READ[name], value.decode("latin-1"))
    return found


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _too_often(seconds: int) -> Refused | None:
    """Return what refuses whoever has to wait so long."""
    if not seconds:
        return None
    return Refused(
        429,
        "too-often",
        "Too many requests",
        f"this is asked for too often; go on in {seconds} s",
        hint="wait as long as `Retry-After` says, and ask less often",
        headers={"Retry-After": str(seconds)},
    )


def is_open(method: str, path: str) -> bool:
    """Say whether a place is open to everybody."""
    return (method, path) in OPEN or (method in SAFE and path.startswith(OPEN_BELOW))


def _cookie(header: str) -> str | None:
    if COOKIE not in header:
        return None
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _with_headers(scope: Scope, send: Send) -> Send:
    cached = scope["path"].startswith("/assets/")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message.get("headers", ())}
            added = HEADERS if cached or UNCACHED[0] in given else [*HEADERS, UNCACHED]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sending
