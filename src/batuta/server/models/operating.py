"""What operators see besides runs: participants, dead letters, triggers, the map, the audit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from batuta.server.models.base import Granted, Role, Shape, Time

LetterId = Field(min_length=1, max_length=512)


class LagModel(Shape):
    """How many messages wait for a participant, and how long some have, as seen from here."""

    messages: int
    oldest_seconds: float


class ParticipantModel(Shape):
    """A participant: where it is, and how far behind. `inbox` is what it has not acknowledged."""

    name: str
    title: str
    owner: str
    place: Literal["here", "process", "external"]
    status: Literal["up", "silent"]
    workflows: list[str]
    inbox: int
    outbox: int
    lag: LagModel
    dead: int
    last_seen_at: Time | None


class LetterModel(Shape):
    """A message that was put aside; `event` is the CloudEvent, or the text of what is none."""

    id: str
    participant: str
    status: Literal["dead", "late", "again"]
    reason: str
    at: Time
    type: str
    run: str | None
    message: str
    attempts: int
    event: Any


class LetterGroup(Shape):
    """Letters that one participant put aside for one reason; `sample` is the newest's id."""

    reason: str
    participant: str
    count: int
    newest_at: Time
    sample: str


class LettersBody(Shape):
    """Which letters."""

    ids: list[str] = Field(min_length=1, max_length=1_000)


class DiscardBody(Shape):
    """Which letters, and why nobody needs them."""

    ids: list[str] = Field(min_length=1, max_length=1_000)
    reason: str = Field(default="", max_length=1_000)


class RedriveBody(Shape):
    """The event as it is to be taken: its id, source and type stay."""

    body: dict[str, Any]


class LettersDone(Shape):
    """How many letters it was done to."""

    done: int


class TriggerModel(Shape):
    """A part of a workflow's schedule; `events` are the types that start a run, empty for any."""

    workflow: str
    kind: Literal["every", "cron", "after", "on"]
    expression: str
    next_at: Time | None
    last_at: Time | None
    last_run: str | None
    events: list[str]


class MapNode(Shape):
    """Somebody who takes part; `world` is whoever is none of ours, and not named."""

    name: str
    kind: Literal["participant", "external", "conductor", "world"]
    up: bool
    lag: int


class MapEdge(Shape):
    """Somebody tells somebody something; `type` is the event's, `task` what a conductor asks."""

    from_: str = Field(alias="from")
    to: str
    type: str
    count: int
    per_minute: float
    errors: int
    last_at: Time | None
    declared: bool
    seen: bool


class MapModel(Shape):
    """Participants, and the events between them."""

    nodes: list[MapNode]
    edges: list[MapEdge]


class EventEntryModel(Shape):
    """A type of event; who publishes or hears it is a participant, or else a workflow."""

    type: str
    producers: list[str]
    consumers: list[str]
    schema_: Any = Field(alias="schema")


class FunctionModel(Shape):
    """A Python function that workflows may call; `input` and `output` are JSON Schemas."""

    name: str
    version: str
    input: Any
    output: Any
    doc: str


class ServiceModel(Shape):
    """A service that tasks call."""

    kind: str
    at: str
    tasks: list[str]


class CatalogueModel(Shape):
    """What there is to connect."""

    events: list[EventEntryModel]
    functions: list[FunctionModel]
    services: list[ServiceModel]


class AuditModel(Shape):
    """Somebody changed something."""

    number: int
    at: Time
    who: str
    by: str
    action: str
    target: str
    detail: dict[str, Any]


class SettingsModel(Shape):
    """The settings, without what is secret in them."""

    settings: dict[str, Any]
    version: str


class BulkFilter(Shape):
    """Which runs; all that is said has to hold."""

    workflow: str | None = None
    version: str | None = None
    control: Literal["orchestrated", "choreographed"] | None = None
    participant: str | None = None
    status: (
        list[Literal["running", "waiting", "suspended", "completed", "faulted", "cancelled"]] | None
    ) = None
    stuck: bool | None = None
    since: str | None = None
    until: str | None = None
    error: str | None = None
    keys: dict[str, str] = Field(default_factory=dict)
    q: str | None = None


class BulkBody(Shape):
    """What to do to many runs."""

    action: Literal["cancel", "suspend", "resume", "retry"]
    filter: BulkFilter
    compensate: bool = True


class BulkMatched(Shape):
    """How many runs it would be done to; `more` when only so many were counted."""

    matched: int
    more: bool


class BulkFailure(Shape):
    """A run that it could not be done to, and why."""

    run: str
    error: str


class BulkModel(Shape):
    """How far it has come."""

    id: str
    action: Literal["cancel", "suspend", "resume", "retry"]
    matched: int
    done: int
    failed: list[BulkFailure]
    state: Literal["running", "done", "stopped"]


class KeyModel(Shape):
    """An API key, without itself."""

    id: str
    name: str
    role: Role
    namespaces: list[str]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    grants: list[Granted]


class KeyBody(Shape):
    """What a new key is for; without `days` it is good until it is revoked."""

    name: str = Field(min_length=1, max_length=200, pattern=r"\S")
    role: Role
    namespaces: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=["*"], min_length=1, max_length=100
    )
    days: int | None = Field(default=None, ge=1, le=3_650)
    grants: list[Granted] = Field(default_factory=list[Granted], max_length=10)


class MadeKeyModel(Shape):
    """A new key: `token` is what to send, and is not shown again."""

    key: KeyModel
    token: str
