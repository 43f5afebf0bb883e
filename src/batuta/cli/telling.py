"""What a process that lasts says while it does: which runs start and end, until it is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batuta.cli import accounts, paper
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.app.views import RunView
    from batuta.ports.store import RunRow
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun

LOOK_S = 0.2
NEWEST = 500
"""Runs per look: when more start than that, some are not told."""


class Teller:
    """Says what happens: lines for people, JSON lines for programs, or little."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json

    def tell(self, what: str, text: str, **fields: Any) -> None:
        """Say something; `fields` are for programs."""
        if self._as_json:
            paper.say_json({"what": what, **fields}, line=True)
        else:
            paper.say(text)

    def run(self, what: str, view: RunView) -> None:
        """Say that a run started or ended."""
        if self._quiet:
            return
        status = view.status if what == "ended" else "started"
        tone = paper.TONE_OF_STATUS.get(status, "plain")
        time = accounts.plain_time(view.ended_at if what == "ended" else view.started_at)
        took = accounts.between(view.started_at, view.ended_at)
        text = f"{time}  {paper.styled(f'{status:<9}', tone, err=False)}  {view.workflow}:"
        text += f"{view.version}  run {view.id}"
        if what == "ended":
            title = paper.clean((view.error or {}).get("title") or "")
            text += f"  {took}" + (f"  {title}" if title else "")
        self.tell(what, text, run=view.as_json())


class Watch:
    """Tells which of a driver's runs start and end, from now on; `show` looks one up."""

    def __init__(self, driver: Driver, show: Callable[[str], RunView], teller: Teller) -> None:
        self._driver = driver
        self._show = show
        self._teller = teller
        rows = driver.store.runs(limit=NEWEST).rows
        self._known = {row.id for row in rows}
        self._watched = {row.id for row in rows if _is_elsewhere(row) and row.ended_at is None}
        """Runs that have not ended, and whose end nobody reports but the store."""
        self._ended: list[str] = []
        before = driver.ended

        def note(run: LiveRun) -> None:
            before(run)
            self._ended.append(run.id)

        driver.ended = note

    async def forever(self) -> None:
        """Tell until cancelled.

        Raises:
            BatutaError: the store cannot be written any more.
        """
        while True:
            if self._driver.failure is not None:
                raise self._driver.failure
            self._look()
            try:
                await asyncio.sleep(LOOK_S)
            except asyncio.CancelledError:
                self._look()
                raise

    def _look(self) -> None:
        ended, self._ended = self._ended, []
        newest = self._driver.store.runs(limit=NEWEST).rows
        for row in reversed(newest):
            is_elsewhere = _is_elsewhere(row)
            if row.id not in self._known and (is_elsewhere or row.owner == self._driver.owner):
                self._teller.run("started", self._show(row.id))
                if is_elsewhere:
                    self._watched.add(row.id)
        self._known = {row.id for row in newest}
        for run_id in list(self._watched):
            row = self._driver.store.run(run_id)
            if row is None or row.ended_at is not None:
                self._watched.discard(run_id)
                ended += [] if row is None else [run_id]
        for run_id in ended:
            view = self._show(run_id)
            if HIDDEN not in view.version:
                self._teller.run("ended", view)


def _is_elsewhere(row: RunRow) -> bool:
    """Say whether a run is driven by participants, and only seen here."""
    return row.control == "choreographed" and row.owner is None
