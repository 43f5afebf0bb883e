"""What a media type means for a body, the same in both directions.

The DSL says that content is "possibly deserialized" and does not say for which types. This is the
table: JSON types hold values, text types hold strings, forms hold objects when sent and strings
when received, everything else is bytes, carried as base64.
"""

from __future__ import annotations

import enum
from email.message import Message

_TEXT_TYPES = frozenset(
    (
        "application/graphql",
        "application/javascript",
        "application/jwt",
        "application/sql",
        "application/toml",
        "application/x-javascript",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    )
)
_TEXT_SUFFIXES = ("+xml", "+yaml", "+jwt")


class Form(enum.Enum):
    """How a body of some media type is represented in a workflow's data."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    TEXT = "text"
    BINARY = "binary"


def essence(content_type: str) -> str:
    """Return `type/subtype` in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def form_of(content_type: str) -> Form:
    """Return how a body of this content type is represented."""
    kind = essence(content_type)
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        return Form.JSON
    if kind == "application/x-www-form-urlencoded":
        return Form.FORM
    if kind == "multipart/form-data":
        return Form.MULTIPART
    if kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(_TEXT_SUFFIXES):
        return Form.TEXT
    return Form.BINARY


def charset(content_type: str) -> str:
    """Return the charset parameter, `utf-8` when there is none or Python does not know it."""
    message = Message()
    message["Content-Type"] = content_type
    name = str(message.get_param("charset") or "utf-8")
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name
