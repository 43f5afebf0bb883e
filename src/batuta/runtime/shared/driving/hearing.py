"""Published events, and requests from other processes: from the store to the runs they concern.

Every event has a number in the store's order. A driver deals with events in that order and keeps
its place (`cursor`) in the same transaction as what the events led to, so that none is missed by a
crash; one that is offered twice is recognised by the run (`kernel.state.Ears`). A listen that
begins is offered what was published since its run started, before anything that came later: until
then, what the other listens of its run are offered waits (`LiveRun.later`).

Other processes only write into the store. That is noticed by asking SQLite for its data version,
which costs microseconds, `LOOKS_PER_SECOND` times a second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from batuta.choreography.types import RESERVED
from batuta.errors import BatutaError
from batuta.expressions import ExpressionFailure, TooMuchWork, compile_expression, unwrap
from batuta.kernel.codec import decode_event
from batuta.kernel.events import Heard, Started
from batuta.runtime.shared.correlation import correlation_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.kernel.commands import Subscribe
    from batuta.ports.store import Request, StoredEvent
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun

_log = logging.getLogger("batuta.events")
LOOKS_PER_SECOND = 20
PAGE = 1_000
NEVER = -1
"""As a version of the store: look again, whatever has changed."""


class Hearing:
    """Offers events to runs."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._version = NEVER
        self._served: dict[int, bool] = {}
        """Requests that were granted, and whether that is noted in a batch."""
        self._task: asyncio.Task[None] | None = None
        self.newest = 0
        """The number of the last event dealt with."""
        self.behind = False
        """Whether there may be events in the store that were not dealt with yet.

        They wait while a commit is under way: its subscriptions may be in the store already, but
        their runs must be offered what came before them first (`catch_up`).
        """
        self._kept: int | None = None
        self.opening = 0
        """Listens that have begun, and were not offered yet all that came before them."""
        self.put_off_now = 0
        """Events that wait in `LiveRun.later`."""
        self.heard: list[Callable[[StoredEvent], None]] = []
        """Others that want every event: schedules."""
        self.noticed: list[Callable[[], None]] = []
        """Called when another process has written something."""

    def go_back(self, place: int) -> None:
        """Deal again with what came after `place`, where the owner of adopted runs had stopped.

        What our own runs are offered again by that, they recognise.
        """
        self.newest = min(self.newest, place)

    def start(self) -> None:
        """Begin where this owner stopped, and look out for what other processes write."""
        store = self._driver.store
        place = store.cursor(self._driver.owner)
        self.newest = store.last_event() if place is None else place
        self.look_out()

    def look_out(self) -> None:
        """Begin to look out for what other processes write."""
        self._task = asyncio.get_running_loop().create_task(self._look_out())

    def stop(self) -> None:
        """Look out no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look_out(self) -> None:
        while True:
            try:
                self.look()
            except BatutaError as error:
                _log.warning("%s", error)
            await asyncio.sleep(1 / LOOKS_PER_SECOND)

    def look(self) -> None:
        """Notice what other processes have written since the last look."""
        version = self._driver.store.version()
        if version == self._version:
            return
        self._version = version
        self._driver.programs.look_again()
        for notice in self.noticed:
            notice()
        self.behind = True
        self._driver.schedule()
        self.serve()

    def keep_place(self) -> None:
        """Note how far events were dealt with, once the runs have taken what they were offered."""
        driver = self._driver
        busy = driver.inbox or driver.sandbox.waiting or self.opening
        if self.newest != self._kept and not busy:
            self._kept = self.newest
            driver.committer.batch.cursor = (driver.owner, self.newest)

    def drain(self) -> None:
        """Deal with every event that has not been dealt with."""
        self.behind = False
        try:
            self._drain()
        except BatutaError as error:
            _log.error("%s", error)
            self._version = NEVER

    def _drain(self) -> None:
        driver = self._driver
        while True:
            events = driver.store.events(self.newest, limit=PAGE)
            for event in events:
                self.offer(event)
                self.newest = event.number
            if events:
                driver.schedule()
            if len(events) < PAGE:
                return

    def offer(self, stored: StoredEvent) -> None:
        """Offer one event to the runs that wait for such."""
        driver = self._driver
        event = stored.event
        if event["type"].startswith(RESERVED):
            return
        for listener in self.heard:
            listener(stored)
        seen: set[str] = set()
        for source in driver.store.sources(event["type"]):
            value = _correlated(source, event)
            if value is None:
                continue
            for run_id in driver.store.subscribers(event["type"], source, value):
                if run_id not in seen:
                    seen.add(run_id)
                    run = driver.housing.find(run_id)
                    if run is not None and stored.number > run.first_event:
                        self._offer_to(run, Heard(stored.number, event))

    def _offer_to(self, run: LiveRun, event: Heard) -> None:
        """Let a run have an event for any of its listens: not before what one still waits for."""
        if run.opening:
            run.awaited += 1
            self.put_off(run, event)
        else:
            self._driver.post(run, event)

    def subscribed(self, run: LiveRun, command: Subscribe) -> None:
        """Offer a new listen what was published before: at once, and again behind its commit.

        At once, so that the run is not written down as waiting while there is something for it; and
        again, because what is published until the commit finds no subscription in the store.
        """
        if run.inherits:
            return
        self.catch_up(run, command)
        upto = self.newest
        self.open(run)
        self._driver.committer.releases.append(lambda: self._caught_up(run, command, upto))

    def _caught_up(self, run: LiveRun, command: Subscribe, upto: int) -> None:
        if run.problem is None:
            self.catch_up(run, command, upto)
        self.opened(run)

    def put_off(self, run: LiveRun, event: Heard) -> None:
        """Offer an event to a run later: when its listens have been offered what came before."""
        run.later.append(event)
        self.put_off_now += 1

    def open(self, run: LiveRun) -> None:
        """Let what comes for a run wait, until `opened`."""
        self.opening += 1
        run.opening += 1

    def opened(self, run: LiveRun) -> None:
        """A listen has been offered what came before it: go on with what came meanwhile."""
        self.opening -= 1
        run.opening -= 1
        if run.later and not run.opening:
            later, run.later = run.later, []
            self.put_off_now -= len(later)
            self._driver.inbox.extend((run, one) for one in later)
            self._driver.schedule()

    def catch_up(self, run: LiveRun, command: Subscribe, behind: int = 0) -> None:
        """Offer a listen what was published before it was reached."""
        after = max(run.first_event, command.after or 0, behind)
        if after >= self.newest:
            return
        types = tuple(one.type for one in command.criteria if one.type is not None)
        if len(types) < len(command.criteria):
            types = ()
        while after < self.newest:
            events = self._driver.store.events(after, types=types, limit=PAGE)
            for event in events:
                if event.number > self.newest:
                    return
                reserved = event.event["type"].startswith(RESERVED)
                if not reserved and _may_concern(command, event.event):
                    self._driver.post(run, Heard(event.number, event.event, command.key))
                after = event.number
            if len(events) < PAGE:
                return

    def serve(self) -> None:
        """Carry out what other processes ask of our runs."""
        driver = self._driver
        requests = driver.store.requests(driver.owner)
        known = {request.id for request in requests}
        self._served = {one: done for one, done in self._served.items() if one in known}
        for request in requests:
            run = driver.housing.find(request.run)
            busy = run is not None and run.evaluating
            if run is not None and not busy and request.id not in self._served:
                self._served[request.id] = False
                self._grant(run, request)
                busy = run.evaluating
            if busy:
                # Only in memory so far: the request stays until it is written down.
                self._version = NEVER
            elif not self._served.get(request.id):
                self._served[request.id] = True
                driver.committer.batch.done_requests.append(request.id)
                driver.schedule()

    def _grant(self, run: LiveRun, request: Request) -> None:
        event = decode_event(request.body)
        if isinstance(event, Started) and event.nonce and run.secrets is None:
            run.secrets = self._driver.keeper.secrets_of(run.program, event.nonce)
        self._driver.take(run, event)


def _correlated(source: str, event: dict[str, Any]) -> str | None:
    """Return the value that a correlation reads from an event, as the store keeps it."""
    if not source:
        return ""
    code = compile_expression(unwrap(source) or source)
    if code.evaluate is None:
        return None
    data = event.get("data")
    view = {**data, **event} if isinstance(data, dict) else event
    try:
        return correlation_text(code.evaluate(view, {}))
    except (ExpressionFailure, TooMuchWork):
        return None


def _may_concern(command: Subscribe, event: dict[str, Any]) -> bool:
    for criterion in command.criteria:
        if criterion.type is not None and criterion.type != event["type"]:
            continue
        if not criterion.correlations:
            return True
        source, value = criterion.correlations[0]
        if _correlated(source, event) == correlation_text(value):
            return True
    return False
