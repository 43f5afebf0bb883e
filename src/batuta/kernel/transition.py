"""One step in the making: the scratch pad that the kinds of task write on.

Owns the loop that follows control from task to task until every token waits or has ended, and the
collecting of commands. A transition starts from an immutable state and ends in a new one; when it
is given up (an expression needs the sandbox, an invariant fails) the old state is still the truth.

Control is followed by a trampoline: each handler returns the next *action*, `(handler, token,
frame, ...)`, or None when its token stops. So a thousand tasks in a row need no thousand Python
frames, and a fork simply puts several actions on the agenda.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from batuta.expressions import Expression, ExpressionFailure, TooMuchWork
from batuta.kernel.commands import HandOver
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.faults import Raised, expression_fault
from batuta.kernel.state import NOTHING, ExtendedState, Frame, RunState, Token

if TYPE_CHECKING:
    from batuta.kernel.commands import Command
    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Node, Program

Action = tuple[Any, ...] | None

STRETCH = 2_000
"""How many tasks one step enters at most before it lets other runs go first."""

RUNTIME = {"name": "batuta", "version": "1", "metadata": {}}


_Handler = TypeVar("_Handler", bound=Callable[..., Any])

ENTERING: set[Any] = set()


def entering(handler: _Handler) -> _Handler:
    """Mark a handler of a task that has no frame (yet, or any more).

    Its arguments are the token, the frame *around* the task, and the task's node: a fault that it
    raises is the task's own and goes on from the frame around.
    """
    ENTERING.add(handler)
    return handler


class TaskView:
    """What `$task` is made of; the descriptor itself is built only when an expression reads it."""

    __slots__ = ("node", "output", "raw", "started")

    def __init__(self, node: Node, raw: Any, started: int, output: Any = None) -> None:
        self.node = node
        self.raw = raw
        self.started = started
        self.output = output


def given_in(frame: Frame, node: Node) -> dict[str, Any]:
    """Return what the expressions of a task's own definition see beside the run's variables."""
    return {"input": frame.input, "task": TaskView(node, frame.raw, frame.started)}


class Transition:
    """The working copy of one step."""

    __slots__ = (
        "agenda",
        "answers",
        "asked",
        "cause",
        "commands",
        "ended",
        "left",
        "now",
        "parked",
        "program",
        "state",
        "stopping",
        "tokens",
        "watch",
    )

    def __init__(
        self,
        program: Program,
        state: RunState,
        now: int,
        answers: tuple[Evaluated, ...],
        watch: Watch | None,
    ) -> None:
        self.program = program
        self.state = state
        self.tokens: dict[str, Token] = dict(state.tokens)
        self.now = now
        self.commands: list[Command] = []
        self.agenda: list[tuple[Any, ...]] = []
        self.answers = answers
        self.asked = 0
        self.left = STRETCH
        self.watch = watch
        self.parked = False
        self.stopping = False
        """Whether tasks only end, and nothing comes after them."""
        self.cause = NOTHING
        """What ended last, and how: the reference and the outcome that a hand-over tells."""
        self.ended: dict[str, Any] | None = None

    def follow(self, action: Action) -> None:
        """Follow control until every token that moves has stopped or ended."""
        agenda = self.agenda
        while True:
            if action is None:
                if not agenda:
                    return
                action = agenda.pop(0)
                # A branch scheduled earlier may have been cancelled by one that ran before it.
                if action[1].id not in self.tokens:
                    action = None
                    continue
            try:
                action = action[0](self, *action[1:])
            except Raised as raised:
                action = fault_action(action, raised)

    def stop(self, token: Token, frame: Frame) -> None:
        """Let the token wait in `frame`."""
        self.tokens[token.id] = Token(
            token.id, token.context, frame, token.log, token.owner, None, None, token.ears
        )

    def park(self, token: Token, frame: Frame | None, reference: str, raw: Any) -> None:
        """Let the token wait between two tasks, so that other runs get their turn."""
        self.tokens[token.id] = Token(
            token.id, token.context, frame, token.log, token.owner, reference, raw, token.ears
        )
        self.parked = True

    def hand_over(self, token: Token, frame: Frame, reference: str, raw: Any, to: str) -> None:
        """Let the token go to the participant whose task it is about to enter."""
        self.tokens.pop(token.id, None)
        gone = Token(
            token.id,
            token.context,
            frame,
            token.log,
            token.owner,
            reference,
            raw,
            token.ears,
            self.state.paused,
        )
        self.commands.append(HandOver(gone, *self.cause, to))

    def in_sandbox(self, expression: Expression, data: Any, variables: Any) -> Any:
        """Evaluate one expression, natively if possible, else from the sandbox's answers."""
        if expression.evaluate is not None:
            try:
                return expression.evaluate(data, variables)
            except ExpressionFailure as failure:
                raise expression_fault(f"{failure} in {expression.source!r}") from None
            except TooMuchWork:
                pass
        if self.asked == len(self.answers):
            needed = {name: variables[name] for name in expression.variables}
            raise NeedsEvaluation(expression.source, data, needed)
        answer = self.answers[self.asked]
        self.asked += 1
        if answer.failure is not None:
            raise expression_fault(f"{answer.failure} in {expression.source!r}")
        return answer.value

    def builtin(self, name: str, token: Token) -> Any:
        """Return the value of a variable of the run; null for one that means nothing here."""
        if name == "context":
            return token.context
        if name == "secrets":
            return self.state.secrets
        if name == "workflow":
            return {
                "id": self.state.id,
                "definition": self.program.document_json,
                "input": self.state.input,
                "startedAt": moment(self.state.started),
            }
        if name == "runtime":
            return RUNTIME
        return None

    def descriptor(self, view: TaskView) -> dict[str, Any]:
        """Return the DSL's task descriptor, and the task's own members beside (`$task.with`)."""
        definition = view.node.task.definition
        return {
            **(definition if isinstance(definition, dict) else {}),
            "name": view.node.name,
            "reference": view.node.reference,
            "definition": definition,
            "input": view.raw,
            "output": view.output,
            "startedAt": moment(view.started),
        }

    def extended(self, frame: Frame | None) -> TaskView | None:
        """Return the task that is being extended, for expressions of what is before or after it."""
        while frame is not None:
            state = frame.state
            if isinstance(state, ExtendedState):
                if state.phase not in {"before", "after"}:
                    return None
                node = self.program.nodes[frame.at].described
                return TaskView(node, frame.raw, frame.started, state.output)
            frame = frame.parent
        return None

    def result(self, **changes: Any) -> RunState:
        """Return the new state."""
        return msgspec.structs.replace(self.state, tokens=self.tokens, **changes)


def fault_action(action: tuple[Any, ...], raised: Raised) -> tuple[Any, ...]:
    """Turn a fault raised by a handler into the action that unwinds from it."""
    from batuta.kernel.flow import fault_at, unwind  # noqa: PLC0415 -- `flow` is written on this

    handler: Callable[..., Any] = action[0]
    token, frame = action[1], action[2]
    if handler in ENTERING:
        return (fault_at, token, frame, action[3], raised.fault)
    return (unwind, token, frame, raised.fault)


@lru_cache(maxsize=4096)
def moment(milliseconds: int) -> dict[str, Any]:
    """Return the DSL's date time descriptor of an epoch time."""
    return {
        "iso8601": iso8601(milliseconds),
        "epoch": {"seconds": milliseconds // 1000, "milliseconds": milliseconds},
    }


def iso8601(milliseconds: int) -> str:
    """Return an epoch time as RFC 3339 text in UTC with milliseconds."""
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Return all that the texts of one second have in common."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
