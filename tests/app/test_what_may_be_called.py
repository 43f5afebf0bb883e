"""Which addresses runs may call, by where the engine is and what its settings say."""

import asyncio

import pytest

import batuta
from batuta.cli.opening import chosen, is_own, shared
from batuta.errors import RequestError
from batuta.wiring.settings import Settings

CALLING = """
document: {{ dsl: '1.0.3', namespace: t, name: calling, version: '1.0.0' }}
do:
  - ask: {{ call: http, with: {{ method: get, endpoint: 'http://127.0.0.1:{port}/' }} }}
"""


@pytest.fixture
async def port():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (Settings(), "completed"),
        (Settings(network="local"), "completed"),
        (Settings(network="public"), "faulted"),
        (Settings(network="public", reach=("127.0.0.0/8",)), "completed"),
        (Settings(network="public", reach=("10.0.0.0/8",)), "faulted"),
    ],
)
async def test_private_addresses_are_called_where_that_is_allowed(tmp_path, port, settings, status):
    async with batuta.open(f"sqlite:///{tmp_path}/x.db", settings=settings) as engine:
        await engine.deploy(CALLING.format(port=port))
        run = await (await engine.start("t/calling")).result(20)
        assert run.status == status
        if status == "faulted":
            assert "127.0.0.1" in run.error["detail"]


async def test_a_range_that_is_none_is_refused(tmp_path):
    settings = Settings(network="public", reach=("10.0.0.0/99",))
    with pytest.raises(RequestError, match=r"reach: '10\.0\.0\.0/99'"):
        async with batuta.open(f"sqlite:///{tmp_path}/x.db", settings=settings):
            pass


def test_a_server_that_others_reach_calls_no_private_addresses_unless_it_is_told_to(tmp_path):
    own = chosen(None, beside=tmp_path)
    assert own.settings.network is None
    assert shared(own).settings.network == "public"
    (tmp_path / "batuta.toml").write_text('network = "local"')
    assert shared(chosen(None, beside=tmp_path)).settings.network == "local"


def test_a_word_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "batuta.toml").write_text('network = "pubic"')
    with pytest.raises(RequestError, match="pubic"):
        chosen(None, beside=tmp_path)


def test_which_hosts_are_this_machines_own():
    assert all(map(is_own, ("127.0.0.1", "::1", "localhost", "127.8.8.8")))
    assert not any(map(is_own, ("0.0.0.0", "::", "10.0.0.1", "example.com")))
