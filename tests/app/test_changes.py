"""Changes are told to who looks, and kept for who has only lost the connection."""

import asyncio
import json
from collections import deque

import pytest

import batuta
from batuta.app import changes as module
from batuta.app.changes import Changes

TEXT = """
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }
do: [ a: { set: { b: 1 } } ]
"""


@pytest.fixture
async def engine(tmp_path):
    async with batuta.open(f"sqlite:///{tmp_path}/x.db") as opened:
        await opened.deploy(TEXT)
        yield opened


@pytest.fixture
async def changes(engine, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_S", 0)
    made = Changes(engine)
    serving = asyncio.create_task(made.serve())
    yield made
    made.close()
    serving.cancel()


async def ended(engine):
    run = await engine.start("t/w")
    await run.result(10)
    for _ in range(50):
        await asyncio.sleep(0)  # whoever looks for changes has its turns
    return run.id


async def each(portions):
    """Return the messages one by one."""
    async for portion in portions:
        for one in portion.messages:
            yield one


async def following(portions, run):
    """Return the message that tells of a run's end."""
    async for one in each(portions):
        view = json.loads(one.data)
        if view.get("id") == run and view["status"] == "completed":
            return one
    raise EOFError


@pytest.mark.parametrize("stays", [False, True])
async def test_what_happens_while_nobody_looks_for_a_moment_is_told_to_who_comes_back(
    engine, changes, stays
):
    with changes.looking({"events"} if stays else {"runs"}):  # another one, or the same
        with changes.looking({"runs"}) as portions:
            last = await following(portions, await ended(engine))
        first = None if stays else await ended(engine)
    missed = await ended(engine)
    with changes.looking({"runs"}, last.id) as portions:
        told = [json.loads(one.data)["id"] async for one in until(portions, missed)]
    assert told[-1] == missed
    assert first is None or first in told


async def until(portions, run):
    async for one in each(portions):
        yield one
        if json.loads(one.data)["id"] == run:
            return


async def test_when_nobody_comes_back_nothing_is_recorded(engine, changes, monkeypatch):
    monkeypatch.setattr(module, "KEEP_ON_S", 0)
    with changes.looking({"runs"}):
        await ended(engine)
    for _ in range(50):
        await asyncio.sleep(0)
    assert engine.conductor.written is None


async def test_who_look_at_the_same_get_the_same(engine, changes):
    looks = [changes.looking(topics) for topics in ({"runs"}, {"runs"}, {"runs", "events"})]
    with looks[0] as one, looks[1] as another, looks[2] as wider:
        await ended(engine)
        mine, theirs, more = [await anext(portions) for portions in (one, another, wider)]
    assert mine is theirs
    assert more is not mine
    assert [one.id for one in more.messages] == [one.id for one in mine.messages]


async def test_who_reads_slowly_is_told_to_begin_anew(engine, changes, monkeypatch):
    changes._ring = deque(changes._ring, maxlen=2)
    with changes.looking({"runs"}) as slow:
        for _ in range(3):
            await ended(engine)
        (reset,) = (await anext(slow)).messages
        last = await ended(engine)
        told = await following(slow, last)
    assert (reset.event, json.loads(reset.data)) == ("reset", {"why": "slow"})
    assert told.event == "run.changed"


async def test_runs_that_somebody_looks_at_are_told_first(engine, changes, monkeypatch):
    watched, *others = [await ended(engine) for _ in range(4)]
    monkeypatch.setattr(module, "MOST_AT_ONCE", 1)
    with changes.looking({"runs", f"run:{watched}"}) as portions:
        changes._seen([watched, *others])
        first = await anext(portions)
    assert [json.loads(one.data)["id"] for one in first.messages] == [watched, others[-1]]
