"""What the walk over a document leaves for the checks that follow.

Owns the values between `survey` and `checks`; no behaviour. A site is a node with its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Path, Position
    from batuta.definition.shapes import Names
    from batuta.definition.variables import View


class ExpressionSite(NamedTuple):
    """An expression: `program` is its text without `${ }`, `node` the value that holds it."""

    node: Node
    path: Path
    program: str
    view: View
    decides: bool


class Reference(NamedTuple):
    """A text that names something."""

    names: Names
    node: Node
    path: Path


class SchemaSite(NamedTuple):
    """A schema for data: `node` holds its format and its document or resource."""

    node: Node
    path: Path


class TaskSite(NamedTuple):
    """A task: its name, where the name stands, and its kind (empty when that is unclear)."""

    name: str
    position: Position
    node: Node
    path: Path
    kind: str


@dataclass(slots=True)
class TaskList:
    """Tasks side by side; in a `sequence` control goes from one to the next."""

    sequence: bool
    tasks: list[TaskSite] = field(default_factory=list["TaskSite"])


@dataclass(slots=True)
class Found:
    """Everything collected, in the order of the text."""

    expressions: list[ExpressionSite] = field(default_factory=list["ExpressionSite"])
    references: list[Reference] = field(default_factory=list["Reference"])
    schemas: list[SchemaSite] = field(default_factory=list["SchemaSite"])
    lists: list[TaskList] = field(default_factory=list["TaskList"])
    lone_tasks: list[TaskSite] = field(default_factory=list["TaskSite"])
    """Functions and compensations: tasks without neighbours."""
