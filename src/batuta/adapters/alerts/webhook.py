"""Alerts by webhook: a POST of the event, signed if there is a secret.

The body is the CloudEvent as it was published, in structured mode. It is signed as Standard
Webhooks says: HMAC-SHA256 over id, time and body, in `webhook-signature`. The id is the alert's:
who gets it twice (a crash came between telling it and writing that down) may know it by that.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx2
import msgspec

from batuta.errors import RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.alerts import Telling

TIMEOUT_S = 15.0
TYPE = "application/cloudevents+json; charset=utf-8"
_encode = msgspec.json.Encoder().encode
_ACCEPTED, _REDIRECTS, _FAILURES = range(200, 300), range(300, 400), range(500, 600)
_LATER = frozenset({408, 425, 429})


class WebhookChannel:
    """Tells one address. The contract is `ports.alerts.Channel`."""

    def __init__(
        self,
        url: str,
        *,
        secret: Callable[[], str] | None,
        now: Callable[[], int],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare.

        Args:
            url: where to, http or https.
            secret: gives the secret that is signed with, None for no signature.
            now: the time in epoch milliseconds.
            transport: replaces the network, for tests.

        Raises:
            RequestError: it is no such address.
        """
        parsed = httpx2.URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise RequestError(
                f"{url!r} is no address of a webhook", hint="write https://HOST/PATH"
            )
        self._url = parsed
        self._secret = secret
        self._now = now
        self._transport = transport

    async def tell(self, telling: Telling) -> None:
        """Post the event. See the port."""
        body = _encode(telling.event)
        headers = {"content-type": TYPE, "webhook-id": telling.id, "user-agent": "batuta"}
        headers["webhook-timestamp"] = moment = str(self._now() // 1_000)
        if telling.left_out:
            headers["batuta-left-out"] = str(telling.left_out)
        if self._secret is not None:
            signed = b".".join((telling.id.encode(), moment.encode(), body))
            digest = hmac.digest(_key_of(self._secret()), signed, sha256)
            headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"
        try:
            async with httpx2.AsyncClient(
                transport=self._transport, timeout=TIMEOUT_S, follow_redirects=False
            ) as client:
                answer = await client.post(self._url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            raise UnavailableError(f"{self._url.host} cannot be reached: {error!r}") from error
        self._judge(answer.status_code)

    def _judge(self, status: int) -> None:
        if status in _ACCEPTED:
            return
        said = f"{self._url.host} answers with status {status}"
        if status in _FAILURES or status in _LATER:
            raise UnavailableError(said, hint="it is told again later")
        hint = "follow it, and write the address that it leads to" if status in _REDIRECTS else ""
        raise RequestError(said, hint=hint or "see what the webhook expects")


def _key_of(secret: str) -> bytes:
    """Return the key that a secret means: `whsec_` and base64, or the text itself."""
    if secret.startswith("whsec_"):
        try:
            return b64decode(secret.removeprefix("whsec_"), validate=True)
        except NotBase64:
            raise RequestError(
                "the secret of a webhook begins with whsec_ and is not base64 behind that",
                hint="write it as it was given, or without whsec_",
            ) from None
    return secret.encode()
