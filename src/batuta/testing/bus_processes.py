"""What a bus promises when processes are killed: tests for every bus that outlives them.

A bus's own tests inherit the suite beside `batuta.testing.bus_suite` and set `url`, by which other
processes find the bus. Those run this module: `python -m batuta.testing.bus_processes`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from batuta.testing.bus_material import PATIENCE_S, BusCase, expect, messages
from batuta.wiring.buses import open_bus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from batuta.ports.bus import Bus, Delivered

BATCH = 7


class ProcessSuite(BusCase):
    """Inherit from this, and set `url`."""

    url: str

    def make(self) -> Bus:
        """Open the bus that other processes find too."""
        return open_bus(self.url)

    async def test_a_publisher_that_is_killed_loses_nothing_that_it_was_told_is_durable(
        self,
    ) -> None:
        """What it was not told may be there or not, but once and in order."""
        async with self.opened() as bus:
            taker = await self.taking(bus, acknowledges=True)
            async with child("publish", self.url) as process:
                told = [await line(process) for _ in range(30)]
                process.kill()
            rest = (await read(process)).split()
            durable = int((told + rest)[-1])
            await self.takes(taker, durable, "everything that is durable comes")
            await bus.publish(messages("end"))
            await self.until(lambda: "end" in taker.ids, "the bus goes on")
            expect(taker.ids[:-1], [f"p{n}" for n in range(len(taker.ids) - 1)], "once, in order")

    async def test_what_a_killed_consumer_held_comes_again(self) -> None:
        """To the next process of its name, or to one that is there already."""
        names = [f"m{n}" for n in range(20)]
        async with self.opened() as bus:
            await bus.publish(messages(*names))
            async with child("consume", self.url, str(self.ack_wait_ms)) as process:
                expect(await line(process), "took 20, acknowledged 10", "the child consumes")
                other = await self.taking(bus, ack_wait_ms=self.ack_wait_ms)
                process.kill()
            await self.takes(other, 10, "what it held comes")
            held = [(name, 2) for name in names[1::2]]
            expect(sorted(other.attempts[:10]), sorted(held), "and nothing that was acknowledged")
            other.acknowledge()
            await self.acknowledged(bus)

    async def test_a_consumer_that_is_killed_again_and_again_gets_everything(self) -> None:
        """At least once; attempts are counted although nobody could count them."""
        async with self.opened() as bus:
            for number in range(3):
                await bus.publish(messages(f"m{number}"))
                async with child("hang", self.url, str(self.ack_wait_ms)) as process:
                    seen = [await line(process) for _ in range(number + 1)]
                    wanted = [f"m{n} {number - n + 1}" for n in range(number + 1)]
                    expect(sorted(seen), wanted, "each message comes with its next attempt")
                    process.kill()


@asynccontextmanager
async def child(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run this module in another process, which is dead after the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: asyncio.subprocess.Process) -> str:
    """Return the next line that a process prints."""
    if process.stdout is None:
        return ""
    async with asyncio.timeout(PATIENCE_S):
        return (await process.stdout.readline()).decode().strip()


async def read(process: asyncio.subprocess.Process) -> str:
    """Return the whole lines that a process that has ended printed last."""
    if process.stdout is None:
        return ""
    return (await process.stdout.read()).decode().rpartition("\n")[0]


# -- the other processes ---------------------------------------------------------------------------


async def publish(url: str) -> None:
    """Publish for ever, and tell after each call how many messages are durable."""
    bus = open_bus(url)
    await bus.start()
    count = 0
    while True:
        names = [f"p{n}" for n in range(count, count + BATCH)]
        await bus.publish(messages(*names))
        count += BATCH
        say(str(count))


async def consume(url: str, ack_wait_ms: str) -> None:
    """Take twenty messages, acknowledge every other one, and keep the rest."""
    bus = open_bus(url)
    await bus.start()
    rows: list[Delivered] = []
    part = await bus.consume("c", None, rows.extend, ack_wait_ms=int(ack_wait_ms))
    wanted, kept = 20, 10
    case = BusCase()
    await case.until(lambda: len(rows) >= wanted, "everything comes")
    part.acknowledge([row.number for row in rows[::2]])
    while await bus.lag("c") > kept:
        await case.moment()
    say(f"took {wanted}, acknowledged {wanted - kept}")
    await asyncio.sleep(PATIENCE_S)


async def hang(url: str, ack_wait_ms: str) -> None:
    """Take messages, tell their attempts, and acknowledge nothing."""
    bus = open_bus(url)
    await bus.start()

    def take(rows: list[Delivered]) -> None:
        for row in rows:
            say(f"{row.id} {row.attempt}")

    await bus.consume("c", None, take, ack_wait_ms=int(ack_wait_ms))
    await asyncio.sleep(PATIENCE_S)


def say(text: str) -> None:
    """Tell the process that started this one."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"publish": publish, "consume": consume, "hang": hang}[sys.argv[1]](*sys.argv[2:]))
