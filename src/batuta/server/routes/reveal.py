"""Showing what is secret: to those who may, one thing at a time, for a reason, and noted first.

Everywhere else what a schema marks as secret is `[redacted]` (`app.veiling`). What is shown here is
in the audit, with who asked and why, before anybody sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from batuta.errors import NotFoundError
from batuta.server.access import VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import RunId
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of, whole
from batuta.server.models.operating import LetterModel
from batuta.server.models.runs import RevealBody, RevealedModel
from batuta.server.routes.dead import LetterId
from batuta.server.routes.runs import allowed

if TYPE_CHECKING:
    from batuta.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded)
    engine = desk.engine

    async def note(request: Request, action: str, target: str, reason: str) -> None:
        """Note who is about to see what, and return once that is durable."""
        desk.note(request, action, target, reason=reason)
        await engine.conductor.durable()

    @routes.post(
        "/runs/{run_id}/reveal",
        operation_id="revealRun",
        tags=["runs"],
        response_model=RevealedModel,
        responses=refusals(404, 413),
        openapi_extra=role(VIEWER),
    )
    async def run(request: Request, run_id: RunId, body: RevealBody) -> Response:
        """Return a run's data with what is marked secret; takes an admin, or the grant `reveal`.

        `input` is null where it is not kept any more.
        """
        view = allowed(desk, request, run_id, VIEWER)
        who_of(request).require_reveal(namespace_of(view.workflow))
        await note(request, "run.reveal", run_id, body.reason)
        try:
            given = await engine.input_of(run_id)
        except NotFoundError:
            given = None
        return Answer(
            {
                "input": given,
                "output": view.output,
                "error": view.error,
                "keys": view.keys,
                "tasks": engine.tasks(run_id),
            }
        )

    @routes.post(
        "/dead-letters/{letter:path}/reveal",
        operation_id="revealDeadLetter",
        tags=["dead letters"],
        response_model=LetterModel,
        responses=refusals(404, 413),
        openapi_extra=whole(VIEWER),
    )
    async def dead(request: Request, letter: LetterId, body: RevealBody) -> Response:
        """Return a message with what is marked secret; takes an admin, or the grant `reveal`."""
        who_of(request).require_reveal(None)
        found = desk.letters.one(letter)
        await note(request, "dead.reveal", letter, body.reason)
        return Answer(found)

    return routes
