"""Nothing is acknowledged before the commit of what came of it, and nothing published before its.

A message that comes again is known by its source and id, whatever the bus makes of it.
"""

import asyncio
import json
import threading

import pytest

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.errors import ClaimedError
from batuta.ports.bus import LONGEST_NAME
from batuta.ports.mail import DEAD
from batuta.runtime.shared.envelope import name_of
from batuta.wiring import participants

HEAD = "document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }\n"
TEXT = f"""{HEAD}do:
  - first: {{ call: act, with: {{ x: '${{ .x }}' }}, metadata: {{ participant: one }} }}
  - second: {{ call: act, with: {{ x: '${{ . }}' }}, metadata: {{ participant: two }} }}
"""
SLOWLY = f"""{HEAD}do:
  - first: {{ set: {{ x: '${{ [limit(3; repeat(1))] | length }}' }} }}
  - second: {{ call: act, with: {{ x: '${{ .x }}' }}, metadata: {{ participant: one }} }}
"""
LASTING = f"""{HEAD}do:
  - first: {{ call: last, metadata: {{ participant: one }} }}
"""
LISTENING = f"""{HEAD}do:
  - hear:
      listen: {{ to: {{ any: [ {{ with: {{ type: go }} }} ], until: '(map(.n) | max) == 3' }} }}
      metadata: {{ participant: one }}
"""

IN_ORDER = f"""{HEAD}do:
  - begin: {{ listen: {{ to: {{ one: {{ with: {{ type: begin }} }} }} }}, metadata: {{ participant: one }} }}
  - both:
      listen: {{ to: {{ all: [ {{ with: {{ type: x }} }}, {{ with: {{ type: y, data: '${{ . > 1 }}' }} }} ] }} }}
      metadata: {{ participant: one }}
  - rest:
      listen: {{ to: {{ any: [ {{ with: {{ type: y }} }} ], until: '. | length >= 2' }} }}
      metadata: {{ participant: one }}
"""  # noqa: E501 -- a document reads best in one piece
TRIED = f"""{HEAD}do:
  - again:
      try:
        - first: {{ call: act, with: {{ x: 1 }}, metadata: {{ participant: one }} }}
        - second: {{ call: act, with: {{ x: 2 }}, metadata: {{ participant: two, event: com.acme.done }} }}
        - not-yet: {{ raise: {{ error: {{ type: 'https://acme.com/not-yet', status: 500 }} }} }}
      catch: {{ retry: {{ delay: PT30S, limit: {{ attempt: {{ count: 2 }} }} }} }}
"""  # noqa: E501 -- a document reads best in one piece


class Held(SqliteStore):
    """A store whose commits wait in the committer's thread."""

    gate = None

    def commit(self, batch):
        assert Held.gate.wait(30)
        super().commit(batch)

    def commit_now(self, _):
        return False


@pytest.fixture
def held(monkeypatch):
    """Holds commits up until it is set."""
    Held.gate = threading.Event()
    monkeypatch.setattr(participants, "SqliteStore", Held)
    yield Held.gate
    Held.gate.set()


class Sandbox:
    """A sandbox that answers when the test says so."""

    def __init__(self, evaluator):
        self.evaluator = evaluator
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.failure = None

    async def evaluate(self, *question):
        self.asked.set()
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return await self.evaluator.evaluate(*question)


def with_sandbox(driver):
    driver.sandbox._evaluator = sandbox = Sandbox(driver.sandbox._evaluator)
    return sandbox


async def is_asked(sandbox):
    await asyncio.wait_for(sandbox.asked.wait(), 30)


def nested(levels):
    """Return a workflow whose second task lies so deep that its events have long ids."""
    lines = [HEAD, "do:"]
    lines.append("  - first: { call: act, with: { x: 1 }, metadata: { participant: one } }")
    pad = "  "
    for _ in range(levels):
        lines += [f"{pad}- is-within:", f"{pad}    do:"]
        pad += "      "
    second = "{ call: act, with: { x: '${ . }' }, metadata: { participant: two } }"
    return "\n".join([*lines, f"{pad}- second: {second}\n"])


# -- acknowledging ---------------------------------------------------------------------------------


async def test_a_copy_of_what_waits_for_the_sandbox_waits_with_it(place, act, done):
    driver = await place.joins("one", SLOWLY, [act])
    sandbox = with_sandbox(driver)
    await place.start(SLOWLY, "r")
    await is_asked(sandbox)
    (first,) = await place.bus.history()
    await place.publish(first.type, first.body, name="the same, under another number")
    for _ in range(70):
        await place.clock.advance(seconds=1)
        await driver.durable()
    assert await place.bus.lag("one") == 2

    sandbox.may_answer.set()
    assert (await place.ended("r"))["output"] == 4
    await place.done_with("one")
    assert done == ["r/do/1/second"]


async def test_what_waits_for_a_sandbox_that_fails_is_put_aside_with_its_run(place, act):
    async with place.participant("one", SLOWLY, [act]) as driver:
        sandbox = with_sandbox(driver)
        sandbox.failure = OSError("no sandbox")
        await place.start(SLOWLY, "r")
        await is_asked(sandbox)
        sandbox.may_answer.set()

        (said,) = await place.dead(driver)
        assert "the sandbox failed" in said
        await place.done_with("one")
    driver = await place.joins("one", SLOWLY, [act])
    place.wish(driver, redriven=[one.number for one in driver.mail.parked(DEAD)])
    assert (await place.ended("r"))["output"] == 4


async def test_before_the_commit_nothing_is_acknowledged_or_published(place, act, done, held):
    driver = await place.joins("one", TEXT, [act])
    await place.start(TEXT, "r", {"x": 1})
    await place.until(lambda: done)
    await place.clock.advance(seconds=5)
    assert await place.bus.lag("one") == 1
    assert await place.told("batuta.t.w.first.completed") == []

    held.set()
    await place.until(lambda: place.told("batuta.t.w.first.completed"))
    await place.done_with("one")
    assert driver.mail.has_taken("r", name_of("/t/w", "r/start"))


async def test_what_a_stopped_run_was_brought_is_not_lost_with_what_it_wrote(
    place, act, monkeypatch
):
    compose = []

    def fail(run):
        compose.append(run.id)
        raise OSError("cannot be composed")

    async with place.participant("one", TEXT, [act]) as driver:
        monkeypatch.setattr(driver.sending, "compose", fail)
        await place.start(TEXT, "r", {"x": 1})
        (said,) = await place.dead(driver)
        assert "cannot be composed" in said
        assert driver.store.run("r") is None
        assert not driver.mail.has_taken("r", name_of("/t/w", "r/start"))
        await place.done_with("one")
    driver = await place.joins("one", TEXT, [act])
    await place.joins("two", TEXT, [act])
    place.wish(driver, redriven=[one.number for one in driver.mail.parked(DEAD)])

    assert (await place.ended("r"))["output"] == 3
    assert compose == ["r"]


# -- hearing ---------------------------------------------------------------------------------------


async def go(place, number, name=None):
    await place.publish("go", {"id": f"e{number}", "data": {"n": number}}, name=name)


async def test_what_was_sent_does_not_lie_in_the_outbox_for_long(place, act):
    drivers = [await place.joins(name, TEXT, [act]) for name in ("one", "two")]
    await place.start(TEXT, "r1", {"x": 1})
    await place.ended("r1")

    await place.until(lambda: not any(one.mail.tally().outbox for one in drivers))

    assert not any(one.mail.outbox() for one in drivers)


async def test_an_event_that_comes_under_another_number_is_heard_once(place):
    driver = await place.joins("one", LISTENING)
    await place.start(LISTENING, "r")
    await place.until(lambda: driver.store.sources("go"))
    await go(place, 1)
    await go(place, 1, "at once")
    await place.done_with("one")
    await go(place, 1, "later")
    await go(place, 3)

    assert (await place.ended("r"))["output"] == [{"n": 1}, {"n": 3}]


async def test_an_event_is_known_when_all_else_of_it_is_forgotten(place):
    driver = await place.joins("one", LISTENING)
    await place.start(LISTENING, "r")
    for number in (1, 3):
        await go(place, number)
    await place.ended("r")
    await place.done_with("one")
    await place.clock.advance(days=100)
    driver.store.purge(place.clock.now())
    assert driver.store.events(0) == []
    await place.start(LISTENING, "later")
    await place.until(lambda: driver.store.sources("go"))
    await go(place, 1, "months later")
    await go(place, 3, "months later as well")
    await place.done_with("one")
    await place.publish("go", {"id": "new", "data": {"n": 3}})

    assert (await place.ended("later"))["output"] == [{"n": 3}]


async def test_a_listen_hears_in_order_what_the_one_before_it_left_alone(place):
    driver = await place.joins("one", IN_ORDER)
    await place.start(IN_ORDER, "r")
    await place.until(lambda: driver.store.sources("begin"))
    for number, kind in enumerate(("y", "y", "x", "y", "begin"), 1):
        await place.publish(kind, {"id": f"e{number}", "data": number})

    assert (await place.ended("r"))["output"] == [1, 4]


# -- publishing ------------------------------------------------------------------------------------


async def test_what_lies_deep_has_events_all_the_same(place, act):
    text = nested(30)
    for name in ("one", "two"):
        await place.joins(name, text, [act])
    await place.start(text, "r")

    assert (await place.ended("r"))["output"] == 3
    (told,) = await place.told("batuta.t.w.first.completed")
    assert len(told["id"]) > LONGEST_NAME


async def test_an_event_of_the_business_is_told_once_however_late_control_goes_on(place, act):
    for name in ("one", "two"):
        await place.joins(name, TRIED, [act])
    await place.start(TRIED, "r")

    await place.ended("r")
    told = await place.told("com.acme.done")
    assert [one["data"] for one in told] == [3, 3, 3]
    assert len(await place.told("batuta.t.w.handover")) == 2


def test_a_long_name_is_always_the_same_and_no_other():
    names = [name_of("/s", "x" * 500 + end) for end in ("", "y", "")]
    assert names[0] == names[2] != names[1]
    assert all(len(one) <= LONGEST_NAME for one in names)
    assert name_of("/s", "short") == "/s\nshort"


async def test_what_the_bus_never_takes_is_put_aside_and_what_lies_beside_it_is_published(place):
    @batuta.function
    async def act(x: int) -> str:
        return "x" * 17_000_000 if x == 0 else "small"

    driver = await place.joins("one", TEXT, [act])
    for x in (0, 1):
        await place.start(TEXT, f"r{x}", {"x": x})
    (said,) = await place.dead(driver)
    (dead,) = driver.mail.parked(DEAD)
    assert (dead.run, dead.place) == ("r0", 0)
    assert "the bus does not take it" in said
    assert "bytes" in said
    await place.until(lambda: place.told("batuta.t.w.first.completed", "r1"))

    place.wish(driver, redriven=[dead.number])
    await place.until(lambda: [one.number for one in driver.mail.parked(DEAD)] > [dead.number])
    assert await place.told("batuta.t.w.first.completed", "r0") == []


async def test_what_is_told_of_tasks_again_after_a_crash_is_the_same_event(place):
    @batuta.function
    async def last() -> None:
        await asyncio.Event().wait()

    for life in range(3):
        async with place.participant("one", LASTING, [last]):
            if life == 0:
                await place.start(LASTING, "r")
            await place.until(lambda: place.told("batuta.t.w.progress"))
            await place.clock.advance(seconds=5)

    (told,) = await place.told("batuta.t.w.progress")
    assert json.loads(told["batutahand"])["reports"][0]["what"] == "started"


# -- one store per name ----------------------------------------------------------------------------


async def test_a_second_store_under_one_name_is_refused_and_the_first_may_move(place, act):
    async with place.participant("one", TEXT, [act]):
        with pytest.raises(ClaimedError, match="on this bus one is another store's") as refusal:
            await place.joins("one", TEXT, [act], store="second")
        assert refusal.value.code == "claimed"
        assert "--take-over" in refusal.value.hint
        # What it would have taken away is still there for the first.
        await place.start(TEXT, "r", {"x": 1})
        await place.until(lambda: place.told("batuta.t.w.first.completed"))
    (place.folder / "one.db").rename(place.folder / "moved.db")
    await place.joins("one", TEXT, [act], store="moved")


async def test_a_name_is_taken_over_on_purpose(place, act):
    async with place.participant("one", TEXT, [act]):
        pass
    async with place.participant("one", TEXT, [act], store="second", take_over=True):
        await place.start(TEXT, "r", {"x": 1})
        await place.until(lambda: place.told("batuta.t.w.first.completed"))
    await place.joins("one", TEXT, [act], store="second")
    with pytest.raises(ClaimedError):
        await place.joins("one", TEXT, [act])
