"""`@text`, `@json`, `@base64`, `@uri`: a value to text. The other formats are the sandbox's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from batuta.expressions.arithmetic import BUDGET
from batuta.expressions.failures import decline
from batuta.expressions.values import to_json, to_text

if TYPE_CHECKING:
    from collections.abc import Callable


def to_base64(value: Any) -> str:
    """Return the base64 of a value's text, in UTF-8."""
    return base64.b64encode(to_text(value).encode("utf-8", "replace")).decode("ascii")


def to_uri(value: Any) -> str:
    """Return a value's text percent-encoded, but for the unreserved characters of RFC 3986."""
    text = to_text(value)
    if len(text) > BUDGET:
        raise decline("a long text to encode")
    return quote(text, safe="-_.~", errors="replace")


GROWTH = 3
"""How many times longer than its value such a text may be, in the long run of applying it again."""

FORMATTERS: dict[str, Callable[[Any], str]] = {
    "text": to_text,
    "json": to_json,
    "base64": to_base64,
    "uri": to_uri,
}
