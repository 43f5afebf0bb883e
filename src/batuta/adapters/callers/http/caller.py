"""`call: http`: from a task's arguments to a request.

Owns the meaning of `method`, `endpoint`, `query`, `headers` and `body`. Secret placeholders are
replaced here, at the last moment, and what holds one is marked so that a redirect cannot carry it
elsewhere. Does not own sending (`sending`) or what every HTTP-based call shares (`performing`).

What the DSL leaves open, decided here:

* A query value may be a scalar, or an array, which repeats the name; null leaves it out. Values are
  added to those that the URI has already.
* A header value may be a scalar; null leaves it out. `Host` may be set, headers that frame the
  message (`Content-Length`, `Transfer-Encoding`, `Connection`, ...) may not.
* User info in a URI (`https://user:password@host`) is basic authentication when the call has no
  policy, and never shown.
* `Idempotency-Key` goes with every method but GET, HEAD and OPTIONS, unless the document sets it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import httpx2

from batuta.adapters.callers.http.bodies import encoded_body
from batuta.adapters.callers.http.exchange import Outgoing, parsed_url
from batuta.adapters.callers.http.performing import Performer
from batuta.adapters.callers.http.uri_template import expand, text_of
from batuta.ports.caller import Call, Fault

if TYPE_CHECKING:
    from batuta.adapters.callers.http.exchange import Credentials
    from batuta.adapters.callers.http.oauth2 import TokenStore
    from batuta.adapters.callers.http.sending import HttpClient
    from batuta.ports.caller import SecretSource

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110, section 5.5: no control character but the tab may stand in a value.
_UNSENDABLE_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING_HEADERS = frozenset(
    ("content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer")
)


class HttpCaller:
    """Performs `call: http`.

    Args:
        client: the shared client; its address policy and limits hold for every call.
        secrets: reveals placeholders, redacts results.
        tokens: the shared store of access tokens.
    """

    def __init__(
        self, client: HttpClient, secrets: SecretSource, *, tokens: TokenStore | None = None
    ) -> None:
        self._performer = Performer(client, secrets, tokens)
        self._secrets = secrets

    async def __call__(self, call: Call) -> Any:
        """Send the request and return its output in the form that the task asks for.

        Raises:
            Fault: see `HttpClient.send`; `expression` 400 for a URI template, `validation` 400 for
                what cannot be sent as a body, header or query, `configuration` 400 for what makes
                no request at all.
        """
        with self._performer.redacted():
            outgoing, credentials = self._request(call)
            return await self._performer.perform(call, outgoing, credentials)

    def _request(self, call: Call) -> tuple[Outgoing, Credentials | None]:
        written = call.arguments
        arguments = self._secrets.reveal(written)
        uri = expand(endpoint_uri(arguments.get("endpoint")), self._secrets.reveal(call.input))
        url = with_query(parsed_url(uri), query_pairs(arguments.get("query")))
        headers = header_pairs(arguments.get("headers"))
        content_type = next((v for n, v in headers if n.lower() == "content-type"), None)
        body, described_as = encoded_body(arguments.get("body"), content_type)
        outgoing = Outgoing(
            method=_method(arguments.get("method")),
            url=url,
            headers=headers,
            body=body,
            private_headers=_changed(written.get("headers"), arguments.get("headers")),
            private_body=written.get("body") != arguments.get("body"),
        )
        if described_as is not None and described_as != content_type:
            outgoing = outgoing.with_header("Content-Type", described_as)
        return outgoing, self._user_info(uri)

    def _user_info(self, uri: str) -> Credentials | None:
        url = httpx2.URL(uri)
        if not url.userinfo:
            return None
        user_info = {"username": unquote(url.username), "password": unquote(url.password or "")}
        return self._performer.credentials({"scheme": "basic", "properties": user_info}, None)


def endpoint_uri(endpoint: Any) -> str:
    """Return the URI of an endpoint, which is a string or an object with `uri`.

    Raises:
        Fault: `configuration` 400 when it is neither.
    """
    uri = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
    if not isinstance(uri, str):
        raise Fault(
            "configuration",
            400,
            "Invalid endpoint",
            f"the endpoint is {type(uri).__name__}; a URI or an object with 'uri' was expected",
        )
    return uri


def query_pairs(query: Any) -> list[tuple[str, str]]:
    """Return the names and values of a query argument, arrays as repeated names.

    Raises:
        Fault: `validation` 400 for an object or a nested array as value.
    """
    if query is None:
        return []
    if not isinstance(query, dict):
        raise _unfit("query", "an object of query parameters")
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (dict, list)):
                raise _unfit(f"query parameter {name!r}", "a scalar or an array of scalars")
            if item is not None:
                pairs.append((str(name), text_of(item)))
    return pairs


def with_query(url: httpx2.URL, pairs: list[tuple[str, str]]) -> httpx2.URL:
    """Return `url` with percent-encoded pairs added to the query it has."""
    if not pairs:
        return url
    added = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    present = url.query.decode("ascii")
    return url.copy_with(query=f"{present}&{added}".lstrip("&").encode("ascii"))


def header_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    """Return the names and values of a headers argument.

    Raises:
        Fault: `validation` 400 for what cannot be a header, `configuration` 400 for one that frames
            the message.
    """
    if headers is None:
        return ()
    if not isinstance(headers, dict):
        raise _unfit("headers", "an object of header fields")
    return tuple(
        (name, _header_value(name, value)) for name, value in headers.items() if value is not None
    )


def _header_value(name: str, value: Any) -> str:
    if not _TOKEN.fullmatch(name):
        raise _unfit(f"header name {name!r}", "letters, digits and hyphens")
    if name.lower() in _FRAMING_HEADERS:
        raise Fault(
            "configuration",
            400,
            "Header not allowed",
            f"{name} frames the message and is set by the client; remove it",
        )
    if isinstance(value, (dict, list)):
        raise _unfit(f"header {name}", "a scalar")
    text = text_of(value).strip(" \t")
    if _UNSENDABLE_VALUE.search(text):
        # The value is not shown: it may be a secret with a line break at its end.
        raise _unfit(f"header {name}", "a value without line breaks and control characters")
    return text


def _method(method: Any) -> str:
    text = str(method).upper()
    if not isinstance(method, str) or not _TOKEN.fullmatch(text) or text == "CONNECT":
        raise Fault(
            "configuration", 400, "Invalid method", f"{method!r} is no method that can be called"
        )
    return text


def _changed(written: Any, revealed: Any) -> frozenset[str]:
    if not isinstance(written, dict) or not isinstance(revealed, dict):
        return frozenset()
    return frozenset(
        str(name).lower() for name, value in revealed.items() if written.get(name) != value
    )


def _unfit(what: str, expected: str) -> Fault:
    return Fault("validation", 400, "Invalid request", f"the {what} must be {expected}")
