"""A service of others is asked over HTTP in both control models, without a bus if need be."""

import asyncio
import json

import pytest
from partners import CAUGHT, ORDER

import batuta
from batuta.errors import RequestError
from batuta.wiring.settings import Placed, Settings

TELLING = ORDER.replace("do:\n", "use: { secrets: [pin] }\ndo:\n", 1).replace(
    "amount: '${ .amount }'", "pin: '${ $secrets.pin }'"
)


@batuta.function
def book(score: int) -> dict:
    return {"booked": score < 50}


class Partner:
    """A service of others: takes events by HTTP, and replies with what `answer` makes of them."""

    def __init__(self):
        self.heard = []
        self.headers = []
        self.arrived = asyncio.Event()
        self.answer = lambda _: (200, "application/json", {"score": 7})

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")[1:-2]
                headers = dict(line.split(": ", 1) for line in lines)
                body = await reader.readexactly(int(headers["content-length"]))
                self.heard.append(json.loads(body))
                self.headers.append(headers)
                self.arrived.set()
                status, kind, answer = self.answer(self.heard[-1])
                said = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(said)}\r\nRetry-After: 0\r\n\r\n".encode()
                    + said
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def partner(yard):
    made = Partner()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    placed = Placed(endpoint=f"http://127.0.0.1:{port}/events", bearer="key")
    yard.settings = Settings(participants={"fraud": placed})
    yield made
    server.close()


SECRETS = {"key": "tok-123456", "pin": "9876-5432"}


def output_of(row):
    return json.loads(row.output)


async def test_a_conductor_without_a_bus_asks_over_http(yard, partner):
    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        run = await yard.begin(conductor, {"amount": 12, "card": "4711"})
        row = await yard.end(conductor, run)
    (request,) = partner.heard
    assert output_of(row) == {"booked": True}
    assert request["data"] == {"amount": 12}
    assert request["type"] == "batuta.t.w.check.requested"
    assert (request["batutarun"], request["batutatask"]) == (run, "/do/0/check")
    assert partner.headers[0]["authorization"] == "bearer tok-123456"
    assert "4711" not in json.dumps(request)


async def test_participants_ask_over_http_and_the_result_is_the_same(yard, partner):
    yard.settings = Settings(
        participants={"fraud": Placed(endpoint=yard.settings.participants["fraud"].endpoint)}
    )
    await yard.participant("orders", ORDER, [book])
    ended = await yard.choreographed(ORDER, {"amount": 5})
    assert ended["output"] == {"booked": True}
    assert [one["batutafrom"] for one in partner.heard] == ["orders"]
    types = {one.type for one in await yard.bus.history()}
    assert "batuta.t.w.check.requested" not in types


async def test_problem_details_are_a_fault_that_the_workflow_catches(yard, partner):
    problem = {"title": "Blocked", "instance": "/log/1"}
    partner.answer = lambda _: (409, "application/problem+json", problem)
    async with yard.conductor(CAUGHT, bus=False, secrets=SECRETS) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    assert output_of(row) == {"status": 409, "why": "Blocked"}


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("application/cloudevents+json", {"id": "1", "source": "/f", "type": "x"}, "its type is x"),
        ("application/cloudevents+json", {"id": "1", "source": "/f"}, "missing required field"),
        (
            "application/cloudevents+json",
            {"id": "1", "source": "/f", "type": "batuta.t.w.check.completed", "batutakey": "/k"},
            "its batutakey is /k, expected /do/0/check",
        ),
        ("text/plain", "fine", "its data are text/plain"),
    ],
)
async def test_an_answer_that_does_not_fit_is_a_fault_of_the_task(yard, partner, kind, answer, why):
    partner.answer = lambda _: (200, kind, answer)
    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    fault = json.loads(row.fault)
    assert (row.status, fault["title"], fault["status"]) == ("faulted", "Unfit answer", 502)
    assert why in fault["detail"]


async def test_a_service_that_is_busy_is_asked_again_with_the_same_event(yard, partner):
    replies = [(202, "text/plain", ""), (503, "text/plain", "")]
    partner.answer = lambda _: replies.pop() if replies else (200, "application/json", {"score": 1})
    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    assert output_of(row) == {"booked": True}
    assert len(partner.heard) == 3
    assert len({one["id"] for one in partner.heard}) == 1


async def test_whoever_takes_a_run_up_asks_again_with_the_same_event(yard, partner):
    partner.answer = lambda _: (503, "text/plain", "")
    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        run = await yard.begin(conductor, {"amount": 1})
        await asyncio.wait_for(partner.arrived.wait(), 20)
    partner.answer = lambda _: (200, "application/json", {"score": 1})
    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        assert output_of(await yard.end(conductor, run)) == {"booked": True}
    assert {one["id"] for one in partner.heard} == {f"{run}/do/0/check/requested"}


async def test_a_secret_is_never_sent_to_a_service_that_is_not_ours(yard, partner):
    async with yard.conductor(TELLING, bus=False, functions=[book], secrets=SECRETS) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {}))
    assert "hold a secret" in json.loads(row.fault)["detail"]
    assert partner.heard == []


async def test_a_token_that_is_not_here_is_a_fault_that_says_how_to_provide_it(yard, partner):
    async with yard.conductor(ORDER, bus=False, functions=[book]) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    fault = json.loads(row.fault)
    assert fault["status"] == 403
    assert "there is no token in secret `key`" in fault["detail"]
    assert partner.heard == []


async def test_a_bug_in_the_way_there_is_a_fault_of_the_task(yard, partner):
    async def broken(*_):
        raise LookupError("lost")

    async with yard.conductor(ORDER, bus=False, functions=[book], secrets=SECRETS) as conductor:
        conductor.services = {"fraud": broken}
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    assert "LookupError: lost" in json.loads(row.fault)["detail"]


async def test_the_business_s_own_event_is_published_once_by_whoever_asked(yard, partner):
    named = ORDER.replace("participant: fraud", "participant: fraud, event: com.acme.checked.v1")
    url = yard.settings.participants["fraud"].endpoint
    yard.settings = Settings(participants={"fraud": Placed(endpoint=url)})
    await yard.participant("orders", named, [book])
    assert (await yard.choreographed(named, {"amount": 5}))["output"] == {"booked": True}
    told = [one for one in await yard.bus.history() if one.type == "com.acme.checked.v1"]
    assert [json.loads(one.body)["data"] for one in told] == [{"score": 7}]


@pytest.mark.parametrize(
    ("placed", "told"),
    [
        (
            Placed(endpoint="ftp://x.example"),
            "participants.fraud.endpoint: 'ftp://x.example' has the scheme",
        ),
        (Placed(bearer="key"), "participants.fraud has a bearer and no endpoint"),
        (
            Placed(endpoint="http://x.example", remote=True),
            "participants.fraud is remote and has an endpoint",
        ),
    ],
)
async def test_settings_that_no_service_could_have_are_refused(yard, placed, told):
    yard.settings = Settings(participants={"fraud": placed})
    with pytest.raises(RequestError, match=told):
        async with yard.conductor(ORDER, bus=False):
            pass
