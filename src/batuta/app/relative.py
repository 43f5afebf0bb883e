"""Addresses beside a function's file: what a function calls `./prices.json` lies next to it.

Owns the places of a task where the DSL has an external resource: schemas, scripts, and the
descriptions of services. Everything else in a task is data, and is left alone.
Source: `dsl.md`, "Creating a Custom Function", step 3.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from batuta.expressions import unwrap

_DATA = frozenset(
    {"set", "with", "from", "as", "metadata", "code", "arguments", "environment", "document"}
)
"""Keys under which a task holds data, or a schema's own text."""
_DESCRIPTIONS = ("document", "proto", "agentCard")


def absolute(body: Any, base: str) -> Any:
    """Return a task, plain JSON, with the relative addresses of its resources made whole."""
    if isinstance(body, list):
        return [absolute(one, base) for one in body]
    if not isinstance(body, dict):
        return body
    changed: dict[str, Any] = {}
    for key, value in body.items():
        if key in {"resource", "source"}:
            changed[key] = _resource(value, base)
        elif key == "with" and body.get("call") in {"openapi", "asyncapi", "grpc", "a2a"}:
            changed[key] = {
                name: _resource(one, base) if name in _DESCRIPTIONS else one
                for name, one in value.items()
            }
        else:
            changed[key] = value if key in _DATA else absolute(value, base)
    return changed


def _resource(resource: Any, base: str) -> Any:
    if not isinstance(resource, dict) or "endpoint" not in resource:
        return resource
    endpoint = resource["endpoint"]
    if isinstance(endpoint, dict):
        return {**resource, "endpoint": {**endpoint, "uri": _joined(endpoint.get("uri"), base)}}
    return {**resource, "endpoint": _joined(endpoint, base)}


def _joined(uri: Any, base: str) -> Any:
    if not isinstance(uri, str) or unwrap(uri) is not None or urlsplit(uri).scheme:
        return uri
    return urljoin(base, uri)
