"""Logging in elsewhere: to the provider of OpenID Connect, and back with a session.

Owns what a login remembers between the two (in a cookie that is sealed, and good for ten minutes),
what somebody's claims allow, and whether there is such a login at all.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from batuta.ports.identity import Login
from batuta.server.access import EVERYWHERE, ROLES, Principal
from batuta.server.answers import Answer
from batuta.server.problems import Refused
from batuta.server.routes.session import is_secure, set_session

if TYPE_CHECKING:
    from batuta.server.desk import Desk
    from batuta.wiring.settings import Oidc

COOKIE = "batuta_login"
GOOD_FOR_S = 600
LOGIN = "/auth/login"
CALLBACK = "/auth/callback"
WAYS = "/auth/ways"


def router(desk: Desk) -> APIRouter:
    """Return the routes; they are open to everybody, and in no document."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(WAYS)
    async def ways() -> Response:
        """Where people log in (None: nowhere), for the page to offer who has no session."""
        return Answer({"login": LOGIN if desk.provider is not None else None})

    @routes.get(LOGIN)
    async def begin(request: Request) -> Response:
        provider = desk.provider
        if provider is None:
            raise _none_such()
        login = await provider.begin(_back(desk, request))
        until = desk.engine.clock.now() + GOOD_FOR_S * 1_000
        answer = RedirectResponse(login.address, status_code=302)
        answer.set_cookie(
            COOKIE,
            desk.credentials.sealed("login", msgspec.json.encode([until, *login])),
            max_age=GOOD_FOR_S,
            path=CALLBACK,
            httponly=True,
            # The provider sends the browser back from its own site.
            samesite="lax",
            secure=is_secure(desk, request),
        )
        return answer

    @routes.get(CALLBACK)
    async def finish(request: Request) -> Response:
        provider, oidc = desk.provider, desk.around.settings.server.oidc
        if provider is None or oidc is None:
            raise _none_such()
        login = _login(desk, request)
        code = request.query_params.get("code")
        if login is None or code is None:
            why = request.query_params.get("error_description", "this login was not begun here")
            raise Refused(
                401,
                "login",
                "Not logged in",
                why[:500],
                hint="begin at /auth/login; it has to end within ten minutes",
            )
        claims = await provider.finish(login, code, _back(desk, request))
        who = principal_of(claims, oidc)
        desk.audit.note(who.name, "oidc", "session.start", who.name, role=who.role)
        answer = RedirectResponse("/", status_code=302)
        answer.delete_cookie(COOKIE, path=CALLBACK)
        set_session(answer, desk.credentials.session_for(who), desk, request)
        return answer

    return routes


def _login(desk: Desk, request: Request) -> Login | None:
    """Return the login that a request ends, None when it was not begun here, or long ago."""
    content = desk.credentials.opened("login", request.cookies.get(COOKIE, ""))
    if content is None:
        return None
    until, *parts = msgspec.json.decode(content)
    login = Login(*parts)
    state = request.query_params.get("state", "")
    is_this = hmac.compare_digest(state.encode("utf-8", "surrogateescape"), login.state.encode())
    return login if is_this and until > desk.engine.clock.now() else None


def principal_of(claims: dict[str, Any], oidc: Oidc) -> Principal:
    """Return what somebody's claims allow: the strongest role, and all namespaces that have it.

    Raises:
        Refused: nothing.
    """
    told = claims.get(oidc.claim)
    values = told if isinstance(told, list) else [told]
    grants = [one for one in oidc.grants if one.value in values]
    name = claims.get(oidc.name) or claims.get("sub")
    if not grants or not isinstance(name, str):
        raise Refused(
            403,
            "role",
            "Not allowed",
            f"{name} has logged in, and has no part in this place",
            hint="`server.oidc.grants` says what which values of the claim may do",
        )
    role = max((one.role for one in grants), key=ROLES.index)
    namespaces = {place for one in grants if one.role == role for place in one.namespaces}
    everywhere = set(EVERYWHERE) & namespaces
    may = {more for one in grants if one.role == role for more in one.grants}
    return Principal(
        name, role, tuple(sorted(everywhere or namespaces)), "oidc", grants=tuple(sorted(may))
    )


def _back(desk: Desk, request: Request) -> str:
    """Return the address that the provider sends the browser back to."""
    url = desk.around.settings.server.url or str(request.base_url)
    return f"{url.rstrip('/')}{CALLBACK}"


def _none_such() -> Refused:
    return Refused(
        404,
        "not-found",
        "Not found",
        "nobody logs people in here",
        hint="name a provider in `server.oidc`, or come with a token",
    )
