"""The workflow itself: the outermost scope of a run, and its end.

Owns how a run begins (input schema and transformation, the keys that it is searched by, its
timeout) and the three ways it ends. A run that faults or is cancelled first undoes what its tasks
completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from batuta.kernel.commands import Finish, Index
from batuta.kernel.data import duration_ms, transformed
from batuta.kernel.faults import Raised
from batuta.kernel.flow import enter
from batuta.kernel.frames import root_of
from batuta.kernel.leaving import all_owed, cancel_all
from batuta.kernel.state import CANCELLED, COMPLETED, FAULTED, Frame, Token
from batuta.kernel.tasks.compensation import compensate as undo

if TYPE_CHECKING:
    from batuta.kernel.events import Started
    from batuta.kernel.faults import FaultData
    from batuta.kernel.program import Node
    from batuta.kernel.transition import Action, Transition

KEYED = 3
"""The behaviour from which on keys are evaluated: older histories hold no answers for them."""


def begin_run(t: Transition, token: Token, frame: Frame, event: Started) -> Action:
    """Check and transform the input, and enter the first task."""
    program = t.program
    if event.refused is not None:
        raise Raised(event.refused)
    data = event.input
    deadline = None
    if program.input is not None:
        data = transformed(t, program.input, data, token, None, {}, before=True)
    if program.keys and event.behaviour >= KEYED:
        index(t, token, data)
    if program.root.timeout is not None:
        deadline = t.now + duration_ms(t, program.root.timeout, data, token, None)
    root = Frame("", "", event.input, data, t.now, None, None, None, "", deadline, deadline, None)
    del frame
    if program.first is None:
        return (block_done, token, root, program.root, data, False)
    return (enter, token, root, program.first, data)


def index(t: Transition, token: Token, data: Any) -> None:
    """Let the run be found by its keys: one that cannot be evaluated, or is null, it has not."""
    found: dict[str, Any] = {}
    for name, code in t.program.keys:
        try:
            value = code.evaluate(t, data, token, None, {"input": data})
        except Raised:
            continue
        if _is_key(value):
            found[name] = value
    if found:
        t.commands.append(Index(found))


def _is_key(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str | int | float) for one in value)
    return isinstance(value, str | int | float)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """The last task ended: the run completes with its (transformed) output."""
    del left, node
    flow = t.program.output
    if flow is not None:
        output = transformed(t, flow, output, token, frame, {"input": frame.input})
    return end(t, token, COMPLETED, output, None)


def on_fault(t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData) -> Action:
    """Nobody caught it: undo, then fault."""
    del node
    cancel_all(t, but=token.id)
    if token.log:
        owed = token.log
        token = Token("", token.context, None, (), None, None, None, token.ears)
        t.tokens[""] = token
        return undo(t, token, frame, owed, "fault", fault)
    return end(t, token, FAULTED, None, fault)


def cancel(t: Transition, *, compensate: bool) -> Action:
    """Stop everything; undo it unless told not to."""
    first = t.tokens[""]
    root = root_of(cast("Frame", first.frame))
    owed = all_owed(t, first)
    cancel_all(t)
    token = Token("", first.context, None, (), None, None, None, first.ears)
    t.tokens[""] = token
    if owed and compensate:
        return undo(t, token, root, owed, "cancel")
    return end(t, token, CANCELLED, None, None)


def end_undone(
    t: Transition, token: Token, frame: Frame, node: Node, fault: FaultData | None, sequel: str
) -> Action:
    """Everything is undone that could be: end as it was going to."""
    del frame, node
    return end(t, token, CANCELLED if sequel == "cancel" else FAULTED, None, fault)


def end(t: Transition, token: Token, status: str, output: Any, fault: FaultData | None) -> Action:
    """Write the run's end, once."""
    del token
    t.tokens.clear()
    t.agenda.clear()
    t.ended = {"status": status, "output": output, "fault": fault, "ended": t.now}
    t.commands.append(Finish(status, output, fault))
    return None
