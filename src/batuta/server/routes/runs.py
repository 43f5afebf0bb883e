"""Runs: started, looked at, and asked for something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.choreography import CHOREOGRAPHED
from batuta.runtime.shared.ids import new_run_id
from batuta.server.access import OPERATOR, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import After, IdempotencyKey, Limit, RunId, WantedRuns, digest_of
from batuta.server.desk import Guarded, namespace_of, refusals, role, seen_by, who_of
from batuta.server.models.base import Page
from batuta.server.models.runs import RunModel, StartBody, TaskModel

if TYPE_CHECKING:
    from batuta.app.views import RunView
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])
    engine = desk.engine

    @routes.get(
        "/runs",
        operation_id="listRuns",
        response_model=Page[RunModel],
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def every(
        request: Request, query: WantedRuns, after: After = None, limit: Limit = 50
    ) -> Response:
        """List runs, the newest first.

        Business keys are asked for as `key.NAME=VALUE`. A page may have fewer runs than `limit`,
        and yet a `next`.
        """
        within = seen_by(desk, who_of(request))
        found = engine.listing.find(query, after=after, limit=limit, within=within)
        return Answer({"items": found.items, "next": found.next})

    @routes.post(
        "/runs",
        operation_id="startRun",
        status_code=201,
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def start(
        request: Request, body: StartBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Start a run; it is durable when this answers."""
        named = body.workflow if body.version is None else f"{body.workflow}:{body.version}"
        who = who_of(request)
        who.require(OPERATOR, namespace_of(named))
        # What is refused is refused before a key is used up for it.
        program = engine.program(named)
        if (body.control or program.workflow.control) == CHOREOGRAPHED:
            await engine.host(named)

        async def begin(run_id: str) -> None:
            desk.note(request, "run.start", run_id, workflow=named)
            await engine.start(named, body.input, run_id=run_id, control=body.control)

        if idempotency_key is None:
            run_id = new_run_id(engine.clock.now())
            await begin(run_id)
        else:
            digest = digest_of(await request.body())
            run_id = await desk.once.start(f"{who.name}/start", idempotency_key, digest, begin)
        return Answer(engine.show(run_id), status_code=201)

    @routes.get(
        "/runs/{run_id}",
        operation_id="getRun",
        response_model=RunModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def show(request: Request, run_id: RunId) -> Response:
        """Return a run as it stands."""
        return Answer(allowed(desk, request, run_id, VIEWER))

    @routes.get(
        "/runs/{run_id}/tasks",
        operation_id="listTasks",
        response_model=Page[TaskModel],
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def tasks(request: Request, run_id: RunId) -> Response:
        """Return a run's tasks in the order in which they started."""
        allowed(desk, request, run_id, VIEWER)
        return Answer({"items": engine.tasks(run_id), "next": None})

    return routes


def allowed(desk: Desk, request: Request, run_id: str, needed: str) -> RunView:
    """Return a run that whoever is asking may see, or change.

    Raises:
        NotFoundError: there is no such run.
        Refused: it takes another role, or is in a namespace that is not theirs.
    """
    view = desk.engine.show(run_id)
    who_of(request).require(needed, namespace_of(view.workflow))
    return view
