"""Reading external resources: documents, schemas and scripts that a workflow refers to.

Owns the two places a resource may come from. `http:` and `https:` go through the same client as
calls, under the same address policy and limits, and are asked again with their `ETag`. `file:` and
relative paths are read below one folder, the workflow's own: no path leaves it, neither by `..` nor
by a symbolic link. Does not own what is in a resource, nor how long its reader keeps it.

Implements the port `Resources`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from batuta.adapters.callers.http.exchange import Answer, Outgoing, described, parsed_url
from batuta.adapters.callers.http.performing import USER_AGENT, Performer
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from batuta.adapters.callers.http import HttpClient, TokenStore
    from batuta.ports.caller import SecretSource

_ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.8"
_TAGGED_KEPT = 64
_ONE_LETTER = 1


class ResourceReader:
    """Reads resources for one folder of workflows.

    Args:
        base_folder: where files may be read; None when none may.
        client: the shared HTTP client; its body limit holds for files as well.
        secrets: reveals the secrets of authentication policies, redacts faults.
        tokens: the shared store of access tokens.
    """

    def __init__(
        self,
        base_folder: Path | None,
        client: HttpClient,
        secrets: SecretSource,
        *,
        tokens: TokenStore | None = None,
    ) -> None:
        self._base = None if base_folder is None else base_folder.resolve()
        self._client = client
        self._performer = Performer(client, secrets, tokens)
        self._tagged: OrderedDict[bytes, tuple[str, bytes]] = OrderedDict()

    async def read(self, uri: str, authentication: dict[str, Any] | None = None) -> bytes:
        """Return the bytes at `uri`.

        Args:
            uri: an `http:`, `https:` or `file:` URI, or a path relative to the base folder.
            authentication: a policy as in `Call.authentication`, for HTTP.

        Raises:
            Fault: `communication` (404 for a missing file) when it cannot be read, `configuration`
                400 when it may not be.
        """
        with self._performer.redacted():
            if uri.lower().startswith(("http:", "https:")):
                return await self._fetched(uri, authentication)
            return await asyncio.to_thread(self._file, uri)

    async def _fetched(self, uri: str, authentication: dict[str, Any] | None) -> bytes:
        # The policy is part of the key: what one may see, another may not.
        key = msgspec.json.encode([uri, authentication], order="deterministic")
        tag, content = self._tagged.get(key, ("", b""))
        outgoing = Outgoing(
            method="GET",
            url=parsed_url(uri),
            headers=(("Accept", _ACCEPT), ("User-Agent", USER_AGENT)),
        )
        if tag:
            outgoing = outgoing.with_header("If-None-Match", tag)
        async with self._client.deadline(None, described(outgoing)):
            answer = await self._client.send(
                outgoing,
                credentials=self._performer.credentials(authentication, None),
                redirect=True,
            )
        if answer.status == HTTPStatus.NOT_MODIFIED and tag:
            return content
        if answer.status != HTTPStatus.OK:
            raise Fault(
                "communication",
                answer.status,
                "Resource not readable",
                f"{described(outgoing)} answered {answer.status}",
            )
        self._keep(key, answer)
        return answer.body

    def _keep(self, key: bytes, answer: Answer) -> None:
        tag = answer.headers.get("etag")
        self._tagged.pop(key, None)
        if tag:
            self._tagged[key] = (tag, answer.body)
        if len(self._tagged) > _TAGGED_KEPT:
            self._tagged.popitem(last=False)

    def _file(self, uri: str) -> bytes:
        path = self._path(uri)
        limit = self._client.limits.body_bytes
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise Fault(
                "communication",
                404 if missing else 500,
                "Resource not readable",
                f"{uri}: {error.strerror or type(error).__name__}",
            ) from error
        if len(content) > limit:
            raise Fault(
                "communication", 500, "Resource too large", f"{uri} is larger than {limit} bytes"
            )
        return content

    def _path(self, uri: str) -> Path:
        if self._base is None:
            raise _not_allowed(uri, "this installation reads no files")
        parts = urlsplit(uri)
        # A single letter before the colon is no scheme that exists; it is half of a Windows path.
        if parts.scheme not in ("", "file") or len(parts.scheme) == _ONE_LETTER:
            raise _not_allowed(uri, f"the scheme {parts.scheme!r} is none of http, https, file")
        # `file://app/greet.proto`, as the DSL's own examples have it, names no host: the whole is
        # a path below the folder. Without one the path may be absolute, and is then just compared.
        host = "" if parts.netloc == "localhost" else unquote(parts.netloc)
        named = f"{host}{unquote(parts.path)}"
        if "\0" in named or not named:
            raise _not_allowed(uri, "it names no file")
        # Resolved before it is compared, so that neither `..` nor a link leads out.
        path = (self._base / named).resolve()
        if not path.is_relative_to(self._base):
            raise _not_allowed(uri, "it is outside of the workflow's folder")
        if path.exists() and not path.is_file():
            # A pipe would be waited for without end.
            raise _not_allowed(uri, "it is no regular file")
        return path


def _not_allowed(uri: str, reason: str) -> Fault:
    return Fault("configuration", 400, "Resource not allowed", f"{uri}: {reason}")
