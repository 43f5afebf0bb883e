"""The application: every route behind the gate, every error as problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from batuta import __version__
from batuta.errors import BatutaError
from batuta.server.answers import Answer
from batuta.server.asked import media_of
from batuta.server.document import described
from batuta.server.gate import Gate
from batuta.server.page import page_routes
from batuta.server.problems import DOCUMENT_HINT, JSON_HINT, Refused, answer_of, refusal_of
from batuta.server.quick import Quick, broken
from batuta.server.routes import (
    administration,
    asking,
    bulk,
    dead,
    events,
    explained,
    health,
    hooks,
    login,
    participants,
    reveal,
    runs,
    session,
    stream,
    workflows,
)
from batuta.server.shared import Shared

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from batuta.server.desk import Desk

BASE = "/api/v1"
UNREADABLE = 400
_ROUTES = (
    session,
    workflows,
    runs,
    asking,
    reveal,
    bulk,
    events,
    hooks,
    participants,
    dead,
    health,
    administration,
    stream,
)
SHARED = frozenset(f"{BASE}/{one}" for one in ("runs", "overview", "sla", "map", "participants"))
"""What open pages ask for anew when something is told."""
_TITLES = {404: ("not-found", "Not found"), 405: ("method", "Method not allowed")}


def routes_of(desk: Desk) -> FastAPI:
    """Return all routes, without the gate."""
    made = FastAPI(
        title="Batuta",
        version=__version__,
        summary="See and control integrations, whatever their control model.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for one in _ROUTES:
        made.include_router(one.router(desk), prefix=BASE)

    made.include_router(login.router(desk))
    made.include_router(explained.router())
    made.router.routes.extend(page_routes())

    @made.get("/livez", include_in_schema=False)
    async def livez() -> Response:
        return PlainTextResponse("ok")

    if desk.around.settings.telemetry.metrics == "prometheus":

        @made.get("/metrics", include_in_schema=False)
        async def metrics() -> Response:
            from batuta.adapters.telemetry import exposition  # noqa: PLC0415 -- an extra

            body, kind = exposition()
            return Response(body, media_type=kind)

    @made.get(f"{BASE}/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Answer(described(made))

    made.add_exception_handler(BatutaError, _operating)
    made.add_exception_handler(Refused, _refused)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(HTTPException, _plain)
    made.add_exception_handler(Exception, _bug)
    return made


def document(desk: Desk) -> dict[str, Any]:
    """Return the OpenAPI document of all routes."""
    return described(routes_of(desk))


def application(desk: Desk) -> ASGIApp:
    """Return the application that is served."""
    settings = desk.around.settings.server
    quick = {
        ("POST", f"{BASE}/runs"): runs.starting(desk),
        ("POST", f"{BASE}/events"): events.publishing(desk),
    }
    routes = Shared(Quick(routes_of(desk), quick), SHARED, lambda: desk.changes.told)
    most = settings.body_bytes
    return Gate(routes, desk.credentials, most_bytes=most, rate=settings.rate)


async def _operating(_: Request, error: Exception) -> Response:
    assert isinstance(error, BatutaError)  # noqa: S101 -- registered for it
    return answer_of(refusal_of(error))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 -- registered for it
    return answer_of(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for it
    errors = [_item(one) for one in error.errors()]
    detail = "; ".join(f"{one['path']}: {one['message']}" for one in errors)
    is_about_body = any(one["path"] == "body" for one in errors)
    hint = DOCUMENT_HINT
    if is_about_body and media_of(request) != "application/json":
        hint = JSON_HINT
    return answer_of(
        Refused(422, "request", "The request is not right", detail, hint=hint, errors=errors)
    )


def _item(error: dict[str, Any]) -> dict[str, Any]:
    where, *path = error["loc"]
    place = "".join(f"/{one}" for one in path)
    return {
        "code": error["type"],
        "message": error["msg"],
        "path": f"{where}:{place}" if place else where,
    }


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for it
    code, title = _TITLES.get(error.status_code, ("request", "The request is not right"))
    is_about_path = error.status_code in _TITLES
    detail = f"no {request.method} {request.url.path}" if is_about_path else str(error.detail)
    # A body that cannot be read at all is one more that is not right.
    status = 422 if error.status_code == UNREADABLE else error.status_code
    return answer_of(
        Refused(status, code, title, detail, hint=DOCUMENT_HINT, headers=error.headers)
    )


async def _bug(_: Request, error: Exception) -> Response:
    return broken(error)
