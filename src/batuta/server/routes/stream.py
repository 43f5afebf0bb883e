"""The live stream: changes as server-sent events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from batuta.app.changes import EVENTS, RUNS
from batuta.errors import RequestError
from batuta.server.access import VIEWER
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from batuta.app.changes import Message, Portion
    from batuta.server.access import Principal
    from batuta.server.desk import Desk

TOPICS = (RUNS, EVENTS, "dead", "participants", "sla")
MOST = 20
LOOK_AGAIN_S = 5.0
"""After so long, who looks has to be somebody who would still be let in."""


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["stream"])

    @routes.get(
        "/stream",
        operation_id="stream",
        response_class=StreamingResponse,
        responses={
            **refusals(404),
            200: {
                "description": "Changes, until the client goes.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
        },
        openapi_extra=role(VIEWER),
    )
    async def stream(
        request: Request,
        topics: Annotated[str, Query(min_length=1, max_length=2_048)] = RUNS,
        last_event_id: Annotated[str | None, Header(max_length=128)] = None,
    ) -> Response:
        """Tell what changes; `Last-Event-ID` goes on behind the last message that was seen."""
        wanted = _wanted(topics)
        who = who_of(request)
        for topic in wanted:
            run = topic.removeprefix("run:")
            if run != topic:
                view = desk.engine.show(run)
                who.require(VIEWER, namespace_of(view.workflow))
            elif topic != RUNS:
                who.require_everywhere()
        return StreamingResponse(
            _lines(desk, wanted, last_event_id, who),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )

    return routes


def _wanted(topics: str) -> list[str]:
    wanted = [one for one in topics.split(",") if one]
    unknown = [one for one in wanted if one not in TOPICS and not one.startswith("run:")]
    if unknown or not wanted or len(wanted) > MOST:
        raise RequestError(
            f"{topics!r} are no topics",
            hint=f"give some of {', '.join(TOPICS)} and run:ID, at most {MOST}",
        )
    return wanted


async def _lines(
    desk: Desk, wanted: list[str], after: str | None, who: Principal
) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    seen_at = loop.time()
    with desk.changes.looking(wanted, after) as portions:
        yield b"retry: 1000\n\n"
        async for one in portions:
            if loop.time() - seen_at >= LOOK_AGAIN_S:
                if not desk.credentials.admits(who):
                    return
                seen_at = loop.time()
            if text := _shown(one, who):
                yield text


def _shown(portion: Portion, who: Principal) -> bytes:
    """Return messages as the stream has them, without the runs that are not theirs to see.

    Hundreds of pages look at the same: for all who may do the same it is written once.
    """
    rights = who.rights
    text = portion.shown.get(rights)
    if text is None:
        lines = [_line(one) for one in portion.messages if _sees(who, one)]
        text = b"".join(lines) if portion.messages else b": alive\n\n"
        portion.shown[rights] = text
    return text


def _line(message: Message) -> bytes:
    head = f"id: {message.id}\nevent: {message.event}\ndata: "
    return head.encode() + message.data + b"\n\n"


def _sees(who: Principal, message: Message) -> bool:
    """Say whether a message is no run's, or one's of a namespace of theirs."""
    return not message.workflow or who.sees_all or who.sees(namespace_of(message.workflow))
