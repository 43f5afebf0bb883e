"""Deliveries: what the bus has brought, until the bus may forget it.

Here one promise is kept: **a message is acknowledged behind the commit of everything that came of
it, and never before.** (That nothing is published before its commit is kept in `outbox`.)

What a message brings to a part of a run is an *arrival*. A part may take it much later than it
came: it waits for the sandbox, and what comes meanwhile waits behind it. So a delivery counts what
is still to be written down because of it. When nothing is, the last of it stands in the batch under
way, and the delivery is acknowledged when that batch is on disk. A message that comes again while
its first copy waits, waits with it.

What was counted on and then did not reach the disk (the run stopped, or is another process's) makes
the delivery *void*: it is never acknowledged, so the bus brings it again. Whatever cannot be taken
is parked, in the same batch as everything else, which ends the delivery as well.

A message that is *redriven* comes from the store and not from the bus. It is parked until it may be
forgotten; everything else is the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from batuta.errors import BatutaError, KernelBug
from batuta.ports.mail import AGAIN, DEAD, Parked

if TYPE_CHECKING:
    from batuta.kernel.events import Event
    from batuta.ports.bus import Consumption, Delivered
    from batuta.ports.store import Batch
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun
    from batuta.runtime.shared.envelope import Envelope

_log = logging.getLogger("batuta.participant")

MOST_ATTEMPTS = 5
"""Deliveries of a message that cannot be taken now, before it is parked."""

AGAIN_MS = 500


class Delivery:
    """One message that came once.

    `envelope` is what it says, once that was read; `left` counts what is still to be written down,
    and `runs` are those that it is written down for; `parked` is its number in the store when it is
    redriven, else 0.
    """

    __slots__ = ("envelope", "is_void", "left", "message", "parked", "runs")

    def __init__(self, message: Delivered, parked: int = 0) -> None:
        self.message = message
        self.envelope: Envelope | None = None
        self.parked = parked
        self.left = 1
        self.runs: list[str] = []
        self.is_void = False


class Arrival:
    """An event that a message brings to a part, while the part has not taken it."""

    __slots__ = ("deliveries", "event", "name")

    def __init__(self, name: str, event: Event, delivery: Delivery) -> None:
        self.name = name
        self.event = event
        self.deliveries = [delivery]


class Deliveries:
    """The deliveries of one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self.consumption: Consumption | None = None
        self._open: set[Delivery] = set()
        self._arriving: dict[int, Arrival] = {}
        """By the identity of the event."""
        self._done: list[Delivery] = []
        self._batch: Batch | None = None
        self._redriven: set[int] = set()

    def begin(self, message: Delivered, parked: int = 0) -> Delivery:
        """Begin a delivery; `written` ends it, as does `park`, or `put_off` for now."""
        delivery = Delivery(message, parked)
        self._open.add(delivery)
        return delivery

    # -- what a part takes -------------------------------------------------------------------------

    def bring(self, run: PartRun, event: Event, name: str, delivery: Delivery) -> None:
        """Let a part take an event, unless it has taken one of this name before.

        Raises:
            KernelBug: the run has stopped, and takes nothing.
        """
        if self.came_before(run, name, delivery):
            return
        if run.problem is not None:
            raise KernelBug(run.problem)
        arrival = run.taken[name] = Arrival(name, event, delivery)
        delivery.left += 1
        delivery.runs.append(run.id)
        self._arriving[id(event)] = arrival
        self._participant.taking.take(run, event)

    def came_before(self, run: PartRun, name: str, delivery: Delivery) -> bool:
        """Say whether this was brought to a part before; if it still waits, this delivery does."""
        if name in run.taken:
            delivery.runs.append(run.id)
            first = run.taken[name]
            if first is not None:
                first.deliveries.append(delivery)
                delivery.left += 1
            return True
        return run.is_from_store and self._participant.mail.has_taken(run.id, name)

    def became(self, event: Event, both: Event) -> None:
        """What a message brought is taken as another event, which tells what came of it, too."""
        arrival = self._arriving.pop(id(event), None)
        if arrival is not None:
            arrival.event = both
            self._arriving[id(both)] = arrival

    def took(self, run: PartRun, event: Event) -> None:
        """A part has taken an event: if a message brought it, that goes into the inbox with it."""
        arrival = self._arriving.pop(id(event), None)
        if arrival is not None:
            run.taken[arrival.name] = None
            self._participant.committer.batch.inbox.append((run.id, arrival.name))
            for delivery in arrival.deliveries:
                self.written(delivery)

    def refused(self, run: PartRun, event: Event, bug: KernelBug) -> bool:
        """A part cannot take an event: park what brought it; say whether a message did.

        The run stands where it stood before, and others of its messages are taken.
        """
        arrival = self._arriving.pop(id(event), None)
        if arrival is None:
            return False
        del run.taken[arrival.name]
        for delivery in arrival.deliveries:
            self.park(delivery, DEAD, bug.message, run.id)
        return True

    def forsake(self, run: PartRun) -> None:
        """A run stopped, or is another process's: what it was brought may not be on disk."""
        for arrival in run.taken.values():
            if arrival is not None:
                self._arriving.pop(id(arrival.event), None)
        run.taken.clear()
        run.is_from_store = True
        for delivery in [one for one in self._open if run.id in one.runs]:
            self._give_up(delivery)

    # -- how a delivery ends -----------------------------------------------------------------------

    def written(self, delivery: Delivery) -> None:
        """One thing less is to be written down; behind the commit of the last, acknowledge."""
        delivery.left -= 1
        if delivery.left or delivery.is_void:
            return
        committer = self._participant.committer
        if self._batch is not committer.batch:
            self._batch, self._done = committer.batch, []
            done = self._done
            committer.releases.append(lambda: self._acknowledge(done))
        self._done.append(delivery)

    def _acknowledge(self, done: list[Delivery]) -> None:
        """All that came of these deliveries is on disk."""
        done = [one for one in done if not one.is_void]
        self._open.difference_update(done)
        if self.consumption is not None:
            self.consumption.acknowledge([one.message.number for one in done])
        forgotten = [one.parked for one in done if one.parked]
        if forgotten:
            self._participant.committer.batch.unparked += forgotten
            self._participant.schedule()

    def park(self, delivery: Delivery, why: str, reason: str, run: str = "") -> None:
        """Put a message aside, and be done with one thing that was to be written down."""
        message = delivery.message
        if why == DEAD:
            _log.error("message %s (%s) is put aside: %s", message.id, message.type, reason)
        batch = self._participant.committer.batch
        if delivery.parked:
            batch.unparked.append(delivery.parked)
            delivery.parked = 0
        batch.parked.append(
            Parked.of(message, at=self._participant.clock.now(), why=why, reason=reason, run=run)
        )
        self.written(delivery)

    def put_off(self, delivery: Delivery, error: Exception) -> None:
        """A message cannot be taken now: let it come again, or after a few times park it."""
        message = delivery.message
        if message.attempt >= MOST_ATTEMPTS or delivery.parked:
            reason = error.message if isinstance(error, BatutaError) else repr(error)
            self.park(delivery, DEAD, f"tried {message.attempt} times: {reason}")
            return
        _log.warning("message %s cannot be taken now: %r", message.id, error)
        self._give_up(delivery)
        if self.consumption is not None:
            self.consumption.refuse(message.number, AGAIN_MS * 2**message.attempt)

    def _give_up(self, delivery: Delivery) -> None:
        delivery.is_void = True
        self._open.discard(delivery)

    # -- what is redriven --------------------------------------------------------------------------

    def redriven(self) -> list[Parked]:
        """Return what somebody wants to be taken again, each once."""
        found = [
            one for one in self._participant.mail.parked(AGAIN) if one.number not in self._redriven
        ]
        self._redriven.update(one.number for one in found)
        return found
