"""What compiled code is, and the theory of why it is bounded.

A node becomes a `Code`: a closure `run(data, env)` that returns its one output (`single`), or an
iterator over any number of outputs. Generators only exist where a program may yield several.

`env` is one of two things. A program without loops or local variables runs *bare*: `env` is the
caller's mapping of variables, nothing is allocated, and the work is bounded by the text of the
program. Anything else runs *framed*: `env` is a list of the remaining budget, that mapping, and one
slot for each local variable of the program. A slot belongs to one place of the text, and since
natively compiled programs do not recurse, no place is active twice at once: outputs can be pulled
lazily and still find their variables. (Where a node calls its part again while an earlier call is
suspended, as `recurse(f)` would, it collects that part's outputs at once.)

Bounded means three things:

- Loops charge the budget for every element they visit or build (`spend`).
- A result can be small to build and yet huge to read, because parts are shared: forty times
  `[.,.]` makes 2**40 leaves out of forty lists. So every `Code` counts how many *copies* of its
  input, of each variable and of the program's own constants its outputs may hold. Once a count
  passes `MAX_COPIES` the program is *heavy*: it runs framed, and what it yields is weighed before
  it is handed out.
- Framed code charges whole values, by walking them, before it compares, sorts or writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from batuta.expressions.arithmetic import Meter, spend
from batuta.expressions.failures import TooMuchWork

if TYPE_CHECKING:
    from batuta.expressions.syntax import Node

Run: TypeAlias = Callable[[Any, Any], Any]
Copies: TypeAlias = Mapping[str, float]

MANY = float("inf")
MAX_COPIES = 64
MAX_CONSTANTS = 4_096
MAX_DEPTH = 60
"""Nodes inside each other that are compiled natively; each costs a Python frame when it runs."""

MAX_WEIGHT = 1_000_000
"""What a heavy program may yield: its characters, and sixteen for each element."""

FIRST_SLOT = 2
CONSTANT = "#constant"
SCALAR: Copies = {CONSTANT: 1}
"""A short value that is made anew: what a loop makes of these, the loop has paid for."""
INPUT: Copies = {".": 1}


class Unsupported(Exception):  # noqa: N818 -- a signal within the compiler, not an error
    """This program is for the sandbox."""


class NeedsFrame(Exception):  # noqa: N818 -- a signal within the compiler, not an error
    """This program cannot run bare."""


@dataclass(frozen=True, slots=True)
class Code:
    """Compiled code; see the module's text.

    `copies` says how many copies of the input (`.`) and of variables all outputs together hold.
    """

    run: Run
    single: bool
    copies: Copies = field(default_factory=dict[str, float])

    def outputs(self) -> Callable[[Any, Any], Iterator[Any]]:
        """Return a closure that iterates over the outputs, also of single code."""
        run = self.run
        if not self.single:
            return run
        return lambda d, e: iter((run(d, e),))


class Compiler:
    """The state of compiling one program: mode, slots, and the way to the code of a node."""

    def __init__(self, dispatch: Callable[[Node, Compiler], Code], *, framed: bool) -> None:
        self.dispatch = dispatch
        self.framed = framed
        self.slots: dict[str, int] = {}
        self.size = FIRST_SLOT
        self.heavy = False
        self.depth = 0

    def code(self, node: Node) -> Code:
        """Compile a part."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsupported
        code = self.dispatch(node, self)
        self.depth -= 1
        self.watch(code)
        return code

    def watch(self, code: Code) -> None:
        """Notice when code may yield many copies of what it is given."""
        if any(
            count > (MAX_CONSTANTS if name == CONSTANT else MAX_COPIES)
            for name, count in code.copies.items()
        ):
            self.need_frame()
            self.heavy = True

    @contextmanager
    def deeper(self, levels: int) -> Generator[None]:
        """Count levels that a node adds by itself, as a long pipe does."""
        self.depth += levels
        if self.depth > MAX_DEPTH:
            raise Unsupported
        yield
        self.depth -= levels

    def single(self, node: Node) -> Code:
        """Compile a part that must have exactly one output to be taken natively."""
        code = self.code(node)
        if not code.single:
            raise Unsupported
        return code

    def need_frame(self) -> None:
        """Say that what is being compiled has a loop or a local variable."""
        if not self.framed:
            raise NeedsFrame

    def slot(self, name: str) -> int:
        """Open a slot for a local variable; it hides an outer one of that name."""
        self.need_frame()
        slot = self.size
        self.size += 1
        self.slots[name] = slot
        return slot


def together(*parts: Copies) -> Copies:
    """Return the copies of several outputs held side by side."""
    total: dict[str, float] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


def times_many(copies: Copies, *, but: str = CONSTANT) -> Copies:
    """Return the copies of something that is held once for each turn of a loop."""
    return {
        name: count if name in {but, CONSTANT} else MANY for name, count in copies.items() if count
    }


def grown(copies: Copies, factor: float) -> Copies:
    """Return the copies of a text that is so much longer than what it was made of."""
    return {name: count * factor for name, count in copies.items()}


def through(inner: Copies, source: Code, name: str = ".") -> Copies:
    """Return the copies of `inner` when its `name` is each output of `source` in turn."""
    share = inner.get(name, 0)
    rest = {key: count for key, count in inner.items() if key != name and count}
    if not source.single:
        rest = times_many(rest)
    if not share:
        return rest
    return together(rest, {key: count * share for key, count in source.copies.items() if count})


def weigh(value: Any, meter: Meter) -> Any:
    """Charge for reading a whole value, when it is a container, and return it."""
    if value.__class__ is list or value.__class__ is dict:
        spend(meter, _size(value, meter[0]))
    return value


def _size(value: Any, limit: int) -> int:
    """Count elements, and a sixteenth of the characters, up to somewhat over the limit."""
    count, pending = 0, [value]
    while pending:
        item = pending.pop()
        if item.__class__ is list:
            count += len(item)
            if count > limit:
                return count
            pending.extend(item)
        elif item.__class__ is dict:
            count += len(item)
            if count > limit:
                return count
            pending.extend(item.values())
        elif item.__class__ is str:
            count += len(item) >> 4
    return count


def check_weight(value: Any) -> Any:
    """Return the result of a heavy program, unless it would be too big to write.

    Raises:
        TooMuchWork: the sandbox, whose output is limited, is to say so.
    """
    if _size(value, MAX_WEIGHT >> 4) > MAX_WEIGHT >> 4:
        raise TooMuchWork(f"the result is bigger than {MAX_WEIGHT:,} characters")
    return value
