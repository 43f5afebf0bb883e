"""Who changed what, and how this place is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from batuta import __version__
from batuta.app.views import text_time
from batuta.server.access import ADMIN, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import Limit
from batuta.server.desk import Guarded, refusals, role
from batuta.server.models.base import Page
from batuta.server.models.operating import AuditModel, SettingsModel

if TYPE_CHECKING:
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["administration"])

    @routes.get(
        "/audit",
        operation_id="listAudit",
        response_model=Page[AuditModel],
        responses=refusals(),
        openapi_extra=role(ADMIN),
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

    return routes
