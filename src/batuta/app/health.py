"""How workflows do: how many of their runs came to what, how long they take, what needs somebody.

Owns which runs count. Those that have ended count if they started lately; those under way all
count, however long ago they started. How long runs take is told from the latest few of each.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.board import DAY_MS
from batuta.app.views import text_time
from batuta.ports.listing import STUCK, RunFilter
from batuta.ports.store import HIDDEN
from batuta.runtime.shared.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.clock import Clock
    from batuta.ports.sla import Promises
    from batuta.ports.store import RunRow, Store

ENDED = ("completed", "faulted", "cancelled")
SAMPLE = 100
"""The latest ended runs of a workflow, from which it is told how long they take."""
FRESH_MS, SHARE = 1_000, 20
"""How long an answer is good, at least, and how many times as long as it took to find."""


class WorkflowHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one workflow (`namespace/name`, all versions) does.

    `control` counts all these `runs` by control model. `success_rate` is the part of those that
    completed among those that completed or faulted, null without any; `p50_ms` and `p95_ms` are how
    long completed ones took.
    """

    workflow: str
    control: dict[str, int]
    runs: int
    completed: int
    faulted: int
    cancelled: int
    running: int
    waiting: int
    suspended: int
    stuck: int
    success_rate: float | None
    p50_ms: int | None
    p95_ms: int | None
    last_ended_at: str | None


class HealthView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How all workflows do, by name. `breaches` is how many promises made since were broken."""

    since: str
    as_of: str
    workflows: tuple[WorkflowHealth, ...]
    breaches: int

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class Health:
    """Answers how workflows do."""

    def __init__(
        self,
        store: Store,
        promises: Promises,
        clock: Clock,
        abandoned: Callable[[], list[RunRow]] = list,
    ) -> None:
        """Prepare.

        Args:
            store: the runs.
            promises: what was promised of them.
            clock: the time.
            abandoned: returns the runs under way whose process is gone.
        """
        self._store = store
        self._promises = promises
        self._clock = clock
        self._abandoned = abandoned
        self._looking = asyncio.Lock()
        self._last: HealthView | None = None
        self._within_ms = self._until = 0

    async def show(self, *, within_ms: int = DAY_MS) -> HealthView:
        """Return how workflows do, by the runs that started in the last so many milliseconds."""
        async with self._looking:
            now = self._clock.now()
            if self._last is None or within_ms != self._within_ms or not 0 <= now < self._until:
                loop = asyncio.get_running_loop()
                began = loop.time()
                self._last = await self._look(now, within_ms)
                took_ms = round((loop.time() - began) * 1_000)
                self._within_ms = within_ms
                self._until = now + max(FRESH_MS, took_ms * SHARE)
            return self._last

    async def _look(self, now: int, within_ms: int) -> HealthView:
        since = now - within_ms
        counts: dict[str, dict[tuple[str, str], int]] = {}
        for one in await in_thread(partial(self._store.count_runs, since)):
            of = counts.setdefault(one.workflow.rpartition(":")[0], {})
            of[one.control, one.status] = of.get((one.control, one.status), 0) + one.runs
        for row in self._abandoned():
            # Those that are marked as stuck were counted.
            if row.stuck is None and row.problem is None and HIDDEN not in row.workflow:
                of = counts.setdefault(row.workflow.rpartition(":")[0], {})
                of[row.control, STUCK] = of.get((row.control, STUCK), 0) + 1
        return HealthView(
            since=text_time(since) or "",
            as_of=text_time(now) or "",
            workflows=tuple(self._health(name, counts[name], since) for name in sorted(counts)),
            breaches=sum(one.breached for one in self._promises.tallies(since)),
        )

    def _health(self, name: str, counts: dict[tuple[str, str], int], since: int) -> WorkflowHealth:
        of = {
            status: sum(count for (_, one), count in counts.items() if one == status)
            for status in (*ENDED, "running", "waiting", "suspended", STUCK)
        }
        control = {
            model: sum(
                count for (one, status), count in counts.items() if one == model and status != STUCK
            )
            for model in ("orchestrated", "choreographed")
        }
        latest = self._store.runs(
            RunFilter(workflow=name, statuses=ENDED, since=since), limit=SAMPLE
        ).rows
        took = sorted(
            row.ended_at - row.started_at
            for row in latest
            if row.status == "completed" and row.ended_at is not None
        )
        decided = of["completed"] + of["faulted"]
        return WorkflowHealth(
            workflow=name,
            control=control,
            runs=sum(control.values()),
            completed=of["completed"],
            faulted=of["faulted"],
            cancelled=of["cancelled"],
            running=of["running"],
            waiting=of["waiting"],
            suspended=of["suspended"],
            stuck=of[STUCK],
            success_rate=of["completed"] / decided if decided else None,
            p50_ms=took[len(took) // 2] if took else None,
            p95_ms=took[min(len(took) - 1, len(took) * 95 // 100)] if took else None,
            last_ended_at=text_time(max((row.ended_at or 0 for row in latest), default=None)),
        )
