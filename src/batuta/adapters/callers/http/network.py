"""Connecting: resolve, check, connect to what was checked.

Owns the network backend under the HTTP client. A host name is resolved here, each address is put
to the address policy, and the connection is made to the checked address itself; there is no second
lookup that could answer differently. The name stays in the Host header, and in TLS it is the name
that is sent (SNI) and verified, because the client keeps it and only the TCP connection is ours.

Does not own requests, answers or redirects (`sending`). Proxy variables of the host are not read:
behind a proxy it is the proxy that resolves and connects, and no address could be checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl  # noqa: TC003 -- part of the signature that callers read at run time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import httpcore2
import httpx2

if TYPE_CHECKING:
    from batuta.adapters.callers.http.address_policy import Allow

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Host name and port to IP addresses, best first; raises OSError when there are none."""

# Enough addresses to survive a dead IPv6 route without trying a whole farm one by one.
_ADDRESSES_TRIED = 4
_KEEPALIVE_S = 15.0


class AddressRefusedError(Exception):
    """The address policy forbids the connection; the message says which address and why."""


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Resolve with the system's resolver, in the order it prefers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """A TCP backend that connects to addresses its policy allows, and to no others."""

    def __init__(self, allow: Allow, resolve: Resolve = resolve_by_system) -> None:
        self._allow = allow
        self._resolve = resolve
        self._tcp = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the signature is the client library's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that is allowed and answers.

        Raises:
            AddressRefusedError: no address of the host may be reached.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked_addresses(host, port)
                return await self._first_to_answer(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(
                f"no connection to {host} within {timeout:g} s"
            ) from error

    async def sleep(self, seconds: float) -> None:
        """Pause, for the client library's own connection attempts."""
        await asyncio.sleep(seconds)

    async def _checked_addresses(self, host: str, port: int) -> list[str]:
        reason = self._allow.refuses_name(host)
        if reason:
            raise AddressRefusedError(reason)
        addresses = [host] if _is_address(host) else await self._look_up(host, port)
        refusals = [self._allow.refuses_address(address) for address in addresses]
        allowed = [
            address for address, refusal in zip(addresses, refusals, strict=True) if not refusal
        ]
        if not allowed:
            raise AddressRefusedError("; ".join(refusal for refusal in refusals if refusal))
        return allowed[:_ADDRESSES_TRIED]

    async def _look_up(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the host name {host} is not found") from error
        if not addresses:
            raise httpcore2.ConnectError(f"the host name {host} has no address")
        return addresses

    async def _first_to_answer(
        self,
        addresses: list[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: httpcore2.ConnectError | None = None
        for address in addresses:
            try:
                return await self._tcp.connect_tcp(
                    address, port, local_address=local_address, socket_options=socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        if failure is None:  # pragma: no cover -- the list is never empty
            raise AddressRefusedError("no address to try")
        raise failure


class CheckedTransport(httpx2.AsyncHTTPTransport):
    """The client library's transport over a `CheckedBackend`."""

    def __init__(
        self,
        allow: Allow,
        *,
        resolve: Resolve = resolve_by_system,
        ssl_context: ssl.SSLContext | None = None,
        connections: int = 100,
    ) -> None:
        context = ssl_context or httpx2.create_ssl_context()
        super().__init__(verify=context, trust_env=False)
        # The library takes no backend from outside; its own pool was never used and holds nothing.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=CheckedBackend(allow, resolve),
        )


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False
