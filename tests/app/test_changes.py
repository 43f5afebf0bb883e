"""Changes are told to who looks, and kept for who has only lost the connection."""

import asyncio
import json

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


async def following(messages, run):
    """Return the message that tells of a run's end."""
    async for one in messages:
        view = json.loads(one.data)
        if view.get("id") == run and view["status"] == "completed":
            return one
    raise EOFError


@pytest.mark.parametrize("stays", [False, True])
async def test_what_happens_while_nobody_looks_for_a_moment_is_told_to_who_comes_back(
    engine, changes, stays
):
    with changes.looking({"events"} if stays else {"runs"}):  # another one, or the same
        with changes.looking({"runs"}) as messages:
            last = await following(messages, await ended(engine))
        first = None if stays else await ended(engine)
    missed = await ended(engine)
    with changes.looking({"runs"}, last.id) as messages:
        told = [json.loads(one.data)["id"] async for one in until(messages, missed)]
    assert told[-1] == missed
    assert first is None or first in told


async def until(messages, run):
    async for one in messages:
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
