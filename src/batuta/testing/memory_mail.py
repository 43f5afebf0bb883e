"""The oracle's share of mail: `ports.mail.Mailbox` over the dictionaries of a `Memory`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.ports.mail import AGAIN, DEAD, LATE, Outgoing, Parked, Reason, Served, Tally
from batuta.ports.store import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.ports.store import Batch
    from batuta.testing.memory_store import Memory


def identity_of(event: dict[str, Any]) -> tuple[str, str]:
    """Return what an event is known by."""
    return event["source"], event["id"]


class MemoryMailbox:
    """Reads mail; a store gives it its memory."""

    _memory: Memory

    def has_taken(self, run: str, message: str) -> bool:
        """Say whether a message is in the inbox. See the port."""
        return message in self._memory.inbox.get(run, ())

    def last_taken(self, run: str, prefix: str) -> str | None:
        """Return the greatest name in a run's inbox that begins so. See the port."""
        inbox = self._memory.inbox.get(run, ())
        return max((one for one in inbox if one.startswith(prefix)), default=None)

    def known(self, runs: Iterable[str]) -> set[str]:
        """Return which runs were ever known here. See the port."""
        return {one for one in runs if one in self._memory.runs or one in self._memory.past}

    def outbox(self, after: int = 0, *, limit: int = 1000) -> list[Outgoing]:
        """Return what is still to be published. See the port."""
        kept = self._memory.outbox
        return [kept[number] for number in sorted(kept) if number > after][:limit]

    def parked(self, why: str = DEAD, *, after: int = 0, limit: int = 100) -> list[Parked]:
        """Return what was put aside. See the port."""
        kept = self._memory.parked.values()
        return [one for one in kept if one.why == why and one.number > after][:limit]

    def parked_one(self, number: int) -> Parked | None:
        """Return one message that was put aside. See the port."""
        return self._memory.parked.get(number)

    def served(self, run: str, key: str) -> Served | None:
        """Return what came of a request. See the port."""
        return self._memory.served.get((run, key))

    def unanswered(self) -> list[Served]:
        """Return the requests that are still to be answered. See the port."""
        found = [one for one in self._memory.served.values() if one.request is not None]
        return sorted(found, key=lambda one: (one.at, one.run, one.key))

    def tally(self) -> Tally:
        """Return how much lies here. See the port."""
        whys = Counter(one.why for one in self._memory.parked.values())
        return Tally(len(self._memory.outbox), whys[DEAD], whys[LATE], whys[AGAIN])

    def reasons(self, why: str = DEAD) -> list[Reason]:
        """Return why messages are parked. See the port."""
        groups: dict[str, list[Parked]] = {}
        for one in self._memory.parked.values():
            if one.why == why:
                groups.setdefault(one.reason, []).append(one)
        found = [
            Reason(reason, len(ones), max(o.at for o in ones), max(o.number for o in ones))
            for reason, ones in groups.items()
        ]
        return sorted(found, key=lambda one: (-one.messages, one.reason))


def write_mail(memory: Memory, batch: Batch) -> None:
    """Take what a batch has of mail."""
    for run, message in batch.inbox:
        memory.inbox.setdefault(run, set()).add(message)
    for one in batch.outbox:
        memory.outbox[one.number] = one
    for number in batch.sent:
        memory.outbox.pop(number, None)
    for number, at, event in batch.heard:
        # An event has one number and a number one event: whatever came first stays.
        if number not in memory.events and identity_of(event) not in memory.identities:
            memory.identities[identity_of(event)] = number
            memory.events[number] = StoredEvent(number=number, at=at, event=event)
            memory.last_event = max(memory.last_event, number)
    _park(memory, batch)
    for one in batch.served:
        memory.served[one.run, one.key] = one
    for key in batch.unserved:
        memory.served.pop(key, None)


def _park(memory: Memory, batch: Batch) -> None:
    for number in batch.unparked:
        memory.parked.pop(number, None)
    for number in batch.redriven:
        if number in memory.parked:
            again = msgspec.structs.replace(memory.parked[number], why=AGAIN)
            memory.parked[number] = again
    for one in batch.parked:
        if one.place and any(known.place == one.place for known in memory.parked.values()):
            continue
        memory.last_parked += 1
        number = memory.last_parked
        memory.parked[number] = msgspec.structs.replace(one, number=number)
