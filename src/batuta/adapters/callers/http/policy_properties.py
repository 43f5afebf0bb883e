"""Reading the properties of an authentication policy, and the one header they share.

Values are secrets more often than not, so a complaint names the property and never its value.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from batuta.adapters.callers.http.uri_template import text_of
from batuta.ports.caller import Fault


def basic(username: str, password: str) -> str:
    """Return the value of an `Authorization` header, UTF-8 as RFC 7617 section 2.1 allows."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def required(scheme: str, properties: dict[str, Any], name: str) -> str:
    """Return a scalar property of a policy as text.

    Raises:
        Fault: `configuration` 400 when it is missing or no scalar; the value is not told.
    """
    value = properties.get(name)
    if value is None or isinstance(value, (dict, list)):
        raise Fault(
            "configuration",
            400,
            "Incomplete authentication policy",
            f"{scheme} authentication needs {name!r} to be a string",
        )
    return text_of(value)


def optional(properties: dict[str, Any], *path: str) -> str | None:
    """Return a nested scalar property as text, None when it is missing or no scalar."""
    value: Any = properties
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None or isinstance(value, (dict, list)) else text_of(value)


def texts(properties: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a property that is a list of scalars (or one scalar) as texts."""
    value = properties.get(name)
    if value is None:
        return ()
    items: list[Any] = value if isinstance(value, list) else [value]
    return tuple(text_of(item) for item in items)
