"""Naming what goes wrong on the network.

Owns the table from the client library's exceptions to workflow faults. The words are for whoever
reads a failed run: which of name, connection, TLS, protocol or time it was.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2

from batuta.adapters.callers.http.exchange import described
from batuta.adapters.callers.http.network import AddressRefusedError
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.adapters.callers.http.exchange import Outgoing


def fault_of(error: Exception, outgoing: Outgoing) -> Fault | None:
    """Return the fault that `error` is while sending `outgoing`; None for a bug of ours."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, AddressRefusedError):
        return Fault(
            "configuration",
            400,
            "Address not allowed",
            f"{described(outgoing)}: {error}, which the address policy does not allow",
        )
    if isinstance(error, httpx2.TimeoutException):
        return Fault(
            "timeout", 408, "Request timeout", f"{described(outgoing)}: {_timeout_words(error)}"
        )
    # An error of TLS in the middle of a body comes as it is, an OSError.
    if isinstance(error, (httpx2.TransportError, httpx2.DecodingError, OSError)):
        return Fault(
            "communication", 500, "No answer", f"{described(outgoing)}: {_failure_words(error)}"
        )
    return None


def _timeout_words(error: httpx2.TimeoutException) -> str:
    match error:
        case httpx2.ConnectTimeout():
            return str(error) or "no connection in time"
        case httpx2.PoolTimeout():
            return "no free connection in time"
        case _:
            return "no answer in time"


def _failure_words(error: Exception) -> str:
    for cause in _causes(error):
        words = _system_words(cause)
        if words:
            return words
    for kind, words in (
        (httpx2.ConnectError, "no connection"),
        (httpx2.RemoteProtocolError, "the answer breaks HTTP"),
        (httpx2.LocalProtocolError, "the request breaks HTTP"),
        (httpx2.DecodingError, "the answer cannot be decompressed"),
        (httpx2.NetworkError, "connection lost"),
    ):
        if isinstance(error, kind):
            return f"{words}: {error}" if str(error) else words
    return str(error) or type(error).__name__


def _system_words(cause: BaseException) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            return f"TLS: the certificate is not trusted: {cause.verify_message}"
        case ssl.SSLError():
            return f"TLS: {cause.reason or cause}"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case _:
            return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending: list[BaseException] = [error]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            pending.extend(current.exceptions)
        pending.extend(
            link for link in (current.__cause__, current.__context__) if link is not None
        )
