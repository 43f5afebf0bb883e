"""Workflows: their versions, pictures and rules."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from batuta.server.models.base import Control, ProblemItem, Shape, Time


class WorkflowModel(Shape):
    """A workflow with its versions, the newest first."""

    name: str
    versions: list[str]
    latest: str
    control: Control
    participants: list[str]
    title: str
    summary: str
    deployed_at: Time


class ParticipantRef(Shape):
    """A participant as a workflow declares it."""

    name: str
    title: str
    owner: str
    external: bool


class ScheduleModel(Shape):
    """When runs start by themselves."""

    every_ms: int | None
    cron: str | None
    after_ms: int | None
    on: bool


class VersionProblems(Shape):
    """What a check finds, under each control model."""

    orchestrated: list[ProblemItem]
    choreographed: list[ProblemItem]


class VersionModel(Shape):
    """One version of a workflow; `runs` counts those that have not ended, by status."""

    identity: str
    source: str
    control: Control
    participants: list[ParticipantRef]
    schedule: ScheduleModel | None
    problems: VersionProblems
    runs: dict[str, int]
    deployed_at: Time


class Deployed(Shape):
    """What was deployed: `namespace/name:version`."""

    identity: str


class Checked(Shape):
    """What a check found; `ok` when no problem is an error."""

    ok: bool
    problems: list[ProblemItem]


class NodeModel(Shape):
    """A task in the picture; `parent` is the task that it stands in, `line` is of the source."""

    id: str
    name: str
    kind: str
    participant: str | None
    parent: str | None
    line: int | None
    summary: str


class EdgeModel(Shape):
    """How control goes on."""

    from_: str = Field(alias="from")
    to: str
    label: str
    kind: Literal["next", "branch", "case", "catch", "loop", "compensate", "event"]


class GraphModel(Shape):
    """A workflow's tasks, and how control gets from one to another."""

    nodes: list[NodeModel]
    edges: list[EdgeModel]


class RuleTask(Shape):
    """A task that a rule has performed."""

    reference: str
    name: str
    kind: str


class RuleModel(Shape):
    """On one of these events, when this holds, do these tasks, then publish these."""

    on: list[str]
    when: str | None
    tasks: list[RuleTask]
    then: list[str]
    joins: str | None
    undoes: str | None


class ParticipantRules(Shape):
    """What one participant does on its own; `hears` null is everything."""

    name: str
    external: bool
    hears: list[str] | None
    rules: list[RuleModel]


class RuleFlow(Shape):
    """An event of one participant that another one acts upon."""

    from_: str = Field(alias="from")
    to: str
    type: str


class RulesModel(Shape):
    """Each participant's rules; `begins` reacts to the start."""

    begins: str
    participants: list[ParticipantRules]
    flow: list[RuleFlow]
