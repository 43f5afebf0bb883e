"""Sessions of the page: a cookie for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from batuta.server.access import VIEWER
from batuta.server.answers import Answer
from batuta.server.credentials import COOKIE, SESSION_MS
from batuta.server.desk import Guarded, Strict, refusals, role, who_of
from batuta.server.models.session import SessionBody, SessionModel
from batuta.server.problems import Refused

if TYPE_CHECKING:
    from batuta.server.access import Principal
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    guarded = APIRouter(route_class=Guarded, tags=["session"])

    @guarded.get(
        "/session",
        operation_id="getSession",
        response_model=SessionModel,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def show(request: Request) -> Response:
        """Who is asking."""
        return Answer(_shown(who_of(request), desk))

    @guarded.delete(
        "/session",
        operation_id="endSession",
        status_code=204,
        response_model=None,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def end() -> Response:
        """End a session: the cookie is forgotten."""
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    everybody = APIRouter(route_class=Strict, tags=["session"])

    @everybody.post(
        "/session",
        operation_id="startSession",
        response_model=SessionModel,
        responses=refusals(),
        openapi_extra={"security": []},
    )
    async def start(request: Request, body: SessionBody) -> Response:
        """Begin a session with a token; the answer sets its cookie."""
        who = await desk.credentials.of_token(body.token)
        if who is None:
            raise Refused(401, "credentials", "Who is asking?", "this token is not known here")
        cookie = desk.credentials.session_for(who)
        known = desk.credentials.of_session(cookie)
        answer = Answer(_shown(known or who, desk))
        set_session(answer, cookie, desk, request)
        return answer

    both = APIRouter()
    both.include_router(guarded)
    both.include_router(everybody)
    return both


def set_session(answer: Response, cookie: str, desk: Desk, request: Request) -> None:
    """Have an answer give the browser a session."""
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=SESSION_MS // 1_000,
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_secure(desk, request),
    )


def is_secure(desk: Desk, request: Request) -> bool:
    """Say whether people reach this server by HTTPS."""
    url = desk.around.settings.server.url or ""
    return request.url.scheme == "https" or url.startswith("https:")


def _shown(who: Principal, desk: Desk) -> dict[str, object]:
    return {
        "user": who.name,
        "role": who.role,
        "namespaces": who.namespaces,
        "reveal": who.reveals,
        "csrf": who.csrf,
        "production": desk.production,
    }
