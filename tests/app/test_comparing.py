"""One workflow both ways: what is measured, and when outcomes agree."""

import asyncio
import itertools

import pytest

import batuta
from batuta.wiring.comparing import compared

TEXT = """\
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }
do:
  - book:
      call: act
      with: { n: '${ .n }' }
      metadata: { participant: desk, compensate: { call: act, with: { n: 0 } } }
  - pay: { call: act, with: { n: '${ $workflow.input.n }' }, metadata: { participant: bank } }
  - refuse:
      if: $workflow.input.n < 0
      raise: { error: { type: 'https://example.com/no', status: 422, title: No } }
"""

WAITING = """\
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0', metadata: { participant: desk } }
do:
  - hear: { listen: { to: { one: { with: { type: never } } } } }
"""


@batuta.function
async def act(n: int) -> int:
    return n


async def test_outcomes_agree_input_by_input():
    inputs = [{"n": 1}, {"n": -1}, {"n": 2}]

    found = await compared(TEXT, inputs, functions=[act])

    assert found.agrees
    for side in (found.orchestrated, found.choreographed):
        assert [one.status for one in side.outcomes] == ["completed", "faulted", "completed"]
        assert [one.output for one in side.outcomes] == [1, None, 2]
        assert side.outcomes[1].error["status"] == 422
        assert side.outcomes[1].undone == ("/do/0/book/metadata/compensate",)
        assert len(side.latencies_ms) == 3
        assert 0 < side.latency_ms(0.5) <= side.latency_ms(0.99)


async def test_both_sides_have_the_same_idempotency_keys():
    keys = []

    @batuta.function
    async def act(n: int, context: batuta.Context) -> int:
        keys.append(context.idempotency_key)
        return n

    await compared(TEXT, [{"n": 1}, {"n": 2}], functions=[act])

    assert len(keys) == 8
    assert len(set(keys)) == 4


async def test_messages_and_hops_are_those_of_the_model():
    found = await compared(TEXT, [{"n": 1}] * 4, functions=[act])

    # Two tasks, each a request and an answer; or the start, what goes to the bank, and the end.
    assert (found.orchestrated.messages, found.orchestrated.hops) == (16, 16)
    assert found.choreographed.hops == 8
    assert found.choreographed.messages >= 12


async def test_a_task_that_gives_something_else_each_time_is_found_with_its_place():
    count = itertools.count()

    @batuta.function
    async def act(n: int) -> dict:
        return {"n": n, "new": [next(count)]}

    found = await compared(TEXT, [{"n": 1}], functions=[act])

    assert not found.agrees
    assert [(one.run, one.at) for one in found.differences] == [(1, "/output/new/0")]
    assert found.differences[0].orchestrated != found.differences[0].choreographed


async def test_runs_that_do_not_end_in_time_agree_about_nothing():
    found = await compared(WAITING, [{}], wait_s=0.2)

    assert not found.agrees
    assert found.orchestrated.latency_ms(0.5) is None
    assert found.orchestrated.outcomes[0].status == "waiting"


async def test_what_cannot_be_choreographed_is_refused_before_anything_is_performed():
    performed = asyncio.Event()

    @batuta.function
    async def act(n: int) -> int:
        performed.set()
        return n

    text = TEXT.replace("metadata: { participant: bank }", "metadata: {}")

    with pytest.raises(batuta.DefinitionError, match="nobody performs `pay`"):
        await compared(text, [{"n": 1}], functions=[act])

    assert not performed.is_set()
