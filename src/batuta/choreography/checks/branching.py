"""Forks: what their branches export, and whether those that lose can be undone.

Exports of branches are merged in the declared order under either control model. But a branch sees
only its own until the join, and which of two won is nowhere written: whoever means it so can join
first and export then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.choreography.owners import ACTING
from batuta.choreography.within import lists_in, tasks_in
from batuta.definition import model
from batuta.definition.suggest import listed
from batuta.expressions import syntax, unwrap
from batuta.expressions.parser import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.choreography.checks.case import Case

_HARMLESS = frozenset({"get", "head", "options"})


class _Export(NamedTuple):
    """An export: the members of the context that it sets, None when that cannot be seen."""

    task: model.Task
    members: frozenset[str] | None


def check_branching(case: Case) -> None:
    """Check every fork."""
    for task in case.tasks.values():
        if isinstance(task, model.ForkTask):
            if task.compete:
                _competing(case, task)
            else:
                _exporting(case, task)


def _exporting(case: Case, fork: model.ForkTask) -> None:
    """Refuse what two branches export; of a competition only the winner's exports count."""
    first: dict[str, model.Task] = {}
    unclear: _Export | None = None
    exporting = 0
    for branch in fork.branches:
        exports = list(_exports(case, branch, set()))
        exporting += bool(exports)
        unclear = next((one for one in exports if one.members is None), unclear)
        for name, task in {name: one.task for one in exports for name in one.members or ()}.items():
            other = first.setdefault(name, task)
            if other is not task:
                case.add(
                    "fork-exports",
                    task.reference,
                    f"`$context.{name}` is exported in two branches of `{fork.name}`: also by "
                    f"{case.named(other.reference)}",
                    "export",
                    value=name,
                    expected="a member of its own for each branch",
                    hint="export under two names, or behind the fork, from its output",
                )
    if unclear is not None and exporting > 1:
        case.add(
            "fork-exports-unclear",
            unclear.task.reference,
            f"which members of the context {case.named(unclear.task.reference)} exports cannot be "
            f"seen, and another branch of `{fork.name}` exports too",
            "export",
            hint="write `$context + { member: ... }`, so that it can be checked",
        )


def _exports(case: Case, task: model.Task, seen: set[str]) -> Iterator[_Export]:
    """Yield the exports in a task, and in the functions that it calls."""
    for one in tasks_in(task):
        if one.reference in seen:
            continue
        seen.add(one.reference)
        flows = [one.export]
        if isinstance(one, model.ListenTask) and one.iterator is not None:
            flows.append(one.iterator.export)
        for flow in flows:
            if flow is not None and flow.transform is not None:
                yield _Export(one, members_of(flow.transform))
        function = case.functions.meant(one, elsewhere=one.reference.startswith("/functions/"))
        if function is not None:
            yield from _exports(case, function, seen)


def members_of(transform: Any) -> frozenset[str] | None:
    """Return the members of the context that an `export.as` sets, None when it is not to be seen.

    Seen are an object, what is added to the context (`$context + {...}`), and members that are set
    in it (`$context | .a = ...`).
    """
    if isinstance(transform, dict):
        return frozenset(transform)
    return _members(parse(unwrap(transform) or transform).tree)


def _members(node: syntax.Node) -> frozenset[str] | None:
    match node:
        case syntax.Variable(name="context"):
            return frozenset()
        case syntax.ObjectOf(entries=entries):
            names = [_text(key) for key, _ in entries]
            return None if None in names else frozenset(name for name in names if name is not None)
        case syntax.Binary(operator="+" | "*", left=left, right=right):
            one, other = _members(left), _members(right)
            return None if one is None or other is None else one | other
        case syntax.Pipe(parts=(syntax.Variable(name="context"), *rest)):
            set_ = [_assigned(part) for part in rest]
            return None if None in set_ else frozenset(name for name in set_ if name is not None)
        case _:
            return None


def _assigned(node: syntax.Node) -> str | None:
    match node:
        case syntax.Assign(target=syntax.Index(target=syntax.Identity(), key=key)):
            return _text(key)
        case _:
            return None


def _text(node: syntax.Node) -> str | None:
    match node:
        case syntax.Text(parts=(str() as text,)):
            return text
        case syntax.Literal(value=str() as text):
            return text
        case _:
            return None


def _competing(case: Case, fork: model.ForkTask) -> None:
    for branch in fork.branches:
        lasting = list(_lasting(case, branch, set()))
        if lasting and len(fork.branches) > 1:
            names = list(dict.fromkeys(task.name for task in lasting))
            case.add(
                "compete-uncompensated",
                branch.reference,
                f"if `{branch.name}` loses the competition, what was done by {listed(names)} stays "
                "done",
                value=names[0],
                expected="a `compensate` in the task's metadata",
                hint="say how it is undone, if it is to be",
            )


def _lasting(case: Case, task: model.Task, seen: set[str]) -> Iterator[model.Task]:
    """Yield what has an effect in the world that nothing undoes."""
    if task.compensate is not None or task.reference in seen:
        return
    seen.add(task.reference)
    function = case.functions.meant(task, elsewhere=task.reference.startswith("/functions/"))
    if function is not None:
        yield from _lasting(case, function, seen)
    elif isinstance(task, ACTING) and _has_effect(task):
        yield task
    for inner in lists_in(task):
        for one in inner.tasks:
            yield from _lasting(case, one, seen)


def _has_effect(task: model.Task) -> bool:
    if isinstance(task, model.CallTask):
        return str(task.arguments.get("method", "")).lower() not in _HARMLESS
    return isinstance(task, model.RunTask | model.EmitTask)
