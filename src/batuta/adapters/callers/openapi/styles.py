"""Styles: how the value of a parameter is written, pure.

Owns the table of OpenAPI's styles, from a JSON value to text that is percent-encoded where it goes
into a URL. Arrays and objects nest no deeper than one level in any style; what is deeper is JSON
text inside its place, which the styles leave undefined.

Sources: OpenAPI 3.1.1, "Style Values" and "Style Examples"; RFC 6570 for the first four.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from batuta.adapters.callers.http.uri_template import text_of

if TYPE_CHECKING:
    from batuta.adapters.callers.openapi.operation import Parameter

# RFC 3986, section 2.2, without those that would end the query or split it.
_RESERVED_IN_QUERY = ":/?@!$'()*,;"
_DELIMITERS = {
    "form": ",",
    "spaceDelimited": "%20",
    "pipeDelimited": "%7C",
    "tabDelimited": "%09",
}


def path_text(parameter: Parameter, value: Any) -> str:
    """Return what stands for `{name}` in a path, percent-encoded."""
    name = quote(parameter.name, safe="")
    if parameter.media_type is not None:
        return quote(plain_text(value), safe="")
    pairs = _pairs(value)
    match parameter.style:
        case "label":
            return "." + _listed(value, pairs, "." if parameter.explode else ",", parameter)
        case "matrix" if parameter.explode and pairs is not None:
            return "".join(f";{key}={item}" for key, item in pairs)
        case "matrix" if parameter.explode and isinstance(value, list):
            return "".join(f";{name}={_encoded(item)}" for item in value)
        case "matrix":
            return f";{name}={_listed(value, pairs, ',', parameter)}"
        case _:
            return _listed(value, pairs, ",", parameter)


def query_parts(parameter: Parameter, value: Any) -> list[str]:
    """Return the `name=value` parts of a query, percent-encoded."""
    safe = _RESERVED_IN_QUERY if parameter.allow_reserved else ""
    name = quote(parameter.name, safe="[]")
    if parameter.media_type is not None or not isinstance(value, (dict, list)):
        return [f"{name}={_encoded(value, safe)}"]
    if isinstance(value, dict):
        pairs = _pairs(value, safe) or []
        if parameter.style == "deepObject":
            return [f"{name}%5B{key}%5D={item}" for key, item in pairs]
        if parameter.explode:
            return [f"{key}={item}" for key, item in pairs]
        items = [part for pair in pairs for part in pair]
    else:
        items = [_encoded(item, safe) for item in value]
        if parameter.explode:
            return [f"{name}={item}" for item in items]
    return [f"{name}={_DELIMITERS.get(parameter.style, ',').join(items)}"]


def header_text(parameter: Parameter, value: Any) -> str:
    """Return the value of a header; nothing is percent-encoded there."""
    if parameter.media_type is not None:
        return plain_text(value)
    match value:
        case list():
            return ",".join(plain_text(item) for item in value)
        case dict() if parameter.explode:
            return ",".join(f"{key}={plain_text(item)}" for key, item in value.items())
        case dict():
            return ",".join(f"{key},{plain_text(item)}" for key, item in value.items())
        case _:
            return text_of(value)


def plain_text(value: Any) -> str:
    """Return a scalar as text, anything else as JSON."""
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return text_of(value)


def _encoded(value: Any, safe: str = "") -> str:
    return quote(plain_text(value), safe=safe)


def _pairs(value: Any, safe: str = "") -> list[tuple[str, str]] | None:
    if not isinstance(value, dict):
        return None
    return [(quote(str(key), safe=""), _encoded(item, safe)) for key, item in value.items()]


def _listed(
    value: Any, pairs: list[tuple[str, str]] | None, delimiter: str, parameter: Parameter
) -> str:
    if pairs is not None:
        if parameter.explode:
            return delimiter.join(f"{key}={item}" for key, item in pairs)
        return delimiter.join(part for pair in pairs for part in pair)
    if isinstance(value, list):
        return delimiter.join(_encoded(item) for item in value)
    return _encoded(value)
