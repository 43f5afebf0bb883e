"""What the routes work with: the engine of this process, and what is built over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from starlette.requests import Request

from batuta.app.dead import DeadLetters
from batuta.errors import RequestError
from batuta.server.access import ROLES, Principal
from batuta.server.answers import decoded
from batuta.server.gate import PRINCIPAL
from batuta.server.models.base import ProblemDetails
from batuta.server.problems import MEDIA_TYPE, Refused, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from fastapi.dependencies.models import Dependant
    from starlette.responses import Response

    from batuta.app.auditing import Audit
    from batuta.app.bulk import Bulk
    from batuta.app.changes import Changes
    from batuta.app.engine import Engine
    from batuta.app.hearers import Hearers
    from batuta.app.map import LiveMap
    from batuta.app.once import Once
    from batuta.app.participants import Participants
    from batuta.app.veiling import Veil
    from batuta.app.workflows import Workflows
    from batuta.ports.identity import IdentityProvider
    from batuta.server.credentials import Credentials
    from batuta.wiring.surroundings import Surroundings

ROLE = "x-role"
WHOLE = "x-whole"
BEGINS = "x-parameters-beginning"
"""How further query parameters of a route begin, besides those that are described one by one."""
_WHY = {
    401: "There are no credentials, or none that are known.",
    403: "The role or the namespace does not allow it.",
    404: "There is none such.",
    409: "It contradicts what is recorded.",
    413: "The body is too large.",
    415: "The body's content type is not one of those that are read here.",
    422: "The request is not right; `errors` says where.",
    429: "Too many requests; `Retry-After` says when to go on.",
    503: "Nothing happened; the same request may be sent again.",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """The use cases of one process."""

    engine: Engine
    around: Surroundings
    workflows: Workflows
    changes: Changes
    credentials: Credentials
    participants: Participants
    map: LiveMap
    audit: Audit
    once: Once
    provider: IdentityProvider | None
    bulk: Bulk
    veil: Veil
    hearers: Hearers

    @property
    def production(self) -> bool:
        """Whether what is done here is done to people's business."""
        return self.around.settings.server.production

    @property
    def letters(self) -> DeadLetters:
        """The dead letters of everybody who has a store here."""
        return DeadLetters({name: home.store for name, home in self.around.homes().items()})

    def note(self, request: Request, action: str, target: str, **detail: Any) -> None:
        """Note in the audit that whoever is asking changes something."""
        who = who_of(request)
        self.audit.note(who.name, who.by, action, target, **detail)


def role(name: str) -> dict[str, Any]:
    """Return what a route declares to be for a role and those above it."""
    return {ROLE: name}


def whole(name: str) -> dict[str, Any]:
    """Return what a route declares that tells of all namespaces at once: as `role`, and so wide."""
    return {ROLE: name, WHOLE: True}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route declares as its refusals, besides those that every route has."""
    return {
        status: {
            "description": _WHY[status],
            "model": ProblemDetails,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }


class Strict(APIRoute):
    """A route that refuses query parameters that it does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its check before it."""
        handler = super().get_route_handler()
        known = frozenset(_parameters(self.dependant))
        begins = (self.openapi_extra or {}).get(BEGINS)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                _refuse_unknown(request, known, begins)
            return await handler(request)

        return strict


def _parameters(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _refuse_unknown(request: Request, known: frozenset[str], begins: str | None) -> None:
    unknown = [
        one
        for one in dict.fromkeys(request.query_params)
        if one not in known and not (begins is not None and one.startswith(begins))
    ]
    if not unknown:
        return
    names = [*sorted(known), *([f"{begins}NAME"] if begins is not None else [])]
    raise Refused(
        422,
        "request",
        "The request is not right",
        f"there is no query parameter {', '.join(unknown)} here",
        hint=f"known are: {', '.join(names)}" if names else "this takes none",
        errors=[
            {
                "code": "unknown-parameter",
                "message": "it is not known here",
                "path": f"query:/{one}",
            }
            for one in unknown
        ],
    )


class Guarded(Strict):
    """A route that says who may use it; JSON bodies are read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its guard before it."""
        handler = super().get_route_handler()
        needed = (self.openapi_extra or {}).get(ROLE)
        is_whole = (self.openapi_extra or {}).get(WHOLE, False)
        if needed not in ROLES:
            raise RequestError(f"route {self.path} does not say who may use it")

        async def guarded(request: Request) -> Response:
            who = who_of(request)
            who.require(needed)
            if is_whole:
                who.require_everywhere()
            return await handler(_JsonRequest(request.scope, request.receive))

        return guarded


class _JsonRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """Return the JSON value of the body.

        Raises:
            Refused: it is none.
        """
        try:
            return decoded(await self.body())
        except RequestError as error:
            raise refusal_of(error) from None


def who_of(request: Request) -> Principal:
    """Return who is asking."""
    who: Principal = request.scope[PRINCIPAL]
    return who


def namespace_of(workflow: str) -> str:
    """Return the namespace of `namespace/name` or an identity."""
    return workflow.partition("/")[0]


def seen_by(desk: Desk, who: Principal) -> frozenset[str] | None:
    """Return the identities of the workflows that somebody sees, None for all."""
    if who.sees_all:
        return None
    return frozenset(one for one in desk.engine.workflows() if who.sees(namespace_of(one)))
