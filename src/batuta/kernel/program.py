"""A workflow compiled once: what every step looks up instead of interpreting the document again.

Owns the translation of the checked model into nodes: expressions and templates into closures,
schemas into validators, names in `then` into the nodes they mean, extensions into wrapped nodes.
Does not own what a node *does*: that is its kind's file in `tasks`, whose functions are attached
here. A program is immutable after `compile_workflow` and shared by all runs of the workflow.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from batuta.errors import DefinitionError
from batuta.kernel.evaluation import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batuta.definition import model

CONTINUE, EXIT, END = "continue", "exit", "end"


class Flow:
    """A compiled `input`, `output` or `export`: validate and transform."""

    __slots__ = ("check", "transform", "unreadable")

    def __init__(self, flow: model.DataFlow, resources: Mapping[str, Any]) -> None:
        self.transform = None if flow.transform is None else transform_of(flow.transform)
        self.check, self.unreadable = validator_of(flow.schema, resources)


class Node:
    """One task of the program. What its kind needs besides is in `own`."""

    __slots__ = (
        "acts",
        "begin",
        "block_done",
        "compensate",
        "compensate_names",
        "condition",
        "described",
        "due",
        "event",
        "export",
        "index",
        "input",
        "kind",
        "name",
        "next",
        "on_fault",
        "output",
        "own",
        "parent",
        "participant",
        "plain_output",
        "reference",
        "result",
        "siblings",
        "task",
        "then",
        "timeout",
        "wrapper",
    )

    def __init__(self, task: model.Task, kind: str) -> None:
        self.task = task
        self.reference = task.reference
        self.name = task.name
        self.kind = kind
        self.participant = task.participant
        self.acts = False
        """Whether it acts on the world, so that it has an owner; all else is pure."""
        self.parent: Node | None = None
        self.index = 0
        self.siblings: dict[str, Node] = {}
        self.next: Node | None = None
        self.then = task.then
        self.condition = None if task.condition is None else condition_of(task.condition)
        self.input: Flow | None = None
        self.output: Flow | None = None
        self.export: Flow | None = None
        self.timeout: DurationCode | None = None
        self.compensate: Node | None = None
        self.compensate_names: frozenset[str] = frozenset()
        self.event = task.event
        self.plain_output = True
        self.own: Any = None
        self.wrapper: Node | None = None
        self.described: Node = self
        """The task of the document that this node stands for: `$task`."""
        # What the kind does; those that a kind has no use for stay unset.
        self.begin: Callable[..., Any]
        self.block_done: Callable[..., Any]
        self.result: Callable[..., Any]
        self.due: Callable[..., Any]
        self.on_fault: Callable[..., Any] | None = None


class DurationCode:
    """A duration: fixed milliseconds, or an expression for them."""

    __slots__ = ("code", "fixed")

    def __init__(self, duration: model.Duration) -> None:
        self.fixed = duration.milliseconds or 0
        self.code = None if duration.expression is None else condition_of(duration.expression)


class Program:
    """A compiled workflow: `timed` if anything in it can fall due, `listens` if it has a listen.

    `part` is the participant whose view of it this is: None drives all of a run, a participant only
    its own tasks (`tasks.away`). `external` are the participants that are reached by events alone:
    whoever holds the token asks them, so their tasks are nobody else's.
    """

    __slots__ = (
        "document_json",
        "external",
        "first",
        "functions",
        "identity",
        "input",
        "keys",
        "listens",
        "nodes",
        "output",
        "part",
        "promises",
        "root",
        "timed",
        "workflow",
    )

    def __init__(self, workflow: model.Workflow) -> None:
        self.timed = False
        self.listens = False
        self.promises = workflow.sla is not None
        """Whether anything in it has an SLA."""
        self.workflow = workflow
        self.identity = workflow.identity
        self.nodes: dict[str, Node] = {}
        self.functions: dict[str, Node] = {}
        self.first: Node | None = None
        self.input: Flow | None = None
        self.output: Flow | None = None
        self.keys: tuple[tuple[str, Code], ...] = ()
        """What a run is searched by: names, and expressions over its transformed input."""
        self.document_json = workflow.source
        self.root: Node
        self.part: str | None = None
        self.external: frozenset[str] = frozenset()

    def seen_by(self, participant: str, external: frozenset[str] = frozenset()) -> Program:
        """Return the part of the program that a participant drives; they share their nodes."""
        part = copy(self)
        part.part, part.external = participant, external
        return part


def condition_of(text: str) -> Code:
    """Compile an expression-only field, bare or wrapped (ruling A1)."""
    return Code(text, template=False)


def template_of(value: Any) -> Code:
    """Compile a value field: whole-string `${}` anywhere inside are expressions."""
    return Code(value, template=True)


def transform_of(value: Any) -> Code:
    """Compile `from` or `as`: a string is an expression, anything else a template."""
    return condition_of(value) if isinstance(value, str) else template_of(value)


def validator_of(
    schema: model.Schema | None, resources: Mapping[str, Any]
) -> tuple[Any | None, str | None]:
    """Return a JSON Schema validator, or why there is none (said when the task is reached)."""
    if schema is None:
        return None, None
    if not schema.format.startswith("json"):
        return None, f"schema format {schema.format!r} is not supported; expected json"
    document = schema.document
    if schema.resource is not None:
        uri = str(schema.resource.endpoint.uri)
        if uri not in resources:
            return None, f"the schema {uri} was not loaded"
        document = resources[uri]
    try:
        return jsonschema_rs.validator_for(document), None
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise DefinitionError(f"not a JSON Schema: {error}") from error


def compile_workflow(
    workflow: model.Workflow,
    resources: Mapping[str, Any] = {},
    functions: Mapping[str, model.Task] = {},
) -> Program:
    """Compile a checked workflow.

    Args:
        workflow: as `batuta.definition.check` returns it.
        resources: external schemas, as parsed JSON by their URI.
        functions: functions from catalogues and addresses, by the exact text of the calls that
            mean them, in the workflow and among each other.

    Raises:
        ExpressionSyntaxError: an expression cannot be read (the checks find these earlier).
        DefinitionError: a schema is not a JSON Schema.
    """
    from batuta.kernel.compiler import Compiler  # noqa: PLC0415 -- it imports the shapes above

    return Compiler(workflow, resources, functions).program
