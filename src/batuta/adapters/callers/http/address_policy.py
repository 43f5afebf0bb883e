"""Which network addresses a workflow may reach.

Owns the decision about one host name and one resolved address; pure, so it can be read and tested
without a network. Does not own the moment of the check: `network` asks here about the very address
it is about to connect to, for the first request and for every redirect, so that a name that
resolves differently a second time (DNS rebinding) gains nothing.

Two policies exist. `Allow.local()` is for a workstation or a private network: loopback and private
ranges are what an integration platform talks to. `Allow.public()` is for running documents that
somebody else wrote, and for servers that are shared. Neither ever reaches link-local addresses and
the metadata services of clouds: what answers there are the credentials of the machine.
"""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

import msgspec

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Metadata services that live outside the link-local ranges: AWS over IPv6, Alibaba, Oracle.
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)
_METADATA_NAMES = frozenset(
    (
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
        "metadata.azure.internal",
    )
)
# RFC 6052: a gateway turns such an IPv6 address into the IPv4 address in its last 32 bits.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# The local NAT64 range of RFC 8215, and the old IPv4-compatible addresses.
_MAY_EMBED_IPV4 = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b:1::/48", "::/96"))


class Allow(msgspec.Struct, frozen=True):
    """A policy: whether addresses that are not public (loopback, private) may be reached.

    `reach` are ranges that may be in any case, unless they are of those that nobody reaches.
    """

    private: bool
    reach: tuple[IpNetwork, ...] = ()

    @classmethod
    def local(cls) -> Allow:
        """Loopback, private and public addresses; never link-local or cloud metadata."""
        return cls(private=True)

    @classmethod
    def public(cls, *reach: str) -> Allow:
        """Globally routable unicast addresses, and those of some ranges (`10.1.0.0/16`).

        Raises:
            ValueError: what is given is no range of addresses.
        """
        return cls(private=False, reach=tuple(ipaddress.ip_network(one) for one in reach))

    def refuses_name(self, host: str) -> str | None:
        """Return why `host` (a name, no port) may not be looked up, or None when it may."""
        name = host.rstrip(".").lower()
        if name in _METADATA_NAMES:
            return f"{host} is the metadata service of a cloud"
        return None

    def refuses_address(self, address: str) -> str | None:
        """Return why `address` (an IP address as text) may not be connected to, or None."""
        try:
            given = ipaddress.ip_address(address)
        except ValueError:
            return f"{address} is not an IP address"
        # Every reading of the address must pass: a tunnel or translator picks one of them.
        for reading in _readings(given):
            reason = self._refuses(reading)
            if reason:
                return f"{address} is {reason}"
        return None

    def _refuses(self, address: IpAddress) -> str | None:
        never = _never(address)
        if never or self.private or any(address in one for one in self.reach):
            return never
        if address.is_loopback:
            return "a loopback address"
        # What is not global is private, shared, documentation or benchmarking space.
        if address.is_reserved or _is_site_local(address) or not address.is_global:
            return "not a public address"
        return None


def _never(address: IpAddress) -> str | None:
    if address in _METADATA_ADDRESSES:
        return "the metadata service of a cloud"
    for holds, name in (
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.is_unspecified, "unspecified"),
    ):
        if holds:
            return name
    return None


def _is_site_local(address: IpAddress) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.is_site_local


def _readings(address: IpAddress) -> tuple[IpAddress, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    last_32_bits = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.ipv4_mapped is not None or address in _NAT64:
        # These prefixes only say that the IPv4 address at the end is meant.
        return (last_32_bits,)
    readings: list[IpAddress] = [address]
    if address.sixtofour is not None:
        readings.append(address.sixtofour)
    if address.teredo is not None:
        readings.extend(address.teredo)
    if any(address in network for network in _MAY_EMBED_IPV4):
        readings.append(last_32_bits)
    return tuple(readings)
