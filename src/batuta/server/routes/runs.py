"""Runs: started, looked at, and asked for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.run_events import events_of
from batuta.runtime.shared.ids import new_run_id
from batuta.server.access import OPERATOR, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import (
    After,
    Limit,
    RunId,
    WantedRuns,
    digest_of,
)
from batuta.server.desk import BEGINS, Guarded, namespace_of, refusals, role, seen_by, who_of
from batuta.server.models.base import Page
from batuta.server.models.runs import (
    InputModel,
    RunDetailModel,
    RunEventModel,
    RunItemModel,
    RunModel,
    TaskModel,
)
from batuta.server.quick import KEY_PARAMETER, body_as, key_of

if TYPE_CHECKING:
    from batuta.app.views import RunView
    from batuta.server.desk import Desk
    from batuta.server.quick import Endpoint


class StartRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a start, as it is read; `models.runs.StartBody` describes it."""

    workflow: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    version: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    control: Literal["orchestrated", "choreographed"] | None = None
    input: Any = None


_START: dict[str, Any] = {
    "parameters": [KEY_PARAMETER],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StartBody"}}},
    },
}
_decoder = msgspec.json.Decoder(StartRequest)


def starting(desk: Desk) -> Endpoint:
    """Return what answers `POST /runs`."""
    engine = desk.engine

    async def start(request: Request) -> Response:
        who = who_of(request)
        who.require(OPERATOR)
        body = await body_as(request, _decoder)
        named = body.workflow if body.version is None else f"{body.workflow}:{body.version}"
        who.require(OPERATOR, namespace_of(named))
        # What is refused is refused before a key is used up for it.
        program = engine.program(named)
        identity, control = program.identity, body.control or program.workflow.control
        if control == CHOREOGRAPHED:
            await engine.host(identity)

        async def begin(run_id: str, *, is_new: bool = False) -> RunView | None:
            desk.note(request, "run.start", run_id, workflow=identity)
            started = await engine.start(
                identity, body.input, run_id=run_id, control=control, is_new=is_new
            )
            return started.begun

        key, begun = key_of(request), None
        if key is None:
            run_id = new_run_id(engine.clock.now())
            begun = await begin(run_id, is_new=True)
        else:
            digest = digest_of(await request.body())
            run_id = await desk.once.start(f"{who.name}/start", key, digest, begin)
        view = desk.veil.begun(begun or engine.show(run_id), program)
        return Answer(view, status_code=201)

    return start


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["runs"])
    engine = desk.engine

    @routes.get(
        "/runs",
        operation_id="listRuns",
        response_model=Page[RunItemModel],
        responses=refusals(404),
        openapi_extra=role(VIEWER) | {BEGINS: "key."},
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
        items = [
            {
                **msgspec.to_builtins(desk.veil.brief(one)),
                "sla": found.sla.get(one.id),
                "conformance": found.conformance.get(one.id),
            }
            for one in found.items
        ]
        return Answer({"items": items, "next": found.next})

    routes.add_api_route(
        "/runs",
        starting(desk),
        methods=["POST"],
        operation_id="startRun",
        description="Start a run; it is durable when this answers.",
        status_code=201,
        response_model=RunModel,
        responses=refusals(404, 409, 413),
        openapi_extra=role(OPERATOR) | _START,
    )

    @routes.get(
        "/runs/{run_id}",
        operation_id="getRun",
        response_model=RunDetailModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def show(request: Request, run_id: RunId) -> Response:
        """Return a run as it stands: what is expected next, and whether all is right."""
        view = allowed(desk, request, run_id, VIEWER)
        veil = await desk.veil.of(run_id)
        known = veil.known(engine.known(run_id)).as_json()
        return Answer({**msgspec.to_builtins(veil.run(view)), **known})

    @routes.get(
        "/runs/{run_id}/input",
        operation_id="getInput",
        response_model=InputModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def given(request: Request, run_id: RunId) -> Response:
        """Return what a run was started with; 404 too where that is not kept any more."""
        allowed(desk, request, run_id, VIEWER)
        veil = await desk.veil.of(run_id)
        return Answer({"input": veil.input(await engine.input_of(run_id))})

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
        veil = await desk.veil.of(run_id)
        return Answer({"items": veil.tasks(engine.tasks(run_id)), "next": None})

    @routes.get(
        "/runs/{run_id}/events",
        operation_id="listRunEvents",
        response_model=Page[RunEventModel],
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def events(
        request: Request, run_id: RunId, after: After = None, limit: Limit = 100
    ) -> Response:
        """Return the events that went into a run, came out of it, or handed it over, by time."""
        allowed(desk, request, run_id, VIEWER)
        found = await events_of(engine, run_id, after=after, limit=limit)
        return Answer((await desk.veil.of(run_id)).events(found))

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
