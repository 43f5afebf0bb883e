"""Dead letters: looked at by their reasons, taken again, mended, or discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.veiling import put_back
from batuta.server.access import OPERATOR, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import After, Limit
from batuta.server.desk import Guarded, refusals, whole
from batuta.server.models.base import Page
from batuta.server.models.operating import (
    DiscardBody,
    LetterGroup,
    LetterModel,
    LettersBody,
    LettersDone,
    RedriveBody,
)

if TYPE_CHECKING:
    from batuta.server.desk import Desk

Why = Annotated[Literal["dead", "late", "again"], Query(alias="status")]
LetterId = Annotated[str, Path(min_length=1, max_length=512, description="PARTICIPANT/NUMBER")]


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["dead letters"])

    @routes.get(
        "/dead-letters",
        operation_id="listDeadLetters",
        response_model=Page[LetterModel],
        responses=refusals(),
        openapi_extra=whole(VIEWER),
    )
    async def every(
        participant: Annotated[str | None, Query(max_length=400)] = None,
        why: Why = "dead",
        after: After = None,
        limit: Limit = 50,
    ) -> Response:
        """List messages that participants put aside, the oldest of each first."""
        found, following = desk.letters.page(status=why, of=participant, after=after, limit=limit)
        return Answer({"items": await desk.veil.letters(found), "next": following})

    @routes.get(
        "/dead-letters/groups",
        operation_id="groupDeadLetters",
        response_model=list[LetterGroup],
        responses=refusals(),
        openapi_extra=whole(VIEWER),
    )
    async def groups(why: Why = "dead") -> Response:
        """Say why messages were put aside, what is most frequent first."""
        return Answer(desk.letters.groups(why))

    @routes.post(
        "/dead-letters/redrive",
        operation_id="redriveDeadLetters",
        response_model=LettersDone,
        responses=refusals(404, 413),
        openapi_extra=whole(OPERATOR),
    )
    async def redrive(request: Request, body: LettersBody) -> Response:
        """Have messages taken again, by whoever put them aside."""
        done = desk.letters.redrive(body.ids)
        for one in done:
            desk.note(request, "dead.redrive", one.id, message=one.message)
        return Answer({"done": len(done)})

    @routes.post(
        "/dead-letters/discard",
        operation_id="discardDeadLetters",
        response_model=LettersDone,
        responses=refusals(404, 413),
        openapi_extra=whole(OPERATOR),
    )
    async def discard(request: Request, body: DiscardBody) -> Response:
        """Forget messages, for good."""
        done = desk.letters.discard(body.ids)
        for one in done:
            desk.note(request, "dead.discard", one.id, message=one.message, reason=body.reason)
        return Answer({"done": len(done)})

    @routes.post(
        "/dead-letters/{letter:path}/redrive",
        operation_id="redriveDeadLetterAs",
        response_model=LetterModel,
        responses=refusals(404, 413),
        openapi_extra=whole(OPERATOR),
    )
    async def redrive_as(request: Request, letter: LetterId, body: RedriveBody) -> Response:
        """Have a message taken again with other data; what is left redacted stays as it is."""
        known = desk.letters.one(letter)
        (shown,) = await desk.veil.letters([known])
        event = put_back(body.body, shown.event, known.event, "the event")
        done = desk.letters.redrive_as(letter, event)
        desk.note(request, "dead.redrive-as", letter, message=done.message)
        (shown,) = await desk.veil.letters([done])
        return Answer(shown)

    return routes
