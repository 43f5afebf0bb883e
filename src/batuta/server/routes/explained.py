"""What the codes of errors mean: where `type` of problem details leads (RFC 9457, section 3.1.1).

Open to everybody: it is what `docs/errors.md` says, and nothing of what is here.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

import msgspec
from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from batuta.server.desk import Strict
from batuta.server.problems import PLACE, Refused

TEXTS = Path(__file__).parents[1] / "explained.json"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{code}</title></head>
<body><main><h1><code>{code}</code></h1><p>{meaning}</p>
<dl><dt>Likely</dt><dd>{cause}</dd><dt>Next</dt><dd>{step}</dd></dl></main></body></html>
"""


def router() -> APIRouter:
    """Return the route; it is in no document."""
    routes = APIRouter(route_class=Strict, include_in_schema=False)

    @routes.get(f"{PLACE}{{code}}")
    async def explain(code: str) -> Response:
        texts = _texts().get(code)
        if texts is None:
            raise Refused(404, "not-found", "Not found", f"there is no error {code!r}")
        meaning, cause, step = map(escape, texts)
        return HTMLResponse(
            _PAGE.format(code=escape(code), meaning=meaning, cause=cause, step=step)
        )

    return routes


@cache
def _texts() -> dict[str, tuple[str, str, str]]:
    return msgspec.json.decode(TEXTS.read_bytes(), type=dict[str, tuple[str, str, str]])
