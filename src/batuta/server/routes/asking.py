"""What may be asked of a run: to end, to stand still, to go on, to run again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.retrying import again
from batuta.app.retrying import retry as retry_as
from batuta.server.access import OPERATOR
from batuta.server.answers import Answer
from batuta.server.asked import RunId
from batuta.server.desk import Guarded, refusals, role
from batuta.server.models.runs import CancelBody, RerunBody, RetryBody, RunModel
from batuta.server.repeating import KEYED, begun, done
from batuta.server.routes.runs import allowed

if TYPE_CHECKING:
    from batuta.app.views import RunView
    from batuta.server.desk import Desk

AS_USUAL, FROM_FAULT = CancelBody(), RetryBody()
"""What is meant by those who send no body."""


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])
    engine = desk.engine

    async def shown(run_id: str) -> RunView:
        return (await desk.veil.of(run_id)).run(engine.show(run_id))

    @routes.post(
        "/runs/{run_id}/cancel",
        operation_id="cancelRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR) | KEYED,
    )
    async def cancel(request: Request, run_id: RunId, body: CancelBody = AS_USUAL) -> Response:
        """End a run, undoing what has a compensation."""
        allowed(desk, request, run_id, OPERATOR)

        async def act() -> None:
            await engine.cancel(run_id, compensate=body.compensate)
            desk.note(request, "run.cancel", run_id)

        await done(desk, request, "cancel", act)
        return Answer(await shown(run_id))

    @routes.post(
        "/runs/{run_id}/suspend",
        operation_id="suspendRun",
        response_model=RunModel,
        responses=refusals(404, 409),
        openapi_extra=role(OPERATOR) | KEYED,
    )
    async def suspend(request: Request, run_id: RunId) -> Response:
        """Let a run stand still."""
        allowed(desk, request, run_id, OPERATOR)

        async def act() -> None:
            await engine.suspend(run_id)
            desk.note(request, "run.suspend", run_id)

        await done(desk, request, "suspend", act)
        return Answer(await shown(run_id))

    @routes.post(
        "/runs/{run_id}/resume",
        operation_id="resumeRun",
        response_model=RunModel,
        responses=refusals(404, 409),
        openapi_extra=role(OPERATOR) | KEYED,
    )
    async def resume(request: Request, run_id: RunId) -> Response:
        """Let a suspended run go on."""
        allowed(desk, request, run_id, OPERATOR)

        async def act() -> None:
            await engine.resume(run_id)
            desk.note(request, "run.resume", run_id)

        await done(desk, request, "resume", act)
        return Answer(await shown(run_id))

    @routes.post(
        "/runs/{run_id}/retry",
        operation_id="retryRun",
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR) | KEYED,
    )
    async def retry(request: Request, run_id: RunId, body: RetryBody = FROM_FAULT) -> Response:
        """Run a faulted run again, as a new run: from where it faulted, or from the start.

        What of an input is left redacted, as it was shown, stays what it is.
        """
        allowed(desk, request, run_id, OPERATOR)
        begin = partial(_retry, desk, request, run_id, body)
        return Answer(await shown(await begun(desk, request, "retry", begin)))

    @routes.post(
        "/runs/rerun",
        operation_id="rerunRun",
        status_code=201,
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR) | KEYED,
    )
    async def rerun(request: Request, body: RerunBody) -> Response:
        """Start a new run of a run's version, with another input or the same.

        What of the input is left redacted, as it was shown, stays what it is.
        """
        allowed(desk, request, body.run, OPERATOR)
        begin = partial(_rerun, desk, request, body)
        new = await begun(desk, request, "rerun", begin)
        return Answer(await shown(new), status_code=201)

    return routes


async def _retry(desk: Desk, request: Request, run_id: str, body: RetryBody, new: str) -> None:
    row = desk.engine.row(run_id)
    data = UNSET
    if "input" in body.model_fields_set:
        start, task = body.from_start, body.from_
        data = await desk.veil.meant(run_id, body.input, task=task, from_start=start)
    await retry_as(
        desk.engine, row, from_start=body.from_start, task=body.from_, data=data, as_id=new
    )
    desk.note(request, "run.retry", run_id, again=new)


async def _rerun(desk: Desk, request: Request, body: RerunBody, new: str) -> None:
    data = UNSET
    if "input" in body.model_fields_set:
        data = await desk.veil.meant(body.run, body.input, from_start=True)
    await again(desk.engine, desk.engine.row(body.run), data, new)
    desk.note(request, "run.rerun", new, of=body.run)
