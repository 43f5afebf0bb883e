"""How everything does, at a glance: the first screen, the SLA board, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from batuta.server.access import VIEWER
from batuta.server.answers import Answer
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of
from batuta.server.models.health import OverviewModel, SlaBoardModel

if TYPE_CHECKING:
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["health"])

    @routes.get(
        "/overview",
        operation_id="getOverview",
        response_model=OverviewModel,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def overview(request: Request) -> Response:
        """Return how workflows and participants do, over the last day."""
        who = who_of(request)
        shown = (await desk.engine.health.show()).as_json()
        rows = [one for one in shown["workflows"] if who.sees(namespace_of(one["workflow"]))]
        everybody = await desk.participants.all()
        up = sum(one.status == "up" for one in everybody)
        return Answer(
            {
                **shown,
                "workflows": rows,
                "dead": sum(one.dead for one in everybody),
                "participants": {"up": up, "silent": len(everybody) - up},
            }
        )

    @routes.get(
        "/sla",
        operation_id="getSlaBoard",
        response_model=SlaBoardModel,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def board(request: Request) -> Response:
        """Return how soft deadlines were kept over the last day, and what is due first."""
        who = who_of(request)
        shown = desk.engine.board.show().as_json()
        for part in ("items", "open"):
            shown[part] = [one for one in shown[part] if who.sees(namespace_of(one["workflow"]))]
        return Answer(shown)

    return routes
