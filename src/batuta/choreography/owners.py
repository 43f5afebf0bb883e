"""Who performs a task.

Owns the owner of every task that acts on the world. The owner is the participant that the model
names (the nearest `metadata.participant`, that of the function called, the document's default); a
task inside a function that names nobody belongs to the owner of the call, so one task may have
several owners, one per call. An emit or a wait may have none: then whoever holds the token does it,
which `flow` finds out.

Tasks that do not act (set, switch, for, ...) have no owner: whoever holds the token evaluates them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batuta.choreography.within import Functions, tasks_in
from batuta.definition import model
from batuta.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACTING = (model.CallTask, model.RunTask, model.ListenTask, model.EmitTask, model.WaitTask)
"""The kinds that act; a call acts unless it means a function of the document."""


class Owned(NamedTuple):
    """A task that acts, as one of its callers has it: `owner` None is nobody in particular."""

    task: model.Task
    owner: str | None


def is_external(workflow: model.Workflow, name: str | None) -> bool:
    """Say whether a participant is a service that is not ours."""
    declared = workflow.participants.get(name or "")
    return declared is not None and declared.external


def owned_tasks(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> Iterator[Owned]:
    """Yield every task that acts, once for each owner that it has.

    In the order of the document; a function's tasks follow the first call of it by that owner.
    """
    return owned_in(_everything(workflow), Functions(workflow, functions))


def owned_in(
    tasks: Iterator[model.Task],
    known: Functions,
    caller: str | None = None,
    *,
    elsewhere: bool = False,
) -> Iterator[Owned]:
    """Yield the tasks among these, and in the functions that they call, that act.

    Args:
        tasks: what is looked through; those inside of others are among them.
        known: the functions that calls may mean.
        caller: who owns what names nobody.
        elsewhere: whether they stand in a function from elsewhere.
    """
    seen: set[tuple[str, str | None]] = set()
    # What is being walked, innermost last: its tasks, whose call it is, whether it is elsewhere.
    walked: list[tuple[Iterator[model.Task], str | None, bool]] = [(tasks, caller, elsewhere)]
    while walked:
        tasks, caller, elsewhere = walked[-1]
        task = next(tasks, None)
        if task is None:
            walked.pop()
            continue
        owner = task.participant or caller
        function = known.meant(task, elsewhere=elsewhere)
        if function is None:
            if isinstance(task, ACTING):
                yield Owned(task, owner)
        elif (function.reference, owner) not in seen:
            seen.add((function.reference, owner))
            walked.append((tasks_in(function), owner, known.is_elsewhere(function)))


def _everything(workflow: model.Workflow) -> Iterator[model.Task]:
    for task in workflow.do:
        yield from tasks_in(task)
    for extension in workflow.extensions:
        for task in (*extension.before, *extension.after):
            yield from tasks_in(task)


def participants_of(
    workflow: model.Workflow, functions: Mapping[str, model.Task]
) -> tuple[str, ...]:
    """Return who takes part: who owns something that acts, and who reacts to the start.

    In the order in which the document declares them, then in that in which it names them.
    """
    owners = {owner for _, owner in owned_tasks(workflow, functions) if owner is not None}
    first = starter(workflow, functions)
    taking = owners if first is None else owners | {first}
    declared = [name for name in workflow.participants if name in taking]
    return (*declared, *sorted(taking.difference(declared)))


def first_owner(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> str:
    """Return the participant that reacts to the start of a run.

    The document's default, or else the owner of its first task that acts, or else the first
    participant that it declares; a service that is not ours only if the document says so.

    Raises:
        DefinitionError: nobody takes part.
    """
    first = starter(workflow, functions)
    if first is None:
        raise DefinitionError(
            f"{workflow.identity} names no participant",
            hint="name one: `document: { metadata: { participant: NAME } }`",
        )
    return first


def starter(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> str | None:
    """Return what `first_owner` returns; None when nobody takes part."""
    if workflow.participant is not None:
        return workflow.participant
    owners = (owner for _, owner in owned_tasks(workflow, functions))
    for name in (*owners, *workflow.participants):
        if name is not None and not is_external(workflow, name):
            return name
    return None
