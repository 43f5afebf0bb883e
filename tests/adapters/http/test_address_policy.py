"""Which addresses may be reached."""

from __future__ import annotations

import httpx2
import pytest

from batuta.adapters.callers.http import Allow, CheckedTransport, HttpCaller, HttpClient

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::a9fe:a9fe",
    "not an address",
]
INSIDE = ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1"]
INSIDE += ["100.64.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fec0::1"]
RESERVED = ["240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2001:db8::1"]
OUTSIDE = ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("policy", [Allow.local(), Allow.public()])
def test_link_local_and_metadata_addresses_are_never_allowed(policy, address):
    assert policy.refuses_address(address)


@pytest.mark.parametrize("address", INSIDE)
def test_private_addresses_are_allowed_locally_only(address):
    assert Allow.local().refuses_address(address) is None
    assert Allow.public().refuses_address(address)


@pytest.mark.parametrize("address", RESERVED)
def test_reserved_addresses_are_not_public(address):
    assert Allow.public().refuses_address(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_always_allowed(address):
    assert Allow.local().refuses_address(address) is None
    assert Allow.public().refuses_address(address) is None


@pytest.mark.parametrize(
    "name", ["metadata.google.internal", "METADATA.google.internal.", "metadata"]
)
def test_names_of_metadata_services_are_never_looked_up(name):
    assert Allow.local().refuses_name(name)
    assert Allow.local().refuses_name("service.internal") is None


async def test_the_public_policy_refuses_a_local_server(secrets, call, server, faulted):
    caller = HttpCaller(HttpClient(allow=Allow.public()), secrets)
    fault = await faulted(caller(call(method="get", endpoint=server.url)))
    assert (fault.kind, fault.status) == ("configuration", 400)
    assert "127.0.0.1 is a loopback address" in fault.detail
    assert server.received == []


async def test_a_name_is_judged_by_the_address_it_resolves_to(secrets, call, server, faulted):
    async def rebound(_host, _port):
        return ["127.0.0.1"]

    transport = CheckedTransport(Allow.public(), resolve=rebound)
    caller = HttpCaller(HttpClient(transport=transport), secrets)
    fault = await faulted(
        caller(call(method="get", endpoint=f"http://innocent.test:{server.port}/"))
    )
    assert fault.title == "Address not allowed"
    assert server.received == []


async def test_the_checked_address_is_the_one_connected_to(secrets, call, server):
    lookups: list[str] = []

    async def changing(host, _port):
        lookups.append(host)
        # The first answer is dropped by the policy, the second is used; there is no other lookup.
        return ["169.254.169.254", "127.0.0.1"]

    client = HttpClient(transport=CheckedTransport(Allow.local(), resolve=changing))
    endpoint = f"http://service.test:{server.port}/"
    assert await HttpCaller(client, secrets)(call(method="get", endpoint=endpoint)) == {"ok": True}
    assert lookups == ["service.test"]
    assert server.received[0].headers["host"] == f"service.test:{server.port}"
    await client.close()


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1"])
async def test_other_spellings_of_an_address_are_resolved_and_judged(
    secrets, call, server, faulted, host
):
    caller = HttpCaller(HttpClient(allow=Allow.public()), secrets)
    fault = await faulted(caller(call(method="get", endpoint=f"http://{host}:{server.port}/")))
    assert fault.kind in ("configuration", "communication")
    assert server.received == []


async def test_a_transport_may_be_injected(secrets, call):
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, text=request.url.host))
    caller = HttpCaller(HttpClient(transport=transport), secrets)
    assert await caller(call(method="get", endpoint="https://anywhere.test/")) == "anywhere.test"


def test_ranges_that_are_allowed_are_reached_and_what_nobody_reaches_is_not():
    policy = Allow.public("10.1.0.0/16", "169.254.0.0/16", "fd00::/8")
    assert policy.refuses_address("10.1.2.3") is None
    assert policy.refuses_address("fd00::1") is None
    for refused in ("10.2.0.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254"):
        assert policy.refuses_address(refused) is not None
    with pytest.raises(ValueError, match=r"10\.1"):
        Allow.public("10.1/16/2")
