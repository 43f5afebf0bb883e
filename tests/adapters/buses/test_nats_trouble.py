"""Servers that come and go, or must not be used, and what the reader is told."""

import asyncio
import json

import pytest
from nats.aio.msg import Msg

from batuta.adapters.buses.nats import link
from batuta.adapters.buses.nats.link import Link
from batuta.adapters.buses.nats.settings import from_url
from batuta.errors import RequestError, UnavailableError
from batuta.ports.bus import Message
from batuta.testing.bus_material import BusCase, Taker, message, messages
from batuta.wiring.buses import open_bus

from .conftest import NatsServer

pytestmark = pytest.mark.slow


@pytest.fixture
def case():
    return BusCase()


async def refusal(url, error=RequestError):
    """Return how starting a bus is refused."""
    with pytest.raises(error) as caught:
        await open_bus(url).start()
    return caught.value


async def for_ever(act, *values):
    """Do something until it fails."""
    while True:
        await act(*values)


async def test_a_cancellation_that_comes_together_with_the_answer_is_not_lost():
    loop, asked = asyncio.get_running_loop(), 0
    link = Link(from_url("nats://127.0.0.1:1"))

    async def request(*_, **__):
        nonlocal asked
        asked += 1
        assert asked == 1
        answer = loop.create_future()
        loop.call_soon(answer.set_result, Msg(link.client, data=b"{}"))
        loop.call_soon(asking.cancel)
        return await asyncio.wait_for(answer, 5)  # as the driver does

    async def ask():
        while True:
            await link.request("STREAM.INFO.s")

    link.check = lambda: None
    link.client.request = request
    asking = asyncio.create_task(ask())
    await asyncio.wait([asking], timeout=10)

    assert asking.cancelled()


# -- servers that come and go ----------------------------------------------------------------------


async def test_a_server_killed_in_mid_traffic_loses_nothing(case, own_nats_server):
    server = own_nats_server
    publisher, consumer = (open_bus(server.url("s")) for _ in range(2))
    await publisher.start()
    await consumer.start()
    taker = await case.taking(consumer, acknowledges=True, ack_wait_ms=2_000)
    refused = 0

    async def publish():
        nonlocal refused
        for number in range(0, 600, 3):
            batch = messages(*(f"m{number + n:03}" for n in range(3)))
            while True:
                try:
                    await publisher.publish(batch)
                    break
                except UnavailableError:
                    refused += 1
                    await case.moment()

    async with asyncio.TaskGroup() as group:
        group.create_task(publish())
        for seen in (60, 300):
            await case.until(lambda s=seen: len(set(taker.ids)) > s, "messages flow")
            server.kill()
            server.start()
    names = [f"m{number:03}" for number in range(600)]
    await case.until(lambda: set(taker.ids) >= set(names), "everything comes")
    await case.acknowledged(consumer)
    listed = await consumer.history()
    assert [row.id for row in listed] == names
    assert refused
    await publisher.close()
    await consumer.close()


async def test_without_a_connection_publishing_is_refused_and_closing_still_works(
    case, own_nats_server
):
    bus = open_bus(own_nats_server.url("s"))
    await bus.start()
    taker = await case.taking(bus)
    await bus.publish(messages("a"))
    await case.takes(taker, 1, "it comes")
    own_nats_server.kill()

    with pytest.raises(UnavailableError, match=r"connection"):
        await for_ever(bus.publish, messages("b"))
    with pytest.raises(UnavailableError):
        await bus.newest()
    taker.part.refuse(taker.number("a"), 0)
    taker.acknowledge()
    await bus.close()
    own_nats_server.start()


async def test_what_is_acknowledged_without_a_connection_is_acknowledged_after(
    case, own_nats_server
):
    bus = open_bus(own_nats_server.url("s"))
    await bus.start()
    taker = await case.taking(bus)
    await bus.publish(messages("a"))
    await case.takes(taker, 1, "it comes")
    own_nats_server.kill()
    with pytest.raises(UnavailableError):
        await for_ever(bus.newest)

    taker.acknowledge()
    await case.moment()
    own_nats_server.start()

    async def lag():
        while True:
            try:
                if not await bus.lag("c"):
                    return
            except UnavailableError:
                pass
            taker.acknowledge()
            await case.moment()

    # A server that was killed may not know that it had delivered it, and then does so again.
    await asyncio.wait_for(lag(), 25)
    assert set(taker.ids) == {"a"}
    await bus.close()


async def test_that_there_is_no_server_is_said_without_the_password(monkeypatch):
    monkeypatch.setattr(link, "CONNECT_S", 0.1)
    said = await refusal("nats://me:hidden@127.0.0.1:1", UnavailableError)

    assert "127.0.0.1:1" in said.message
    assert "hidden" not in str(said)


async def test_a_consumer_dropped_by_another_process_is_given_nothing_more(case, nats_server):
    url = nats_server.url()
    bus, other = open_bus(url), open_bus(url)
    await bus.start()
    await other.start()
    waiting = await case.taking(bus, "waiting", acknowledges=True)
    full = await case.taking(bus, "full", window=1)
    await bus.publish(messages("a"))
    await case.until(lambda: waiting.ids == full.ids == ["a"], "both are given messages")

    for name in ("waiting", "full"):
        await other.forget(name)
        again = await case.taking(other, name, acknowledges=True)
        await case.takes(again, 1, "the new one begins anew")
    full.acknowledge()
    await bus.publish(messages("b"))
    last = await case.taking(bus, "last")
    await case.takes(last, 2, "others go on")

    await case.until(lambda: again.ids == ["a", "b"], "the new one gets it all")
    assert waiting.ids == full.ids == ["a"]
    await bus.close()
    await other.close()


# -- servers that must not be used -----------------------------------------------------------------


async def test_a_server_that_may_lose_what_it_acknowledged_is_refused(tmp_path):
    server = NatsServer(tmp_path, jetstream="").start()
    try:
        said = await refusal(server.url())

        assert "may lose what it has acknowledged" in said.message
        assert "sync_interval: always" in said.hint
        bus = open_bus(server.url(), accept_loss=True)
        await bus.start()
        await bus.publish(messages("a"))
        await bus.close()
    finally:
        server.kill()


@pytest.mark.parametrize("monitor", ["http://127.0.0.1:1", "file:///etc/passwd"])
async def test_a_server_that_cannot_be_seen_is_refused(nats_server, monitor):
    said = await refusal(nats_server.url(monitor=monitor))

    assert monitor in said.message
    assert "monitor=" in said.hint


async def test_the_monitoring_of_another_server_does_not_count(nats_server, own_nats_server):
    other = f"http://127.0.0.1:{own_nats_server.http}"
    said = await refusal(nats_server.url(monitor=other))

    assert "does not monitor it" in said.message


async def test_monitoring_that_tells_nothing_is_refused(nats_server):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as monitor:
        port = monitor.sockets[0].getsockname()[1]
        said = await refusal(nats_server.url(monitor=f"http://127.0.0.1:{port}"))

    assert "cannot be seen" in said.message


async def test_a_server_without_jetstream_is_refused(tmp_path):
    server = NatsServer(tmp_path, jetstream="enabled: false").start()
    try:
        assert "may lose" in (await refusal(server.url())).message
        with pytest.raises((RequestError, UnavailableError), match="JetStream"):
            await open_bus(server.url(), accept_loss=True).start()
    finally:
        server.kill()


async def test_an_old_server_is_refused():
    async def serve(reader, writer):
        info = {"server_id": "x", "version": "2.9.25", "max_payload": 1_000_000, "headers": True}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        said = await refusal(f"nats://127.0.0.1:{port}")

    assert "2.9.25" in said.message
    assert "2.10" in said.hint


async def test_a_stream_that_would_lose_messages_is_refused(nats_server, nats_api):
    await nats_api(
        "STREAM.CREATE.memory", name="memory", subjects=["memory.events.>"], storage="memory"
    )
    await nats_api(
        "STREAM.CREATE.work", name="work", subjects=["work.>"], retention="workqueue", no_ack=True
    )

    said = [(await refusal(nats_server.url(name))).message for name in ("memory", "work")]

    assert "storage is 'memory'" in said[0]
    assert all(one in said[1] for one in ("retention", "subjects", "no_ack is set"))


@pytest.fixture
async def nats_api(nats_server):
    """Ask the server itself."""
    asking = link.Link(from_url(nats_server.url()))
    await asking.connect()
    yield asking.request
    await asking.close()


async def test_a_message_larger_than_the_server_takes_is_refused(nats_server):
    bus = open_bus(nats_server.url())
    await bus.start()

    with pytest.raises(RequestError, match=r"'m' has 2097152 bytes"):
        await bus.publish([message("a"), Message("m", "t", bytes(2 * 1024 * 1024))])

    assert await bus.newest() == 0
    await bus.close()


async def test_a_stream_that_was_deleted_is_said(nats_server, nats_api):
    bus = open_bus(nats_server.url("gone"))
    await bus.start()
    await nats_api("STREAM.DELETE.gone")

    with pytest.raises(UnavailableError, match="no stream gone"):
        await bus.publish(messages("a"))
    await bus.close()


async def test_what_takes_messages_and_fails_harms_no_other(case, nats_server, caplog):
    bus = open_bus(nats_server.url())
    await bus.start()

    def fail(rows):
        raise ValueError("my mistake")

    await bus.consume("failing", None, fail)
    taker = Taker()
    taker.consumption = await bus.consume("other", None, taker)
    await bus.publish(messages("a"))
    await case.takes(taker, 1, "others are given messages")

    await case.until(lambda: "my mistake" in caplog.text, "the mistake is told")
    await bus.close()


async def test_a_user_with_a_password_may_connect(tmp_path):
    server = NatsServer(
        tmp_path, jetstream="sync_interval: always }\nauthorization { user: u, password: pw"
    )
    server.start()
    try:
        url = server.url().replace("nats://", "nats://u:pw@")
        bus = open_bus(url)
        await bus.start()
        await bus.publish(messages("a"))
        await bus.close()
        said = await refusal(url.replace("pw@", "wrong@"), UnavailableError)
        assert "wrong" not in str(said)
        assert "Authorization" in str(said)
    finally:
        server.kill()
