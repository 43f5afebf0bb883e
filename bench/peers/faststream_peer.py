"""FastStream (PyPI `faststream`) on NATS JetStream: chains of ten hops as a good user writes them.

FastStream brings the messages to handlers; that nothing gets lost or is done twice between a broker
and a database is left to its user, who keeps an inbox and an outbox. So each participant has a
SQLite file of its own (write-ahead log, `synchronous=FULL`): in one transaction it notes the
message's id, which tells whether it has been taken before, and what is to be published; then it
publishes, acknowledges, and notes with a later transaction what has been sent. What a restart would
have to do, publishing again what was not noted as sent, is not measured.

At the defaults: a handler per message, up to `BATCH` of them at once. Tuned: a handler per batch,
so that many messages share a transaction; FastStream then collects for `COLLECT_S`, so this is for
`w3` only. A message carries the last result and no more, about 300 bytes, where ours carry the
token of a run. `--work w3` and `w3-alone` are as in `measuring.py`; the server and its settings are
those of `nats_server.py`.
"""

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measuring import (
    HOPS,
    PARTICIPANTS,
    SCRATCH,
    Asked,
    Measured,
    asked,
    give_up_after,
    machine,
    report,
    result_body,
    skip,
    under_own_python,
)
from nats_server import Server, serving

LIMIT_S = 540
BATCH = 256
COLLECT_S = 0.05
PATIENCE_S = 60.0
WARM_UP = 20
TABLES = """
create table inbox (id text primary key) without rowid;
create table outbox (
    number integer primary key, id text not null, subject text not null, body text not null,
    sent integer not null default 0
);
create index unsent on outbox (number) where not sent;
"""

under_own_python("faststream")

import aiosqlite  # noqa: E402 -- importable only under the peer's own python
from faststream.middlewares import AckPolicy  # noqa: E402 -- likewise only there
from faststream.nats import JStream, NatsBroker, PullSub  # noqa: E402 -- likewise only there
from nats.js.api import ConsumerConfig  # noqa: E402 -- likewise only there


def subject_of(hop: int) -> str:
    """Where the message goes that asks for a hop, or, after the last, ends a chain."""
    return "bench.end" if hop == HOPS else f"bench.{PARTICIPANTS[hop % len(PARTICIPANTS)]}"


def id_of(message: dict[str, Any]) -> str:
    return f"{message['run']}/{message['hop']}"


def step(message: dict[str, Any]) -> dict[str, Any]:
    """What a participant does: its step, and what makes the next one go on."""
    run, hop = message["run"], message["hop"]
    return {"run": run, "hop": hop + 1, "data": result_body(run, hop)}


class Participant:
    """A participant's own file, and what it does with messages."""

    def __init__(self, name: str, db: aiosqlite.Connection, broker: NatsBroker) -> None:
        self.name = name
        self.db = db
        self.broker = broker
        self.lock = asyncio.Lock()
        self.sent: list[tuple[int]] = []

    async def take(self, messages: list[dict[str, Any]]) -> None:
        """Take messages, unless they were taken before; returns when what follows is published."""
        going = []
        async with self.lock:
            sent, self.sent = self.sent, []
            if sent:
                await self.db.executemany("update outbox set sent = 1 where number = ?", sent)
            for message in messages:
                new = await self.db.execute(
                    "insert into inbox (id) values (?) on conflict do nothing", (id_of(message),)
                )
                if not new.rowcount:
                    continue
                after = step(message)
                row = (id_of(after), subject_of(after["hop"]), json.dumps(after))
                noted = await self.db.execute(
                    "insert into outbox (id, subject, body) values (?, ?, ?)", row
                )
                going.append((noted.lastrowid, row, after))
            await self.db.commit()
        await asyncio.gather(*(self.send(*one) for one in going))

    async def send(self, number: int, row: tuple[str, str, str], message: dict[str, Any]) -> None:
        await publish(self.broker, row[0], row[1], message)
        self.sent.append((number,))


async def publish(broker: NatsBroker, name: str, subject: str, message: dict[str, Any]) -> None:
    """Publish under an id; returns when the stream has it."""
    headers = {"Nats-Msg-Id": name}
    await broker.publish(message, subject, headers=headers, stream="bench", timeout=PATIENCE_S)


class Chains:
    """Starts chains, and sees them end."""

    def __init__(self, broker: NatsBroker) -> None:
        self.broker = broker
        self.began: dict[int, float] = {}
        self.times: list[float] = []
        self.ends: dict[int, asyncio.Future[None]] = {}

    def ended(self, run: int) -> None:
        if run in self.began:
            self.times.append(time.perf_counter() - self.began.pop(run))
            self.ends.pop(run).set_result(None)

    async def run(self, run: int) -> None:
        ended = self.ends[run] = asyncio.get_running_loop().create_future()
        self.began[run] = time.perf_counter()
        await publish(self.broker, f"{run}/0", subject_of(0), {"run": run, "hop": 0, "data": {}})
        await ended


def subscribe(broker: NatsBroker, chains: Chains, owners: list[Participant], what: Asked) -> None:
    """Bind the participants to their durable consumers, and who sees the ends to a sixth."""
    batches = bool(what.tuned)
    shared: dict[str, Any] = {
        "stream": JStream("bench", subjects=["bench.>"]),
        "config": ConsumerConfig(ack_wait=PATIENCE_S, max_ack_pending=-1),
        "ack_policy": AckPolicy.NACK_ON_ERROR,
    }
    for owner in owners:
        subscriber = broker.subscriber(
            f"bench.{owner.name}",
            durable=owner.name,
            pull_sub=PullSub(BATCH, COLLECT_S, batch=True) if batches else PullSub(BATCH),
            **shared,
        )
        subscriber(taker(owner, batches=batches))

    @broker.subscriber("bench.end", durable="end", pull_sub=PullSub(BATCH), **shared)
    async def end(body: dict[str, Any]) -> None:
        chains.ended(body["run"])


def taker(owner: Participant, *, batches: bool) -> Any:
    async def take_batch(body: list[dict[str, Any]]) -> None:
        await owner.take(body)

    async def take(body: dict[str, Any]) -> None:
        await owner.take([body])

    return take_batch if batches else take


async def measured(what: Asked, server: Server, folder: Path) -> Measured:
    """Measure on a server."""
    async with AsyncExitStack() as stack:
        broker = NatsBroker(server.address, logger=None)
        owners = []
        for name in PARTICIPANTS:
            db = await stack.enter_async_context(aiosqlite.connect(folder / f"{name}.db"))
            await db.execute("pragma journal_mode=wal")
            await db.execute("pragma synchronous=full")
            await db.executescript(TABLES)
            owners.append(Participant(name, db, broker))
        chains = Chains(broker)
        subscribe(broker, chains, owners, what)
        await broker.start()
        stack.push_async_callback(broker.stop)
        await asyncio.gather(*(chains.run(run) for run in range(WARM_UP)))
        chains.times.clear()
        numbers = range(WARM_UP, WARM_UP + what.runs)
        cpu, served, began = time.process_time(), server.cpu_s(), time.perf_counter()
        if what.work == "w3-alone":
            for run in numbers:
                await chains.run(run)
        else:
            await asyncio.gather(*(chains.run(run) for run in numbers))
        seconds = time.perf_counter() - began
        times = [one / HOPS for one in chains.times] if what.work == "w3-alone" else chains.times
        found = Measured(tasks=what.runs * HOPS, seconds=seconds, times_s=times)
        used = (time.process_time() - cpu) / found.tasks
        found.settings["cpu_us_per_task"] = round(used * 1e6, 1)
        used = (server.cpu_s() - served) / found.tasks
        found.settings["server_cpu_us_per_task"] = round(used * 1e6, 1)
        return found


def main() -> None:
    what = asked("FastStream on JetStream.", works=("w3", "w3-alone"), tunings=("batches",))
    give_up_after(LIMIT_S, "faststream", what)
    if what.tuned and what.work == "w3-alone":
        skip("faststream", what, "batches are collected for a while: no way for one chain alone")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as place, serving(Path(place)) as server:
        found = asyncio.run(measured(what, server, Path(place)))
    found.settings |= {**machine(), "journal_mode": "wal", "synchronous": "full"}
    report("faststream", version("faststream"), what, found)


if __name__ == "__main__":
    main()
