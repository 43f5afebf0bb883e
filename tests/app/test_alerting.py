"""Alerts reach people: once by every channel, few of a kind, again until they are taken."""

import asyncio
import logging
from contextlib import asynccontextmanager

import httpx2
import msgspec
import pytest

import batuta
from batuta.ports.alerts import GIVEN_UP, SENT
from batuta.testing.clock import VirtualClock
from batuta.wiring.settings import Alerts, Email, Webhook

TEXT = """\
document: { dsl: '1.0.3', namespace: demo, name: promised, version: '1.0.0' }
do:
  - act:
      listen: { to: { one: { with: { type: go } } } }
      metadata: { sla: { within: PT10S } }
"""


class Pager:
    """What is behind every webhook: takes alerts, and answers with `status`."""

    def __init__(self):
        self.status = 202
        self.taken = []

    async def answer(self, request):
        self.taken.append(request)
        return httpx2.Response(self.status)

    @property
    def left_out(self):
        return [int(one.headers.get("batuta-left-out", 0)) for one in self.taken]


class Desk:
    """Engines over one file and one clock."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = VirtualClock(patience=120)
        self.pager = Pager()

    @asynccontextmanager
    async def open(self, *, secrets=None, **alerts):
        async with batuta.open(
            f"sqlite:///{self.folder}/store.db",
            clock=self.clock,
            secrets=secrets,
            settings=batuta.Settings(alerts=Alerts(**alerts)),
            transport=httpx2.MockTransport(self.pager.answer),
            resume=True,
        ) as engine:
            yield engine

    async def late(self, engine, runs=1):
        """Let runs break their SLA."""
        identity = await engine.deploy(TEXT)
        for _ in range(runs):
            await engine.start(identity, {})
        await self.clock.advance(seconds=11)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def outcomes(engine):
    """What became of all alerts."""
    return {row[0] for row in engine.store._reader.execute("SELECT outcome FROM alerts")}


HOOK = {"pager": Webhook(url="https://pager.example/x", secret="key")}


async def test_a_broken_promise_and_a_stuck_run_are_told_by_a_signed_webhook(desk):
    async with desk.open(webhooks=HOOK, secrets={"key": "whsec_aGk="}) as engine:
        await desk.late(engine)

    told = sorted(msgspec.json.decode(one.content)["type"] for one in desk.pager.taken)
    assert told == ["io.batuta.run.stuck.v1", "io.batuta.sla.breached.v1"]
    assert all(one.headers["webhook-signature"].startswith("v1,") for one in desk.pager.taken)


async def test_alerts_of_one_kind_cool_down_and_the_next_says_how_many_were_left_out(desk):
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}, cool_down_s=60) as engine:
        await desk.late(engine, runs=4)
        assert len(desk.pager.taken) == 2  # one of each kind
        await desk.clock.advance(seconds=61)
        await desk.late(engine)

        assert len(desk.pager.taken) == 4
        assert desk.pager.left_out == [0, 0, 3, 3]


async def test_an_alert_is_sent_again_until_it_is_taken(desk, caplog):
    desk.pager.status = 503
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        with caplog.at_level(logging.ERROR, "batuta.alerts"):
            await desk.late(engine)
            assert len(desk.pager.taken) == 2
            desk.pager.status = 200
            await desk.clock.advance(seconds=6)
            assert len(desk.pager.taken) == 4
            await desk.clock.advance(hours=3)
            assert len(desk.pager.taken) == 4
        assert outcomes(engine) == {SENT}


async def test_an_alert_that_is_never_taken_is_given_up_and_logged(desk, caplog):
    desk.pager.status = 500
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        await desk.late(engine)
        await desk.clock.advance(hours=5)
        assert outcomes(engine) == {GIVEN_UP}
        assert len(desk.pager.taken) == 40
    assert "is given up" in caplog.text


async def test_an_alert_that_nobody_will_ever_take_is_given_up_at_once(desk, caplog):
    desk.pager.status = 404
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        await desk.late(engine)
        assert outcomes(engine) == {GIVEN_UP}
        assert len(desk.pager.taken) == 2
    assert "is not taken by webhook:pager" in caplog.text


async def test_a_secret_that_is_missing_is_told_of(desk, caplog):
    async with desk.open(webhooks=HOOK) as engine:
        await desk.late(engine)
        assert outcomes(engine) == {GIVEN_UP}
    assert "secret key is not here" in caplog.text


async def test_what_nobody_could_send_is_sent_by_whoever_comes_next(desk):
    desk.pager.status = 503
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        await desk.late(engine)
    desk.pager.status = 200
    await desk.clock.advance(minutes=2)
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        await desk.clock.settle()
        assert outcomes(engine) == {SENT}
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}):
        await desk.clock.advance(hours=1)
    assert len(desk.pager.taken) == 4


async def test_an_alert_for_a_channel_that_is_gone_is_given_up(desk):
    desk.pager.status = 503
    async with desk.open(webhooks=HOOK, secrets={"key": "k"}) as engine:
        await desk.late(engine)
    await desk.clock.advance(minutes=2)
    other = {"other": Webhook(url="https://other.example/x")}
    async with desk.open(webhooks=other) as engine:
        await desk.clock.settle()
        assert outcomes(engine) == {GIVEN_UP}


async def test_mail_goes_out_too(desk):
    taken = []

    async def serve(reader, writer):
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode():
            verb = line.split()[0].upper()
            if verb == "DATA":
                writer.write(b"354 go\r\n")
                taken.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = Email(to=("ops@example.com",), sender="b@example.com", host="127.0.0.1", port=port,
                 security="none")  # fmt: skip
    async with desk.open(email=mail) as engine:
        await desk.late(engine)
    server.close()

    assert len(taken) == 2
    assert any("act (/do/0/act) has broken its SLA" in one.replace("=\r\n", "") for one in taken)


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ({"webhooks": {"x": Webhook(url="ftp://x")}}, "alerts.webhooks.x.url"),
        (
            {"email": Email(to=("a@b",), sender="b@c", host="h", user="ada")},
            "a user or a password",
        ),
    ],
)
async def test_settings_that_no_channel_could_have_are_refused(desk, alerts, words):
    with pytest.raises(batuta.RequestError, match=words):
        async with desk.open(**alerts):
            pass
