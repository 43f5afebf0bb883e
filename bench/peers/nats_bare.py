"""Bare nats-py: the messages of our chains, published and consumed with nothing in between.

The yardstick of what the server gives: no inbox, no outbox, no store, no workflow. The messages are
those of `choreographed.py` (as many of them, of the same sizes, each with its id), in one stream of
a server with the same settings, for five durable pull consumers and a sixth that sees the chains
end. Each takes what there is at once, has the next messages under way together, and acknowledges
what it took when the stream has them. `--work w3` and `w3-alone` are as in `measuring.py`.

Runs in the project's own environment, which has nats-py, the server, and the workflow whose
messages these are.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import nats
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
)
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StorageType
from nats_server import Server, serving

from choreographed import bodies

LIMIT_S = 540
BATCH = 1_000
PATIENCE_S = 60
WARM_UP = 20
NAME = 16
"""The bytes of a body that say which chain it is of and which hop it asks for."""


class Chains:
    """Publishes, consumes, and notes when chains began and ended."""

    def __init__(self, js: JetStreamContext, messages: list[bytes]) -> None:
        self.js = js
        self.messages = messages
        self.began: dict[int, float] = {}
        self.times: list[float] = []
        self.ends: dict[int, asyncio.Future[None]] = {}

    async def publish(self, chain: int, hop: int) -> asyncio.Future:
        """Publish what asks for a hop, or, after the last, what ends a chain."""
        subject = "bench.end" if hop == HOPS else f"bench.{PARTICIPANTS[hop % len(PARTICIPANTS)]}"
        name = f"{chain:012d}{hop:04d}"
        body = name.encode() + self.messages[hop][NAME:]
        return await self.js.publish_async(subject, body, headers={"Nats-Msg-Id": name})

    async def consume(self, name: str) -> None:
        """Be one participant, or the one that sees the ends."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=PATIENCE_S, max_ack_pending=-1
        )
        pulled = await self.js.pull_subscribe(f"bench.{name}", name, "bench", config=config)
        while True:
            try:
                messages = await pulled.fetch(BATCH, timeout=PATIENCE_S)
            except TimeoutError:
                continue
            under_way = []
            for message in messages:
                chain, hop = int(message.data[:12]), int(message.data[12:NAME])
                if hop == HOPS:
                    self.times.append(time.perf_counter() - self.began.pop(chain))
                    self.ends.pop(chain).set_result(None)
                else:
                    under_way.append(await self.publish(chain, hop + 1))
            await asyncio.gather(*under_way)
            for message in messages:
                await message.ack()

    async def run(self, chain: int) -> None:
        """One chain from its start to its end."""
        ended = self.ends[chain] = asyncio.get_running_loop().create_future()
        self.began[chain] = time.perf_counter()
        await (await self.publish(chain, 0))
        await ended


async def measured(what: Asked, server: Server, messages: list[bytes]) -> Measured:
    """Measure on a server."""
    client = await nats.connect(server.address)
    js = client.jetstream(publish_async_max_pending=100_000)
    await js.add_stream(name="bench", subjects=["bench.>"], storage=StorageType.FILE)
    chains = Chains(js, messages)
    consuming = [asyncio.create_task(chains.consume(one)) for one in (*PARTICIPANTS, "end")]
    for chain in range(WARM_UP):
        await chains.run(chain)
    chains.times.clear()
    cpu, served, began = time.process_time(), server.cpu_s(), time.perf_counter()
    numbers = range(WARM_UP, WARM_UP + what.runs)
    if what.work == "w3-alone":
        for chain in numbers:
            await chains.run(chain)
    else:
        await asyncio.gather(*(chains.run(chain) for chain in numbers))
    seconds = time.perf_counter() - began
    times = [one / HOPS for one in chains.times] if what.work == "w3-alone" else chains.times
    found = Measured(tasks=what.runs * HOPS, seconds=seconds, times_s=times)
    used = (time.process_time() - cpu) / found.tasks
    found.settings["cpu_us_per_task"] = round(used * 1e6, 1)
    used = (server.cpu_s() - served) / found.tasks
    found.settings["server_cpu_us_per_task"] = round(used * 1e6, 1)
    for one in consuming:
        one.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*consuming)
    await client.close()
    return found


def main() -> None:
    what = asked("Bare nats-py on JetStream.", works=("w3", "w3-alone"), store="own")
    give_up_after(LIMIT_S, "nats bare", what)
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as place:
        messages = asyncio.run(bodies(Path(place)))
        with serving(Path(place)) as server:
            found = asyncio.run(measured(what, server, messages))
    found.settings |= {**machine(), "bytes": [len(one) for one in messages]}
    report("nats bare", version("nats-py"), what, found)


if __name__ == "__main__":
    main()
