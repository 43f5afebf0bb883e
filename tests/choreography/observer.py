"""Watches a run of the kernel as participants would drive it, and tells what would be handed over.

A conductor drives the run; this only notes, at every task that acts, who would hold control there
and what had ended last (the kernel's own cause, which participants announce). So it shows every way
that control takes in a run, from which the projection can be checked, without a participant.

Where participants go another way than a conductor does, this follows them: branches begin with the
cause that their fork had, and what comes from elsewhere leaves its cause behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from driver import Run

from batuta.choreography.spread import Told
from batuta.kernel.frames import owner_of
from batuta.kernel.lifecycle import Happened
from batuta.kernel.program import Node, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.choreography import Projection
    from batuta.kernel.tokens import Cause

_PURE = frozenset({"workflow", "compensation", "extended"})


@dataclass(frozen=True)
class HandedOver:
    """Control, or the result of a branch, went from one participant to another."""

    told: Told
    holder: str
    receiver: str
    reference: str


@dataclass(frozen=True)
class Entered:
    """Control is at a task: here the token is known, which reports do not say."""

    token: str
    keeper: str | None
    owner: str | None
    reference: str
    key: str
    acts: bool
    cause: Cause


@dataclass(frozen=True)
class BranchEnded:
    token: str
    keeper: str
    fork: str
    cause: Cause


@dataclass(frozen=True)
class RunEnds:
    cause: Cause


class Proxy:
    """Stands for the input of a task: its owner evaluates it, so control is there by then."""

    def __init__(self, code: Any, node: Node, causes: dict[str, Cause]) -> None:
        self.code = code
        self.node = node
        self.causes = causes

    def evaluate(self, t: Any, data: Any, token: Any, parent: Any, given: Any) -> Any:
        _note(t, token, parent, self.node, self.causes)
        return self.code.evaluate(t, data, token, parent, given)


def _note(t: Any, token: Any, parent: Any, node: Node, causes: dict[str, Cause]) -> None:
    if token.id not in causes:
        t.cause = causes.get(f"{token.owner} forks", t.cause)
    causes[token.id] = t.cause
    if node.kind == "fork":
        causes[f"{token.id} forks"] = t.cause
        for known in list(causes):
            if known.startswith(f"{node.reference}{parent.inner}/branches/"):
                del causes[known]
    owner = owner_of(t.program, node, parent)
    key = node.reference + parent.inner
    t.watch.append(Entered(token.id, token.owner, owner, node.reference, key, node.acts, t.cause))


def nodes_of(program: Program) -> Iterator[Node]:
    """Yield every node; `program.nodes` has only one of those with the same reference."""
    waiting: list[Any] = [program.first, *program.nodes.values(), *program.functions.values()]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, tuple | list):
            waiting += one
        elif isinstance(one, Node):
            if id(one) not in seen:
                seen.add(id(one))
                yield one
                waiting += [one.own, one.compensate, *one.siblings.values()]
        elif hasattr(type(one), "__slots__"):
            parts = [getattr(one, name, None) for name in type(one).__slots__]
            waiting += [part for part in parts if isinstance(part, Node | tuple)]


def instrument(program: Program) -> None:
    causes: dict[str, Cause] = {"": ("", "start")}
    for node in list(nodes_of(program)):
        if node.kind in _PURE:
            continue
        if node.input is not None and node.input.transform is not None:
            node.input.transform = Proxy(node.input.transform, node, causes)
        node.begin = _beginning(node.begin, causes)
        if node.kind == "fork":
            node.block_done = _ending(node.block_done)
            node.on_fault = _ending(node.on_fault)
    program.root.block_done = _closing(program.root.block_done)


def _beginning(begin: Any, causes: dict[str, Cause]) -> Any:
    def noted(t: Any, token: Any, parent: Any, node: Any, raw: Any, data: Any) -> Any:
        _note(t, token, parent, node, causes)
        return begin(t, token, parent, node, raw, data)

    return noted


def _ending(handler: Any) -> Any:
    def noted(t: Any, token: Any, frame: Any, node: Any, *rest: Any) -> Any:
        t.watch.append(BranchEnded(token.id, token.owner, node.reference, t.cause))
        return handler(t, token, frame, node, *rest)

    return noted


def _closing(handler: Any) -> Any:
    def noted(t: Any, token: Any, *rest: Any) -> Any:
        t.watch.append(RunEnds(t.cause))
        return handler(t, token, *rest)

    return noted


@dataclass
class Observer:
    """Notes what would be handed over in a run."""

    projection: Projection
    holders: dict[str, str] = field(default_factory=dict)
    keepers: dict[str, str | None] = field(default_factory=dict)
    left: dict[str, Cause] = field(default_factory=dict)
    """What had ended elsewhere before control came here: nobody here tells it again."""
    occurrences: dict[str, str] = field(default_factory=dict)
    found: list[HandedOver] = field(default_factory=list)
    last: str | None = None
    """The token of the task that completed just now: of those reported in a row, the innermost."""

    def __post_init__(self) -> None:
        self.holders[""] = self.projection.first

    def read(self, watch: list[Any]) -> None:
        """Take in what a step noted."""
        self.last = None
        for one in watch:
            match one:
                case Entered():
                    self.last = None
                    self._entered(one)
                case BranchEnded():
                    self.last = None
                    self._goes_back(one.token, one.keeper, one.cause, one.fork)
                case RunEnds():
                    self._ends(one.cause)
                case Happened(what="completed") if self.last is None:
                    self.last = self.occurrences.get(one.key)
                case _:
                    pass

    def _entered(self, one: Entered) -> None:
        self.occurrences[one.key] = one.token
        self.keepers[one.token] = one.keeper
        if one.token not in self.holders:
            self.holders[one.token] = self.holders[one.keeper or ""]
        holder = self.holders[one.token]
        if not one.acts or one.owner is None or one.owner == holder:
            return
        if not self.projection.parts[one.owner].external:
            told = self._told(one.token, one.cause)
            self.found.append(HandedOver(told, holder, one.owner, one.reference))
            self.holders[one.token] = one.owner
            self.left[one.token] = one.cause

    def _goes_back(self, token: str, keeper: str, cause: Cause, fork: str) -> None:
        """The result of a branch goes to the keeper of the join."""
        holder = self.holders.pop(token, self.holders[keeper])
        told = self._told(token, cause)
        self.left.pop(token, None)
        if holder != self.holders[keeper]:
            self.found.append(HandedOver(told, holder, self.holders[keeper], fork))
            self.left[keeper] = cause

    def _ends(self, cause: Cause) -> None:
        """`end` ends the run from wherever it stands: the keepers of all joins around learn it."""
        token = self.last or ""
        keeper = self.keepers.get(token)
        while keeper is not None:
            self._goes_back(token, keeper, cause, "end")
            token, keeper = keeper, self.keepers.get(keeper)

    def _told(self, token: str, cause: Cause) -> Told:
        reference, outcome = cause
        if not outcome or self.left.get(token) is cause:
            return Told("handover")
        return Told(outcome, reference)


class ObservedRun(Run):
    """A run whose hand-overs are noted."""

    def __init__(self, program: Program, projection: Projection, **more: Any) -> None:
        instrument(program)
        super().__init__(program, careful=False, **more)
        self.observer = Observer(projection)

    def _carry_out(self, commands: list[Any]) -> None:
        noted, self.watch[:] = list(self.watch), []
        self.observer.read(noted)
        super()._carry_out(commands)


def unforeseen(projection: Projection, found: list[HandedOver]) -> list[HandedOver]:
    """Return what would have had to go to everybody, for want of a rule."""
    return [
        one
        for one in found
        if one.told.what in {"start", "completed", "faulted"}
        and one.told.reference in {"", *projection.types.names}
        and (one.told.reference or one.told.what == "start")
        and projection.announced(*one.told, {one.receiver}) == projection.types.handover
    ]
