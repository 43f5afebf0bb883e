"""Schedules at random: events, crashes and restarts at any moment, compared with a plain oracle.

A crash is a copy of the file at that moment: what was published is durable by then, so whatever the
copy has not acted upon yet, the engine that opens it has to. Each run is to be there once.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ECHO = "[ { keep: { set: { given: '${ [ .[].data ] }' } } } ]"
SCHEDULES = {
    "one": "{ on: { one: { with: { type: paid } } } }",
    "any": "{ on: { any: [ { with: { type: paid } }, { with: { type: packed } } ] } }",
    "all": "{ on: { all: [ { with: { type: paid } }, { with: { type: packed } } ] } }",
    "grouped": """{ on: { all: [
        { with: { type: paid }, correlate: { order: { from: .data.order } } },
        { with: { type: packed }, correlate: { order: { from: .data.order } } } ] } }""",
}

actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["paid", "packed"]), st.sampled_from("ab")),
        st.sampled_from(["settle", "turn", "crash", "restart", "publish elsewhere"]),
    ),
    min_size=1,
    max_size=12,
)


def expected(kind: str, events: list[tuple[str, dict[str, object]]]) -> list[list[object]]:
    """Return what runs are to be given, in any order."""
    if kind in {"one", "any"}:
        return [[data] for name, data in events if kind == "any" or name == "paid"]
    waiting: dict[object, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
    complete: list[list[object]] = []
    for name, data in events:
        group = waiting[data["order"] if kind == "grouped" else ""]
        group[name].append(data)
        if group["paid"] and group["packed"]:
            complete.append([group["paid"].pop(0), group["packed"].pop(0)])
    return complete


async def play(office, inputs, kind: str, steps: list[object]) -> None:
    name = "office.db"
    engine = await office.open(name)
    await office.deploy(engine, SCHEDULES[kind], do=ECHO)
    events: list[tuple[str, dict[str, object]]] = []
    for step in steps:
        if isinstance(step, tuple):
            data = {"order": step[1], "n": len(events)}
            events.append((step[0], data))
            await engine.publish(step[0], data)
        elif step == "settle":
            await office.clock.settle()
        elif step == "turn":
            await asyncio.sleep(0)
        elif step == "crash":
            name = office.after_crash(name)
            await office.close(engine)
            engine = await office.open(name)
        elif step == "restart":
            await office.close(engine)
            engine = await office.open(name)
        else:
            await office.close(engine)
            engine = await office.open(name, serve=False)
            data = {"order": "a", "n": len(events)}
            events.append(("paid", data))
            await engine.publish("paid", data)
            await office.close(engine)
            engine = await office.open(name)
    await office.clock.settle()

    def by_number(runs: list[list[dict[str, int]]]) -> list[list[dict[str, int]]]:
        return sorted(runs, key=lambda run: [one["n"] for one in run])

    assert by_number(inputs(engine)) == by_number(expected(kind, events))
    await office.close_all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(SCHEDULES))
@settings(max_examples=12, deadline=None)
@given(steps=actions)
def test_each_run_is_there_once_whatever_happens_between(kind, steps, inputs, offices):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(offices(Path(folder)), inputs, kind, steps))
