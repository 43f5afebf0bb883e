"""Answers: from what a server sent to a task's output, in the DSL's three forms.

* `content` (default): deserialised by media type: JSON types to their value, text types to a
  string, anything else to a base64 string. Without a content type, text when it is UTF-8, base64
  otherwise. No body is null.
* `raw`: the body as base64, after content encodings (gzip) are undone; no body is null.
* `response`: request, statusCode, headers and content. Header names are written the usual way
  (`Content-Type`, `Etag`) whatever the server sent, so that an expression finds them with every
  server; repeated headers are joined by a comma and a space (RFC 9110, section 5.2), `Set-Cookie`
  by a line break, as its values contain commas.

Source: dsl-reference.md, "HTTP Call" and "HTTP Response".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.http.exchange import described
from batuta.adapters.callers.http.media_types import Form, charset, form_of
from batuta.adapters.callers.http.redaction import (
    CREDENTIAL_HEADERS,
    MASK,
    Redactor,
    credentials_in,
)
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.adapters.callers.http.exchange import Answer
    from batuta.ports.caller import SecretSource

OUTPUT_FORMS = ("content", "raw", "response")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def output_of(answer: Answer, form: str, secrets: SecretSource) -> Any:
    """Return a call's output, without secrets and credentials.

    Raises:
        Fault: `communication` 500 when a JSON content type holds no JSON.
    """
    redactor = Redactor(secrets, credentials_in(answer.request.headers))
    if form == "raw":
        content = redactor.content(answer.body)
        return base64.b64encode(content).decode() if content else None
    content = deserialised(answer, redactor)
    if form == "content":
        return content
    request_headers = (
        (name, MASK if name.lower() in CREDENTIAL_HEADERS else value)
        for name, value in answer.request.headers
    )
    described_answer = {
        "request": {
            "method": answer.request.method.lower(),
            "uri": str(answer.request.url),
            "headers": _headers(request_headers),
        },
        "statusCode": answer.status,
        "headers": _headers(answer.headers.multi_items()),
    }
    return {**redactor.value(described_answer), "content": content}


def deserialised(answer: Answer, redactor: Redactor) -> Any:
    """Return the body as data, by its media type, redacted."""
    if not answer.body:
        return None
    content_type = answer.headers.get("content-type", "")
    match form_of(content_type) if content_type else _guessed(answer.body):
        case Form.JSON:
            return _redacted_json(answer, redactor)
        case Form.TEXT | Form.FORM:
            return redactor.value(answer.body.decode(charset(content_type), "replace"))
        case Form.BINARY | Form.MULTIPART:
            return base64.b64encode(redactor.content(answer.body)).decode()


def _redacted_json(answer: Answer, redactor: Redactor) -> Any:
    try:
        # RFC 8259, section 8.1: a byte order mark may be ignored.
        return redactor.value(msgspec.json.decode(answer.body.removeprefix(_BYTE_ORDER_MARK)))
    except msgspec.DecodeError as error:
        problem = str(error)
        if "byte" not in problem:
            problem += f" (byte {len(answer.body)})"
    except RecursionError:
        problem = "nested too deep"
    raise Fault(
        "communication",
        500,
        "Invalid JSON",
        f"{described(answer.request)} answered {answer.status} with a body that is not valid JSON: "
        f"{problem}",
    )


def _guessed(body: bytes) -> Form:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return Form.BINARY
    return Form.TEXT


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        usual = "-".join(part.capitalize() for part in name.split("-"))
        between = "\n" if usual == "Set-Cookie" else ", "
        joined[usual] = f"{joined[usual]}{between}{value}" if usual in joined else value
    return joined
