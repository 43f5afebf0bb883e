"""The shapes of answers and bodies: what the OpenAPI document is made of.

Bodies are held against these shapes. Answers are written by `answers.Answer` from the values of the
use cases, without going through them; that they have these shapes is what the tests of the document
see to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")

Control = Literal["orchestrated", "choreographed"]
Status = Literal["running", "waiting", "suspended", "completed", "faulted", "cancelled"]
Role = Literal["viewer", "operator", "deployer", "admin"]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An RFC 3339 text in UTC."""
Moment = datetime
"""A time in a query."""


class Shape(BaseModel):
    """Base of every shape: camelCase outside, nothing unknown, no guessing of types."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=True
    )


class Page(Shape, Generic[T]):
    """A part of a list: `next` goes into `after` to get what follows, null at the end."""

    items: list[T]
    next: str | None = None


class Fault(BaseModel):
    """What a run or task came to: RFC 7807 members as the DSL has them."""

    model_config = ConfigDict(extra="allow")
    type: str
    status: int
    title: str | None = None
    detail: str | None = None
    instance: str | None = None


class ProblemItem(BaseModel):
    """One thing that is wrong: in a document with its line, in a body with its place."""

    model_config = ConfigDict(extra="allow")
    code: str
    message: str
    path: str = ""
    hint: str = ""
    line: int | None = None
    column: int | None = None
    severity: Literal["error", "warning"] = "error"
    value: str = ""
    expected: str = ""


class ProblemDetails(Shape):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    errors: list[ProblemItem]


class RunModel(Shape):
    """A run. `problem` says why it stands still that should not."""

    id: str
    workflow: str
    version: str
    control: Control
    status: Status
    output: Any = None
    error: Fault | None
    started_at: Time
    ended_at: Time | None
    problem: str | None
    parent: str | None


class TaskModel(Shape):
    """One task of a run's timeline; `path` tells occurrences of the same task apart."""

    reference: str
    name: str
    kind: str
    participant: str | None
    status: str
    attempt: int
    iteration: int | None
    started_at: Time
    ended_at: Time | None
    path: str
    input: Any = None
    output: Any = None
    error: Fault | None


class StartBody(Shape):
    """What to run: `namespace/name`, or `namespace/name:version`, or the version beside it."""

    workflow: str = Field(min_length=1, max_length=512)
    version: str | None = Field(default=None, max_length=128)
    control: Control | None = None
    input: Any = None


class CancelBody(Shape):
    """Whether what was completed is undone."""

    compensate: bool = True


class RetryBody(Shape):
    """From where a faulted run goes on: where it faulted, a task, or the start."""

    from_: str | None = Field(default=None, alias="from", max_length=2_048)
    from_start: bool = False
    input: Any = None


class SessionBody(Shape):
    """The token to make a session of."""

    token: str = Field(max_length=1_024)


class SessionModel(Shape):
    """Who is asking. `csrf` goes into `X-CSRF-Token` with every change."""

    user: str
    role: Role
    namespaces: list[str]
    csrf: str | None
    production: bool


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


class CloudEvent(BaseModel):
    """A CloudEvent 1.0, with whatever extension attributes it has."""

    model_config = ConfigDict(extra="allow")
    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None


class EventModel(Shape):
    """A published event, with its place in the order of all."""

    number: int
    at: Time
    event: CloudEvent


class Accepted(Shape):
    """How many events were taken; they are durable."""

    accepted: int
