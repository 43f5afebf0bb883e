"""How everything does: workflows, participants, promises."""

from __future__ import annotations

from typing import Literal

from batuta.server.models.base import Shape, Time


class ControlCounts(Shape):
    """Runs by control model."""

    orchestrated: int
    choreographed: int


class WorkflowHealthModel(Shape):
    """How a workflow does: runs that started lately, and all that are under way."""

    workflow: str
    control: ControlCounts
    runs: int
    completed: int
    faulted: int
    cancelled: int
    running: int
    waiting: int
    suspended: int
    stuck: int
    success_rate: float | None
    p50_ms: int | None
    p95_ms: int | None
    last_ended_at: Time | None


class ParticipantCounts(Shape):
    """Participants by whether they were seen lately."""

    up: int
    silent: int


class OverviewModel(Shape):
    """How everything does. `dead` counts dead letters, `breaches` promises that were broken."""

    since: Time
    as_of: Time
    workflows: list[WorkflowHealthModel]
    breaches: int
    dead: int
    participants: ParticipantCounts


class ObjectiveModel(Shape):
    """What became of the promises of a task, or of a workflow (`reference` null).

    `within` and `warn` are milliseconds; `burn` is the part that was broken, 0 to 1.
    """

    workflow: str
    reference: str | None
    name: str
    within: int | None
    warn: int | None
    open: int
    met: int
    warned: int
    breached: int
    burn: float


class PromiseModel(Shape):
    """A promise: open or warned while its time runs, breached or met."""

    run: str
    workflow: str
    reference: str | None
    path: str
    name: str
    participant: str | None
    state: Literal["open", "warned", "breached", "met"]
    since: Time
    due_at: Time
    warned_at: Time | None
    breached_at: Time | None
    ended_at: Time | None


class SlaBoardModel(Shape):
    """How soft deadlines are kept, and what is due first."""

    since: Time
    items: list[ObjectiveModel]
    open: list[PromiseModel]
