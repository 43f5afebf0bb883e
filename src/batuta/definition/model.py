"""The checked workflow, as values.

Owns the shape of a document once it is known to be right: one class per construct of the DSL
(1.0.3, `dsl-reference.md`), in Python names. Does not own parsing or checking (`parse`, `checks`)
and gives nothing a meaning (`batuta.kernel`). What a class holds unevaluated, that is anything that
may contain `${ ... }`, is typed `Template` (any JSON value) or `ExpressionText` (a bare or wrapped
expression); the kernel compiles both.

Every task carries its *reference*: the JSON Pointer of the task in the document
(`/do/0/reserve`, `/do/1/pay/try/0/charge`, `/do/1/pay/catch/do/0/tell`,
`/do/2/all/fork/branches/0/left`, `/do/3/each/do/0/x`, `/do/4/hear/foreach/do/0/x`,
`/use/functions/NAME`). Names in it are escaped as RFC 6901 says.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
Template: TypeAlias = Any
ExpressionText: TypeAlias = str


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every value here: immutable, compared by content."""


class Schema(Value, frozen=True, kw_only=True):
    """A schema for data: inline (`document`) or elsewhere (`resource`)."""

    format: str = "json"
    document: Json = None
    resource: Resource | None = None


class Resource(Value, frozen=True, kw_only=True):
    """An external resource: a document, schema, script or function found at `endpoint`."""

    endpoint: Endpoint
    name: str | None = None


class Endpoint(Value, frozen=True, kw_only=True):
    """Where to call: a URI template (RFC 6570 level 1) or a whole-string expression."""

    uri: Template
    authentication: Authentication | None = None


class Authentication(Value, frozen=True, kw_only=True):
    """How to authenticate.

    `scheme` is basic, bearer, digest, oauth2 or oidc; `secret` names the secret that holds the
    properties when they are not inline; a policy used by name is resolved when it is parsed.
    `properties` holds the DSL's own property names.
    """

    scheme: str
    properties: dict[str, Template] = {}
    secret: str | None = None

    def as_json(self) -> dict[str, Template]:
        """Return it as callers take it, once what is a template in it has been evaluated."""
        if self.secret is not None:
            return {"scheme": self.scheme, "secret": self.secret}
        return {"scheme": self.scheme, "properties": self.properties}


class Duration(Value, frozen=True, kw_only=True):
    """A length of time: `milliseconds` when fixed, else an `expression` that yields a duration.

    An expression may yield an ISO 8601 string or an object with days ... milliseconds.
    """

    milliseconds: int | None = None
    expression: ExpressionText | None = None


class DataFlow(Value, frozen=True, kw_only=True):
    """One of `input` (transform is `from`), `output` or `export` (transform is `as`)."""

    schema: Schema | None = None
    transform: Template = None
    """None when absent. A string is an expression, bare or wrapped; an object is a template."""


class ErrorDefinition(Value, frozen=True, kw_only=True):
    """An error to raise; `instance` is set by the runtime unless given."""

    type: Template
    status: Template
    title: Template = None
    detail: Template = None
    instance: Template = None


class Backoff(Value, frozen=True, kw_only=True):
    """How delays grow: constant (delay), linear (delay*n), exponential (delay*factor^(n-1))."""

    kind: str = "constant"
    factor: float = 2.0
    maximum_ms: int | None = None


class RetryPolicy(Value, frozen=True, kw_only=True):
    """When and how often a try starts again. `count` is the number of retries after the first."""

    when: ExpressionText | None = None
    except_when: ExpressionText | None = None
    delay: Duration | None = None
    backoff: Backoff = Backoff()
    jitter_from: Duration | None = None
    jitter_to: Duration | None = None
    count: int | None = None
    attempt_duration: Duration | None = None
    total_duration: Duration | None = None


class EventFilter(Value, frozen=True, kw_only=True):
    """Which events are meant: attributes to match, and values to correlate.

    An attribute without `${}` must be equal; with it, the expression is a predicate whose `.` is
    the attribute's value.
    """

    attributes: dict[str, Template]
    correlate: dict[str, Correlation] = {}


class Correlation(Value, frozen=True, kw_only=True):
    """A value read `from` an event, equal to `expect`, or to the first one seen when absent."""

    source: ExpressionText
    expect: Template = None


class Consumption(Value, frozen=True, kw_only=True):
    """What a listen waits for: mode is one, any or all."""

    mode: str
    filters: tuple[EventFilter, ...]
    until_expression: ExpressionText | None = None
    until_events: Consumption | None = None
    forever: bool = False
    """True for `any` with `until: false`."""


class Iterator(Value, frozen=True, kw_only=True):
    """`foreach` of a listen or of a subscription."""

    item: str = "item"
    at: str = "index"
    do: tuple[Task, ...] = ()
    output: DataFlow | None = None
    export: DataFlow | None = None


class Sla(Value, frozen=True, kw_only=True):
    """A soft deadline that alerts (ours; not the DSL's hard `timeout`). Milliseconds."""

    within_ms: int
    warn_ms: int | None = None


class Participant(Value, frozen=True, kw_only=True):
    """A system taking part, as `document.metadata.participants` declares it."""

    name: str
    title: str = ""
    owner: str = ""
    external: bool = False
    """A service that is not ours: it performs calls, by the contract that it is given."""


class Task(Value, frozen=True, kw_only=True):
    """What every kind of task has; the kinds are the subclasses below, a closed union."""

    name: str
    reference: str
    condition: ExpressionText | None = None
    input: DataFlow | None = None
    output: DataFlow | None = None
    export: DataFlow | None = None
    timeout: Duration | None = None
    then: str = "continue"
    metadata: dict[str, Json] = {}
    participant: str | None = None
    """Who performs it, after inheritance; None when nobody is named."""
    event: str | None = None
    compensate: Task | None = None
    """Reference is the owner's reference + `/metadata/compensate`."""
    sla: Sla | None = None
    definition: Json = None
    """The task as written (plain JSON): `$task.definition`."""


class CallTask(Task, frozen=True, kw_only=True):
    """`call`: `target` is http, openapi, asyncapi, grpc, a2a, mcp or a function's name.

    `arguments` is `with`, unevaluated, as written, except that authentication policies in it were
    resolved into `authentication` (and `endpoint`/`document` stay as written without them).
    """

    target: str
    arguments: dict[str, Template] = {}
    authentication: Authentication | None = None
    iterator: Iterator | None = None
    """`with.subscription.foreach` of an asyncapi call; removed from `arguments`."""
    document_authentication: Authentication | None = None
    """Of the address of the description itself: `document`, `proto` or `agentCard`."""


class DoTask(Task, frozen=True, kw_only=True):
    """`do`: tasks in order."""

    do: tuple[Task, ...]


class ForTask(Task, frozen=True, kw_only=True):
    """`for`: tasks once per item; `condition_while` is checked before each iteration."""

    each: str = "item"
    at: str = "index"
    collection: Template
    """An expression, bare or wrapped; or an array, whose entries are templates."""
    condition_while: ExpressionText | None = None
    do: tuple[Task, ...]


class ForkTask(Task, frozen=True, kw_only=True):
    """`fork`: branches at once; `compete` means the first success wins."""

    branches: tuple[Task, ...]
    compete: bool = False


class SwitchCase(Value, frozen=True, kw_only=True):
    """One case; without `when` it is the default."""

    name: str
    when: ExpressionText | None = None
    then: str


class SwitchTask(Task, frozen=True, kw_only=True):
    """`switch`: the first case that holds says where to go."""

    cases: tuple[SwitchCase, ...]


class TryTask(Task, frozen=True, kw_only=True):
    """`try`: tasks, and what to do with their errors."""

    do: tuple[Task, ...]
    catch_filter: dict[str, Template] | None = None
    """`catch.errors.with`; `details` is stored as `detail`."""
    catch_as: str = "error"
    catch_when: ExpressionText | None = None
    catch_except_when: ExpressionText | None = None
    retry: RetryPolicy | None = None
    catch_do: tuple[Task, ...] | None = None
    catch_then: str | None = None


class RaiseTask(Task, frozen=True, kw_only=True):
    """`raise`: fault with this error."""

    error: ErrorDefinition


class SetTask(Task, frozen=True, kw_only=True):
    """`set`: the value becomes the output."""

    value: Template


class WaitTask(Task, frozen=True, kw_only=True):
    """`wait`: a durable pause."""

    duration: Duration


class EmitTask(Task, frozen=True, kw_only=True):
    """`emit`: publish an event; `attributes` is `event.with`."""

    attributes: dict[str, Template]


class ListenTask(Task, frozen=True, kw_only=True):
    """`listen`: wait for events. `read` is data, envelope or raw."""

    to: Consumption
    read: str = "data"
    iterator: Iterator | None = None


class RunTask(Task, frozen=True, kw_only=True):
    """`run`: `process` is container, script, shell or workflow; `arguments` its properties."""

    process: str
    arguments: dict[str, Template]
    wait: bool = True
    """`await`."""
    result: str = "stdout"
    """`return`."""
    authentication: Authentication | None = None
    """Of `script.source`."""


class Extension(Value, frozen=True, kw_only=True):
    """Tasks put before and after every task of one kind (`all` for every kind)."""

    name: str
    extend: str
    when: ExpressionText | None = None
    before: tuple[Task, ...] = ()
    after: tuple[Task, ...] = ()


class Schedule(Value, frozen=True, kw_only=True):
    """When runs start by themselves."""

    every_ms: int | None = None
    cron: str | None = None
    after_ms: int | None = None
    on: Consumption | None = None
    read: str = "envelope"


class Document(Value, frozen=True, kw_only=True):
    """`document`: who this workflow is."""

    dsl: str
    namespace: str
    name: str
    version: str
    title: str = ""
    summary: str = ""
    tags: dict[str, Json] = {}
    metadata: dict[str, Json] = {}


class Workflow(Value, frozen=True, kw_only=True):
    """A whole checked document."""

    document: Document
    do: tuple[Task, ...]
    input: DataFlow | None = None
    output: DataFlow | None = None
    timeout: Duration | None = None
    schedule: Schedule | None = None
    evaluate_language: str = "jq"
    evaluate_mode: str = "strict"
    functions: dict[str, Task] = {}
    secrets: tuple[str, ...] = ()
    catalogs: dict[str, Endpoint] = {}
    extensions: tuple[Extension, ...] = ()
    control: str = "orchestrated"
    """`document.metadata.control`."""
    participants: dict[str, Participant] = {}
    participant: str | None = None
    """The document's default participant: `document.metadata.participant`."""
    sla: Sla | None = None
    keys: dict[str, ExpressionText] = {}
    """`document.metadata.keys`: what a run is searched by, over its transformed input."""
    source: Json = None
    """The document as plain JSON: `$workflow.definition`."""
    digest: str = ""
    """SHA-256 of the canonical JSON of `source`, hexadecimal."""

    @property
    def identity(self) -> str:
        """`namespace/name:version`, unique among deployed workflows."""
        return f"{self.document.namespace}/{self.document.name}:{self.document.version}"
