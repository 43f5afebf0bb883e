"""Participants, what starts runs by itself, the map, and what there is to connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.triggers import triggers
from batuta.insight.catalogue import catalogue
from batuta.server.access import VIEWER
from batuta.server.answers import Answer
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of, whole
from batuta.server.models.base import Page
from batuta.server.models.operating import (
    CatalogueModel,
    MapModel,
    ParticipantModel,
    TriggerModel,
)

if TYPE_CHECKING:
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["participants"])

    @routes.get(
        "/participants",
        operation_id="listParticipants",
        response_model=Page[ParticipantModel],
        responses=refusals(),
        openapi_extra=whole(VIEWER),
    )
    async def every() -> Response:
        """List participants: where each is, and how far behind."""
        return Answer({"items": await desk.participants.all(), "next": None})

    @routes.get(
        "/triggers",
        operation_id="listTriggers",
        response_model=Page[TriggerModel],
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def starting(request: Request) -> Response:
        """List what starts runs by itself."""
        who = who_of(request)
        found = [one for one in triggers(desk.engine) if who.sees(namespace_of(one.workflow))]
        return Answer({"items": found, "next": None})

    @routes.get(
        "/map",
        operation_id="getMap",
        response_model=MapModel,
        responses=refusals(),
        openapi_extra=whole(VIEWER),
    )
    async def live(
        minutes: Annotated[int, Query(ge=1, le=60, description="Count so far back.")] = 5,
    ) -> Response:
        """Return who tells whom what, and how often."""
        return Answer(await desk.map.show(minutes))

    @routes.get(
        "/catalogue",
        operation_id="getCatalogue",
        response_model=CatalogueModel,
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def connectable(request: Request) -> Response:
        """Return the types of events, functions and services that there are."""
        who = who_of(request)
        programs = desk.engine.programs
        theirs = [one for one in desk.engine.workflows() if who.sees(namespace_of(one))]
        seen = [programs.get(one) for one in theirs]
        named = catalogue(
            ((one.workflow, programs.functions_of(one)) for one in seen),
            (heard for one in theirs for heard in desk.workflows.heard_by_rules(one)),
        )
        return Answer(
            {
                "events": named.events,
                "functions": desk.engine.functions(),
                "services": named.services,
            }
        )

    return routes
