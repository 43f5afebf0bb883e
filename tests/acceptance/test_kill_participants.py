"""Killed at any moment (SIGKILL), participants lose nothing, and the others go on meanwhile.

Five participants are five processes (`part.py`), each with its own store, over the embedded bus or
over NATS; there is no other process of ours. While orders come in, one after the other is killed,
by the clock or at a commit, and started again. As long as it is dead, a run that does not need it
has to come to its end. In the end everything must be as the conductor does it undisturbed: every
run there, the same outcome of each, and each effect once by its key; and no recorded row
has changed.

A failing test is repeated by the seed in its message: `BATUTA_SEED=...`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import sys
from pathlib import Path

import pytest

import batuta
from batuta.ports.bus import Message
from batuta.wiring.buses import open_bus

sys.path.insert(0, str(Path(__file__).parent))

from load import World, functions
from part import DOCUMENTS, NAMES

PART = Path(__file__).with_name("part.py")
SEED = int(os.environ.get("BATUTA_SEED") or 20_261_121)
AGAIN = f"BATUTA_SEED={SEED}"
KILLED = -9
PATIENCE_S = 60
APPROVED = "com.example.approved"


@pytest.fixture(params=["embedded", "nats"])
def bus_url(request, tmp_path):
    """Where the participants meet."""
    if request.param == "embedded":
        return f"sqlite:///{tmp_path / 'bus.db'}"
    return request.getfixturevalue("nats_server").url()


@pytest.fixture
async def shop(bus_url, tmp_path):
    """Five participants at work."""
    shop = Shop(bus_url, tmp_path)
    await shop.open()
    try:
        yield shop
    finally:
        await shop.close()


class Shop:
    """The participants' processes, the runs that were begun, and what is known of them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.bus = open_bus(url)
        self.begun: dict[str, tuple[str, int]] = {}
        self.ended: dict[str, dict] = {}
        self.news = asyncio.Event()
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.rows: dict[str, dict[tuple, tuple]] = {name: {} for name in NAMES}
        self.ends: dict[str, dict[str, tuple]] = {name: {} for name in NAMES}
        self.kills = 0

    async def open(self) -> None:
        """Start everybody."""
        await self.bus.start()
        self.watching = await self.bus.consume("the test", None, self.watch)
        for name in NAMES:
            await self.start(name)
        await asyncio.gather(*map(self.is_ready, NAMES))

    async def close(self) -> None:
        """Let everybody go."""
        for process in self.processes.values():
            process.stdin.close()
        codes = [await process.wait() for process in self.processes.values()]
        await self.watching.stop()
        await self.bus.close()
        assert codes == [0] * len(NAMES), self.said()

    def watch(self, messages) -> None:
        """Note which runs have ended, and that nobody tells another end of one."""
        for message in messages:
            if message.type.endswith(".ended"):
                event = json.loads(message.body)
                known = self.ended.setdefault(event["batutarun"], event["data"])
                assert known == event["data"], AGAIN
                self.news.set()
        self.watching.acknowledge([message.number for message in messages])

    # -- processes ---------------------------------------------------------------------------------

    async def start(self, name: str, *moment: str) -> asyncio.subprocess.Process:
        """Start a participant; with a moment it dies by itself then."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *(str(PART), name, str(self.folder), self.url, *moment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        return self.processes[name]

    async def is_ready(self, name: str) -> None:
        """Wait until a participant takes part."""
        assert await self.processes[name].stdout.readline() == b"ready\n", self.said()

    async def kill(self, name: str, after_s: float) -> None:
        """Kill a participant after some time, if it has not died before."""
        process = self.processes[name]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), after_s)
        if process.returncode is None:
            process.kill()
        assert await process.wait() == KILLED, self.said()
        self.kills += 1

    def said(self) -> str:
        """Return what the participants complained about."""
        return AGAIN + "".join(
            f"\n{name}:\n{(self.folder / f'{name}.log').read_text()[-2_000:]}" for name in NAMES
        )

    # -- runs --------------------------------------------------------------------------------------

    async def begin(self, workflow: str, count: int = 1) -> list[str]:
        """Start runs, and publish what they listen for."""
        messages, ids = [], []
        for _ in range(count):
            n = len(self.begun)
            run = f"{workflow}-{n:04}"
            self.begun[run] = (workflow, n)
            ids.append(run)
            about = {"batutarun": run, "batutaworkflow": f"shop/{workflow}:1.0.0"}
            messages.append(_message(f"batuta.shop.{workflow}.start", run, {"n": n}, **about))
            if workflow == "order":
                messages.append(_message(APPROVED, f"approved {n}", {"n": n}))
        await self.bus.publish(messages)
        return ids

    async def have_ended(self, runs) -> None:
        """Wait until runs have ended."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.ended.keys() >= set(runs):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            missing = sorted(set(runs) - self.ended.keys())
            pytest.fail(f"not ended: {missing}; {self.said()}")

    async def serves_without(self, name: str) -> None:
        """See that a run comes to its end while somebody whom it does not need is dead."""
        assert self.processes[name].returncode is not None
        await self.have_ended(await self.begin(f"without-{name}"))

    # -- what is left ------------------------------------------------------------------------------

    def query(self, name: str, text: str) -> list[tuple]:
        """Ask somebody's store."""
        db = sqlite3.connect(self.folder / f"{name}.db", timeout=30)
        with contextlib.closing(db):
            return db.execute(text).fetchall()

    def look(self) -> None:
        """Compare with the last look: what was written stays, byte by byte."""
        for name in NAMES:
            found = self.query(name, "SELECT * FROM journal ORDER BY run, seq")
            rows = {row[:2]: row for row in found}
            changed = [key for key, row in self.rows[name].items() if rows.get(key) != row]
            assert changed == [], f"{name}'s journal has changed: {AGAIN}"
            ends = {
                row[0]: row
                for row in self.query(name, "SELECT id, status, ended_at, output, fault FROM runs")
                if row[2] is not None
            }
            changed = [run for run, end in self.ends[name].items() if ends.get(run) != end]
            assert changed == [], f"{name}'s ends have changed: {AGAIN}"
            self.rows[name], self.ends[name] = rows, ends

    def effects(self) -> list[tuple]:
        """Return what happened, each once by its key."""
        return self.query("world", "SELECT key, what, n FROM effects ORDER BY key")


def _message(kind: str, name: str, data: object, **about: str) -> Message:
    event = {
        "specversion": "1.0",
        "id": name,
        "source": "/test",
        "type": kind,
        "datacontenttype": "application/json",
        "data": data,
        **about,
    }
    return Message(f"/test\n{name}", kind, json.dumps(event).encode())


async def as_conducted(begun: dict[str, tuple[str, int]], folder: Path) -> tuple[dict, list]:
    """Return what the same runs come to when a conductor drives them and nobody disturbs it."""
    world = str(folder / "conducted-world.db")
    performing = functions(World(world))
    async with batuta.open(f"sqlite:///{folder / 'conducted.db'}", functions=performing) as engine:
        for text in DOCUMENTS:
            await engine.deploy(text)
        for run, (workflow, n) in begun.items():
            await engine.start(f"shop/{workflow}", {"n": n}, run_id=run)
            if workflow == "order":
                await engine.publish(APPROVED, {"n": n})
        ended = {run: await engine.result(run, PATIENCE_S) for run in begun}
    with contextlib.closing(sqlite3.connect(world)) as db:
        effects = db.execute("SELECT key, what, n FROM effects ORDER BY key").fetchall()
    return {run: (view.status, view.output, view.error) for run, view in ended.items()}, effects


async def chaos(shop: Shop, chance: random.Random, kills: int) -> None:
    """Kill so many times while orders come in; then let everything come to its end."""
    while shop.kills < kills:
        victim = chance.choice(NAMES)
        await shop.begin("order", 4)
        # By the clock ...
        await shop.kill(victim, chance.uniform(0, 0.4))
        await shop.serves_without(victim)
        shop.look()
        if shop.kills < kills:
            # ... and at the boundary of a commit, where it matters most: of those that take up what
            # the dead one left, or of those after it.
            moment = f"{chance.choice(['commit', 'committed'])}:{chance.randint(1, 12)}"
            await shop.start(victim, moment)
            await shop.begin("order", 4)
            await shop.kill(victim, 5)
            shop.look()
        await shop.start(victim)
    await shop.have_ended(shop.begun)


async def check(shop: Shop, folder: Path) -> None:
    """Compare with what a conductor does undisturbed."""
    outcomes, effects = await as_conducted(shop.begun, folder)
    ended = {
        run: (end["status"], end.get("output"), end.get("error")) for run, end in shop.ended.items()
    }
    assert ended == outcomes, AGAIN
    assert shop.effects() == effects, AGAIN
    for name in NAMES:
        assert shop.query(name, "SELECT reason FROM parked WHERE why = 'dead'") == [], AGAIN
        assert shop.query(name, "PRAGMA integrity_check") == [("ok",)]
        held = shop.query(name, "SELECT run, max(seq), count(*) FROM journal GROUP BY run")
        assert [row for row in held if row[1] != row[2]] == [], "a journal has gaps"


@pytest.mark.slow
async def test_participants_that_are_killed_lose_nothing_and_hold_nobody_up(shop, tmp_path):
    await chaos(shop, random.Random(SEED), 3)

    assert shop.kills == 3
    await check(shop, tmp_path)


@pytest.mark.chaos
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("part", range(5))
async def test_participants_that_are_killed_a_hundred_times_lose_nothing(shop, tmp_path, part):
    await chaos(shop, random.Random(SEED + part), 10)

    assert shop.kills == 10
    await check(shop, tmp_path)
