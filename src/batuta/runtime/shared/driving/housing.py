"""Runs in and out of memory: loading, eviction, recovery, waking what waits in the store.

A run that only waits for a time, an event or a sub-workflow needs no memory: it leaves, and is
loaded (snapshot and the journal behind it) when something happens to it. A run under way stays. So
after a crash exactly the runs that the store shows as `running` have to be loaded at once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from batuta.errors import BatutaError, UnavailableError
from batuta.kernel.commands import Perform, StartChild
from batuta.kernel.events import Continued, Woken
from batuta.kernel.state import PENDING, RUNNING, SUSPENDED, TERMINAL
from batuta.ports.store import Change
from batuta.runtime.shared.replay import replay

if TYPE_CHECKING:
    from batuta.ports.store import RunRow
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun

_log = logging.getLogger("batuta.runtime")
AT_ONCE = 1_000
"""Due runs that are loaded per turn."""


class Housing:
    """Moves the runs of one driver between store and memory."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._waking = False

    def find(self, run_id: str) -> LiveRun | None:
        """Return a run of ours that has not ended, from memory or from the store."""
        run = self._driver.runs.get(run_id)
        if run is not None:
            return run
        row = self._driver.store.run(run_id)
        if row is None or row.ended_at is not None or row.owner != self._driver.owner:
            return None
        return self.load(row)

    def load(self, row: RunRow) -> LiveRun | None:
        """Bring a run back into memory; one that cannot be is marked with the reason."""
        driver = self._driver
        store = driver.store
        try:
            program = driver.programs.of(row.workflow, row.digest)
            snapshot = store.snapshot(row.id)
            rows = store.journal(row.id, 0 if snapshot is None else snapshot[0])
            state, seq, ledger = replay(program, rows, snapshot=snapshot)
            secrets = driver.keeper.secrets_of(program, state.nonce) if state.nonce else None
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 -- one damaged run must not keep the others back
            _log.error("run %s cannot be loaded: %r", row.id, error, extra={"run_id": row.id})
            return self._broken(row, error)
        run = driver.live(row, program, state, seq)
        run.ledger = ledger
        run.stored, run.stored_wake = row.status, row.wake_at
        run.setup, run.keys = row.setup, row.keys
        run.lapsed = state.status == SUSPENDED
        run.since_snapshot = seq - (snapshot[0] if snapshot is not None else 0)
        run.secrets = secrets
        driver.runs[row.id] = run
        if row.problem is not None:
            # What stopped it is mended, or comes again and says so again.
            run.mended = True
            driver.committer.batch.changes[row.id] = Change(
                status=row.status, wake_at=row.wake_at, problem=""
            )
            driver.schedule()
        return run

    def _broken(self, row: RunRow, error: Exception) -> None:
        """Mark it as under way, so that the next start tries again."""
        status = SUSPENDED if row.status == SUSPENDED else RUNNING
        self._driver.committer.batch.changes[row.id] = Change(
            status=status, problem=error.message if isinstance(error, BatutaError) else repr(error)
        )
        self._driver.schedule()

    def leave(self, run: LiveRun, seq: int) -> None:
        """A run that has nothing to do for a while leaves, unless something came in meanwhile.

        `seq` is where it stood when this was decided: a later transition is not on disk yet.
        """
        driver = self._driver
        if run.seq != seq or not run.is_quiet or driver.runs.get(run.id) is not run:
            return
        if driver.stays(run):
            return
        self.forget(run)
        wake = run.state.wake
        if wake is not None:
            driver.timers.ring_at(wake)

    def forget(self, run: LiveRun) -> None:
        """A run has ended, or leaves the memory."""
        self._driver.runs.pop(run.id, None)
        self._driver.left(run)

    def wake_due(self) -> None:
        """Load the waiting runs that are due, and see to the bell for the rest."""
        if self._waking:
            return
        driver = self._driver
        now = driver.clock.now()
        rows = driver.store.due(driver.owner, now, AT_ONCE)
        for row in rows:
            run = driver.runs.get(row.id) or self.load(row)
            if run is not None and not run.awaited and is_due(run, now):
                driver.post(run, Woken())
        if rows:
            # They stay due in the store until this is committed: look again then, and not before.
            self._waking = True
            driver.committer.releases.append(self._woken)
            driver.schedule()
            return
        following = driver.store.next_wake(driver.owner)
        if following is not None:
            driver.timers.ring_at(following)

    def _woken(self) -> None:
        self._waking = False
        self._driver.timers.ring_at(self._driver.clock.now())

    def take_up(self) -> int:
        """Load every run that was under way, and ask again for what it had asked of the world."""
        driver = self._driver
        count = 0
        for row in driver.store.live(driver.owner):
            run = driver.runs.get(row.id) or self.load(row)
            if run is None:
                continue
            count += 1
            self.ask_again(run)
        return count

    def take_up_one(self, run_id: str) -> None:
        """Load one run that is under way, and ask again for what it had asked of the world."""
        run = self.find(run_id)
        if run is not None:
            self.ask_again(run)
            self._driver.schedule()

    def ask_again(self, run: LiveRun, asked: list[Perform | StartChild] | None = None) -> None:
        """Ask again for what a run had asked of the world: all that is unanswered, or these."""
        driver = self._driver
        if run.state.status == PENDING or run.state.status in TERMINAL:
            return
        if run.state.status != SUSPENDED:
            self.go_on(run, list(run.ledger.asked.values()) if asked is None else asked)
        for subscription in list(run.ledger.subscribed.values()):
            driver.hearing.catch_up(run, subscription)
        driver.post(run, Woken())

    def go_on(self, run: LiveRun, unanswered: list[Perform | StartChild]) -> None:
        """Ask again for what a process that is gone had asked for, and take up what it left."""
        driver = self._driver
        for asked in unanswered:
            if run.ledger.asked.get(asked.key) is not asked:
                continue
            if isinstance(asked, Perform):
                driver.acting.perform(run, asked)
            else:
                driver.take_up_child(run, asked)
        if any(token.entering is not None for token in run.state.tokens.values()):
            driver.post(run, Continued())


def is_due(run: LiveRun, now: int) -> bool:
    """Say whether something in a run has fallen due."""
    wake = run.state.wake
    return wake is not None and wake <= now
