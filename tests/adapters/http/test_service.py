"""A service is asked by a posted CloudEvent until it answers, in whatever form it can."""

import json

import pytest

from batuta.adapters.callers.http import HttpService
from batuta.ports.caller import Fault

REQUEST = {
    "specversion": "1.0",
    "id": "run/do/0/check/requested",
    "source": "/shop/order",
    "type": "batuta.shop.order.check.requested",
    "datacontenttype": "application/json",
    "data": {"amount": 12},
    "batutarun": "run",
    "batutakey": "/do/0/check",
    "batutaidempotency": "run/do/0/prüfen",
}
DONE, FAULTED = "batuta.shop.order.check.completed", "batuta.shop.order.check.faulted"
EVENT = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}


class Asked:
    """Asks the local server, which replies as it is told, one reply after the other."""

    def __init__(self, server, client):
        self.server = server
        self.pauses = []
        self.token = None
        self.now = 1_000.0
        self.client = client

    async def __call__(self, *replies, deadline_ms=None):
        waiting = list(replies)
        self.server.handler = lambda _: waiting.pop(0)
        service = HttpService(
            self.client,
            f"{self.server.url}/events",
            token=self.token,
            now=lambda: self.now,
            sleep=self._sleep,
        )
        return await service(REQUEST, DONE, FAULTED, deadline_ms)

    async def _sleep(self, seconds):
        self.pauses.append(seconds)


@pytest.fixture
def ask(server, client):
    return Asked(server, client)


async def test_a_request_is_posted_as_a_structured_event(ask, replied, server):
    await ask(replied(200, {"score": 7}))

    (request,) = server.received
    assert (request.method, request.path) == ("POST", "/events")
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert json.loads(request.body) == REQUEST
    assert request.headers["idempotency-key"] == "run/do/0/pr%C3%BCfen"


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (200, {"score": 7}, JSON, {"type": DONE, "data": {"score": 7}}),
        (201, [1], {"Content-Type": "application/vnd.x+json"}, {"type": DONE, "data": [1]}),
        (204, b"", {}, {"type": DONE}),
        (200, {"type": "t", "id": "1", "source": "/s", "data": 1}, EVENT, {"type": "t", "data": 1}),
        (
            200,
            {"score": 7},
            {**JSON, "Ce-Type": "t", "Ce-Id": "a%20b", "CE-batutakey": "k"},
            {"type": "t", "id": "a b", "batutakey": "k", "data": {"score": 7}},
        ),
        (
            200,
            b"<p>",
            {"Content-Type": "text/html"},
            {"type": DONE, "datacontenttype": "text/html"},
        ),
        (200, b"x", {}, {"type": DONE, "datacontenttype": "unknown"}),
        (
            409,
            {"title": "Blocked", "detail": "by the bank " * 200},
            PROBLEM,
            {
                "type": FAULTED,
                "data": {"status": 409, "title": "Blocked", "detail": "by the bank " * 200},
            },
        ),
    ],
)
async def test_whatever_answers_is_told_as_an_event(ask, replied, status, body, headers, said):
    event = await ask(replied(status, body, headers))

    assert {name: event.get(name) for name in said} == said
    assert event["id"]
    assert event["source"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "title", "detail"),
    [
        (404, b"no such page", {}, "Not Found", "answered 404: no such page"),
        (500, b"", {}, "Internal Server Error", "answered 500"),
        (599, b"", {}, "Fault", "answered 599"),
        (302, b"", {"Location": "/elsewhere"}, "Found", "answered 302"),
        (400, [1], PROBLEM, "Bad Request", "answered 400: [1]"),
    ],
)
async def test_an_error_without_problem_details_gets_some(
    ask, replied, status, body, headers, title, detail
):
    event = await ask(replied(status, body, headers))

    assert event["type"] == FAULTED
    assert event["data"]["status"] == status
    assert event["data"]["title"] == title
    assert event["data"]["type"].endswith("/communication")
    assert event["data"]["detail"].endswith(detail)


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [(b"{", JSON, "truncated"), (b"{", EVENT, "truncated"), (b"[1]", EVENT, "no object")],
)
async def test_what_is_no_json_is_a_fault_at_once(ask, replied, body, headers, why):
    with pytest.raises(Fault, match=why) as fault:
        await ask(replied(200, body, headers))
    assert (fault.value.kind, fault.value.status) == ("communication", 502)


@pytest.mark.parametrize("status", [202, 408, 425, 429, 502, 503, 504])
async def test_not_yet_is_asked_again_with_the_same_event(ask, replied, server, status):
    event = await ask(*[replied(status)] * 3, replied(200, 1))

    assert event["data"] == 1
    assert ask.pauses == [0.5, 1.0, 2.0]
    assert len({request.body for request in server.received}) == 1


async def test_pauses_follow_retry_after_and_have_an_end(ask, replied):
    date = "Thu, 01 Jan 1970 00:16:45 GMT"
    await ask(
        replied(503, headers={"Retry-After": "7"}),
        replied(503, headers={"Retry-After": date}),
        replied(503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        replied(503, headers={"Retry-After": "86400"}),
        replied(503, headers={"Retry-After": "soon"}),
        replied(200, 1),
    )

    assert ask.pauses == [7, 5, 0, 60, 8]


async def test_a_service_that_cannot_be_reached_is_asked_again(ask, replied, server):
    async def hang_up(_, writer):
        server.raw = None
        writer.close()

    server.raw = hang_up
    event = await ask(replied(200, 1))

    assert event["data"] == 1
    assert ask.pauses == [0.5]


async def test_nobody_asks_past_the_deadline(ask, replied, server):
    with pytest.raises(Fault) as fault:
        await ask(deadline_ms=1)
    assert fault.value.kind == "timeout"
    assert server.received == []
    assert ask.pauses == []


async def test_a_fault_of_our_own_is_not_repeated(ask):
    def none():
        raise Fault("authorization", 403, "Secret not available")

    ask.token = none
    with pytest.raises(Fault, match="Secret not available"):
        await ask()


async def test_the_bearer_token_is_sent_along(ask, replied, server):
    ask.token = lambda: "tok-1"
    await ask(replied(200, 1))

    assert server.received[0].headers["authorization"] == "Bearer tok-1"
