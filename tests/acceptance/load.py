"""A program that drives a mixed load until it is done, or is killed. Run by `test_kill`.

    python load.py STORE WORLD COUNT [MOMENT]

STORE is the engine's file. WORLD is the database in which the load's effects are found: it belongs
to nobody's journal, and records each effect by its idempotency key, with how often it happened.
MOMENT says where the program kills itself, as `commit:3` (inside the third commit, before it is on
disk), `committed:3` (right after it) or `adopted:1` (right after taking over).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from pathlib import Path

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.errors import ConflictError
from batuta.wiring import engine as wiring

MIXED = """
document: { dsl: '1.0.3', namespace: load, name: mixed, version: '1.0.0' }
do:
  - begin: { call: act, with: { what: begin, n: '${ .n }' } }
  - both:
      fork:
        branches:
          - left: { call: act, with: { what: left, n: '${ .n }' } }
          - right:
              do:
                - pause: { wait: { milliseconds: 20 } }
                - act: { call: act, with: { what: right, n: '${ .n }' } }
  - each:
      for: { in: '[1, 2, 3]' }
      input: { from: '${ { n: .[0].n, done: [] } }' }
      do:
        - one: { call: act, with: { what: '${ "item \\($item)" }', n: '${ .n }' } }
  - careful:
      try:
        - flaky: { call: flaky, with: { n: '${ .n }' } }
      catch:
        retry: { delay: { milliseconds: 10 }, limit: { attempt: { count: 3 } } }
  - heard:
      listen:
        to: { one: { with: { type: go }, correlate: { n: { from: .data.n, expect: '${ .n }' } } } }
  - child:
      input: { from: '${ .[0] }' }
      run:
        workflow: { namespace: load, name: child, version: '1.0.0', input: { n: '${ .n }' } }
  - big: { set: { n: '${ .n }', squares: '${ [range(.n % 5) | . * .] }', said: '${ .said }' } }
"""

CHILD = """
document: { dsl: '1.0.3', namespace: load, name: child, version: '1.0.0' }
do:
  - first: { call: act, with: { what: child, n: '${ .n }' } }
  - rest: { wait: { milliseconds: 15 } }
  - second: { call: act, with: { what: grandchild, n: '${ .n }' } }
  - say: { set: { n: '${ .n }', said: '${ "child of \\(.n)" }' } }
"""

UNDO = """
document: { dsl: '1.0.3', namespace: load, name: undo, version: '1.0.0' }
do:
  - reserve:
      call: act
      with: { what: reserve, n: '${ .n }' }
      metadata: { compensate: { call: act, with: { what: release, n: '${ $output.n }' } } }
  - pay:
      call: act
      with: { what: pay, n: '${ .n }' }
      metadata: { compensate: { call: act, with: { what: refund, n: '${ $output.n }' } } }
  - fail: { raise: { error: { type: 'https://example.com/no', status: 400, title: No } } }
"""

LOOP = """
document: { dsl: '1.0.3', namespace: load, name: loop, version: '1.0.0' }
do:
  - count: { set: { n: '${ .n }', turns: '${ (.turns // 0) + 1 }' } }
  - act:
      call: act
      with: { what: '${ "turn \\(.turns)" }', n: '${ .n }' }
      output: { as: '${ { n: .n, turns: $input.turns } }' }
  - again:
      switch:
        - more: { when: '.turns < 6', then: count }
"""

LOADS = ("mixed", "undo", "loop")


class World:
    """What the load does to the world."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, what TEXT, n INT, times INT)"
        )

    def happen(self, key: str, what: str, n: int) -> None:
        self.db.execute(
            "INSERT INTO effects VALUES (?, ?, ?, 1)"
            " ON CONFLICT (key) DO UPDATE SET times = times + 1",
            (key, what, n),
        )


def functions(world: World) -> list[object]:
    """Return the functions that the load calls."""

    @batuta.function
    async def act(what: str, n: int, context: batuta.Context) -> dict:
        for _ in range(n % 4):
            await asyncio.sleep(0)
        world.happen(context.idempotency_key, what, n)
        return {"n": n, "what": what}

    @batuta.function
    async def flaky(n: int, context: batuta.Context) -> dict:
        world.happen(f"{context.idempotency_key} attempt {context.attempt}", "flaky", n)
        if context.attempt <= n % 3:
            raise batuta.Fault("communication", 503, "Busy", "not now")
        return {"n": n}

    return [act, flaky]


class Dying(SqliteStore):
    """A store in whose middle the process dies."""

    moment, left = "", 0

    def _die_at(self, moment: str) -> None:
        if moment == Dying.moment:
            Dying.left -= 1
            if Dying.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def __init__(self, path):
        super().__init__(path)
        self._writer.set_trace_callback(self._traced)
        self._committing = False

    def _traced(self, statement):
        # Told before the statement begins: everything is written, and nothing is on disk.
        if statement == "COMMIT" and self._committing:
            self._die_at("commit")

    def commit(self, batch):
        self._committing = True
        super().commit(batch)
        self._die_at("committed")
        self._committing = False

    def commit_now(self, batch):
        self._committing = True
        done = super().commit_now(batch)
        if done:
            self._die_at("committed")
        self._committing = False
        return done

    def adopt(self, *args, **ways):
        rows = super().adopt(*args, **ways)
        if rows:
            self._die_at("adopted")
        return rows


async def drive(store: str, world: str, count: int) -> None:
    """Start what was not started, and wait until everything has ended."""
    async with batuta.open(
        f"sqlite:///{store}", functions=functions(World(world)), resume=True
    ) as e:
        for text in (CHILD, MIXED, UNDO, LOOP):
            await e.deploy(text)
        ids = [f"{LOADS[n % 3]}-{n:03}" for n in range(count)]
        for n, run_id in enumerate(ids):
            with contextlib.suppress(ConflictError):
                await e.start(f"load/{LOADS[n % 3]}", {"n": n}, run_id=run_id)
        tell("started")
        for run_id in ids:
            await e.result(run_id)
        tell("done")


def tell(word: str) -> None:
    """Say to whoever started the program how far it is."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    store, world, count, *moment = sys.argv[1:]
    if moment:
        Dying.moment, _, left = moment[0].partition(":")
        Dying.left = int(left)
        wiring.SqliteStore = Dying
    Path(store).parent.mkdir(exist_ok=True)
    asyncio.run(drive(store, world, int(count)))


if __name__ == "__main__":
    main()
