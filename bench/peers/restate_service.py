"""The handlers that the Restate server calls in the benchmark; served by `restate_peer.py`."""

from datetime import timedelta
from typing import Any

import restate
from measuring import BRANCHES, STEPS, result_body

bench = restate.Service("Bench")


async def step(run: int, number: int) -> dict[str, Any]:
    return result_body(run, number)


@bench.handler()
async def sequence(ctx: restate.Context, run: int) -> int:
    for number in range(STEPS):
        await ctx.run_typed("step", step, run=run, number=number)
    return STEPS


@bench.handler()
async def fan(ctx: restate.Context, run: int) -> int:
    branches = [
        ctx.run_typed(f"step-{number}", step, run=run, number=number) for number in range(BRANCHES)
    ]
    return len([await branch for branch in await restate.gather(*branches)])


@bench.handler()
async def waiting(ctx: restate.Context, _run: int) -> None:
    await ctx.sleep(timedelta(hours=1))


app = restate.app([bench])
