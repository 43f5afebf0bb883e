"""Runs and their tasks, and what may be asked of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from batuta.server.models.base import Control, Fault, Shape, Status, Time
from batuta.server.models.events import CloudEvent  # noqa: TC001 -- read while the program runs
from batuta.server.models.health import PromiseModel  # noqa: TC001 -- as above


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
    keys: dict[str, Any]
    stuck_since: Time | None
    rerun_of: str | None


class AwaitedEventModel(Shape):
    """An event that a listen waits for: its type (null: any), and what has to hold of it."""

    type: str | None
    correlate: dict[str, Any]


class ExpectedModel(Shape):
    """What is to happen next, and whose turn it is; a null participant is the conductor."""

    reference: str
    path: str
    name: str
    kind: str
    participant: str | None
    what: Literal["begin", "finish", "event", "time", "child", "retry", "go on", "resume"]
    since: Time
    due: Time | None
    events: list[AwaitedEventModel]
    run: str | None


Verdict = Literal["ok", "violation", "late", "stuck", "inconclusive"]


class FindingModel(Shape):
    """Something that is not as the workflow says: what came, and what was allowed."""

    verdict: Verdict
    reference: str
    path: str
    what: str
    came: str
    allowed: str
    at: Time


class ConformanceModel(Shape):
    """Whether a run goes as its workflow says."""

    verdict: Verdict
    findings: list[FindingModel]


class RunItemModel(RunModel):
    """A run in a list.

    `sla` is the worst that has become of what was promised of it, null where nothing was;
    `conformance` the verdict, null where it was not compared yet.
    """

    sla: Literal["open", "warned", "breached", "met"] | None
    conformance: Verdict | None


class RunDetailModel(RunModel):
    """A run with all that is known of it; `participants` take part in its workflow.

    `sla` is what was promised of it and of its tasks, by when that began.
    """

    sla: list[PromiseModel]
    participants: list[str]
    conformance: ConformanceModel
    expected: list[ExpectedModel]


class InputModel(Shape):
    """What a run was started with."""

    input: Any


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


class RunEventModel(Shape):
    """An event of a run; a null `participant` is a conductor, or somebody from outside.

    With one that is `handed`, control goes on, `to` these participants. Of data that is too large
    to be shown `cut` is the size in bytes.
    """

    at: Time
    direction: Literal["in", "out", "handed"]
    participant: str | None
    to: list[str]
    task: str | None
    event: CloudEvent
    cut: int | None


class RevealBody(Shape):
    """Why somebody has to see what is secret; it is noted in the audit."""

    reason: str = Field(min_length=3, max_length=1_000, pattern=r"\S")


class RevealedModel(Shape):
    """A run's data with what is secret."""

    input: Any
    output: Any
    error: Fault | None
    keys: dict[str, Any]
    tasks: list[TaskModel]


class StartBody(Shape):
    """What to run: `namespace/name`, or `namespace/name:version`, or the version beside it."""

    workflow: str = Field(min_length=1, max_length=512)
    version: str | None = Field(default=None, max_length=128)
    control: Control | None = None
    input: Any = None


class CancelBody(Shape):
    """Whether what was completed is undone."""

    compensate: bool = True


class RerunBody(Shape):
    """The run to repeat, and its input if that is another."""

    run: str = Field(min_length=1, max_length=256)
    input: Any = None


class RetryBody(Shape):
    """From where a faulted run goes on: where it faulted, a task, or the start.

    With an `input`, that is what the task gets, or from the start the run.
    """

    from_: str | None = Field(default=None, alias="from", max_length=2_048)
    from_start: bool = False
    input: Any = None
