"""A participant's part of a run, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.events import Facts
from batuta.runtime.shared.driving.live import LiveRun

if TYPE_CHECKING:
    from batuta.choreography.projection import Projection
    from batuta.kernel.commands import Departure
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.runtime.participant.deliveries import Arrival
    from batuta.runtime.shared.envelope import End


class PartRun(LiveRun):
    """What a participant knows of a run.

    `taken` are the names of messages that this process has brought to it (all that ever were,
    unless it `is_from_store`), each with its arrival while the part has yet to take it.
    `wished` is the place on the bus of the last wish to suspend or resume it, None while it is not
    known here. `departing`, `published` and `finish` are what the step under way sends; `closed`
    says that it ended elsewhere; `projection` are its workflow's rules.
    """

    __slots__ = (
        "closed",
        "departing",
        "finish",
        "is_from_store",
        "projection",
        "published",
        "taken",
        "wished",
    )

    def __init__(self, run_id: str, program: Program, state: RunState, seq: int) -> None:
        super().__init__(run_id, program, state, seq)
        self.watch = []
        self.taken: dict[str, Arrival | None] = {}
        self.is_from_store = False
        self.wished: int | None = None
        self.departing: list[Departure] = []
        self.published: list[dict[str, Any]] = []
        self.finish: End | None = None
        self.closed = False
        self.projection: Projection

    def shown(self, value: Any) -> Any:
        """Return a value as others may see it."""
        return value if self.secrets is None else self.secrets.mask(value)

    def know(self, facts: Facts) -> None:
        """Take in what the state does not hold of what goes along with every token."""
        self.first_event = facts.first_event
        self.parent, self.parent_key = facts.parent, facts.parent_key

    @property
    def told_keys(self) -> dict[str, Any]:
        """What the run is found by, if that was evaluated here."""
        return {} if self.keys is None else msgspec.json.decode(self.keys)

    def facts(self) -> Facts:
        """Return what goes along with every token."""
        state = self.state
        return Facts(
            self.id,
            state.origin,
            state.started,
            state.input,
            state.behaviour,
            self.first_event,
            self.parent,
            self.parent_key,
        )
