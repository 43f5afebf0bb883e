"""Operations: one shape for what Swagger 2.0 and OpenAPI 3 say differently, pure.

Owns the reading of an operation's parameters, body and server. Does not own the arguments of a
call (`binding`) or how values are written (`styles`).

Rules:

* Parameters of the path item are inherited; the operation's own of the same name and place win.
* An `apiKey` security scheme that applies is an optional parameter under its header, query or
  cookie name, because there is no other way to hand one over; every other scheme is the business of
  the call's authentication policy.
* The body's media type is the first that fits best: JSON, a form, multipart, whatever comes first.
* 2.0's `formData` parameters are an object body of those properties.

Sources: OpenAPI 2.0, "Parameter Object"; OpenAPI 3.1.1, "Parameter Object", "Media Type Object".
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.http.media_types import Form, form_of
from batuta.adapters.callers.openapi.document import ApiDocument, Dialect, Found
from batuta.adapters.callers.openapi.servers import base_url
from batuta.definition.suggest import listed
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEFAULT_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
# 2.0's collection formats as 3's styles; `tsv` has no style there and keeps its name.
_COLLECTION_STYLES = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
_IN_BRACES = re.compile(r"\{([^{}]+)\}")
# OpenAPI 3.1.1, "Parameter Object": these are no parameters. They may be given, never required.
_NOT_ASKED_FOR = frozenset(("accept", "content-type", "authorization"))
_JSON = "application/json"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, in 3's words; `media_type` is set when it is sent as a document."""

    name: str
    place: str
    required: bool = False
    schema: Any = None
    style: str = "simple"
    explode: bool = False
    allow_reserved: bool = False
    media_type: str | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A request body; `name` is that of 2.0's body parameter, `fields` are 2.0's form fields."""

    media_type: str
    schema: Any = None
    required: bool = False
    name: str | None = None
    fields: tuple[Parameter, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that can be called."""

    id: str
    method: str
    base_url: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None


def find_operation(document: ApiDocument, operation_id: str) -> Operation:
    """Return an operation by its id.

    Raises:
        Fault: `configuration` 400 when there is none (close names are listed) or when the document
            does not say enough to call it.
    """
    key = ("operation", operation_id)
    if key not in document.derived:
        document.derived[key] = _operation(document, _found(document, operation_id))
    return document.derived[key]


def _found(document: ApiDocument, operation_id: str) -> Found:
    known = document.operations()
    if operation_id in known:
        return known[operation_id]
    close = difflib.get_close_matches(operation_id, known, n=3, cutoff=0.5)
    if close:
        hint = f"did you mean {' or '.join(f'`{name}`' for name in close)}?"
    else:
        hint = f"it has {listed(sorted(known))}" if known else "it has none with an operationId"
    raise Fault(
        "configuration",
        400,
        "Unknown operation",
        f"{document.uri} has no operation {operation_id!r}; {hint}",
    )


def _operation(document: ApiDocument, found: Found) -> Operation:
    written = tuple(_written_parameters(document, found))
    legacy = document.dialect is Dialect.SWAGGER_2
    body = _legacy_body(document, found, written) if legacy else _body(document, found)
    places = frozenset(_DEFAULT_STYLES)
    parameters = [_parameter(item, legacy) for item in written if item.get("in") in places]
    named = {parameter.name for parameter in parameters if parameter.place == "path"}
    nameless = [name for name in _IN_BRACES.findall(found.path) if name not in named]
    if nameless:
        raise document.refused(
            f"{found.path} has {listed(nameless)} and declares no such parameter"
        )
    return Operation(
        id=str(found.operation["operationId"]),
        method=found.method.upper(),
        base_url=base_url(document, found),
        path=found.path,
        parameters=(*parameters, *_api_keys(document, found, parameters)),
        body=body,
    )


def _written_parameters(document: ApiDocument, found: Found) -> Iterator[dict[str, Any]]:
    merged: dict[tuple[Any, Any], dict[str, Any]] = {}
    for owner in (found.item, found.operation):
        for written in owner.get("parameters") or ():
            parameter = document.resolved(written)
            if isinstance(parameter, dict) and "name" in parameter:
                merged[parameter["name"], parameter.get("in")] = parameter
    yield from merged.values()


def _parameter(written: dict[str, Any], legacy: bool) -> Parameter:
    place = written["in"]
    content = written.get("content")
    media_type, schema = None, written.get("schema")
    if legacy:
        schema = {name: value for name, value in written.items() if name not in ("name", "in")}
        style, explode = _COLLECTION_STYLES.get(
            str(written.get("collectionFormat")), ("form", False)
        )
        if place in ("path", "header") and style == "form":
            style = "simple"
    else:
        if isinstance(content, dict) and content:
            media_type = next(iter(content))
            schema = (content[media_type] or {}).get("schema")
        style = written.get("style") or _DEFAULT_STYLES[place]
        explode = written.get("explode", style == "form")
    not_asked_for = place == "header" and str(written["name"]).lower() in _NOT_ASKED_FOR
    return Parameter(
        name=str(written["name"]),
        place=place,
        required=place == "path" or (written.get("required") is True and not not_asked_for),
        schema=schema,
        style=style,
        explode=bool(explode),
        allow_reserved=written.get("allowReserved") is True,
        media_type=media_type,
    )


def _body(document: ApiDocument, found: Found) -> Body | None:
    written = document.resolved(found.operation.get("requestBody"))
    content = written.get("content") if isinstance(written, dict) else None
    if not isinstance(content, dict) or not content:
        return None
    chosen = _best(content)
    described = document.resolved(content[chosen])
    return Body(
        media_type=_JSON if "*" in chosen else chosen,
        schema=described.get("schema") if isinstance(described, dict) else None,
        required=written.get("required") is True,
    )


def _legacy_body(
    document: ApiDocument, found: Found, written: tuple[dict[str, Any], ...]
) -> Body | None:
    consumes = found.operation.get("consumes") or document.root.get("consumes") or []
    for item in written:
        if item.get("in") == "body":
            return Body(
                media_type=_best(consumes) if consumes else _JSON,
                schema=item.get("schema"),
                required=item.get("required") is True,
                name=str(item["name"]),
            )
    fields = tuple(
        _parameter({**item, "in": "query"}, legacy=True)
        for item in written
        if item.get("in") == "formData"
    )
    if not fields:
        return None
    files = any(isinstance(f.schema, dict) and f.schema.get("type") == "file" for f in fields)
    multipart = files or [form_of(kind) for kind in consumes] == [Form.MULTIPART]
    required = [field.name for field in fields if field.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: field.schema for field in fields},
    }
    return Body(
        media_type="multipart/form-data" if multipart else "application/x-www-form-urlencoded",
        schema={**schema, "required": required} if required else schema,
        required=bool(required),
        fields=fields,
    )


def _best(media_types: Iterable[str]) -> str:
    order = (Form.JSON, Form.FORM, Form.MULTIPART, Form.TEXT, Form.BINARY)
    return min(media_types, key=lambda kind: order.index(form_of(kind)))


def _api_keys(
    document: ApiDocument, found: Found, declared: list[Parameter]
) -> Iterator[Parameter]:
    root = document.root
    schemes = root.get("securityDefinitions") or (root.get("components") or {}).get(
        "securitySchemes"
    )
    requirements = found.operation.get("security", root.get("security")) or []
    taken = {(parameter.name, parameter.place) for parameter in declared}
    names = dict.fromkeys(name for requirement in requirements for name in requirement)
    for name in names:
        scheme = document.resolved((schemes or {}).get(name))
        if not isinstance(scheme, dict) or scheme.get("type") != "apiKey":
            continue
        key = (str(scheme.get("name")), str(scheme.get("in")))
        if key not in taken and key[1] in _DEFAULT_STYLES:
            yield Parameter(name=key[0], place=key[1], style=_DEFAULT_STYLES[key[1]])
