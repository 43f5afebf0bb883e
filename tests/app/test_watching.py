"""Promises that are not kept, and runs in which nobody acts, are told: once, in time, for sure."""

import asyncio
from contextlib import asynccontextmanager

import pytest

import batuta
from batuta.app.listing import RunQuery
from batuta.testing.clock import VirtualClock
from batuta.wiring.settings import Placed

TEXT = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: promised
  version: '1.0.0'
  metadata: { sla: { within: PT1H } }
do:
  - act:
      listen: { to: { one: { with: { type: go } } } }
      metadata: { participant: one, sla: { within: PT10S, warn: PT4S } }
  - rest: { wait: PT1M, metadata: { participant: one } }
"""
WARNED, BREACHED = "io.batuta.sla.warned.v1", "io.batuta.sla.breached.v1"
STUCK = "io.batuta.run.stuck.v1"


HELD = TEXT.replace(", sla: { within: PT10S, warn: PT4S }", "").replace(
    "listen: { to: { one: { with: { type: go } } } }", "call: act"
)


class Desk:
    """Engines over one file and one clock, with a function that answers when it is told to."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = VirtualClock(patience=120)
        self.answers = asyncio.Queue()

    @asynccontextmanager
    async def open(self, **settings):
        answers = self.answers

        @batuta.function
        async def act() -> str:
            return await answers.get()

        async with batuta.open(
            f"sqlite:///{self.folder}/store.db",
            functions=[act],
            clock=self.clock,
            settings=batuta.Settings(**settings),
            resume=True,
        ) as engine:
            yield engine

    async def started(self, engine, text=TEXT, **more):
        run = await engine.start(await engine.deploy(text), {}, **more)
        await self.clock.settle()
        return run


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def held(tmp_path):
    """A desk whose time moves on although a function has not answered."""
    desk = Desk(tmp_path)
    desk.clock = VirtualClock(patience=0.3)
    return desk


def told(engine):
    """What was published: the types of events about promises and stuck runs, in order."""
    return [one.event["type"] for one in engine.events()]


def states(engine, run):
    return {one.name: one.state for one in engine.known(run.id).sla}


async def test_a_task_is_warned_of_and_then_breaks_its_sla_each_once(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
        await desk.clock.advance(seconds=3)
        assert told(engine) == []
        await desk.clock.advance(seconds=2)
        assert told(engine) == [WARNED]
        assert states(engine, run) == {"": "open", "act": "warned"}
        await desk.clock.advance(seconds=6)
        assert told(engine) == [WARNED, BREACHED, STUCK]
        await desk.clock.advance(minutes=20)

        assert told(engine) == [WARNED, BREACHED, STUCK]
        data = engine.events()[1].event["data"]
        assert (data["run"], data["reference"]) == (run.id, "/do/0/act")
        assert (data["participant"], data["dueAt"]) == ("one", "2026-01-01T00:00:10.000Z")
        assert engine.events()[1].event["time"] == "2026-01-01T00:00:10.000Z"


async def test_a_task_in_which_nobody_acts_in_time_makes_its_run_stuck_until_it_goes_on(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
        await desk.clock.advance(seconds=11)
        assert [view.id for view in engine.listing.find(RunQuery(stuck=True)).items] == [run.id]
        assert run.show().stuck_since == "2026-01-01T00:00:00.000Z"
        assert engine.known(run.id).conformance.verdict == "stuck"
        await engine.publish("go")
        await desk.clock.settle()

        assert engine.listing.find(RunQuery(stuck=True)).items == []
        assert run.show().stuck_since is None
        assert engine.known(run.id).conformance.verdict == "late"


async def test_a_promise_that_is_kept_is_told_of_nobody(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
        await engine.publish("go")
        await desk.clock.advance(minutes=5)

        assert (await run.result(5)).status == "completed"
        assert told(engine) == ["go"]
        assert states(engine, run) == {"": "met", "act": "met"}
        assert engine.known(run.id).conformance.verdict == "ok"


async def test_what_comes_due_while_nobody_watches_is_told_by_whoever_comes_next(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
    await desk.clock.advance(seconds=30)
    async with desk.open() as engine:
        await desk.clock.settle()
        assert told(engine) == [BREACHED, STUCK]
    async with desk.open() as engine:
        await desk.clock.advance(minutes=5)
        assert told(engine) == [BREACHED, STUCK]
        assert states(engine, run) == {"": "open", "act": "breached"}


async def test_two_who_watch_tell_it_once(desk):
    async with desk.open() as engine, desk.open() as other:
        await desk.started(engine)
        await desk.clock.advance(seconds=30)
        await desk.clock.settle()

        assert told(engine) == told(other) == [WARNED, BREACHED, STUCK]


async def test_who_takes_a_run_over_tells_of_it(desk):
    async with desk.open() as watching:
        async with desk.open() as engine:
            run = await desk.started(engine)
            await engine.watching.stop()
        await desk.clock.advance(seconds=30)
        assert told(watching) == []
        await watching.serving.look_after()
        await desk.clock.settle()

        assert told(watching) == [BREACHED, STUCK]
        await watching.publish("go")
        await desk.clock.settle()
        assert watching.show(run.id).stuck_since is None


async def test_a_task_that_ended_too_late_while_nobody_watched_is_told_of(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
        await engine.watching.stop()
        await desk.clock.advance(seconds=30)
        await engine.publish("go")
        await desk.clock.settle()
        assert told(engine) == ["go"]
    async with desk.open() as engine:
        await desk.clock.settle()
        assert told(engine) == ["go", BREACHED]
        assert states(engine, run)["act"] == "breached"


async def test_a_run_breaks_its_own_sla_and_is_not_stuck_by_that(desk):
    text = TEXT.replace("PT1H", "PT30S").replace(", warn: PT4S", "")
    async with desk.open() as engine:
        run = await desk.started(engine, text)
        await engine.publish("go")
        await desk.clock.advance(seconds=31)

        assert told(engine) == ["go", BREACHED]
        assert engine.events()[1].event["data"]["reference"] == ""
        assert run.show().stuck_since is None
        assert engine.known(run.id).conformance.verdict == "late"


@pytest.mark.slow
async def test_a_task_without_an_sla_is_stuck_after_the_expected_time(held):
    desk = held
    async with desk.open(expected_s=60) as engine:
        run = await desk.started(engine, HELD)
        await desk.clock.advance(seconds=59)
        assert told(engine) == []
        await desk.clock.advance(seconds=62)
        assert told(engine) == [STUCK]
        data = engine.events()[0].event["data"]
        assert (data["what"], data["participant"]) == ("finish", "one")
        await desk.clock.advance(minutes=10)
        assert told(engine) == [STUCK]
        desk.answers.put_nowait("done")
        await desk.clock.advance(minutes=2)
        assert (await run.result(5)).status == "completed"


@pytest.mark.slow
async def test_a_run_that_is_stuck_again_is_told_of_again(held):
    desk = held
    text = HELD.replace("- rest: { wait: PT1M, ", "- again: { call: act, ")
    async with desk.open(expected_s=60) as engine:
        await desk.started(engine, text)
        await desk.clock.advance(seconds=61)
        desk.answers.put_nowait("done")
        await desk.clock.advance(minutes=3)

        stuck = [one.event for one in engine.events() if one.event["type"] == STUCK]
        assert [one["data"]["reference"] for one in stuck] == ["/do/0/act", "/do/1/again"]


async def test_any_run_may_hear_that_a_promise_was_broken(desk):
    hears = """\
document: { dsl: '1.0.3', namespace: demo, name: mends, version: '1.0.0' }
do:
  - hear: { listen: { to: { one: { with: { type: io.batuta.sla.breached.v1 } } } } }
  - say: { set: { late: '${ .[0].name }' } }
"""
    async with desk.open() as engine:
        mending = await desk.started(engine, hears)
        await desk.started(engine)
        await desk.clock.advance(seconds=11)

        assert (await mending.result(5)).output == {"late": "act"}


async def test_a_retried_run_is_promised_anew(desk):
    @batuta.function
    async def fails() -> str:
        raise ValueError("no")

    text = TEXT.replace("listen: { to: { one: { with: { type: go } } } }", "call: fails")
    async with batuta.open(
        f"sqlite:///{desk.folder}/store.db", functions=[fails], clock=desk.clock
    ) as engine:
        run = await desk.started(engine, text)
        await run.result(5)
        await desk.clock.advance(seconds=5)
        again = await engine.retry(run.id)
        await again.result(5)

        assert {one.since for one in engine.known(again.id).sla} == {"2026-01-01T00:00:05.000Z"}
        assert states(engine, again) == states(engine, run) == {"": "met", "act": "met"}


async def test_the_board_counts_what_became_of_promises(desk):
    async with desk.open() as engine:
        late = await desk.started(engine)
        await desk.clock.advance(seconds=12)
        await engine.publish("go")
        await desk.clock.settle()
        await desk.started(engine)
        await engine.publish("go")
        await desk.clock.settle()
        board = engine.board.show()
        await desk.clock.advance(days=2)
        later = engine.board.show()

    runs, acts = board.items
    assert (runs.reference, runs.within, runs.open) == (None, 3_600_000, 2)
    assert (acts.reference, acts.within, acts.warn) == ("/do/0/act", 10_000, 4_000)
    assert (acts.met, acts.warned, acts.breached, acts.burn) == (1, 1, 1, 0.5)
    assert (board.open[0].run, board.open[0].reference) == (late.id, None)
    assert later.items == later.open == ()
    assert board.as_json()["items"][1]["reference"] == "/do/0/act"


async def test_lists_say_how_the_promises_of_runs_stand(desk):
    async with desk.open() as engine:
        run = await desk.started(engine)
        plain = await desk.started(
            engine,
            "document: { dsl: '1.0.3', namespace: demo, name: plain, version: '1.0.0' }\n"
            "do: [ { a: { set: { n: 1 } } } ]\n",
        )
        await desk.clock.advance(seconds=5)
        found = engine.listing.find(RunQuery())

    assert {view.id for view in found.items} == {run.id, plain.id}
    assert found.sla == {run.id: "warned"}


async def test_who_only_looks_tells_nothing(desk):
    async with desk.open() as engine:
        await desk.started(engine)
        await engine.watching.stop()
        async with batuta.open(
            f"sqlite:///{desk.folder}/store.db", clock=desk.clock, looks=True
        ) as looking:
            await desk.clock.advance(seconds=30)
            assert looking.watching is None
            assert told(looking) == []


# -- choreographed ---------------------------------------------------------------------------------

SPREAD = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: spread
  version: '1.0.0'
  metadata: { sla: { within: PT1H } }
do:
  - first: { call: quick, with: {}, metadata: { participant: one } }
  - second:
      call: quick
      with: {}
      metadata: { participant: two, sla: { within: PT0.2S, warn: PT0.1S } }
"""


@batuta.function
async def quick() -> str:
    return "done"


async def heard(engine, types):
    """Wait until these events were published."""
    while told_of_ours(engine) != types:
        await engine.settled()
        await asyncio.sleep(0)
    return [one.event for one in engine.events() if one.event["type"].startswith("io.batuta")]


def told_of_ours(engine):
    return [kind for kind in told(engine) if kind.startswith("io.batuta")]


@pytest.fixture
def spread(tmp_path):
    def opening(**settings):
        return batuta.open(
            f"sqlite:///{tmp_path}/store.db",
            functions=[quick],
            settings=batuta.Settings(**settings),
        )

    return opening


async def test_a_participant_that_is_not_there_breaks_its_sla_and_the_run_is_stuck(spread):
    elsewhere = {"two": Placed(remote=True)}
    async with spread(participants=elsewhere) as engine:
        identity = await engine.deploy(SPREAD)
        run = await engine.start(identity, {}, control="choreographed")
        events = await heard(engine, [WARNED, BREACHED, STUCK])
        view, known = run.show(), engine.known(run.id)

    assert [one["data"]["participant"] for one in events] == ["two"] * 3
    assert events[2]["data"]["what"] == "begin"
    assert view.stuck_since is not None
    assert known.conformance.verdict == "stuck"
    assert {one.name: one.state for one in known.sla} == {"": "open", "second": "breached"}


async def test_promises_of_a_choreographed_run_are_kept_or_not_as_its_participants_tell(spread):
    text = SPREAD.replace("PT0.2S, warn: PT0.1S", "PT1H")
    async with spread() as engine:
        run = await engine.start(await engine.deploy(text), {}, control="choreographed")
        await run.result(10)
        known = engine.known(run.id)

        assert told_of_ours(engine) == []

    assert {one.name: one.state for one in known.sla} == {"": "met", "second": "met"}


async def test_a_choreographed_run_without_an_sla_is_stuck_after_the_expected_time(spread):
    text = SPREAD.replace(", sla: { within: PT0.2S, warn: PT0.1S }", "")
    async with spread(participants={"two": Placed(remote=True)}, expected_s=0.2) as engine:
        run = await engine.start(await engine.deploy(text), {}, control="choreographed")
        (event,) = await heard(engine, [STUCK])
        await engine.host("demo/spread:1.0.0")

    assert (event["data"]["reference"], event["data"]["participant"]) == ("/do/1/second", "two")
    assert event["subject"] == run.id
