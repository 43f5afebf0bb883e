"""Webhooks that come in: who knows the secret may publish one type of event.

Owns the signature (Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, in base64), the
window in which it counts, and reading a body by the content type that the settings declare, and by
no other. The id becomes the event's, so that the same delivery again, within the window or not, is
the same event.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.publishing import publish_all
from batuta.errors import RequestError
from batuta.server.answers import Answer, decoded
from batuta.server.asked import media_of, unreadable
from batuta.server.desk import Strict, refusals
from batuta.server.models.events import Accepted
from batuta.server.problems import Refused

if TYPE_CHECKING:
    from batuta.server.desk import Desk
    from batuta.wiring.settings import Hook

WINDOW_S = 300
MOST_SIGNATURES = 8
_LONGEST_ID = 256
_BODY: dict[str, Any] = {
    "security": [],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    },
}


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Strict, tags=["events"])

    @routes.post(
        "/hooks/{name}",
        operation_id="receiveWebhook",
        status_code=202,
        response_model=Accepted,
        responses=refusals(413, 415),
        openapi_extra=_BODY,
    )
    async def receive(
        request: Request, name: Annotated[str, Path(min_length=1, max_length=128)]
    ) -> Response:
        """Take a webhook; its event is durable when this answers."""
        hook = desk.around.settings.hooks.get(name)
        secret = None if hook is None else desk.around.secret(hook.secret)
        body = await request.body()
        delivery = request.headers.get("webhook-id", "")
        if hook is None or secret is None or not _is_signed(desk, request, secret, body):
            # Who does not know the secret does not learn either whether there is such a hook.
            raise Refused(
                401,
                "signature",
                "Who is sending?",
                "there is no such webhook, or its signature is not right, or too old",
                hint="sign as Standard Webhooks says, with this machine's time",
            )
        event = {
            "specversion": "1.0",
            "id": delivery,
            "source": hook.source or f"/hooks/{name}",
            "type": hook.type,
            "datacontenttype": hook.content,
            "data": _data(hook, request, body),
        }
        desk.audit.note(f"hook {name}", "signature", "event.publish", hook.type, id=delivery)
        return Answer({"accepted": await publish_all(desk.engine, [event])}, status_code=202)

    return routes


def _is_signed(desk: Desk, request: Request, secret: str, body: bytes) -> bool:
    delivery = request.headers.get("webhook-id", "")
    time = request.headers.get("webhook-timestamp", "")
    if not (0 < len(delivery) <= _LONGEST_ID and time.isascii() and time.isdigit()):
        return False
    if abs(desk.engine.clock.now() / 1_000 - int(time[:15])) > WINDOW_S:
        return False
    signed = f"{delivery}.{time}.".encode("utf-8", "surrogateescape") + body
    wanted = b64encode(hmac.digest(key_of(secret), signed, sha256))
    given = request.headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    matches = [
        hmac.compare_digest(wanted, one.removeprefix("v1,").encode("utf-8", "surrogateescape"))
        for one in given
        if one.startswith("v1,")
    ]
    return any(matches)


def key_of(secret: str) -> bytes:
    """Return the key that a secret means: `whsec_` and base64, or the text itself."""
    if secret.startswith("whsec_"):
        try:
            return b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            pass  # it only looks like one
    return secret.encode()


def _data(hook: Hook, request: Request, body: bytes) -> Any:
    """Return what a body says, read by the declared content type only.

    Raises:
        Refused: it has another content type.
        RequestError: it is not of its own.
    """
    media = media_of(request)
    if media != hook.content:
        raise unreadable(media, f"this webhook takes {hook.content}")
    if media == "application/json":
        return decoded(body)
    try:
        text = body.decode()
        if media == "text/plain":
            return text
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise RequestError(f"the body is not {media}: {error}") from None
    data: dict[str, list[str]] = {}
    for key, value in pairs:
        data.setdefault(key, []).append(value)
    return data
