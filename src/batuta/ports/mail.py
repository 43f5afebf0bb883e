"""What a participant sends and receives: the part of its store that conductors have no use for.

The *inbox* holds the ids of the messages that it has taken, for as long as it knows their run: so a
message that comes again is recognised, whatever the bus has forgotten by then. The *outbox* holds
what is to be published; it is written in the transaction of what led to it, and emptied when the
bus has it. What cannot be taken is *parked*, with the reason, for a person to look at.

All of it is written by `Store.commit`, as part of a `Batch`; here is how it is read. A person's
wishes are batches too, from any process: `Batch.redriven` has a parked message taken again by the
participant, when it next looks into its store or starts, and `Batch.unparked` discards it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.ports.bus import Delivered

DEAD, LATE, AGAIN = "dead", "late", "again"
"""Why a message is parked; see `Parked`."""


class Outgoing(msgspec.Struct, frozen=True, array_like=True):
    """A message to publish. `number` orders the outbox; `run` is whose transition led to it."""

    number: int
    id: str
    type: str
    body: bytes
    run: str = ""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was put aside.

    `why` is dead (it could not be taken, and somebody has to see to it), late (what it tells means
    nothing any more, and nobody has to) or again (somebody has, and it is to be taken again).
    `reason` says it in words; `number` is given by the store, `place` is the message's number in
    the bus, 0 for one that the bus did not take from here. What comes again while it is parked
    stays parked once.
    """

    number: int = 0
    at: int
    why: str
    reason: str
    run: str = ""
    id: str
    type: str
    body: bytes
    attempts: int = 1
    place: int = 0

    @classmethod
    def of(cls, message: Delivered, *, at: int, why: str, reason: str, run: str = "") -> Parked:
        """Return what becomes of a message that the bus delivered and that cannot be taken."""
        return cls(
            at=at,
            why=why,
            reason=reason,
            run=run,
            id=message.id,
            type=message.type,
            body=message.body,
            attempts=message.attempt,
            place=message.number,
        )


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A task that somebody asked for over the bus, by the asker's run and key.

    `request` is the CloudEvent that asked, until there is an answer; `answer` is the one that
    answered, until it is forgotten. With neither, it was answered long ago, or by other ways.
    """

    run: str
    key: str
    at: int
    request: bytes | None = None
    answer: bytes | None = None


class Tally(NamedTuple):
    """How much lies in a mailbox: what is still to be published, and what is parked, by `why`."""

    outbox: int
    dead: int
    late: int
    again: int


class Reason(NamedTuple):
    """Why messages are parked: how many, when the newest was, and its number."""

    reason: str
    messages: int
    newest_at: int
    number: int


class Mailbox(Protocol):
    """Reads what a participant has sent, taken and put aside.

    Promises: as for `Store`: what a commit has returned for is found here, all of it or nothing.
    Failure: `UnavailableError` means that it cannot be read now.
    Cancellation: the reads return at once.
    Order: the outbox comes in the order of its numbers, what is parked likewise.
    Repetition: reading changes nothing.
    """

    def has_taken(self, run: str, message: str) -> bool:
        """Say whether a message of a run is in the inbox."""
        ...

    def last_taken(self, run: str, prefix: str) -> str | None:
        """Return the greatest name in a run's inbox that begins so, compared by code points."""
        ...

    def known(self, runs: Iterable[str]) -> set[str]:
        """Return which of these runs were ever known here, those that were forgotten too."""
        ...

    def outbox(self, after: int = 0, *, limit: int = 1000) -> list[Outgoing]:
        """Return what is still to be published, by number."""
        ...

    def parked(self, why: str = DEAD, *, after: int = 0, limit: int = 100) -> list[Parked]:
        """Return what was put aside, by number."""
        ...

    def parked_one(self, number: int) -> Parked | None:
        """Return one message that was put aside."""
        ...

    def tally(self) -> Tally:
        """Return how much lies here."""
        ...

    def reasons(self, why: str = DEAD) -> list[Reason]:
        """Return why messages are parked, the most frequent reason first."""
        ...

    def served(self, run: str, key: str) -> Served | None:
        """Return what came of a request, None when there never was one; known for ever."""
        ...

    def unanswered(self) -> list[Served]:
        """Return the requests that are still to be answered, oldest first."""
        ...
