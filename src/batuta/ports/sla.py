"""Soft deadlines (`metadata.sla`): which run, since when something is promised, and what was kept.

A *promise* is one occurrence of a task that has an SLA, or a run whose workflow has one. It is
written down in the transaction in which control reaches the task, so that its time comes whatever
crashes in between, and stays as long as its run is kept. That it was warned of or broken is written
in the transaction that publishes so, once.

All of it is written by `Store.commit`, as part of a `Batch` (`Batch.notes`), or by `Views.see`;
here is how it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.alerts import Alert

WARNED, BROKEN = "warned", "breached"
"""What is told of a promise."""

OPEN, KEPT = "open", "met"
"""States of a promise besides those two: its time runs; its task ended in time, unwarned or not."""

THE_RUN = ""
"""The key of a run's own promise."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A promise. Times are epoch milliseconds.

    `key` is the occurrence of the task (reference and path), `THE_RUN` for the run itself. `since`
    is when control reached it, `due_at` when it is broken, `warn_at` when that comes near (None:
    nobody is warned). `acts` says that somebody acts in it, who is stuck when it is broken.
    """

    run: str
    key: str
    workflow: str
    control: str
    reference: str
    name: str
    participant: str | None
    acts: bool
    since: int
    warn_at: int | None
    due_at: int
    warned_at: int | None = None
    breached_at: int | None = None
    ended_at: int | None = None

    @property
    def state(self) -> str:
        """How it stands: open, warned, breached or met."""
        if self.breached_at is not None:
            return BROKEN
        if self.ended_at is not None:
            return KEPT
        return OPEN if self.warned_at is None else WARNED

    @property
    def next_at(self) -> int | None:
        """When there is something to tell of it, None when there is nothing any more."""
        if self.breached_at is not None:
            return None
        if self.ended_at is not None:
            return self.due_at if self.ended_at > self.due_at else None
        return self.due_at if self.warned_at is not None or self.warn_at is None else self.warn_at


class Told(NamedTuple):
    """That something was told of a promise: `what` is warned or breached."""

    run: str
    key: str
    what: str
    at: int


class Tally(NamedTuple):
    """What became of the promises of one task, or one workflow (reference ""), of a time."""

    workflow: str
    reference: str
    name: str
    open: int
    met: int
    warned: int
    breached: int


class Notes:
    """What a batch has to say of promises, alerts, and of who is stuck."""

    __slots__ = ("alerts", "checked", "ended", "made", "stuck", "told")

    def __init__(self) -> None:
        self.made: list[Promise] = []
        """One that is there already stays as it is."""
        self.ended: list[tuple[str, str, int]] = []
        """(run, key, time): the task ended; with the key `THE_RUN` all of the run."""
        self.told: list[Told] = []
        """What was told before stays as it was."""
        self.alerts: list[Alert] = []
        """One that is there already stays as it is."""
        self.stuck: list[tuple[str, int | None]] = []
        """(run, since when nobody acts who should); None: somebody does."""
        self.checked: list[tuple[str, int | None]] = []
        """(run, when to look again whether it is stuck); None: once more is seen of it."""

    def __bool__(self) -> bool:
        """Say whether there is anything."""
        return bool(
            self.made or self.ended or self.told or self.alerts or self.stuck or self.checked
        )

    def without(self, runs: frozenset[str]) -> None:
        """Leave out all that is said of some runs."""
        self.made = [one for one in self.made if one.run not in runs]
        self.ended = [one for one in self.ended if one[0] not in runs]
        self.told = [one for one in self.told if one.run not in runs]
        self.alerts = [one for one in self.alerts if one.run not in runs]
        self.stuck = [one for one in self.stuck if one[0] not in runs]
        self.checked = [one for one in self.checked if one[0] not in runs]


class Follower(Protocol):
    """Follows what a conductor's runs live through, while it writes that down.

    Promises: what it notes is in the transaction of what it is told.
    Failure: what it raises stops the run that it is told of, as a bug.
    Cancellation: not applicable; the calls return at once.
    Order: of one run, as things happen to it.
    Repetition: what was noted before may be noted again.
    """

    def is_busy(self) -> None:
        """A run is under way: somebody may be expected to act in it."""
        ...

    def began(self, program: Program, run: str, now: int, notes: Notes) -> None:
        """A run of a workflow that promises something begins."""
        ...

    def goes_on(self, program: Program, state: RunState, now: int, notes: Notes) -> None:
        """Such a run begins with the history of another."""
        ...

    def lived(self, program: Program, run: str, told: Iterable[Happened], notes: Notes) -> None:
        """Such a run's tasks have lived through something."""
        ...

    def ended(self, run: str, at: int, notes: Notes) -> None:
        """Such a run has ended."""
        ...

    def adopted(self) -> None:
        """Runs of another conductor are this one's now."""
        ...


class Promises(Protocol):
    """Tells of promises.

    Promises: what was written in one transaction is seen together.
    Failure: `UnavailableError`; the same may be asked again.
    Cancellation: the reads return at once.
    Order: by time, as each says.
    Repetition: reading changes nothing.
    """

    def promises_due(self, owner: str, now: int, limit: int = 500) -> list[Promise]:
        """Return the promises of which there is something to tell, the longest due first.

        Of a run that a conductor drives it is for that one to tell, its `owner`; of one that has
        ended, or that nobody drives as a whole, for anybody.
        """
        ...

    def next_promise(self, owner: str) -> int | None:
        """Return when there is something for an owner to tell of a promise next."""
        ...

    def promises_of(self, run: str) -> list[Promise]:
        """Return a run's promises, by when they began."""
        ...

    def open_promises(self, limit: int = 100) -> list[Promise]:
        """Return promises whose task has not ended, those due first first."""
        ...

    def tallies(self, since: int) -> list[Tally]:
        """Return what became of promises that began at a time or later, by workflow and task."""
        ...

    def promise_states(self, runs: list[str]) -> dict[str, str]:
        """Return of each of these runs with promises the worst state that one of them is in."""
        ...
