"""What goes wrong, as problem details (RFC 9457).

Owns which status an error has. The `code` is the error's own, stable, and `type` is the place at
which this server explains it to everybody (section 3.1.1; `explained`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from batuta.app.workflows import problem_json
from batuta.definition import Problem
from batuta.errors import (
    BatutaError,
    ConflictError,
    DefinitionError,
    NotFoundError,
    OutcomeUnknownError,
    RequestError,
    UnavailableError,
)
from batuta.server.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("batuta.server")

BROKEN = 500
PLACE = "/problems/"
JSON_HINT = "say that the body is JSON: `Content-Type: application/json`"
DOCUMENT_HINT = "`GET /api/v1/openapi.json` describes what every request takes"
MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[BatutaError], int, str], ...] = (
    (NotFoundError, 404, "Not found"),
    (ConflictError, 409, "Conflict"),
    (DefinitionError, 422, "The workflow is not right"),
    (RequestError, 422, "The request is not right"),
    (UnavailableError, 503, "Unavailable now"),
    (OutcomeUnknownError, 504, "Outcome unknown"),
    (BatutaError, BROKEN, "Something is broken here"),
)


class Refused(HTTPException):
    """An answer that refuses a request, before any use case was asked.

    Args:
        status: the HTTP status.
        code: stable.
        title: the same for every request that is refused so.
        detail: what about this request.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        hint: str = "",
        errors: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status
        self.code = code
        self.title = title
        self.hint = hint
        self.errors = errors or []


def answer_of(refused: Refused) -> Answer:
    """Return the answer that says why a request was refused."""
    body = {
        "type": f"{PLACE}{refused.code}",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "code": refused.code,
        "hint": refused.hint,
        "errors": refused.errors,
    }
    return Answer(body, status_code=refused.status, media_type=MEDIA_TYPE, headers=refused.headers)


def refusal_of(error: BatutaError) -> Refused:
    """Return what an operating error means to whoever asked."""
    status, title = next((s, t) for kind, s, t in _STATUS if isinstance(error, kind))
    if status == BROKEN:
        _log.error("%s", error)
    problems = error.problems if isinstance(error, DefinitionError) else ()
    errors = [problem_json(one) for one in problems if isinstance(one, Problem)]
    return Refused(status, error.code, title, error.message, hint=error.hint, errors=errors)
