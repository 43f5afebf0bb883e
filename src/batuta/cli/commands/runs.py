"""`batuta runs`: looking at runs, and asking something of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import accounts, helping, options, paper, prospects, words
from batuta.cli.driving import MOMENT_S, engine_for, until, until_at_rest, with_functions_of
from batuta.cli.exit_codes import Exit, of_run
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, caught_up, chosen, engine
from batuta.cli.progress import follow, shown_for, watched
from batuta.errors import ConflictError, NotFoundError, RequestError

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.app.listing import RunQuery
    from batuta.app.views import RunView

STATUSES = ["running", "waiting", "suspended", "completed", "faulted", "cancelled"]
CONTROLS = ["orchestrated", "choreographed"]
ENDED = frozenset({"completed", "faulted", "cancelled"})
DAY_MS = 86_400_000


@click.group(help=helping.RUNS)
def runs() -> None:
    """Find the command."""


# -- looking ---------------------------------------------------------------------------------------


@options.command(runs, "list", help=helping.RUNS_LIST)
@click.option("--status", type=click.Choice(STATUSES), multiple=True, help=helping.BY_STATUS)
@click.option("--workflow", metavar="NAMESPACE/NAME[:VERSION]", help=helping.BY_WORKFLOW)
@click.option("--control", type=click.Choice(CONTROLS), help=helping.BY_CONTROL)
@click.option("--participant", metavar="NAME", help=helping.BY_PARTICIPANT)
@click.option("--stuck", is_flag=True, help=helping.BY_STUCK)
@click.option("--since", metavar="TIME", help=helping.BY_SINCE)
@click.option("--until", metavar="TIME", help=helping.BY_UNTIL)
@click.option("--error", metavar="TYPE", help=helping.BY_ERROR)
@click.option("--key", "keys", metavar="NAME=VALUE", multiple=True, help=helping.BY_KEY)
@click.option("--search", metavar="TEXT", help=helping.BY_TEXT)
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
@click.option("--before", metavar="ID", help=helping.BEFORE)
@options.store
@options.as_json
def list_(limit: int, before: str | None, store: str | None, as_json: bool, **asked: Any) -> None:
    """List runs; see `helping.RUNS_LIST`."""

    async def work() -> None:
        async with engine(chosen(store), looks=True) as opened:
            now = opened.clock.now()
            query = _query(now, **asked)
            await caught_up(opened)
            found, following, *_ = opened.listing.find(query, after=before, limit=limit)
        if as_json:
            paper.say_json({"runs": [view.as_json() for view in found]})
            return
        if not found:
            paper.tell(words.NO_RUNS)
        else:
            rows = [_row(view, now) for view in found]
            headings = ("ID", "WORKFLOW", "STATUS", "STARTED (UTC)", "TOOK", "WHY")
            paper.say_table(headings, rows, tone=2, beneath=5)
        if following is not None:
            paper.tell(words.more_runs(following, store))

    asyncio.run(work())


def _query(
    now: int,
    *,
    status: tuple[str, ...],
    since: str | None,
    until: str | None,
    stuck: bool,
    keys: tuple[str, ...],
    search: str | None,
    **same: str | None,
) -> RunQuery:
    from batuta.app.listing import RunQuery  # noqa: PLC0415 -- brings every driver

    return RunQuery(
        status=status,
        stuck=stuck or None,
        since=None if since is None else options.moment(since, now),
        until=None if until is None else options.moment(until, now),
        keys=options.named("--key", keys),
        q=search,
        **same,
    )


def _row(view: RunView, now: int) -> tuple[str, ...]:
    why = view.problem or (view.error or {}).get("title") or ""
    return (
        view.id,
        f"{view.workflow}:{view.version}",
        view.status,
        accounts.brief_time(view.started_at, now)
        if paper.is_narrow()
        else accounts.plain_time(view.started_at),
        accounts.between(view.started_at, view.ended_at, now),
        paper.clean(why)[:60],
    )


@options.command(runs, help=helping.RUNS_SHOW)
@options.run_id
@click.option("--trace", is_flag=True, help=helping.SHOW_TRACE)
@click.option("--reveal", is_flag=True, help=helping.SHOW_REVEAL)
@options.store
@options.as_json
def show(run_id: str, trace: bool, reveal: bool, store: str | None, as_json: bool) -> None:
    """Show one run; see `helping.RUNS_SHOW`."""

    async def work() -> None:
        from batuta.app.veiling import Veil  # noqa: PLC0415 -- brings the kernel
        from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

        choice = chosen(store)
        with look(choice.store) as seen:
            row = seen.run(run_id)
            driven = row is not None and seen.is_driven(row)
        async with engine(choice, looks=True) as opened:
            await caught_up(opened)
            view, tasks, known = opened.show(run_id), opened.tasks(run_id), opened.known(run_id)
            if not reveal:
                veil = await Veil(opened).of(run_id)
                view, tasks, known = veil.run(view), veil.tasks(tasks), veil.known(known)
            now = opened.clock.now()
        if as_json:
            shown = [accounts.task_json(task, trace=trace) for task in tasks]
            paper.say_json({**view.as_json(), **known.as_json(), "tasks": shown})
            return
        accounts.say_timeline(tasks, now, trace=trace)
        paper.say()
        accounts.say_run(view, now)
        prospects.say_findings(known)
        prospects.say_expected(known, now)
        accounts.say_next(view, store, undone=accounts.has_undone(tasks), driven=driven)

    asyncio.run(work())


# -- asking ----------------------------------------------------------------------------------------


@options.command(runs, help=helping.RUNS_CANCEL)
@options.run_id
@click.option("--no-compensate", is_flag=True, help=helping.NO_COMPENSATE)
@options.store
@options.as_json
def cancel(run_id: str, no_compensate: bool, store: str | None, as_json: bool) -> int:
    """Cancel a run; see `helping.RUNS_CANCEL`."""

    async def work() -> int:
        choice = chosen(store)
        async with engine_for(run_id, choice) as (opened, alone):
            since = accounts.rfc3339(opened.clock.now())
            await opened.cancel(run_id, compensate=not no_compensate)
            if alone:
                # What was completed is being undone, which takes as long as it takes.
                return await _driven(
                    opened, run_id, choice, since=since, as_json=as_json, asked="cancelled"
                )
            has_ended = await until(opened, run_id, _has_ended, MOMENT_S)
            _say_asked(opened, run_id, "cancel", has_ended, as_json=as_json)
            return Exit.OK

    return asyncio.run(work())


@options.command(runs, help=helping.RUNS_SUSPEND)
@options.run_id
@options.store
@options.as_json
def suspend(run_id: str, store: str | None, as_json: bool) -> None:
    """Suspend a run; see `helping.RUNS_SUSPEND`."""

    async def work() -> None:
        async with engine_for(run_id, chosen(store)) as (opened, _):
            await opened.suspend(run_id)
            shows = await until(opened, run_id, _stands_still, MOMENT_S)
            _say_asked(opened, run_id, "suspend", shows, as_json=as_json)

    asyncio.run(work())


@options.command(runs, help=helping.RUNS_RESUME)
@options.run_id
@options.store
@options.as_json
def resume(run_id: str, store: str | None, as_json: bool) -> int:
    """Let a suspended run go on; see `helping.RUNS_RESUME`."""

    async def work() -> int:
        choice = chosen(store)
        async with engine_for(run_id, choice) as (opened, alone):
            status = opened.show(run_id).status
            if status != "suspended" and not alone:
                raise ConflictError(words.not_suspended(run_id, status), hint=words.SHOW_HINT)
            since = accounts.rfc3339(opened.clock.now())
            await opened.resume(run_id)
            if alone:
                return await _driven(opened, run_id, choice, since=since, as_json=as_json, asked="")
            shows = await until(opened, run_id, _goes_on, MOMENT_S)
            _say_asked(opened, run_id, "resume", shows, as_json=as_json)
            return Exit.OK

    return asyncio.run(work())


def _has_ended(view: RunView) -> bool:
    return view.status in ENDED


def _stands_still(view: RunView) -> bool:
    return view.status == "suspended" or _has_ended(view)


def _goes_on(view: RunView) -> bool:
    return view.status != "suspended"


def _say_asked(opened: Engine, run_id: str, what: str, shows: bool, *, as_json: bool) -> None:
    """Say what became of a request to another process."""
    view = opened.show(run_id)
    if not shows:
        paper.tell(words.asked(run_id, what))
    if as_json:
        paper.say_json(view.as_json())
    else:
        accounts.say_run(view, opened.clock.now())


async def _driven(
    opened: Engine, run_id: str, choice: Chosen, *, since: str, as_json: bool, asked: str
) -> int:
    """Drive a run until it rests, and say what became of it.

    Tasks that ended before `since` (when it was asked for) are not told.

    Returns:
        0 when it came to what was `asked`, else the code of what it came to; a run that only waits
        has been resumed, which is all that resuming asks.
    """
    with interruptible() as stop:
        async with watched(opened, run_id, shown_for(json=as_json), since=since):
            await until_at_rest(opened, run_id)
    view = opened.show(run_id)
    if as_json:
        paper.say_json(view.as_json())
    else:
        accounts.say_run(view, opened.clock.now())
        undone = accounts.has_undone(opened.tasks(run_id))
        accounts.say_next(view, choice.typed_store, undone=undone)
    if stop.came is not None:
        paper.tell(words.left(run_id, choice.typed_store))
        return stop.code
    code = of_run(view)
    return Exit.OK if view.status == asked or (not asked and code == Exit.WAITING) else code


@options.command(runs, help=helping.RUNS_RETRY)
@options.run_id
@click.option("--from-start", is_flag=True, help=helping.FROM_START)
@options.functions
@options.secret
@options.wait
@options.store
@options.as_json
def retry(
    run_id: str,
    from_start: bool,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    wait: float | None,
    store: str | None,
    as_json: bool,
) -> int:
    """Run a faulted run again; see `helping.RUNS_RETRY`."""
    choice = chosen(store, functions, secret)
    return asyncio.run(_retry(run_id, from_start, choice, wait, as_json=as_json))


async def _retry(
    run_id: str, from_start: bool, choice: Chosen, wait: float | None, *, as_json: bool
) -> int:
    from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

    with look(choice.store) as seen:
        row = seen.run(run_id)
    if row is None:
        raise NotFoundError(f"there is no run {run_id}", hint=words.LIST_HINT)
    async with engine(with_functions_of([row], choice)) as opened:
        since = accounts.rfc3339(opened.clock.now())
        again = await opened.retry(run_id, from_start=from_start)
        paper.tell(words.retried(run_id, again.id))
        with interruptible() as stop:
            await follow(opened, again.id, wait, shown_for(json=as_json), since=since)
        view = again.show()
        if as_json:
            paper.say_json(view.as_json())
        else:
            accounts.say_run(view, opened.clock.now())
            if view.status == "faulted":
                undone = accounts.has_undone(again.tasks())
                accounts.say_next(view, choice.typed_store, undone=undone)
        if stop.came is not None:
            paper.tell(words.left(view.id, choice.typed_store))
            return stop.code
        if of_run(view) == Exit.WAITING:
            paper.tell(words.still_waiting(view.id, view.status, wait or 0, choice.typed_store))
        return of_run(view)


# -- upkeep ----------------------------------------------------------------------------------------


@options.command(runs, help=helping.RUNS_PURGE)
@click.option("--older-than", "age", metavar="AGE", help=helping.OLDER_THAN)
@options.store
@options.as_json
def purge(age: str | None, store: str | None, as_json: bool) -> None:
    """Forget old runs; see `helping.RUNS_PURGE`."""

    async def work() -> None:
        choice = chosen(store)
        days = choice.settings.retention_days
        if age is None and days == 0:
            raise RequestError(words.KEPT_FOR_EVER, hint=words.KEPT_FOR_EVER_HINT)
        milliseconds = days * DAY_MS if age is None else options.age_ms(age)
        async with engine(choice, looks=True) as opened:
            count = opened.purge(milliseconds)
        said: dict[str, Any] = {"purged": count}
        if as_json:
            paper.say_json(said)
        else:
            paper.say(words.purged(count, age or f"{days}d"))

    asyncio.run(work())
