"""What a viewer keeps of choreographed runs: rows for lists, and what their tasks lived through.

Nobody drives a choreographed run as a whole, so nobody's journal tells all of it. What participants
tell on the bus is gathered here, beside the rows of orchestrated runs, so that both are looked at
in one way. All of it is derived: it can be gathered again for as long as the bus keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from batuta.ports.sla import Notes


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What is now known of a run; None is what has not been told. Times are epoch milliseconds.

    `workflow` is its identity, `setup` what a process needs to go on with it, `keys` what it is
    found by, `origin` a run that it repeats (`RunRow`).
    """

    run: str
    workflow: str
    digest: str | None = None
    started_at: int
    parent: str | None = None
    setup: str | None = None
    status: str | None = None
    ended_at: int | None = None
    output: bytes | None = None
    fault: bytes | None = None
    keys: bytes | None = None
    origin: str | None = None


class Report(msgspec.Struct, frozen=True, array_like=True):
    """One change in a task's life, as a participant has told it.

    `key`, `what` and `attempt` say which change it is, `at` when it was; of those of one moment,
    `place` (the message's number in the bus) and `position` (in the message) give the order. `body`
    is a `kernel.lifecycle.Happened` as JSON.
    """

    run: str
    key: str
    what: str
    attempt: int
    at: int
    place: int
    position: int
    body: bytes


class Exchanged(msgspec.Struct, frozen=True, array_like=True):
    """A message of a bus that concerns a run, by its number there.

    `at` is epoch milliseconds. It is about the run, or published by it; with a `task`, the listen
    of this reference has heard it at that time, of this `participant`.
    """

    run: str
    at: int
    number: int
    task: str = ""
    participant: str | None = None


class Views(Protocol):
    """Keeps what is seen of choreographed runs.

    Promises: `see` writes all that it is given or nothing, the place too, so that what was read
        from the bus is neither missed nor counted twice. A run that has ended never changes.
        The rows of orchestrated runs, and runs that were known and forgotten, are not touched.
    Failure: `UnavailableError` means that nothing was written, and the same may be given again.
    Cancellation: the reads return at once; `see` is called from any thread and cannot be cancelled.
    Order: reports come by time, then in the order in which they were told.
    Repetition: what is told again changes nothing.
    """

    def see(
        self,
        sightings: Collection[Sighting],
        reports: Iterable[Report],
        bus: str,
        place: int,
        notes: Notes | None = None,
        exchanged: Iterable[Exchanged] = (),
    ) -> None:
        """Write down what was read from a bus, up to a place in it; an empty `bus` is no bus.

        Of `exchanged` those count that concern runs which are known here, orchestrated ones too.

        Of `notes` the promises that were made and have ended count, and when to see (`checked`)
        whether a run is stuck: until then it is not.
        """
        ...

    def to_check(self, now: int, limit: int = 100) -> list[str]:
        """Return the choreographed runs of which it is time to see whether they are stuck."""
        ...

    def next_check(self) -> int | None:
        """Return when that is time next."""
        ...

    def status(self, run: str) -> str | None:
        """Return a run's status as it was last told, None for a run that is not known."""
        ...

    def reports(self, run: str) -> list[bytes]:
        """Return what was told of a run's tasks."""
        ...

    def exchanged(self, run: str, after: tuple[int, int, str], limit: int = 100) -> list[Exchanged]:
        """Return messages that concern a run, by time, number and task, behind such a place."""
        ...

    def place(self, bus: str) -> int:
        """Return how far a bus was read, 0 when it never was."""
        ...
