"""JSON in and out, by one library: strict when reading, quick when writing."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from batuta.errors import RequestError

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Answer(Response):
    """JSON of whatever `msgspec` can write: plain values, structs."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return _encode(content)


def decoded(body: bytes) -> Any:
    """Return the JSON value of a body.

    Raises:
        RequestError: it is none (`NaN`, lone surrogates and too deep a nesting are none).
    """
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise RequestError(
            f"the body is not JSON: {error}", hint="send one JSON value as UTF-8 text"
        ) from None
    except RecursionError:
        raise RequestError("the body is nested too deeply", hint="flatten it") from None
