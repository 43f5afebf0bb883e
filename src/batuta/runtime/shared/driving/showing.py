"""Showing an observer what a driver's runs do, each step once it is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.kernel.events import Event, Started
from batuta.ports.observer import Sight

if TYPE_CHECKING:
    from batuta.kernel.lifecycle import Happened
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun


def show(
    driver: Driver, run: LiveRun, event: Event, now: int, reports: tuple[Happened, ...]
) -> None:
    """Let the driver's observer see the step that a run has just taken, behind its commit."""
    observer, state = driver.observer, run.state
    if observer is None:
        return
    sight = Sight(
        run=run.id,
        workflow=run.program.identity,
        participant=driver.participates_as,
        status=state.status,
        at=now,
        started_at=state.started,
        ended_at=state.ended,
        parent=run.parent,
        is_first=isinstance(event, Started),
        reports=reports,
    )
    driver.committer.releases.append(lambda: observer.saw(sight))
