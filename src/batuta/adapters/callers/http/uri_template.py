"""URI templates, RFC 6570 level 1, as the DSL limits them.

Owns the expansion of `{name}` from the top-level keys of a task's input. Names are verbatim:
`{pet.id}` is the key `pet.id`. A missing key or null gives nothing. What level 1 does not know
(operators such as `{?x}`, lists such as `{a,b}`, modifiers such as `{x*}`) is refused instead of
silently expanding to nothing, unless the input has a key of exactly that name. Values that make a
path segment `.` or `..` are refused too: percent-encoding does not hide dots, and every URL parser
would walk up the path.

Source: dsl-reference.md, "URI Template"; RFC 6570, sections 1.2 and 3.2.2.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from batuta.ports.caller import Fault

_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_BEYOND_LEVEL_1 = re.compile(r"^[+#./;?&=,!@|]|[,*]|:\d")


def expand(template: str, values: Any) -> str:
    """Return `template` with each `{name}` replaced by the percent-encoded value of that key.

    Args:
        template: a URI template.
        values: the task's input; anything but an object has no keys.

    Raises:
        Fault: `expression` 400 for an object or array as value, `configuration` 400 for a template
            beyond level 1.
    """
    keys: dict[str, Any] = values if isinstance(values, dict) else {}
    expanded = _EXPRESSION.sub(lambda match: _expanded(match.group(1), keys, template), template)
    if _dot_segments(expanded) > _dot_segments(template):
        raise Fault(
            "expression",
            400,
            "URI template value changes the path",
            f"{template} becomes {expanded}, which leads to another path",
        )
    return expanded


def text_of(value: Any) -> str:
    """Return a scalar as it is written in a URI, header or form; null is the empty text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case _:
            return str(value)


def _dot_segments(uri: str) -> int:
    path = uri.partition("?")[0].partition("#")[0]
    return sum(segment in (".", "..") for segment in path.split("/"))


def _expanded(name: str, keys: dict[str, Any], template: str) -> str:
    if name not in keys and _BEYOND_LEVEL_1.search(name):
        raise Fault(
            "configuration",
            400,
            "Unsupported URI template",
            f"{{{name}}} in {template} is beyond simple string expansion (RFC 6570 level 1); "
            "write {name} and one variable each",
        )
    value = keys.get(name)
    if isinstance(value, (dict, list)):
        kind = "an object" if isinstance(value, dict) else "an array"
        raise Fault(
            "expression",
            400,
            "URI template value is not a scalar",
            f"{{{name}}} in {template} is {kind}; a string, number, boolean or null was expected",
        )
    return quote(text_of(value), safe="")
