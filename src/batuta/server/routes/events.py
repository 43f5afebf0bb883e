"""Events: published, and read back in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request  # noqa: TC002 -- read while the program runs
from starlette.responses import Response  # noqa: TC002 -- as above

from batuta.app.views import text_time
from batuta.errors import RequestError
from batuta.server.access import OPERATOR, VIEWER
from batuta.server.answers import Answer, decoded
from batuta.server.desk import Guarded, refusals, role
from batuta.server.models import Accepted, EventModel, Page
from batuta.server.problems import Refused

if TYPE_CHECKING:
    from batuta.server.desk import Desk

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MOST = 1_000
_KNOWN = frozenset({"specversion", "id", "source", "type", "subject", "data", "time"})
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": {"$ref": "#/components/schemas/CloudEvent"}},
            BATCHED: {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/CloudEvent"}}
            },
            "application/json": {"schema": {}},
        },
    }
}


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["events"])

    @routes.get(
        "/events",
        operation_id="listEvents",
        response_model=Page[EventModel],
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def every(
        type_: Annotated[str | None, Query(alias="type", max_length=512)] = None,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> Response:
        """List published events in their order."""
        types = () if type_ is None else (type_,)
        found = desk.engine.store.events(after, types=types, limit=limit)
        items = [
            {"number": one.number, "at": text_time(one.at), "event": one.event} for one in found
        ]
        following = str(found[-1].number) if len(found) == limit else None
        return Answer({"items": items, "next": following})

    @routes.post(
        "/events",
        operation_id="publishEvents",
        status_code=202,
        response_model=Accepted,
        responses=refusals(413, 415),
        openapi_extra=role(OPERATOR) | _BODY,
    )
    async def publish(request: Request) -> Response:
        """Publish CloudEvents: structured, batched or binary; durable when this answers."""
        events = await events_of(request)
        for event in events:
            await desk.engine.publish(
                event["type"],
                event.get("data"),
                source=event["source"],
                subject=event.get("subject"),
                event_id=event["id"],
                **{name: value for name, value in event.items() if name not in _KNOWN},
            )
        return Answer({"accepted": len(events)}, status_code=202)

    return routes


async def events_of(request: Request) -> list[dict[str, Any]]:
    """Return the CloudEvents of a request.

    Raises:
        Refused: its content type is none of CloudEvents.
        RequestError: it holds none.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media == STRUCTURED:
        found = [decoded(body)]
    elif media == BATCHED:
        found = decoded(body)
        if not isinstance(found, list) or len(found) > MOST:
            raise RequestError(f"a batch is a list of at most {MOST} events")
    elif request.headers.get("ce-specversion") is not None and media == "application/json":
        attributes = {
            name.removeprefix("ce-"): value
            for name, value in request.headers.items()
            if name.startswith("ce-")
        }
        found = [{**attributes, "data": decoded(body)}]
    else:
        raise Refused(
            415,
            "media-type",
            "Unknown content type",
            f"events are not {media or 'without a content type'}",
            hint=f"send {STRUCTURED}, {BATCHED}, or application/json with `ce-` headers",
        )
    for number, event in enumerate(found):
        _require(event, number)
    return found


def _require(event: Any, number: int) -> None:
    wrong = (
        None
        if isinstance(event, dict) and event.get("specversion") == "1.0"
        else "an object with specversion 1.0"
    )
    if wrong is None:
        missing = [
            name
            for name in ("id", "source", "type")
            if not isinstance(event.get(name), str) or not event[name]
        ]
        wrong = f"one with {', '.join(missing)}" if missing else None
    if wrong is not None:
        raise RequestError(
            f"event {number} is no CloudEvent: it has to be {wrong}",
            hint="CloudEvents 1.0 wants specversion, id, source and type",
        )
