"""What may be asked of a run: to end, to stand still, to go on, to run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from batuta.server.access import OPERATOR
from batuta.server.answers import Answer
from batuta.server.asked import RunId
from batuta.server.desk import Guarded, refusals, role
from batuta.server.models.runs import CancelBody, RerunBody, RetryBody, RunModel
from batuta.server.routes.runs import allowed

if TYPE_CHECKING:
    from batuta.server.desk import Desk

AS_USUAL, FROM_FAULT = CancelBody(), RetryBody()
"""What is meant by those who send no body."""


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])
    engine = desk.engine

    @routes.post(
        "/runs/{run_id}/cancel",
        operation_id="cancelRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def cancel(request: Request, run_id: RunId, body: CancelBody = AS_USUAL) -> Response:
        """End a run, undoing what has a compensation."""
        allowed(desk, request, run_id, OPERATOR)
        await engine.cancel(run_id, compensate=body.compensate)
        desk.note(request, "run.cancel", run_id)
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
        allowed(desk, request, run_id, OPERATOR)
        await engine.suspend(run_id)
        desk.note(request, "run.suspend", run_id)
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
        allowed(desk, request, run_id, OPERATOR)
        await engine.resume(run_id)
        desk.note(request, "run.resume", run_id)
        return Answer(engine.show(run_id))

    @routes.post(
        "/runs/{run_id}/retry",
        operation_id="retryRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def retry(request: Request, run_id: RunId, body: RetryBody = FROM_FAULT) -> Response:
        """Run a faulted run again, as a new run: from where it faulted, or from the start."""
        allowed(desk, request, run_id, OPERATOR)
        again = await engine.retry(
            run_id,
            from_start=body.from_start,
            task=body.from_,
            input=body.input if "input" in body.model_fields_set else UNSET,
        )
        desk.note(request, "run.retry", run_id, again=again.id)
        return Answer(again.show())

    @routes.post(
        "/runs/rerun",
        operation_id="rerunRun",
        status_code=201,
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR),
    )
    async def rerun(request: Request, body: RerunBody) -> Response:
        """Start a new run of a run's version, with another input or the same."""
        allowed(desk, request, body.run, OPERATOR)
        data = body.input if "input" in body.model_fields_set else UNSET
        again = await engine.rerun(body.run, data)
        desk.note(request, "run.rerun", again.id, of=body.run)
        return Answer(again.show(), status_code=201)

    return routes
