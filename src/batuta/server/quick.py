"""A shorter way to the two routes that programs use most: starting runs, and publishing events.

Routing, dependencies and models of the framework cost more than twice of what the engine needs for
a start. So these two are found by their exact place and read their requests themselves; the
framework has them too, under the same functions, for the document and for what is not exact. What
they read is described by hand, and held to what they read by tests.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from batuta.errors import BatutaError
from batuta.server.asked import media_of
from batuta.server.problems import DOCUMENT_HINT, JSON_HINT, Refused, answer_of, refusal_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_log = logging.getLogger("batuta.server")

Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")
KEY = "idempotency-key"
LONGEST_KEY = 255
KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": r"^[\x21-\x7e]+$",
    },
    "description": "A key of your own: the same request again with it has its effect once.",
}


class Quick:
    """Answers some places itself, and leaves all others to an application."""

    def __init__(self, application: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint]) -> None:
        """Prepare.

        Args:
            application: answers the rest.
            endpoints: by method and exact path.
        """
        self._application = application
        self._endpoints = dict(endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        endpoint = None
        if scope["type"] == "http":
            endpoint = self._endpoints.get((scope["method"], scope["path"]))
        if scope.get("query_string"):
            endpoint = None  # neither takes parameters: the framework says so
        if endpoint is None:
            await self._application(scope, receive, send)
            return
        response = await answered(endpoint, Request(scope, receive))
        await response(scope, receive, send)


async def answered(endpoint: Endpoint, request: Request) -> Response:
    """Return an endpoint's answer, whatever goes wrong on the way."""
    try:
        return await endpoint(request)
    except BatutaError as error:
        return answer_of(refusal_of(error))
    except Refused as refused:
        return answer_of(refused)
    except Exception as error:
        if isinstance(error, HTTPException):
            raise
        return broken(error)


def broken(error: Exception) -> Response:
    """Return the answer to a request that met a bug, and log that."""
    _log.error("a request could not be answered", exc_info=error)
    return answer_of(
        Refused(500, "bug", "Something is broken here", "the log of the server says what")
    )


async def body_as(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """Return a JSON body as what it has to be.

    Raises:
        Refused: it is not JSON, or of another shape; the answer names the place.
    """
    if media_of(request) != "application/json":
        item = {"code": "media-type", "message": "it does not say that it is JSON", "path": "body"}
        raise _not_right("body: it does not say that it is JSON", [item], JSON_HINT)
    body = await request.body()
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        path = where.removesuffix("`").removeprefix("$").replace(".", "/")
        place = f"body:{path}" if path else "body"
        item = {"code": "body", "message": what, "path": place}
        raise _not_right(f"{place}: {what}", [item]) from None
    except msgspec.DecodeError as error:
        raise _not_right(f"the body is not JSON: {error}", []) from None
    except RecursionError:
        raise _not_right("the body is nested too deeply", []) from None


def key_of(request: Request) -> str | None:
    """Return the key that a request is known by, if it has one.

    Raises:
        Refused: it is none.
    """
    key = request.headers.get(KEY)
    if key is not None and not (
        0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and " " not in key
    ):
        item = {
            "code": "header",
            "message": f"1 to {LONGEST_KEY} printable characters without spaces",
            "path": f"header:/{KEY}",
        }
        raise _not_right(f"{KEY} is no key", [item])
    return key


def _not_right(detail: str, errors: list[dict[str, Any]], hint: str = "") -> Refused:
    hint = hint or DOCUMENT_HINT
    return Refused(422, "request", "The request is not right", detail, hint=hint, errors=errors)
