"""The order desk: a process that takes a batch of orders, and tells how each of them ended.

    python desk.py CONTROL FOLDER ORDERS SYSTEMS PACE_MS

Orchestrated, this process is the conductor: it directs every step of every order, so while it is
dead nothing moves. Choreographed, it only publishes the orders, and looks on; the participants are
processes of their own (`landscape.running_participants`). Either way: started again over the same
folder, it goes on where it was.

SYSTEMS are their addresses in JSON. Printed is a JSON line for each order that has ended, then one
with the messages and hops that all of them took.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from landscape import PARTICIPANTS, bus_of, store_of
from orders import Order, make_orders

import batuta
from batuta.app.views import RunView
from batuta.insight.traffic import Traffic, on_bus, under_conductor
from batuta.wiring.buses import open_bus
from batuta.wiring.settings import Placed

WORKFLOW = Path(__file__).resolve().parent / "order.yaml"
NAME = "retail/order-fulfilment"
MOST_MESSAGES = 1_000_000
PREFIX = {"orchestrated": "", "choreographed": "c-"}
"""Before the order's id in that of its run, so that one page can show the runs of both models."""

Ended = dict[str, Any]


async def take_orders(
    engine: batuta.Engine,
    control: str,
    orders: list[Order],
    systems: dict[str, str],
    *,
    ended: Callable[[Ended], None] = lambda _: None,
    pace_s: float = 0,
    prefix: str = "",
) -> dict[str, Ended]:
    """Start a run for each order, one every `pace_s`, and wait for all of them.

    A run has the id of its order, behind `prefix`. Orders that were taken before are only waited
    for. Returns by order what `ended` is told.
    """
    await engine.deploy(WORKFLOW)

    async def end(run: batuta.Run) -> Ended:
        told = _told(await run.result(), prefix)
        ended(told)
        return told

    waiting: list[asyncio.Task[Ended]] = []
    for order in orders:
        try:
            run = await engine.start(
                NAME, order.input(systems), run_id=prefix + order.id, control=control
            )
            await asyncio.sleep(pace_s)
        except batuta.ConflictError:
            run = engine.run(prefix + order.id)
        waiting.append(asyncio.create_task(end(run)))
    return {told["order"]: told for told in await asyncio.gather(*waiting)}


def _told(view: RunView, prefix: str) -> Ended:
    outcome = (
        view.output if view.status == "completed" else {"status": view.status, "error": view.error}
    )
    started, ended = (
        datetime.fromisoformat(at or view.started_at) for at in (view.started_at, view.ended_at)
    )
    took_ms = round((ended - started).total_seconds() * 1_000)
    return {"order": view.id.removeprefix(prefix), "outcome": outcome, "took_ms": took_ms}


async def count_traffic(
    engine: batuta.Engine, control: str, orders: list[Order], bus: str
) -> Traffic:
    """Return the messages and hops that all orders took together."""
    if control == "orchestrated":
        runs = (PREFIX[control] + one.id for one in orders)
        return under_conductor(task.kind for run in runs for task in engine.tasks(run))
    seen = open_bus(bus)
    await seen.start()
    try:
        return on_bus(await seen.history(limit=MOST_MESSAGES))
    finally:
        await seen.close()


async def work(
    control: str, folder: Path, count: int, systems: dict[str, str], pace_s: float
) -> None:
    """Be the desk until every order has ended."""
    elsewhere = PARTICIPANTS if control == "choreographed" else ()
    settings = batuta.Settings(participants={name: Placed(remote=True) for name in elsewhere})
    orders, bus = make_orders(count), bus_of(folder)
    store = store_of(folder)
    async with batuta.open(store, bus=bus, settings=settings, resume=True) as engine:
        how = {"ended": _say, "pace_s": pace_s, "prefix": PREFIX[control]}
        await take_orders(engine, control, orders, systems, **how)
        messages, hops = await count_traffic(engine, control, orders, bus)
        _say({"messages": messages, "hops": hops})


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    control, folder, count, systems, pace_ms = sys.argv[1:]
    asyncio.run(work(control, Path(folder), int(count), json.loads(systems), int(pace_ms) / 1_000))
