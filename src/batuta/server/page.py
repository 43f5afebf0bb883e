"""The operator's page: files that were built from `ui/`, as they are.

Owns what is answered when the page was not built (an installation from a checkout without
`make ui`): words that say so. Names under `assets` hold a digest of their content, so they may be
kept for ever; the first file names the others and is asked for anew each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Scope

BUILT = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Batuta</title></head>
<body><h1>The page was not built</h1>
<p>In a checkout, <code>make ui</code> builds it. The API under <code>/api/v1</code> and the command
<code>batuta</code> do the same.</p></body></html>
"""


class _Kept(StaticFiles):
    """Files that never change under their name."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, to be kept by the browser."""
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = FOR_EVER
        return answer


def page_routes(built: Path = BUILT) -> list[BaseRoute]:
    """Return the routes of the page.

    Args:
        built: the folder of the built page; it may be absent.
    """

    def index(_: Request) -> Response:
        path = built / "index.html"
        return FileResponse(path) if path.is_file() else HTMLResponse(NOT_BUILT, status_code=503)

    assets = _Kept(directory=built / "assets", check_dir=False)
    return [Route("/", index, methods=["GET"]), Mount("/assets", assets)]
