"""Who changed what, and how this place is set up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta import __version__
from batuta.app.views import text_time
from batuta.errors import NotFoundError
from batuta.runtime.shared.threads import in_thread
from batuta.server.access import ADMIN, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import Limit
from batuta.server.desk import Guarded, refusals, role, whole
from batuta.server.keys import new_key
from batuta.server.models.base import Page
from batuta.server.models.operating import (
    AuditModel,
    KeyBody,
    KeyModel,
    MadeKeyModel,
    SettingsModel,
)

if TYPE_CHECKING:
    from batuta.ports.records import ApiKey
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["administration"])
    records = desk.engine.records

    @routes.get(
        "/audit",
        operation_id="listAudit",
        response_model=Page[AuditModel],
        responses=refusals(),
        openapi_extra=whole(ADMIN),
    )
    async def audit(
        who: Annotated[str | None, Query(max_length=400)] = None,
        target: Annotated[str | None, Query(max_length=400)] = None,
        after: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Limit = 100,
    ) -> Response:
        """List what was changed by whom, newest first."""
        found = desk.audit.rows(before=after, who=who, target=target, limit=limit)
        items = [{**msgspec.to_builtins(one), "at": text_time(one.at)} for one in found]
        following = str(found[-1].number) if len(found) == limit else None
        return Answer({"items": items, "next": following})

    @routes.get(
        "/settings",
        operation_id="getSettings",
        response_model=SettingsModel,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def settings() -> Response:
        """Return the settings, without what is secret in them."""
        return Answer({"settings": desk.around.shown(), "version": __version__})

    @routes.get(
        "/keys",
        operation_id="listKeys",
        response_model=Page[KeyModel],
        responses=refusals(),
        openapi_extra=whole(ADMIN),
    )
    async def keys() -> Response:
        """List API keys, those too that let nobody in any more."""
        return Answer({"items": [_key(one) for one in records.all_keys()], "next": None})

    @routes.post(
        "/keys",
        operation_id="addKey",
        status_code=201,
        response_model=MadeKeyModel,
        responses=refusals(413),
        openapi_extra=whole(ADMIN),
    )
    async def add(request: Request, body: KeyBody) -> Response:
        """Make an API key; `token` is shown this once."""
        now = desk.engine.clock.now()
        made = partial(
            new_key,
            body.name,
            body.role,
            body.namespaces,
            now,
            days=body.days,
            grants=body.grants,
        )
        kept, token = await in_thread(made)
        records.keep_key(kept)
        desk.note(request, "key.add", kept.id, name=body.name, role=body.role, grants=body.grants)
        return Answer({"key": _key(kept), "token": token}, status_code=201)

    @routes.delete(
        "/keys/{key_id}",
        operation_id="revokeKey",
        status_code=204,
        response_model=None,
        responses=refusals(404),
        openapi_extra=whole(ADMIN),
    )
    async def revoke(
        request: Request, key_id: Annotated[str, Path(min_length=1, max_length=64)]
    ) -> Response:
        """Let nobody in by a key any more, nor by any session made of it."""
        if not records.revoke_key(key_id, desk.engine.clock.now()):
            raise NotFoundError(f"there is no key {key_id}", hint="`GET keys` lists them")
        desk.note(request, "key.revoke", key_id)
        return Response(status_code=204)

    return routes


def _key(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "namespaces": key.namespaces,
        "createdAt": text_time(key.created_at),
        "expiresAt": text_time(key.expires_at),
        "revokedAt": text_time(key.revoked_at),
        "grants": key.grants,
    }
