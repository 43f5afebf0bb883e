"""Following a run while it is driven: its tasks as they start and end.

Owns how often is looked and what is new since the last look. How it is shown is a `Shown`: nothing,
lines on stderr, or a live view (`live`). A look replays the run's journal, so the pause between two
looks grows with what a look costs: following takes a tenth of the time at most.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from batuta.cli.accounts import between, task_label
from batuta.cli.paper import TONE_OF_STATUS, is_terminal, styled, tell

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from batuta.app.engine import Engine
    from batuta.app.views import RunView, TaskView

LEAST_PAUSE_S = 0.1
SHARE = 10
COMPOSITE = frozenset({"do", "for", "fork", "try"})
"""Tasks that are made of others; those tell what is going on."""
_WAITS = frozenset({"wait", "listen"})


class Shown(Protocol):
    """Shows a run's tasks."""

    def update(self, ended: list[TaskView], under_way: list[TaskView], now: int, /) -> None:
        """Show what ended since the last update, and what is under way now."""
        ...

    def close(self) -> None:
        """Leave what was shown as it is."""
        ...


class Silent:
    """Shows nothing."""

    def update(self, ended: list[TaskView], under_way: list[TaskView], now: int) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was shown."""


class Lines:
    """Shows a line for each task that ended, and for each that begins to wait."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, int]] = set()

    def update(self, ended: list[TaskView], under_way: list[TaskView], _: int, /) -> None:
        """Write the lines."""
        for task in ended:
            tell(line(task))
        for task in under_way:
            place = (task.reference, task.path, task.attempt)
            if task.kind in _WAITS and place not in self._told:
                self._told.add(place)
                tell(f"  {'waits':<9}  {task_label(task)}  ({task.kind})")

    def close(self) -> None:
        """Lines stay."""


def line(task: TaskView) -> str:
    """Return one line about a task that ended."""
    status = styled(f"{task.status:<9}", TONE_OF_STATUS.get(task.status, "plain"))
    who = f"  {task.participant}" if task.participant else ""
    took = between(task.started_at, task.ended_at)
    return f"  {status}  {task_label(task)}  ({task.kind}){who}  {took}"


def shown_for(*, json: bool) -> Shown:
    """Return how progress is shown: live on a terminal, else lines, else (for JSON) not at all."""
    if is_terminal(err=True):
        from batuta.cli.live import Live  # noqa: PLC0415 -- rich is for terminals only

        return Live()
    return Silent() if json else Lines()


async def follow(
    engine: Engine, run_id: str, wait: float | None, shown: Shown, *, since: str = ""
) -> RunView:
    """Show a run until it has ended, at most `wait` seconds; return it as it stands then.

    The other arguments are those of `watched`.
    """
    async with watched(engine, run_id, shown, since=since):
        return await engine.result(run_id, wait)


@asynccontextmanager
async def watched(
    engine: Engine, run_id: str, shown: Shown, *, since: str = ""
) -> AsyncGenerator[None]:
    """Show a run's tasks while the block lasts.

    Args:
        engine: drives it, or is open beside the process that does.
        run_id: the run.
        shown: how it is shown.
        since: an RFC 3339 time; tasks that ended before it are not told, as they were before.
    """
    look = _Look(engine, run_id, shown, since)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look.forever())
        try:
            yield
        finally:
            looking.cancel()
            look.once()
            shown.close()


class _Look:
    def __init__(self, engine: Engine, run_id: str, shown: Shown, since: str) -> None:
        self._since = since
        self._engine = engine
        self._run_id = run_id
        self._shown = shown
        self._ended: set[int] = set()

    async def forever(self) -> None:
        if isinstance(self._shown, Silent):
            return
        while True:
            began = time.monotonic()
            self.once()
            await asyncio.sleep(max(LEAST_PAUSE_S, SHARE * (time.monotonic() - began)))

    def once(self) -> None:
        if isinstance(self._shown, Silent):
            return
        # A run's tasks keep their places in the timeline, so a place tells them apart.
        tasks = [
            (place, task)
            for place, task in enumerate(self._engine.tasks(self._run_id))
            if task.kind not in COMPOSITE
        ]
        under_way = [task for _, task in tasks if task.ended_at is None]
        fresh: list[TaskView] = []
        for place, task in tasks:
            if task.ended_at is not None and place not in self._ended:
                self._ended.add(place)
                if task.ended_at >= self._since:
                    fresh.append(task)
        fresh.sort(key=lambda task: task.ended_at or "")
        self._shown.update(fresh, under_way, self._engine.clock.now())
