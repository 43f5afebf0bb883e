"""Request bodies: from a workflow's data to bytes and a content type, pure.

Without a `Content-Type` header, an object, array, number or boolean is JSON and a string is
`text/plain; charset=utf-8`. With one, the header says how the data is meant:

* JSON types: data is encoded; a string is sent as it is, because it is JSON text already. (Encoding
  it would be the other reading; `${ . | tojson }` asks for that one.)
* `application/x-www-form-urlencoded`: an object of scalars and arrays of scalars (repeated names);
  null values are left out.
* `multipart/form-data`: the same object, one part each; the boundary is ours.
* text types: a string or another scalar, in the header's charset.
* everything else is bytes: a base64 string.

Null is no body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import urlencode

import msgspec

from batuta.adapters.callers.http.media_types import Form, charset, essence, form_of
from batuta.adapters.callers.http.uri_template import text_of
from batuta.ports.caller import Fault


def encoded_body(  # noqa: PLR0911 -- one return per row of the table above
    body: Any, content_type: str | None
) -> tuple[bytes | None, str | None]:
    """Return the bytes to send and the content type that describes them.

    Args:
        body: the workflow's data.
        content_type: the header's value when there is one.

    Raises:
        Fault: `validation` 400 when the data cannot be sent as that content type.
    """
    if body is None:
        return None, content_type
    if content_type is None:
        content_type = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    match form_of(content_type):
        case Form.JSON:
            return body.encode() if isinstance(body, str) else json_bytes(body), content_type
        case Form.FORM:
            if isinstance(body, str):
                return body.encode(), content_type
            return urlencode(form_fields(body, content_type)).encode(), content_type
        case Form.MULTIPART:
            return _multipart(form_fields(body, content_type), content_type)
        case Form.TEXT:
            return _text(body, content_type), content_type
        case Form.BINARY:
            return _bytes(body, content_type), content_type


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON text in UTF-8."""
    return msgspec.json.encode(value)


def form_fields(body: Any, content_type: str) -> list[tuple[str, str]]:
    """Return the fields of a form: repeated names for arrays, none for null.

    Raises:
        Fault: `validation` 400 when `body` is no object of scalars and arrays of scalars.
    """
    if not isinstance(body, dict):
        raise _unsendable(content_type, "an object of form fields", body)
    fields: list[tuple[str, str]] = []
    for name, value in body.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (dict, list)):
                raise _unsendable(content_type, f"a scalar or a list of scalars for {name!r}", item)
            if item is not None:
                fields.append((str(name), text_of(item)))
    return fields


def _multipart(fields: list[tuple[str, str]], content_type: str) -> tuple[bytes, str]:
    # The boundary is a digest of the content: the same call sends the same bytes again, and no
    # part can hold it.
    digest = hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
    boundary = f"batuta-{digest[:40]}"
    lines: list[str] = []
    for name, value in fields:
        lines += [
            f"--{boundary}",
            f'Content-Disposition: form-data; name="{_quoted(name)}"',
            "",
            value,
        ]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines).encode(), f"{essence(content_type)}; boundary={boundary}"


def _quoted(name: str) -> str:
    # HTML, "multipart/form-data encoding algorithm": these three and no others.
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _text(body: Any, content_type: str) -> bytes:
    if isinstance(body, (dict, list)):
        raise _unsendable(content_type, "a string", body)
    try:
        return text_of(body).encode(charset(content_type))
    except UnicodeEncodeError as error:
        raise _unsendable(content_type, f"text in {charset(content_type)}", body) from error


def _bytes(body: Any, content_type: str) -> bytes:
    if isinstance(body, str):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _unsendable(content_type, "a base64 string", body)


def _unsendable(content_type: str, expected: str, found: Any) -> Fault:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    kind = kinds.get(type(found), "a number")
    return Fault(
        "validation",
        400,
        "Body does not fit its content type",
        f"{content_type} needs {expected}; the body has {kind} there",
    )
