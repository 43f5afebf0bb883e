"""Events: published, and read back in their order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.publishing import publish_all
from batuta.app.views import text_time
from batuta.errors import RequestError
from batuta.server.access import OPERATOR, PUBLISH_ANY, VIEWER
from batuta.server.answers import Answer, decoded
from batuta.server.asked import digest_of, media_of, unreadable
from batuta.server.desk import Guarded, refusals, role, who_of, whole
from batuta.server.models.base import Page
from batuta.server.models.events import Accepted, EventModel
from batuta.server.problems import Refused
from batuta.server.quick import KEY_PARAMETER, key_of

if TYPE_CHECKING:
    from batuta.server.access import Principal
    from batuta.server.desk import Desk
    from batuta.server.quick import Endpoint

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MOST = 1_000
_EVENT = {"$ref": "#/components/schemas/CloudEvent"}
_BODY: dict[str, Any] = {
    "parameters": [KEY_PARAMETER],
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCHED: {"schema": {"type": "array", "items": _EVENT, "maxItems": MOST}},
            "application/json": {"schema": {}},
        },
    },
}


_PUBLISH = """Publish CloudEvents: structured, batched or binary; durable when this answers.

An event is known by its source and id: one that was published before is not published again, with
or without `Idempotency-Key`. Who has some namespaces only may publish what workflows of theirs hear
and nobody elsewhere does, unless the grant `publish:*` allows any type.
"""


def publishing(desk: Desk) -> Endpoint:
    """Return what answers `POST /events`."""

    async def publish(request: Request) -> Response:
        who = who_of(request)
        who.require(OPERATOR)
        events = await events_of(request)
        may_publish(desk, who, events)
        all_of_them = partial(_publish, desk, request, events)
        key = key_of(request)
        if key is None:
            await all_of_them()
        else:
            digest = digest_of(await request.body())
            await desk.once.publish(f"{who.name}/publish", key, digest, all_of_them)
        return Answer({"accepted": len(events)}, status_code=202)

    return publish


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["events"])

    @routes.get(
        "/events",
        operation_id="listEvents",
        response_model=Page[EventModel],
        responses=refusals(),
        openapi_extra=whole(VIEWER),
    )
    async def every(
        type_: Annotated[str | None, Query(alias="type", max_length=512)] = None,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> Response:
        """List published events in their order."""
        types = () if type_ is None else (type_,)
        found = desk.engine.store.events(after, types=types, limit=limit)
        shown = desk.veil.brief_events(one.event for one in found)
        items = [
            {"number": one.number, "at": text_time(one.at), "event": event}
            for one, event in zip(found, shown, strict=True)
        ]
        following = str(found[-1].number) if len(found) == limit else None
        return Answer({"items": items, "next": following})

    routes.add_api_route(
        "/events",
        publishing(desk),
        methods=["POST"],
        operation_id="publishEvents",
        description=_PUBLISH,
        status_code=202,
        response_model=Accepted,
        responses=refusals(409, 413, 415),
        openapi_extra=role(OPERATOR) | _BODY,
    )
    return routes


def may_publish(desk: Desk, who: Principal, events: list[Any]) -> None:
    """Refuse events that would go where somebody has no part; types have no namespaces.

    Raises:
        Refused: nobody in their namespaces hears an event of this type, or somebody elsewhere does.
    """
    if who.sees_all or PUBLISH_ANY in who.grants:
        return
    hearers = desk.hearers.namespaces()
    for type_ in {str(one.get("type", "")) for one in events if isinstance(one, dict)}:
        named = hearers.named.get(type_, frozenset())
        own = any(map(who.sees, named | hearers.of_any))
        if not own or not all(map(who.sees, named)):
            why = "is heard elsewhere too" if own else "is heard by no workflow of theirs"
            raise Refused(
                403,
                "namespace",
                "Not allowed",
                f"{who.name} may not publish {type_!r}: it {why}",
                hint=f"theirs are: {', '.join(who.namespaces)}; the grant `publish:*` allows any",
            )


async def _publish(desk: Desk, request: Request, events: list[Any]) -> None:
    what = events[0].get("type", "") if events and isinstance(events[0], dict) else ""
    desk.note(request, "event.publish", str(what), events=len(events))
    await publish_all(desk.engine, events)


async def events_of(request: Request) -> list[Any]:
    """Return what should be the CloudEvents of a request.

    Raises:
        Refused: its content type is none of CloudEvents.
        RequestError: it is not JSON, or too many.
    """
    media = media_of(request)
    body = await request.body()
    if media == STRUCTURED:
        return [decoded(body)]
    if media == BATCHED:
        found = decoded(body)
        if not isinstance(found, list) or len(found) > MOST:
            raise RequestError(f"a batch is a list of at most {MOST} events")
        return found
    if request.headers.get("ce-specversion") is not None and media == "application/json":
        attributes = {
            name.removeprefix("ce-"): value
            for name, value in request.headers.items()
            if name.startswith("ce-")
        }
        return [{**attributes, "datacontenttype": media, "data": decoded(body)}]
    raise unreadable(media, f"send {STRUCTURED}, {BATCHED}, or application/json with `ce-` headers")
