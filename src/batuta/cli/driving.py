"""Acting on a run, whether a process drives it or nobody does.

Owns the choice: beside a living process an engine only leaves a request in the store; where the
process is gone, this one takes the run over, with the functions that were recorded. A store knows
owners, not runs, so all runs of a process that is gone change hands together; what they have under
way goes on for as long as the command lasts, and then they are left behind again.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.cli import paper, words
from batuta.cli.opening import Chosen, engine, place_of
from batuta.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from batuta.app.engine import Engine
    from batuta.app.views import RunView
    from batuta.ports.store import RunRow

MOMENT_S = 5.0
"""How long a request may take to show before the command says so and leaves."""
PAUSE_S = 0.05
MOST_RUNS = 1_000


@asynccontextmanager
async def engine_for(run_id: str, choice: Chosen) -> AsyncGenerator[tuple[Engine, bool]]:
    """Open an engine that can act on a run; also say whether it took the run over.

    Raises:
        NotFoundError: there is no such run.
        BatutaError: the store or a recorded function cannot be used.
    """
    from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

    with look(choice.store) as seen:
        row = seen.run(run_id)
        if row is None:
            raise NotFoundError(f"there is no run {run_id}", hint=words.LIST_HINT)
        alone = row.ended_at is None and not seen.is_driven(row)
        orphans = seen.orphans() if alone else []
    if alone:
        choice = with_functions_of(orphans, choice)
    async with engine(choice, resume=alone) as opened:
        if alone:
            paper.tell(words.taken_over(len(orphans)))
        yield opened, alone


def with_functions_of(rows: list[RunRow], choice: Chosen) -> Chosen:
    """Return the choice with the functions that were recorded with runs.

    Raises:
        NotFoundError: a recorded file is gone, and nothing was given in its place.
    """
    from batuta.wiring.looking import functions_of  # noqa: PLC0415 -- brings every driver

    given = {place_of(one) for one in choice.all_functions}
    needed: list[str] = []
    for one in functions_of(rows):
        if one in given:
            continue
        if one.endswith(".py") and not Path(one).is_file():
            if not choice.functions:
                raise NotFoundError(words.functions_gone(one), hint=words.FUNCTIONS_GONE_HINT)
            paper.tell(words.functions_replaced(one))
            continue
        needed.append(one)
    return replace(choice, functions=(*choice.functions, *needed))


async def until(engine: Engine, run_id: str, holds: Callable[[RunView], bool], most: float) -> bool:
    """Wait until something holds of a run, at most `most` seconds; say whether it does."""
    try:
        async with asyncio.timeout(most):
            while not holds(engine.show(run_id)):  # noqa: ASYNC110 -- another process's write wakes nobody
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        return False
    return True


async def until_at_rest(engine: Engine, run_id: str) -> None:
    """Wait until a run that this engine drives has ended, waits, is suspended or stands still."""
    await asyncio.sleep(PAUSE_S)
    while True:
        view = engine.show(run_id)
        row = engine.store.run(run_id)
        if row is None or row.status != "running" or view.problem is not None:
            return
        await asyncio.sleep(PAUSE_S)


async def until_none_is_under_way(engine: Engine) -> None:
    """Wait until every run that this engine drives has ended or only waits."""
    owner, store = engine.conductor.owner, engine.store
    while True:
        # First, so that what was due when the engine opened has been woken before it is asked for.
        await asyncio.sleep(PAUSE_S)
        due = store.next_wake(owner)
        if due is not None and due <= engine.clock.now():
            continue
        is_under_way = any(row.problem is None for row in store.live(owner)) or any(
            # Nobody owns one as a whole: whoever opened its participants waits for it.
            view.control == "choreographed" and view.problem is None
            for view in engine.runs(status="running", limit=MOST_RUNS)
        )
        if not is_under_way:
            return
