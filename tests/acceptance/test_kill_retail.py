"""The retail example as processes, killed (SIGKILL) one after the other, over both buses.

Five participants and four systems are nine processes; this one takes the orders and looks on. While
a participant is dead, an order that has no more need of it has to end, and new ones have to get as
far as they can without it. In the end every order has ended as its data say, and the systems' books
agree: nothing is lost, nothing is done twice.

A failing test is repeated by the seed in its message: `BATUTA_SEED=...`.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import batuta
from batuta.wiring.settings import Placed

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "retail"))

from audit import audit, read_books
from desk import NAME, WORKFLOW
from landscape import PARTICIPANTS, running_participants, running_systems
from orders import make_orders

SEED = int(os.environ.get("BATUTA_SEED") or 20_261_121)
AGAIN = f"BATUTA_SEED={SEED}"
PATIENCE_S = 60
BATCH = 4
PLAIN = next(order for order in make_orders() if order.story == "plain")


@pytest.fixture(params=["embedded", "nats"])
def bus_url(request, tmp_path):
    """Where the participants meet."""
    if request.param == "embedded":
        return f"sqlite:///{tmp_path / 'bus.sqlite'}"
    return request.getfixturevalue("nats_server").url()


@pytest.fixture
async def desk(bus_url, tmp_path):
    """The order desk, with everybody else at work."""
    settings = batuta.Settings(participants={name: Placed(remote=True) for name in PARTICIPANTS})
    store = f"sqlite:///{tmp_path / 'desk.sqlite'}"
    with running_systems(tmp_path) as systems, running_participants(tmp_path, bus_url) as others:
        async with batuta.open(store, bus=bus_url, settings=settings) as engine:
            await engine.deploy(WORKFLOW)
            yield Desk(engine, systems, others, tmp_path)


class Desk:
    """Takes orders, kills participants, and knows what has to have become of all that."""

    def __init__(self, engine, systems, others, folder):
        self.engine, self.systems, self.others, self.folder = engine, systems, others, folder
        self.to_come = make_orders(200)
        self.orders = []
        self.kills = 0

    async def take(self, order):
        """Take an order."""
        self.orders.append(order)
        await self.engine.start(
            NAME, order.input(self.systems), run_id=order.id, control="choreographed"
        )
        return order.id

    async def take_own(self, **changes):
        """Take an order that is not one of the hundred."""
        return await self.take(replace(PLAIN, id=f"own-{len(self.orders):03}", **changes))

    async def has_ended(self, order):
        """Wait for an order's end; return its outcome."""
        view = await self.engine.result(order, PATIENCE_S)
        assert view.status == "completed", f"{order} is {view.status}, {view.error}; {AGAIN}"
        return view.output

    async def has_begun(self, order):
        """Wait until the systems were asked for anything for an order."""
        async with asyncio.timeout(PATIENCE_S):
            while not (await asyncio.to_thread(read_books, self.systems)).steps(order):
                pass

    async def has_done(self, order, step):
        """Wait until the systems have done a step for an order."""
        async with asyncio.timeout(PATIENCE_S):
            while step not in (await asyncio.to_thread(read_books, self.systems)).steps(order):
                pass

    async def goes_on_without(self, victim):
        """Kill somebody, see that the others go on, and start it again."""
        early = None
        if victim in {"orders", "inventory"}:
            # Everything begins with these two: what is behind them has to come to its end.
            early = await self.take_own(country="GL")
            await self.has_done(early, "charge 201")
        await asyncio.to_thread(self.others.kill, victim)
        self.kills += 1
        if early is not None:
            assert (await self.has_ended(early))["status"] == "completed"
        elif victim == "notifications":
            await self.has_done(await self.take_own(), "book 201")
        else:
            sold_out = await self.take_own(sku="clock-cuckoo", story="sold out")
            assert (await self.has_ended(sold_out))["reason"] == "out of stock"
        await asyncio.to_thread(self.others.start, victim)

    async def chaos(self, chance, kills):
        """Kill so many times while orders come in; then let everything come to its end."""
        victims = []
        for _ in range(kills):
            victims = victims or chance.sample(PARTICIPANTS, len(PARTICIPANTS))
            batch = [await self.take(self.to_come.pop()) for _ in range(BATCH)]
            await self.has_ended(chance.choice(batch))
            batch = [await self.take(self.to_come.pop()) for _ in range(BATCH)]
            await self.has_begun(chance.choice(batch))
            await self.goes_on_without(victims.pop())

    async def check(self):
        """Hold what every order came to against its data and the systems' books."""
        outcomes = {order.id: await self.has_ended(order.id) for order in self.orders}
        books = await asyncio.to_thread(read_books, self.systems)
        assert audit(self.orders, outcomes, books) == [], AGAIN
        for name in PARTICIPANTS:
            path = self.folder / f"{name}.participant.sqlite"
            with closing(sqlite3.connect(path)) as db:
                dead = db.execute("SELECT reason FROM parked WHERE why = 'dead'").fetchall()
            assert dead == [], f"{name} has put messages aside; {AGAIN}"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_orders_are_fulfilled_by_participants_that_are_killed(desk):
    await desk.chaos(random.Random(SEED), 2)

    assert desk.kills == 2
    await desk.check()


@pytest.mark.chaos
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("part", range(5))
async def test_orders_are_fulfilled_by_participants_that_are_killed_a_hundred_times(desk, part):
    await desk.chaos(random.Random(SEED + part), 10)

    assert desk.kills == 10
    await desk.check()
