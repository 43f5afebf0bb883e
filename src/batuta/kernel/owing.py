"""The log of what was completed and can be undone.

Owns one rule: an occurrence of a task is owed once, whatever the attempts, and what it gave last is
what is undone. So logs are never simply joined: the log of a branch may hold again what its fork's
token still holds from an earlier attempt. When something is undone is up to `try_`, `fork` and
`workflow`; how, to `compensation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.frames import is_inside, occurrence_path, owner_of
from batuta.kernel.state import CompensationState, Frame, Owed, Token

if TYPE_CHECKING:
    from batuta.kernel.program import Node, Program

Log = tuple[Owed, ...]


def together(log: Log, more: Log) -> Log:
    """Return a log with later entries at its end."""
    return (*without(log, more), *more) if log else more


def without(log: Log, more: Log) -> Log:
    """Return a log without the occurrences that `more` holds."""
    held = {(owed.at, occurrence_path(owed.path)) for owed in more}
    return tuple(owed for owed in log if (owed.at, occurrence_path(owed.path)) not in held)


def inside(log: Log, frame: Frame, part: str) -> Log:
    """Return the entries of a log that are owed for `part` of a frame's task."""
    return tuple(owed for owed in log if is_inside(owed.at, owed.path, frame, part))


def owing(
    program: Program, token: Token, parent: Frame, node: Node, data: Any, output: Any
) -> Token:
    """Return the token owing for a task that it completed.

    What is done to undo something owes nothing itself.
    """
    variables: dict[str, Any] = {}
    frame: Frame | None = parent
    while frame is not None:
        if isinstance(frame.state, CompensationState):
            return token
        if frame.variables is not None:
            for name in node.compensate_names & frame.variables.keys():
                variables.setdefault(name, frame.variables[name])
        frame = frame.parent
    owner = owner_of(program, node, parent) if node.participant is None else None
    entry = Owed(node.reference, parent.inner, data, output, variables or None, 0, owner)
    log = together(token.log, (entry,))
    return Token(token.id, token.context, None, log, token.owner, None, None, token.ears)
