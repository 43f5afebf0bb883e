"""The same thing to many runs at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.bulk import MOST_COUNTED
from batuta.app.listing import RunQuery
from batuta.server.access import OPERATOR
from batuta.server.answers import Answer
from batuta.server.desk import Guarded, refusals, role, seen_by, who_of
from batuta.server.models.operating import BulkBody, BulkMatched, BulkModel
from batuta.server.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.app.bulk import BulkView
    from batuta.server.access import Principal
    from batuta.server.desk import Desk
    from batuta.server.models.operating import BulkFilter

PAGE = 500
BulkId = Annotated[str, Path(min_length=1, max_length=64)]


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])

    @routes.post(
        "/bulk",
        operation_id="startBulk",
        status_code=202,
        response_model=BulkModel | BulkMatched,
        responses={**refusals(409, 413), 200: {"model": BulkMatched}},
        openapi_extra=role(OPERATOR),
    )
    async def start(
        request: Request,
        body: BulkBody,
        dry_run: Annotated[
            bool, Query(alias="dryRun", description="Only say how many runs are meant.")
        ] = False,
    ) -> Response:
        """Do something to all runs that a filter finds, or say how many they are."""
        who = who_of(request)
        if dry_run:
            found = list(islice(matching(desk, who, body.filter), MOST_COUNTED + 1))
            shown = {"matched": min(len(found), MOST_COUNTED), "more": len(found) > MOST_COUNTED}
            return Answer(shown)
        view = desk.bulk.start(
            body.action,
            lambda: matching(desk, who, body.filter),
            by=who.name,
            how=who.by,
            compensate=body.compensate,
        )
        return Answer(_shown(view), status_code=202)

    def own(request: Request, bulk_id: str) -> BulkView:
        view, who = desk.bulk.show(bulk_id), who_of(request)
        if view.by != who.name and not who.sees_all:
            raise Refused(403, "namespace", "Not allowed", f"{bulk_id} is somebody else's")
        return view

    @routes.get(
        "/bulk/{bulk_id}",
        operation_id="getBulk",
        response_model=BulkModel,
        responses=refusals(404),
        openapi_extra=role(OPERATOR),
    )
    async def show(request: Request, bulk_id: BulkId) -> Response:
        """Say how far it has come."""
        return Answer(_shown(own(request, bulk_id)))

    @routes.delete(
        "/bulk/{bulk_id}",
        operation_id="stopBulk",
        response_model=BulkModel,
        responses=refusals(404, 409),
        openapi_extra=role(OPERATOR),
    )
    async def stop(request: Request, bulk_id: BulkId) -> Response:
        """Do it to no more runs."""
        own(request, bulk_id)
        desk.note(request, "bulk.stop", bulk_id)
        return Answer(_shown(desk.bulk.stop(bulk_id)))

    return routes


def _shown(view: BulkView) -> dict[str, object]:
    return {
        "id": view.id,
        "action": view.action,
        "matched": view.matched,
        "done": view.done,
        "failed": view.failed,
        "state": view.state,
    }


def matching(desk: Desk, who: Principal, wanted: BulkFilter) -> Iterator[str]:
    """Yield the ids of the runs that a filter finds, and that are somebody's to change."""
    said = wanted.model_dump(exclude={"status"})
    query = RunQuery(**said, status=tuple(wanted.status or ()))
    within = seen_by(desk, who)
    after: str | None = None
    while True:
        found = desk.engine.listing.find(query, after=after, limit=PAGE, within=within)
        yield from (one.id for one in found.items)
        if found.next is None:
            return
        after = found.next
