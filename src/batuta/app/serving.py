"""Serving: what an engine does that nobody asks for.

Owns when it is done: schedules by the engine's clock, everything else by the machine's time, since
whether processes live has nothing to do with what time a test pretends it is. What a schedule or a
take-over means is the runtime's. Trouble with the store that passes is logged and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from batuta.app.auditing import forgotten
from batuta.errors import UnavailableError
from batuta.runtime.conductor.schedules import Schedules

if TYPE_CHECKING:
    from batuta.ports.records import Records
    from batuta.ports.store import RunRow
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.conductor.succession import Succession

_log = logging.getLogger("batuta.serving")

LOOK_S = 5.0
"""How often to look for orphaned runs, and for workflows that other processes deployed."""

PURGE_EVERY_MS = 3_600_000
DAY_MS = 86_400_000
MOST_ROWS = 5_000
"""Of the audit that are forgotten at once."""


class Serving:
    """Serves one store, together with any number of others."""

    def __init__(
        self,
        conductor: Conductor,
        succession: Succession | None,
        *,
        retention_days: int,
        setup: str | None,
    ) -> None:
        """Prepare; `serve` begins.

        Args:
            conductor: drives the runs.
            succession: takes over orphaned runs; None where there can be none.
            retention_days: how long ended runs are kept, 0 for ever.
            setup: what scheduled runs need of a process, as `Conductor.begin` takes it.
        """
        self._conductor = conductor
        self._succession = succession
        self._retention_days = retention_days
        self._purged_at: int | None = None
        self._records: Records | None = None
        self._audit_days = 0
        self.schedules = Schedules(conductor, setup=setup)

    def lives(self, owner: str) -> bool:
        """Say whether the process of a conductor still lives."""
        return self._succession is None or self._succession.lives(owner)

    def trouble(self, row: RunRow) -> str | None:
        """Return that nobody drives a run any more which somebody should drive now, if so."""
        if self._succession is None or row.owner is None or row.ended_at is not None:
            return None
        wakes = row.wake_at is not None and row.wake_at <= self._conductor.clock.now()
        if not (row.status == "running" or wakes) or self._succession.lives(row.owner):
            return None
        return f"abandoned by {row.owner}, a process that is gone: whoever serves takes it up"

    def abandoned(self) -> list[RunRow]:
        """Return the runs under way whose process is gone, as long as nobody took them up."""
        if self._succession is None:
            return []
        store = self._conductor.store
        return [row for owner in self._succession.gone() for row in store.live(owner)]

    def keep_audit(self, records: Records, days: int) -> None:
        """Keep the audit for so many days, 0 for ever; that it is forgotten is in it."""
        self._records, self._audit_days = records, days

    async def serve(self) -> None:
        """Serve until cancelled. See `Engine.serve`."""
        await self._try_to_look_after()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_all_along())
                group.create_task(self.schedules.serve())
        except BaseExceptionGroup as failures:
            # Whichever failed first took the other with it: one reason, not a group of them.
            raise failures.exceptions[0] from None

    async def _look_all_along(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._try_to_look_after()

    async def _try_to_look_after(self) -> None:
        try:
            await self.look_after()
        except UnavailableError as error:
            _log.warning("%s", error)

    async def look_after(self) -> None:
        """Take over orphaned runs, look for new schedules, and purge once an hour.

        Raises:
            UnavailableError: the store cannot be written now.
        """
        if self._succession is not None and await self._succession.take_over(hidden=True):
            # Before they are offered anything: triggers of old versions end.
            self.schedules.round()
        self.schedules.nudge()
        now = self._conductor.clock.now()
        due = self._purged_at is None or now - self._purged_at >= PURGE_EVERY_MS
        if not due:
            return
        self._purged_at = now
        if self._retention_days:
            await self._purge(now - self._retention_days * DAY_MS)
        if self._audit_days and self._records is not None:
            await self._purge_audit(self._records, now - self._audit_days * DAY_MS)

    async def _purge_audit(self, records: Records, before: int) -> None:
        count = 0
        while gone := records.purge_audits(before, MOST_ROWS):
            count += gone
            await asyncio.sleep(0)  # runs go first
        if count:
            now = self._conductor.clock.now()
            self._conductor.committer.batch.audits.append(
                forgotten(now, before, count, who="batuta", by="retention")
            )
            self._conductor.schedule()

    async def _purge(self, ended_before: int) -> None:
        while True:
            if not self._conductor.store.purge(ended_before):
                return
            await asyncio.sleep(0)  # runs go first

    async def settled(self) -> None:
        """Wait until nothing moves by itself any more: then only time or somebody else can."""
        conductor = self._conductor
        while conductor.failure is None:
            conductor.hearing.look()
            await conductor.settled()
            if self.schedules.is_resting and conductor.is_settled:
                return
            await asyncio.sleep(0)
