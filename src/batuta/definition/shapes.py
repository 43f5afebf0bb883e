"""The vocabulary in which the grammar of the DSL is written.

Owns the kinds of shape a value can have, as data. Does not own the grammar (`grammar`) nor the walk
that holds a document against it (`survey`). A shape says three things at once: which values fit,
how `${ }` in them is read, and what a text in them names. So one walk finds every misfit and, in
passing, every expression and every reference, and the checks that follow need no second grammar.

A value that fits in several ways is told apart by its JSON type alone (`Either`), never by trial:
messages then speak of the one shape that was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from batuta.definition.nodes import Node
from batuta.definition.problems import Findings, Path


class Reads(Enum):
    """How `${ }` in a text is read."""

    LITERALLY = "literally"
    """Not at all: names, identifiers, code of another language."""
    VALUE = "value"
    """A value field: the whole text may be `${ ... }`, anything else is literal."""
    PROGRAM = "program"
    """An expression-only field: bare or wrapped."""
    WRAPPED = "wrapped"
    """Must be `${ ... }`."""


class Names(Enum):
    """What a text refers to."""

    TASK = "task"
    AUTHENTICATION = "authentication"
    ERROR = "error"
    RETRY = "retry"
    TIMEOUT = "timeout"
    SECRET = "secret"  # noqa: S105 -- the kind of a name, not a password
    FUNCTION = "function"
    PARTICIPANT = "participant"


Rule: TypeAlias = Callable[[Node, Path, Findings], None]
"""A check that concerns several properties of one object; the object is the node."""

Binder: TypeAlias = Callable[[Node], Mapping[str, frozenset[str]]]
"""For an object: which of its properties see which further variables."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string.

    `form` names a check in `forms`; it is skipped for a text that is an expression. `decides` marks
    an expression whose result says where control goes.
    """

    reads: Reads = Reads.LITERALLY
    form: str = ""
    choices: tuple[str, ...] = ()
    names: Names | None = None
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer of at least `least`."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Real:
    """A number of at least `least`."""

    least: float


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean; `only` when a single one of the two is allowed."""

    only: bool | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Null, or the absence that YAML writes as `key:`."""


@dataclass(frozen=True, slots=True)
class Length:
    """A duration; `fixed` refuses an expression, `positive` refuses zero."""

    fixed: bool = False
    positive: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """Any value; whole-string `${ }` anywhere in it are expressions."""

    decides: bool = False


@dataclass(frozen=True, slots=True)
class Free:
    """Any value, taken as it is."""


@dataclass(frozen=True, slots=True)
class Table:
    """An object whose property names are free and whose values all have one shape.

    `names` is a form for the property names.
    """

    values: Shape
    names: str = ""
    least: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """An array whose entries all have one shape."""

    each: Shape
    least: int = 0


@dataclass(frozen=True, slots=True)
class Entries:
    """An array of objects with exactly one property each: an ordered mapping."""

    each: Shape
    least: int = 0


@dataclass(frozen=True, slots=True)
class Tasks:
    """A list of tasks; `sequence` means that control goes from one to the next."""

    sequence: bool = True


@dataclass(frozen=True, slots=True)
class OneTask:
    """A task without a list around it: a function, a compensation."""


@dataclass(frozen=True, slots=True)
class Either:
    """One shape per JSON type; `wanted` is how a message names the choice."""

    wanted: str
    shapes: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a record.

    `stage` names the set of variables that its expressions see (`variables.STAGES`), when it
    differs from that of the record.
    """

    shape: Shape
    required: bool = False
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with the properties listed.

    Args:
        title: what a message calls it, with an article.
        fields: its properties.
        one_of: groups of which exactly one property must be present.
        any_of: groups of which at least one must be present.
        others: the shape of properties not listed; None refuses them.
        hints: advice for a property that authors put here by mistake.
        rules: checks across properties.
        binds: which properties see further variables.
        own_keys: True for `metadata`, where keys not listed must be namespaced.
    """

    title: str
    fields: Mapping[str, Field]
    one_of: tuple[tuple[str, ...], ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    others: Shape | None = None
    hints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rules: tuple[Rule, ...] = ()
    binds: Binder | None = None
    own_keys: bool = False


@dataclass(frozen=True, slots=True)
class DataSchema:
    """A record that holds a schema for data; an inline JSON Schema is checked as one."""

    record: Record


Shape: TypeAlias = (
    Text
    | Whole
    | Real
    | Flag
    | Nothing
    | Length
    | Template
    | Free
    | DataSchema
    | Table
    | Items
    | Entries
    | Tasks
    | OneTask
    | Either
    | Record
)
