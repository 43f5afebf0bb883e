"""Group commit: what many runs have done becomes durable in one transaction.

Owns the batch that is being filled and the thread that commits the one before it. There is no timer
and no size to tune: while one batch is on its way to the disk the next one fills, and it leaves
when the disk is free. So a single run is never made to wait for others, and a thousand runs share a
sync. What nobody waits for (that a part of a run has learnt that the run is over) may be put off
for a moment, in which most often something comes along whose transaction it can share.

A commit that could not be made (a full disk, a locked file) is made again, with growing pauses,
until it can; until then nothing of it is acted upon. The loop's side of this class runs on the
event loop only, so that it needs no locks.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable

from batuta.errors import BatutaError, ConflictError, UnavailableError
from batuta.ports.store import Batch, Store

_log = logging.getLogger("batuta.store")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0

FEW, QUICK_MS = 8, 2.0
"""Rows, and the recent average of milliseconds, up to which a commit is made on the loop."""

PUT_OFF_S = 0.02
"""For how long a batch that nobody waits for waits for one that somebody waits for."""

Released = Callable[[], None]


class Committer:
    """Commits batches one after the other, and calls back on the loop when one is durable."""

    def __init__(
        self,
        store: Store,
        *,
        committed: Callable[[Batch, list[Released]], None],
        lost: Callable[[str], None],
        failed: Callable[[BatutaError], None],
    ) -> None:
        """Prepare; `start` begins.

        Args:
            store: where to commit to.
            committed: called with each durable batch and what was to be released by it.
            lost: called with the id of a run that another process has taken, and of each that was
                to start because of it; their parts of the batch are dropped, the rest committed.
            failed: called when nothing can be committed any more.
        """
        self._store = store
        self._committed = committed
        self._lost = lost
        self._failed = failed
        self.batch = Batch()
        self.releases: list[Released] = []
        self._jobs: queue.SimpleQueue[tuple[Batch, list[Released]] | None] = queue.SimpleQueue()
        self._busy = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = threading.Event()
        self._dead = False
        self.trouble: UnavailableError | None = None
        self.commits = 0
        self.patient = 0
        """Rows of the batch's journal that nobody waits for."""
        self._put_off: asyncio.TimerHandle | None = None
        self._quick_ms = 0.0
        self._thread = threading.Thread(target=self._work, name="batuta-committer", daemon=True)

    def start(self) -> None:
        """Begin; call on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Say whether a batch is on its way; what it holds may be on disk and not released yet."""
        return self._busy

    @property
    def has_work(self) -> bool:
        """Say whether anything is noted or on its way."""
        return self._busy or (not self._dead and (bool(self.batch) or bool(self.releases)))

    def submit(self) -> None:
        """Send the batch on its way if there is one and the disk is free."""
        if self._busy or self._dead or not (self.batch or self.releases):
            return
        job = (self.batch, self.releases)
        self.batch, self.releases, self.patient = Batch(), [], 0
        if self._put_off is not None:
            self._put_off.cancel()
            self._put_off = None
        self._busy = True
        self._idle.clear()
        if not job[0] and self._loop is not None:
            self._loop.call_soon(self._done, *job)  # all before it is durable, and it adds nothing
            return
        if len(job[0].journal) <= FEW and self._quick_ms < QUICK_MS and self._commit_now(*job):
            return
        self._quick_ms *= 0.9  # one slow moment does not send everything to the thread for ever
        self._jobs.put(job)

    @property
    def presses(self) -> bool:
        """Say whether there may be somebody who waits for the batch.

        Each row that nobody waits for comes with one release at most, and their messages with one.
        """
        batch, patient = self.batch, self.patient
        return not (
            0 < patient == len(batch.journal)
            and len(self.releases) <= patient + 1
            and not (batch.outbox or batch.runs or batch.parked or batch.unparked)
            and not (batch.heard or batch.served or batch.unserved or batch.snapshots)
        )

    def put_off(self) -> None:
        """Send the batch on its way soon: with what presses, or alone."""
        if self._put_off is None and self._loop is not None and not self._dead:
            self._put_off = self._loop.call_later(PUT_OFF_S, self._overdue)

    def _overdue(self) -> None:
        self._put_off = None
        self.submit()

    def _commit_now(self, batch: Batch, releases: list[Released]) -> bool:
        """Commit on the loop itself, when that takes less than waking the thread and being woken.

        Only a few rows, only on a disk that has been quick so far, and only if nobody else holds
        the store: the loop is not made to wait. What fails here is left to the thread.
        """
        if self._loop is None:
            return False
        began = time.perf_counter()
        try:
            done = self._store.commit_now(batch)
        except Exception:  # noqa: BLE001 -- the thread meets it again, and deals with it
            return False
        took_ms = (time.perf_counter() - began) * 1000
        self._quick_ms += (took_ms - self._quick_ms) / 16
        if done:
            self._loop.call_soon(self._done, batch, releases)
        return done

    async def drain(self) -> None:
        """Wait until everything that was noted is durable."""
        self.submit()
        while self._busy:
            await self._idle.wait()
            self.submit()

    async def stop(self) -> None:
        """Commit what is left, and end the thread; what cannot be committed now never happened."""
        if self._loop is None:
            return
        if self.trouble is None:
            await self.drain()
        self._stopping.set()
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    # -- the committer's thread --------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, releases = job
            try:
                self._commit(batch)
            except BatutaError as error:
                self._on_loop(self._broken, error)
                return
            except Exception as error:  # noqa: BLE001 -- whatever it is, the loop has to know
                _log.exception("the committer failed")
                self._on_loop(self._broken, UnavailableError(f"the store failed: {error!r}"))
                return
            self._on_loop(self._done, batch, releases)

    def _commit(self, batch: Batch) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                self._store.commit(batch)
            except ConflictError as error:
                for run in without(batch, error.message):
                    self._on_loop(self._lost, run)
            except UnavailableError as error:
                if self._stopping.is_set():
                    raise
                if self.trouble is None:
                    _log.error("%s", error)
                self.trouble = error
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                if self.trouble is not None:
                    _log.warning("the store can be written again")
                    self.trouble = None
                return

    def _on_loop(self, callback: Callable[..., None], *values: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *values)

    # -- back on the loop --------------------------------------------------------------------------

    def _done(self, batch: Batch, releases: list[Released]) -> None:
        self._busy = False
        self.commits += 1
        self._idle.set()
        self._committed(batch, releases)

    def _broken(self, error: BatutaError) -> None:
        self._busy, self._dead = False, True
        self._idle.set()
        self._failed(error)


def without(batch: Batch, run: str) -> list[str]:
    """Take everything of one run out of a batch, and what starts because of it; returns the ids."""
    dropped = [run]
    for gone in dropped:
        dropped += [one for one, cause in batch.dependents if cause == gone and one not in dropped]
    out = frozenset(dropped)
    batch.runs = [row for row in batch.runs if row.id not in out]
    batch.journal = [row for row in batch.journal if row[0] not in out]
    batch.notes.without(out)
    batch.keys = [one for one in batch.keys if one[0] not in out]
    batch.subscriptions = [one for one in batch.subscriptions if one.run not in out]
    batch.unsubscriptions = [one for one in batch.unsubscriptions if one[0] not in out]
    batch.snapshots = [one for one in batch.snapshots if one[0] not in out]
    batch.gathered = [row for row in batch.gathered if row.run not in out]
    batch.released = [one for one in batch.released if one[0] not in out]
    batch.schedules = [row for row in batch.schedules if row.run not in out]
    batch.asks = [one for one in batch.asks if one[0] not in out]
    batch.inbox = [one for one in batch.inbox if one[0] not in out]
    batch.remembered = [one for one in batch.remembered if one.run not in out]
    batch.outbox = [one for one in batch.outbox if one.run not in out]
    for gone in dropped:
        batch.changes.pop(gone, None)
    return dropped


def closed() -> UnavailableError:
    """Return what whoever still waits is told when the engine is closed."""
    return UnavailableError(
        "the engine was closed",
        hint="open the store again with `resume=True`: what was under way goes on there",
    )
