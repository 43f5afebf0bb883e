"""The OpenAPI document: what FastAPI derives from the routes, made exact.

Owns what the derivation does not know: that refusals are problem details, how somebody proves who
they are, and that every answer may be one of the refusals that the gate gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from batuta.server.models.runs import StartBody
from batuta.server.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI

LEAST_REFUSAL = 400
_READ_OTHERWISE = (StartBody,)
"""Bodies that the framework does not read (`quick`), and that are described all the same."""
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The local token, or an API key.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "batuta_session",
        "description": "From `POST /session`; a change repeats its token in `X-CSRF-Token`.",
    },
}


def described(made: FastAPI) -> dict[str, Any]:
    """Return the document of an application; the same for the same code."""
    document = get_openapi(
        title=made.title,
        version=made.version,
        summary=made.summary,
        routes=made.routes,
        openapi_version="3.1.0",
    )
    for operations in document["paths"].values():
        for operation in operations.values():
            _refine(operation)
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in _READ_OTHERWISE:
        told = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(told.pop("$defs", {}))
        schemas[model.__name__] = told
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{name: []} for name in _SECURITY]
    return document


def _refine(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if int(status) >= LEAST_REFUSAL:
            content.pop("application/json", None)
            assert MEDIA_TYPE in content, (operation["operationId"], status)  # noqa: S101 -- a route of ours that forgot to say
