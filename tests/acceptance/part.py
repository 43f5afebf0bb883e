"""A program that is one participant until its standard input ends, or it is killed.

    python part.py NAME FOLDER BUS [MOMENT]

Its store is FOLDER/NAME.db; BUS is a URL. The effects of its tasks are found in FOLDER/world.db,
each by its idempotency key. MOMENT says where the program kills itself, as in `load.py`. Run by
`test_kill_participants`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from load import Dying, World, functions, tell

from batuta.adapters.clock import SystemClock
from batuta.definition import check
from batuta.runtime.shared.programs import Deployed, Deployment, digest_of, encode_deployed
from batuta.wiring import participants
from batuta.wiring.buses import open_bus
from batuta.wiring.settings import Settings
from batuta.wiring.tools import tools

NAMES = ("orders", "inventory", "payments", "shipping", "notifications")

ORDER = """
document:
  dsl: '1.0.3'
  namespace: shop
  name: order
  version: '1.0.0'
  metadata:
    participant: orders
    participants: { orders: {}, inventory: {}, payments: {}, shipping: {}, notifications: {} }
do:
  - reserve:
      call: act
      with: { what: reserve, n: '${ .n }' }
      metadata:
        participant: inventory
        event: com.example.stock.reserved
        compensate: { call: act, with: { what: release, n: '${ $output.n }' } }
  - approved:
      listen:
        to:
          one:
            with: { type: com.example.approved }
            correlate: { n: { from: .data.n, expect: '${ .n }' } }
      output: { as: '.[0]' }
  - pick:
      for: { in: '[1, 2]' }
      do:
        - take:
            call: act
            with: { what: '${ "take \\($item)" }', n: '${ .n }' }
            metadata: { participant: inventory }
        - pack:
            call: act
            with: { what: '${ "pack \\($item)" }', n: '${ .n }' }
            metadata: { participant: shipping }
  - pay:
      try:
        - charge:
            call: flaky
            with: { n: '${ .n }' }
            metadata:
              participant: payments
              compensate: { call: act, with: { what: refund, n: '${ $output.n }' } }
      catch:
        retry: { delay: { milliseconds: 10 }, limit: { attempt: { count: 3 } } }
  - deliver:
      fork:
        branches:
          - label:
              call: act
              with: { what: label, n: '${ .n }' }
              metadata: { participant: shipping }
          - tell:
              do:
                - pause: { wait: { milliseconds: 20 }, metadata: { participant: notifications } }
                - message:
                    call: act
                    with: { what: tell, n: '${ .n }' }
                    metadata: { participant: notifications }
  - refused:
      if: '.[0].n % 4 == 3'
      raise: { error: { type: 'https://example.com/refused', status: 422, title: Refused } }
  - close: { set: { n: '${ .[0].n }', said: '${ [.[] | .what] | join(", ") }' } }
"""

WITHOUT = """
document:
  dsl: '1.0.3'
  namespace: shop
  name: without-%s
  version: '1.0.0'
do:
"""


def without(name: str) -> str:
    """Return a workflow in which everybody else takes part."""
    return WITHOUT % name + "".join(
        f"  - {other}: {{ call: act, with: {{ what: serve, n: '${{ .n }}' }},"
        f" metadata: {{ participant: {other} }} }}\n"
        for other in NAMES
        if other != name
    )


DOCUMENTS = (ORDER, *map(without, NAMES))


def deployment(text: str) -> Deployment:
    """Return what a participant has to know of a workflow."""
    workflow = check(text).workflow
    assert workflow is not None, text
    deployed = Deployed(workflow.source)
    return Deployment(workflow.identity, digest_of(workflow, deployed), encode_deployed(deployed))


async def take_part(name: str, folder: Path, url: str) -> None:
    """Be a participant until nobody is there any more."""
    clock, performing = SystemClock(), functions(World(str(folder / "world.db")))
    bus = open_bus(url)
    await bus.start()
    async with (
        tools(Settings(), performing, {}, None, clock) as wired,
        participants.participant(
            name, folder / f"{name}.db", bus, wired, clock, map(deployment, DOCUMENTS)
        ),
    ):
        tell("ready")
        await asyncio.to_thread(sys.stdin.read)
    await bus.close()


def main() -> None:
    """Read the command line, take part."""
    name, folder, url, *moment = sys.argv[1:]
    if moment:
        Dying.moment, _, left = moment[0].partition(":")
        Dying.left = int(left)
        participants.SqliteStore = Dying
    asyncio.run(take_part(name, Path(folder), url))


if __name__ == "__main__":
    main()
