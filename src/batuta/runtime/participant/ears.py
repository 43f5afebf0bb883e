"""What a participant's runs hear: events as they come from the bus, kept in its own store.

Their numbers are those of the bus, the same for every participant; but they may come out of order
(a message that was not acknowledged comes later again), so no place in that order is kept: a listen
that begins looks at everything since its run began, and what it has consumed it knows by number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.runtime.shared.driving.hearing import Hearing

if TYPE_CHECKING:
    from batuta.kernel.commands import Subscribe
    from batuta.ports.store import StoredEvent
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.shared.driving.live import LiveRun


class BusHearing(Hearing):
    """Offers events from the bus to a participant's runs."""

    def __init__(self, participant: Participant) -> None:
        super().__init__(participant)
        self._participant = participant

    def start(self) -> None:
        """Begin with what the store has; the rest comes from the bus."""
        self.newest = self._driver.store.last_event()
        self.look_out()

    def look(self) -> None:
        """Other processes only write which parked messages are to be taken again. See `Hearing`."""
        version = self._driver.store.version()
        if version != self._version:
            self._version = version
            self._participant.receiving.redrive()

    def keep_place(self) -> None:
        """There is no place to keep: the bus knows what was acknowledged. See `Hearing`."""

    def drain(self) -> None:
        """Nothing waits in the store to be dealt with. See `Hearing`."""
        self.behind = False

    def heard_now(self, stored: StoredEvent) -> bool:
        """Offer an event that is in the store now; say whether any run waited for such."""
        driver = self._driver
        self.newest = max(self.newest, stored.number)
        before = len(driver.inbox) + self.put_off_now
        self.offer(stored)
        driver.schedule()
        return len(driver.inbox) + self.put_off_now > before

    def subscribed(self, run: LiveRun, command: Subscribe) -> None:
        """Offer a new listen what came before it, once it is in the store. See `Hearing`.

        Until then the run is not written down as waiting: who takes it up after a crash has to
        offer it all of that, and nobody reads what only waits.
        """
        run.awaited += 1
        self.open(run)
        self._driver.committer.releases.append(lambda: self._catch_up(run, command))

    def _catch_up(self, run: LiveRun, command: Subscribe) -> None:
        run.awaited -= 1
        if run.problem is None:
            self.catch_up(run, command)
            self._driver.recorder.rest(run)
            self._driver.schedule()
        self.opened(run)
