"""Runs are found by what the business calls them, whichever control model they are under."""

import pytest

import batuta
from batuta.app.listing import RunQuery

TEXT = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: keyed
  version: '1.0.0'
  metadata: { keys: { order: .id, items: '[.items[].sku]' } }
use: { secrets: [ pin ] }
do:
  - first: { call: more, with: { number: '${ .number }' }, metadata: { participant: one } }
  - second: { call: more, with: { number: '${ . }' }, metadata: { participant: two } }
"""
BOTH = pytest.mark.parametrize("control", ["orchestrated", "choreographed"])


@batuta.function
async def more(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number + 1


def data(order="A-1", number=1):
    return {"id": order, "number": number, "items": [{"sku": "x"}, {"sku": "y"}]}


def found(engine, **keys):
    return [view.id for view in engine.listing.find(RunQuery(keys=keys)).items]


@pytest.fixture
def keyed(opened):
    return lambda: opened(more, secrets={"pin": "4711"})


@BOTH
async def test_a_run_is_found_by_its_keys_and_shows_them(keyed, control):
    async with keyed() as engine:
        identity = await engine.deploy(TEXT)
        one = await engine.start(identity, data(), control=control)
        other = await engine.start(identity, data("A-2"), control=control)
        ended = [await run.result(10) for run in (one, other)]

        assert found(engine, order="A-1") == [one.id]
        assert set(found(engine, items="y")) == {one.id, other.id}
        assert found(engine, order="A-2", items="z") == []
        assert [view.keys for view in ended] == [
            {"order": order, "items": ["x", "y"]} for order in ("A-1", "A-2")
        ]
        assert one.show().as_json()["keys"] == ended[0].keys


@BOTH
async def test_keys_last_longer_than_the_process(keyed, control):
    async with keyed() as engine:
        run = await engine.start(await engine.deploy(TEXT), data(), control=control)
        await run.result(10)
    async with keyed() as engine:
        assert found(engine, order="A-1") == [run.id]


@BOTH
async def test_a_retried_run_has_the_keys_of_the_first(keyed, control):
    async with keyed() as engine:
        run = await engine.start(await engine.deploy(TEXT), data(number=-1), control=control)
        assert (await run.result(10)).status == "faulted"
        again = await engine.retry(run.id, from_start=control == "choreographed")
        await again.result(10)

        assert found(engine, order="A-1") == [again.id, run.id]


async def test_a_secret_is_no_key_that_anybody_reads(keyed):
    text = TEXT.replace("order: .id", "order: '$secrets.pin'")
    async with keyed() as engine:
        run = await engine.start(await engine.deploy(text), data())
        view = await run.result(10)

    assert view.keys["order"] == "***"


async def test_runs_without_keys_show_none(keyed):
    text = TEXT.replace("metadata: { keys: { order: .id, items: '[.items[].sku]' } }", "")
    async with keyed() as engine:
        run = await engine.start(await engine.deploy(text), data())
        assert "keys" not in (await run.result(10)).as_json()
        assert engine.store.run(run.id).keys is None
