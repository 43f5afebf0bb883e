"""The tasks inside of tasks: one way to walk a workflow for everything here.

Owns which lists of tasks each kind of task has, and which function a call means. A kind of task
with a new place for tasks needs a line in `lists_in`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batuta.definition import model
from batuta.kernel.compiler import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Inner(NamedTuple):
    """A list of tasks inside of a task; `part` tells it from another list of the same task."""

    part: str
    tasks: tuple[model.Task, ...]


def lists_in(task: model.Task) -> Iterator[Inner]:
    """Yield the lists of tasks that lie directly inside of a task."""
    match task:
        case model.DoTask() | model.ForTask():
            yield Inner("", task.do)
        case model.ForkTask():
            yield Inner("", task.branches)
        case model.TryTask():
            yield Inner("", task.do)
            yield Inner("catch", task.catch_do or ())
        case model.ListenTask() | model.CallTask() if task.iterator is not None:
            yield Inner("", task.iterator.do)
        case _:
            pass
    if task.compensate is not None:
        yield Inner("", (task.compensate,))


def tasks_in(task: model.Task) -> Iterator[model.Task]:
    """Yield a task and every task inside of it, in the order of the document."""
    yield task
    for inner in lists_in(task):
        for one in inner.tasks:
            yield from tasks_in(one)


class Functions:
    """The functions that calls of a workflow may mean: its own, and those from elsewhere.

    Args:
        workflow: whose `use.functions` count.
        imported: those from catalogues and addresses, by the exact text of the calls.
    """

    def __init__(self, workflow: model.Workflow, imported: Mapping[str, model.Task]) -> None:
        self.own = workflow.functions
        self.imported = imported
        self._elsewhere = frozenset(task.reference for task in imported.values())

    def meant(self, task: model.Task, *, elsewhere: bool = False) -> model.Task | None:
        """Return the function whose task a call runs; None when the call itself acts.

        A function from elsewhere does not see the document's own.
        """
        if not isinstance(task, model.CallTask) or task.target in PROTOCOLS:
            return None
        own = None if elsewhere else self.own.get(task.target.removesuffix("@default"))
        return own or self.imported.get(task.target)

    def is_elsewhere(self, function: model.Task) -> bool:
        """Say whether a function has a file of its own."""
        return function.reference in self._elsewhere


def roots_of(
    workflow: model.Workflow, imported: Mapping[str, model.Task]
) -> Iterator[tuple[tuple[str, ...], model.Task]]:
    """Yield every outermost task, with the names of what it stands in.

    First the workflow's own, then its functions, its extensions, and functions from elsewhere.
    """
    for task in workflow.do:
        yield (), task
    for function in workflow.functions.values():
        yield ("functions",), function
    for extension in workflow.extensions:
        for part, tasks in (("before", extension.before), ("after", extension.after)):
            for task in tasks:
                yield ("extensions", extension.name, part), task
    for function in imported.values():
        yield ("functions",), function


def tasks_of(workflow: model.Workflow, imported: Mapping[str, model.Task]) -> dict[str, model.Task]:
    """Return every task of a workflow, and of functions from elsewhere, by reference."""
    return {
        task.reference: task for _, root in roots_of(workflow, imported) for task in tasks_in(root)
    }
