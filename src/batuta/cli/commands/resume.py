"""`batuta resume`: what a crash or a stop left behind goes on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from batuta.cli import accounts, helping, options, paper, words
from batuta.cli.driving import until_none_is_under_way, with_functions_of
from batuta.cli.exit_codes import Exit
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, chosen, engine
from batuta.cli.progress import shown_for, watched
from batuta.cli.realising import CHOREOGRAPHED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from batuta.app.engine import Engine
    from batuta.app.views import RunView

LOOK_S = 0.2
PATIENCE_S = 1.0
"""After which it is told who is waited for."""


@options.command(help=helping.RESUME)
@options.store
@options.functions
@options.secret
@options.wait
@options.as_json
def resume(
    store: str | None,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    wait: float | None,
    as_json: bool,
) -> int:
    """Continue runs; see `helping.RESUME`."""
    choice = chosen(store, functions, secret)
    return asyncio.run(_resume(choice, wait, as_json=as_json))


async def _resume(choice: Chosen, wait: float | None, *, as_json: bool) -> int:
    from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

    with look(choice.store) as seen:
        orphans = seen.orphans()
    if not orphans:
        paper.say_json({"takenOver": 0, "runs": []}) if as_json else paper.say(words.NOTHING_LEFT)
        return Exit.OK
    ids = [row.id for row in orphans]
    async with engine(with_functions_of(orphans, choice), resume=True) as opened:
        paper.tell(words.taken_over(len(ids)))
        since = accounts.rfc3339(opened.clock.now())
        with interruptible() as stop:
            if len(ids) == 1:
                async with watched(opened, ids[0], shown_for(json=as_json), since=since):
                    await _drive(opened, ids, wait)
            else:
                async with _ends_told(opened, ids):
                    await _drive(opened, ids, wait)
        views = [opened.show(run_id) for run_id in ids]
        undone = len(ids) == 1 and accounts.has_undone(opened.tasks(ids[0]))
        if as_json:
            paper.say_json({"takenOver": len(ids), "runs": [view.as_json() for view in views]})
        else:
            _say(views, opened.clock.now(), choice, undone=undone)
    if stop.came is not None:
        paper.tell(words.left_again(choice.typed_store))
        return stop.code
    return _code(views, patient=wait is not None)


async def _drive(opened: Engine, ids: list[str], wait: float | None) -> None:
    """Drive until nothing is under way; with `wait`, until all have ended or the time is up."""
    if wait is None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await until_none_is_under_way(opened)
        except TimeoutError:
            _tell_awaited(opened, ids)
            await until_none_is_under_way(opened)
        return
    try:
        async with asyncio.timeout(wait):
            for run_id in ids:
                await opened.result(run_id)
    except TimeoutError:
        pass


def _tell_awaited(opened: Engine, ids: list[str]) -> None:
    """Tell whom choreographed runs wait for: nothing that is done here makes up for who is away."""
    awaited = [
        one.participant
        for run_id in ids
        if opened.show(run_id).control == CHOREOGRAPHED
        for one in opened.known(run_id).expected
    ]
    for name in sorted({one for one in awaited if one}):
        paper.tell(words.awaited(name))


@asynccontextmanager
async def _ends_told(opened: Engine, ids: list[str]) -> AsyncGenerator[None]:
    """Tell the runs' ends while the block lasts, so that a long resume is seen to go on."""
    left = dict.fromkeys(ids)
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(_tell_ends(opened, left))
        try:
            yield
        finally:
            telling.cancel()
            _tell_new_ends(opened, left)


async def _tell_ends(opened: Engine, left: dict[str, None]) -> None:
    while left:
        _tell_new_ends(opened, left)
        await asyncio.sleep(LOOK_S)


def _tell_new_ends(opened: Engine, left: dict[str, None]) -> None:
    for run_id in list(left):
        view = opened.show(run_id)
        if view.ended_at is not None:
            del left[run_id]
            tone = paper.TONE_OF_STATUS.get(view.status, "plain")
            status = paper.styled(f"{view.status:<9}", tone)
            paper.tell(f"  {status}  {view.workflow}:{view.version}  run {view.id}")


def _say(views: list[RunView], now: int, choice: Chosen, *, undone: bool) -> None:
    if len(views) == 1:
        accounts.say_run(views[0], now)
        accounts.say_next(views[0], choice.typed_store, undone=undone)
        return
    by_status: dict[str, list[RunView]] = {}
    for view in views:
        by_status.setdefault(view.status, []).append(view)
    counts = [f"{len(some)} {status}" for status, some in by_status.items()]
    paper.say(f"{words.counted(len(views), 'run')}: {', '.join(counts)}")
    for status in ("faulted", "suspended", "waiting", "running"):
        for view in by_status.get(status, [])[:10]:
            why = view.problem or (view.error or {}).get("title") or ""
            paper.say(f"  {status:<9}  {view.id}  {paper.clean(why)}".rstrip())
    if by_status.get("waiting"):
        paper.say(words.WAITING_STAY)


def _code(views: list[RunView], *, patient: bool) -> int:
    """Return the worst that the runs came to; those that only wait are no failure unless asked."""
    statuses = {view.status for view in views}
    if "faulted" in statuses:
        return Exit.FAULTED
    if any(view.problem is not None for view in views):
        return Exit.UNAVAILABLE
    unended = statuses & {"running", "waiting", "suspended"}
    return Exit.WAITING if patient and unended else Exit.OK
