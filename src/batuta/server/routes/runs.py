"""Runs: started, looked at, and asked for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request  # noqa: TC002 -- read while the program runs
from starlette.responses import Response  # noqa: TC002 -- as above

from batuta.server.access import OPERATOR, VIEWER
from batuta.server.answers import Answer
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of
from batuta.server.models import (
    CancelBody,
    Page,
    RetryBody,
    RunModel,
    StartBody,
    Status,
    TaskModel,
)

if TYPE_CHECKING:
    from batuta.app.views import RunView
    from batuta.server.desk import Desk

RunId = Annotated[str, Path(min_length=1, max_length=256)]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])
    engine = desk.engine

    def allowed(request: Request, run_id: str, needed: str) -> RunView:
        view = engine.show(run_id)
        who_of(request).require(needed, namespace_of(view.workflow))
        return view

    @routes.get(
        "/runs",
        operation_id="listRuns",
        response_model=Page[RunModel],
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def every(
        request: Request,
        workflow: Annotated[str | None, Query(max_length=512)] = None,
        status: Status | None = None,
        after: Annotated[str | None, Query(max_length=512)] = None,
        limit: Limit = 50,
    ) -> Response:
        """List runs, the newest first."""
        found = engine.runs(workflow=workflow, status=status, before=after, limit=limit)
        who = who_of(request)
        shown = [one for one in found if who.sees(namespace_of(one.workflow))]
        following = found[-1].id if len(found) == limit else None
        return Answer({"items": shown, "next": following})

    @routes.post(
        "/runs",
        operation_id="startRun",
        status_code=201,
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def start(request: Request, body: StartBody) -> Response:
        """Start a run; it is durable when this answers."""
        who_of(request).require(OPERATOR, namespace_of(body.workflow))
        named = body.workflow if body.version is None else f"{body.workflow}:{body.version}"
        run = await engine.start(named, body.input, control=body.control)
        return Answer(run.show(), status_code=201)

    @routes.get(
        "/runs/{run_id}",
        operation_id="getRun",
        response_model=RunModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def show(request: Request, run_id: RunId) -> Response:
        """Return a run as it stands."""
        return Answer(allowed(request, run_id, VIEWER))

    @routes.get(
        "/runs/{run_id}/tasks",
        operation_id="listTasks",
        response_model=Page[TaskModel],
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def tasks(request: Request, run_id: RunId) -> Response:
        """Return a run's tasks in the order in which they started."""
        allowed(request, run_id, VIEWER)
        return Answer({"items": engine.tasks(run_id), "next": None})

    @routes.post(
        "/runs/{run_id}/cancel",
        operation_id="cancelRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def cancel(request: Request, run_id: RunId, body: CancelBody) -> Response:
        """End a run, undoing what has a compensation."""
        allowed(request, run_id, OPERATOR)
        await engine.cancel(run_id, compensate=body.compensate)
        return Answer(engine.show(run_id))

    @routes.post(
        "/runs/{run_id}/suspend",
        operation_id="suspendRun",
        response_model=RunModel,
        responses=refusals(404, 409),
        openapi_extra=role(OPERATOR),
    )
    async def suspend(request: Request, run_id: RunId) -> Response:
        """Let a run stand still."""
        allowed(request, run_id, OPERATOR)
        await engine.suspend(run_id)
        return Answer(engine.show(run_id))

    @routes.post(
        "/runs/{run_id}/resume",
        operation_id="resumeRun",
        response_model=RunModel,
        responses=refusals(404, 409),
        openapi_extra=role(OPERATOR),
    )
    async def resume(request: Request, run_id: RunId) -> Response:
        """Let a suspended run go on."""
        allowed(request, run_id, OPERATOR)
        await engine.resume(run_id)
        return Answer(engine.show(run_id))

    @routes.post(
        "/runs/{run_id}/retry",
        operation_id="retryRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def retry(request: Request, run_id: RunId, body: RetryBody) -> Response:
        """Run a faulted run again, as a new run: from where it faulted, or from the start."""
        allowed(request, run_id, OPERATOR)
        again = await engine.retry(run_id, from_start=body.from_start)
        return Answer(again.show())

    return routes
