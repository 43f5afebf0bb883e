"""Servers: the URL that an operation's path is appended to, pure.

The first server counts: the operation's, else the path's, else the document's. Variables take
their defaults. What is relative is relative to the URL of the document. Swagger 2.0 says `schemes`,
`host` and `basePath`, and what is missing is the document's; https is preferred where offered.

Sources: OpenAPI 3.1.1, "Server Object"; OpenAPI 2.0, "Swagger Object".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from batuta.adapters.callers.openapi.document import Dialect

if TYPE_CHECKING:
    from batuta.adapters.callers.openapi.document import ApiDocument, Found

_VARIABLE = re.compile(r"\{([^{}]+)\}")


def base_url(document: ApiDocument, found: Found) -> str:
    """Return the absolute URL, without a slash at its end, that the path of `found` follows.

    Raises:
        Fault: `configuration` 400 when the document names no server and was not read from one.
    """
    legacy = document.dialect is Dialect.SWAGGER_2
    written = _legacy(document, found) if legacy else _first(document, found)
    absolute = urljoin(document.uri, written) if _is_http(document.uri) else written
    if not _is_http(absolute):
        raise document.refused(
            f"it names the server {written!r}, which is relative, and was not read over HTTP; "
            "give it an absolute server URL"
        )
    return absolute.rstrip("/")


def _first(document: ApiDocument, found: Found) -> str:
    for owner in (found.operation, found.item, document.root):
        servers = owner.get("servers")
        if isinstance(servers, list) and servers and isinstance(servers[0], dict):
            return _filled(document, servers[0])
    return "/"


def _filled(document: ApiDocument, server: dict[str, Any]) -> str:
    variables = server.get("variables") or {}

    def value(match: re.Match[str]) -> str:
        variable = variables.get(match.group(1))
        if not isinstance(variable, dict) or "default" not in variable:
            raise document.refused(
                f"its server {server.get('url')!r} has no default for {match.group()}"
            )
        return str(variable["default"])

    return _VARIABLE.sub(value, str(server.get("url") or "/"))


def _legacy(document: ApiDocument, found: Found) -> str:
    root = document.root
    own = urlsplit(document.uri)
    schemes = found.operation.get("schemes") or root.get("schemes") or [own.scheme]
    scheme = "https" if "https" in schemes else schemes[0]
    host = root.get("host") or own.netloc.rpartition("@")[2]
    base_path = str(root.get("basePath") or "/")
    if not host or not _is_http(f"{scheme}://"):
        return base_path
    return f"{scheme}://{host}/{base_path.lstrip('/')}"


def _is_http(uri: str) -> bool:
    return uri.lower().startswith(("http://", "https://"))
