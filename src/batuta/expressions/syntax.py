r"""The syntax tree of jq: what the parser yields and the native compiler reads.

Every node is a frozen value that means what jq means by it. Sugar is kept out where jq itself
defines it away (`.a?` is a `Try` without handler, `"a\(.b)"` is a `Text`), kept in where the
native compiler does better with the whole (`a |= f`, `..`). Positions are not kept: whatever can be
said about a place in the text, the parser has said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Identity:
    """`.`."""


@dataclass(frozen=True, slots=True)
class Descend:
    """`..`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, and `null`, `true`, `false` where they are named; `$__loc__`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Format:
    """`@base64` on its own: a function from the input to text."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string; the nodes among its parts are interpolated, by way of the format when given."""

    format: str
    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[ body ]`; no body is the empty array."""

    body: Node | None


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{ key: value, ... }`."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """`target[key]`, `target.key`; the key sees the same input as the target does."""

    target: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Slice:
    """`target[start:stop]`."""

    target: Node
    start: Node | None
    stop: Node | None


@dataclass(frozen=True, slots=True)
class Iterate:
    """`target[]`."""

    target: Node


@dataclass(frozen=True, slots=True)
class Pipe:
    """`a | b | c`, flat."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comma:
    """`a, b, c`, flat."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic (`+ - * / %`) and comparison (`== != < <= > >=`)."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Alternative:
    """`a // b`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate:
    """`-a`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Assign:
    """`= |= += -= *= /= %= //=`."""

    operator: str
    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class If:
    """`if ... then ... elif ... else ... end`; no `otherwise` is the identity."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Try:
    """`try body catch handler`, and `body?` without a handler."""

    body: Node
    handler: Node | None


@dataclass(frozen=True, slots=True)
class NamePattern:
    """`$name` in a destructuring."""

    name: str


@dataclass(frozen=True, slots=True)
class ArrayPattern:
    """`[p, ...]` in a destructuring."""

    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class ObjectPattern:
    """`{key: p, $name, $name: p}`; each entry is (name bound to the whole, key, inner pattern)."""

    entries: tuple[tuple[str | None, Node, Pattern | None], ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """`source as p1 ?// p2 | body`."""

    source: Node
    patterns: tuple[Pattern, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Reduce:
    """`reduce source as p (start; update)`."""

    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node


@dataclass(frozen=True, slots=True)
class Foreach:
    """`foreach source as p (start; update; extract)`."""

    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node
    extract: Node | None


@dataclass(frozen=True, slots=True)
class Label:
    """`label $name | body`."""

    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Break:
    """`break $name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """`def name(parameters): body; rest`; a parameter of kind `$x` keeps its dollar."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    rest: Node


@dataclass(frozen=True, slots=True)
class Call:
    """`name(a; b)`; `own` when a `def` of the program (or a parameter) is meant, not a builtin."""

    name: str
    arguments: tuple[Node, ...]
    own: bool = False


Pattern: TypeAlias = NamePattern | ArrayPattern | ObjectPattern
Node: TypeAlias = (
    Identity
    | Descend
    | Literal
    | Variable
    | Format
    | Text
    | ArrayOf
    | ObjectOf
    | Index
    | Slice
    | Iterate
    | Pipe
    | Comma
    | Binary
    | Logic
    | Alternative
    | Negate
    | Assign
    | If
    | Try
    | Bind
    | Reduce
    | Foreach
    | Label
    | Break
    | Function
    | Call
)
