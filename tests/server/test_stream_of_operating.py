"""The live stream of what operators look after: promises, dead letters, participants."""

import json
from contextlib import asynccontextmanager

import msgspec
import pytest

from batuta.app.operating_changes import OperatingChanges
from batuta.app.participants import Lag, ParticipantView
from batuta.errors import UnavailableError
from batuta.ports.mail import Parked
from batuta.ports.store import Batch

PROMISED = """\
document: {dsl: '1.0.3', namespace: demo, name: promised, version: '1.0.0'}
do:
  - hear:
      listen: { to: { one: { with: { type: com.acme.go } } } }
      metadata: { participant: desk, sla: { within: PT0.02S, warn: PT0.01S } }
"""
OTHERS = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: others
  version: '1.0.0'
  metadata: { participants: { newcomer: {} }, participant: newcomer }
do:
  - greet: { call: greet, with: {} }
"""


@pytest.fixture
def streaming(served):
    """Opens a stream; gives a function that reads on to the next message of which this holds."""

    @asynccontextmanager
    async def opening(topics, **headers):
        url = f"/api/v1/stream?topics={topics}"
        async with served.http.stream("GET", url, headers=headers) as answer:
            lines = answer.aiter_lines()

            async def until(is_wanted):
                message = {}
                async for line in lines:
                    if not line and "event" in message:
                        view = json.loads(message["data"])
                        if is_wanted(message["event"], view):
                            return message["id"], view
                        message = {}
                        continue
                    name, _, value = line.partition(": ")
                    message[name] = value
                raise EOFError

            yield until

    return opening


def put(served, *, parked=(), redriven=(), unparked=()):
    """Change what a participant has put aside, as its own process would."""
    batch = Batch()
    batch.parked += [
        Parked(at=one, why="dead", reason="no JSON", id=f"m{one}", type="x", body=b"x")
        for one in parked
    ]
    batch.redriven += redriven
    batch.unparked += unparked
    served.around.homes()["batuta"].store.commit(batch)


def counting(dead, again=0):
    return lambda event, view: (
        event == "dead.changed"
        and view == {"participant": "batuta", "dead": dead, "late": 0, "again": again}
    )


async def test_dead_letters_that_arrive_are_redriven_and_discarded_are_told(served, streaming):
    async with streaming("dead") as until:
        await until(counting(0))
        put(served, parked=[1, 2])
        await until(counting(2))
        await served.post("/dead-letters/redrive", {"ids": ["batuta/1"]})
        await until(counting(1, again=1))
        await served.post("/dead-letters/discard", {"ids": ["batuta/2"]})
        await until(counting(0, again=1))


async def test_a_letter_in_the_place_of_another_is_told(served, streaming):
    put(served, parked=[1])
    async with streaming("dead") as until:
        await until(counting(1))
        put(served, parked=[2], unparked=[1])
        await until(counting(1))


async def test_letters_that_arrive_while_one_is_away_are_told(served, streaming):
    async with streaming("dead") as until:
        last, _ = await until(counting(0))
    put(served, parked=[1])
    async with streaming("dead", **{"last-event-id": last}) as until:
        await until(counting(1))


@pytest.mark.parametrize(("within", "state"), [("PT0.02S", "breached"), ("PT1H", "warned")])
async def test_what_becomes_of_a_promise_is_told(served, streaming, within, state):
    await served.deploy(PROMISED.replace("PT0.02S", within))
    async with streaming("sla") as until:
        run = await served.post("/runs", {"workflow": "demo/promised"}, status=201)
        _, view = await until(lambda _, view: view["state"] == state)
        assert [view["run"], view["reference"]] == [run["id"], "/do/0/hear"]
        await served.engine.publish("com.acme.go")
        await until(lambda _, view: view["endedAt"] is not None)


async def test_a_promise_of_a_choreographed_run_that_is_not_kept_is_told(served, streaming):
    await served.deploy(PROMISED)
    async with streaming("sla") as until:
        body = {"workflow": "demo/promised", "control": "choreographed"}
        run = await served.post("/runs", body, status=201)
        _, view = await until(lambda _, view: view["state"] == "breached")

    assert view["run"] == run["id"]


async def test_a_participant_that_comes_is_told(served, streaming):
    async with streaming("participants") as until:
        await until(lambda _, view: view["name"] == "desk")
        await served.deploy(OTHERS)
        _, view = await until(lambda _, view: view["name"] == "newcomer")

    assert [view["status"], view["workflows"]] == ["up", ["demo/others:1.0.0"]]


class Everybody:
    """Participants as they are said to be."""

    def __init__(self, *views):
        self.views = views

    async def all(self):
        if not self.views:
            raise UnavailableError("the bus is away")
        return self.views


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lag": Lag(0, 9.0)}, []),
        ({"last_seen_at": "2026-01-01T00:00:00Z"}, []),
        ({"lag": Lag(3, 9.0)}, ["a"]),
        ({"status": "silent"}, ["a"]),
        ({"name": "b"}, ["b", "a"]),
    ],
)
async def test_of_a_participant_is_told_what_does_not_change_by_itself(served, change, told):
    view = ParticipantView(
        name="a",
        title="",
        owner="",
        place="here",
        status="up",
        workflows=[],
        inbox=0,
        outbox=0,
        lag=Lag(0, 0.0),
        dead=0,
        last_seen_at=None,
    )
    everybody = Everybody(view)
    looking = OperatingChanges(served.engine, served.around, everybody)

    async def look():
        looking._ask_at = 0
        return [one.view["name"] for one in await looking.look(lambda it: it == "participants")]

    first = await look()
    everybody.views = ()
    away = await look()
    everybody.views = (msgspec.structs.replace(view, **change),)

    assert [first, away, await look()] == [["a"], [], told]
