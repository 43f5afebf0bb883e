"""Sending: one request out, one bounded answer in, every failure a fault.

Owns the connection pool, the limits (time, size, redirects), the redirect rule, and the naming of
everything that can go wrong on the way. Does not own what a task's arguments mean (`caller`), who
the request is signed by (`authentication`) or what becomes of the answer (`answers`).

Rules:

* Redirects. `redirect: false` (the DSL's default) accepts 200-299 only and follows nothing.
  `redirect: true` accepts 200-399 and follows 301, 302, 303, 307 and 308 with a `Location`, at most
  `Limits.redirects` times. The DSL says which statuses are errors and leaves open whether they are
  followed; a redirect that is accepted but not followed would be of no use. A hop to another origin
  loses the credentials, the cookies and every header that carries a secret, and a body that carries
  one is not sent there at all. Each hop connects by itself, so the address policy sees it again.
* Time. One deadline covers name look-up, connection, redirects, authentication and the last byte
  of the body.
* Size. Bytes are counted as they arrive, before and after decompression.
* Nothing is shared between calls but connections: no cookies, no credentials, no proxy variables.
* Nothing is repeated here. A request that failed may have had its effect; repeating is the
  workflow's decision, and the `Idempotency-Key` is what makes it safe.

Texts of faults may hold secrets at this level; whoever raises them to a workflow redacts them.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
import msgspec

from batuta.adapters.callers.http.address_policy import Allow
from batuta.adapters.callers.http.exchange import (
    Anonymous,
    Answer,
    Credentials,
    Outgoing,
    described,
)
from batuta.adapters.callers.http.failures import fault_of
from batuta.adapters.callers.http.network import CheckedTransport
from batuta.adapters.callers.http.redaction import credentials_in, masked
from batuta.adapters.callers.http.redirects import for_another_origin, next_hop, same_origin
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

_BODY_SHOWN = 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one call may take: seconds, bytes of decoded body, redirects followed."""

    total_s: float = 30.0
    connect_s: float = 10.0
    body_bytes: int = 8 * 1024 * 1024
    redirects: int = 5


class HttpClient:
    """A connection pool with limits; one is shared by everything that speaks HTTP.

    Args:
        allow: which addresses may be reached.
        limits: what one call may take.
        transport: replaces the network, for instance `httpx2.MockTransport`; the address policy
            then has nothing to check, as nothing is connected.
        now: epoch seconds, for deadlines.
    """

    def __init__(
        self,
        *,
        allow: Allow | None = None,
        limits: Limits | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or Limits()
        self._transport = transport or CheckedTransport(allow or Allow.local())
        self._now = now

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    @asynccontextmanager
    async def deadline(self, deadline_ms: int | None, about: str) -> AsyncGenerator[None]:
        """Bound what happens inside by the total limit and by `deadline_ms` (epoch milliseconds).

        Raises:
            Fault: `timeout` 408 when the time is up; `about` says what was under way.
        """
        allowed_s = self.limits.total_s
        if deadline_ms is not None:
            allowed_s = min(allowed_s, deadline_ms / 1000 - self._now())
        # A deadline in the past makes asyncio cancel at the first await: nothing would be sent, but
        # not surely so; this is.
        if allowed_s <= 0:
            raise Fault("timeout", 408, "Request timeout", f"no time was left for {about}")
        try:
            async with asyncio.timeout(allowed_s):
                yield
        except TimeoutError as error:
            raise Fault(
                "timeout", 408, "Request timeout", f"{about} did not end within {allowed_s:.3g} s"
            ) from error

    async def send(
        self,
        outgoing: Outgoing,
        *,
        credentials: Credentials | None = None,
        redirect: bool = False,
        also_accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Send a request and return its accepted answer.

        Must run inside `deadline`, which is what bounds its time.

        Args:
            outgoing: the request.
            credentials: who signs it; only for the origin it is sent to first.
            redirect: the DSL's `redirect`.
            also_accept: further statuses that are no errors.

        Raises:
            Fault: `communication` with the answer's status when it is not accepted; `communication`
                500, `timeout` 408 or `configuration` 400 when there is no answer.
        """
        signer: Credentials = credentials or Anonymous()
        status = 0
        for _ in range(self.limits.redirects + 1):
            answer = await self._exchange_signed(outgoing, signer, redirect, also_accept)
            # The next hop starts from the unsigned request: what signed this one is not for that.
            following = next_hop(outgoing, answer) if redirect else None
            if following is None:
                return answer
            if not same_origin(outgoing.url, following.url):
                following = for_another_origin(outgoing, following)
                signer = Anonymous()
            outgoing, status = following, answer.status
        raise Fault(
            "communication",
            status,
            "Too many redirects",
            f"{described(outgoing)} is redirect number {self.limits.redirects + 1}",
        )

    async def _exchange_signed(
        self, outgoing: Outgoing, signer: Credentials, redirect: bool, also_accept: frozenset[int]
    ) -> Answer:
        answer = await self._exchange(await signer.sign(outgoing), also_accept)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            again = await signer.sign_again(outgoing, answer)
            if again is not None:
                answer = await self._exchange(again, also_accept)
        last = 399 if redirect else 299
        if not (200 <= answer.status <= last or answer.status in also_accept):  # noqa: PLR2004 -- the DSL's own bound
            raise _refusal(answer)
        return answer

    async def _exchange(self, outgoing: Outgoing, also_accept: frozenset[int]) -> Answer:
        request = _wire_request(outgoing, self.limits)
        try:
            response = await self._transport.handle_async_request(request)
            response.request = request
            try:
                body = await self._bounded_body(outgoing, response, also_accept)
            finally:
                await response.aclose()
        except Exception as error:
            fault = fault_of(error, outgoing)
            if fault is None:
                raise
            raise fault from error
        return Answer(
            request=outgoing, status=response.status_code, headers=response.headers, body=body
        )

    async def _bounded_body(
        self, outgoing: Outgoing, response: httpx2.Response, also_accept: frozenset[int]
    ) -> bytes:
        # Of an error only the beginning is shown, so no more of it is read.
        status = response.status_code
        failed = status >= HTTPStatus.BAD_REQUEST and status not in also_accept
        limit = self.limits.body_bytes
        declared = response.headers.get("content-length", "")
        # The length that a HEAD answer declares is that of what a GET would bring.
        bodied = not failed and outgoing.method != "HEAD"
        if bodied and declared.isdecimal() and int(declared) > limit:
            raise _too_large(outgoing, limit)
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if failed and size >= _BODY_SHOWN:
                break
            if max(size, response.num_bytes_downloaded) > limit:
                raise _too_large(outgoing, limit)
        return b"".join(parts)


def _wire_request(outgoing: Outgoing, limits: Limits) -> httpx2.Request:
    timeout = httpx2.Timeout(limits.total_s, connect=limits.connect_s)
    return httpx2.Request(
        outgoing.method,
        outgoing.url,
        headers=[(name.encode(), value.encode()) for name, value in outgoing.headers],
        content=outgoing.body,
        extensions={"timeout": timeout.as_dict()},
    )


def _refusal(answer: Answer) -> Fault:
    try:
        title = HTTPStatus(answer.status).phrase
    except ValueError:
        title = "Unexpected status"
    shown = masked(
        answer.body[:_BODY_SHOWN].decode("utf-8", "replace"), credentials_in(answer.request.headers)
    )
    retry_after = answer.headers.get("retry-after")
    wait = f" (Retry-After: {retry_after})" if retry_after else ""
    detail = f"{described(answer.request)} answered {answer.status}{wait}"
    return Fault("communication", answer.status, title, f"{detail}: {shown}" if shown else detail)


def _too_large(outgoing: Outgoing, limit: int) -> Fault:
    return Fault(
        "communication",
        500,
        "Answer too large",
        f"the answer to {described(outgoing)} is larger than {limit} bytes",
    )
