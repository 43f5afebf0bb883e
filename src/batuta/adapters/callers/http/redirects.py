"""Redirects: the request that a redirecting answer asks for, pure.

Owns the change of method and body, and what may not travel to another origin. Whether and how often
redirects are followed is `sending`'s.

Source: RFC 9110, section 15.4; RFC 6454 for what an origin is.
"""

from __future__ import annotations

from http import HTTPStatus

import httpx2
import msgspec

from batuta.adapters.callers.http.exchange import (
    DEFAULT_PORTS,
    Answer,
    Outgoing,
    described,
    parsed_url,
)
from batuta.adapters.callers.http.redaction import CREDENTIAL_HEADERS
from batuta.ports.caller import Fault

_FOLLOWED = frozenset((301, 302, 303, 307, 308))
_BODY_HEADERS = frozenset(("content-type", "content-encoding", "content-language"))


def next_hop(before: Outgoing, answer: Answer) -> Outgoing | None:
    """Return the request that `answer` redirects `before` to, or None when it does not."""
    location = answer.headers.get("location")
    if answer.status not in _FOLLOWED or not location:
        return None
    try:
        target = parsed_url(str(before.url.join(location)))
    except (Fault, httpx2.InvalidURL, ValueError) as error:
        raise Fault(
            "communication",
            answer.status,
            "Invalid redirect",
            f"{described(before)} redirects to {location!r}, which cannot be called",
        ) from error
    after = msgspec.structs.replace(before, url=target)
    rewritten = answer.status == HTTPStatus.SEE_OTHER and before.method != "HEAD"
    # RFC 9110, 15.4.2 and 15.4.3: for POST, as every client does it.
    rewritten = rewritten or (answer.status in (301, 302) and before.method == "POST")
    if rewritten:
        after = msgspec.structs.replace(after, method="GET", body=None).without_headers(
            _BODY_HEADERS
        )
    return after


def for_another_origin(before: Outgoing, after: Outgoing) -> Outgoing:
    """Return `after` without what only the origin of `before` may see.

    Raises:
        Fault: `communication` 500 when the body holds a secret.
    """
    if after.body is not None and after.private_body:
        raise Fault(
            "communication",
            500,
            "Redirect refused",
            f"{described(before)} redirects to another origin ({after.url.host}), "
            "and the body holds a secret",
        )
    return after.without_headers(CREDENTIAL_HEADERS | before.private_headers | {"host"})


def same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Tell whether two URLs have the same scheme, host and port."""

    def origin(url: httpx2.URL) -> tuple[str, str, int]:
        return url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme]

    return origin(one) == origin(other)
