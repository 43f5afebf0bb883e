"""What may be known where: secrets stay with the participant that uses them.

A secret's value is put in by whoever performs a call, from its own secrets; in expressions there is
a placeholder, which means something to one participant only. So an expression may read one where
its owner alone evaluates it: in the arguments and the input of a task that acts. Everything else is
evaluated by whoever holds control, or goes on to others as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.choreography.owners import owned_in
from batuta.choreography.within import tasks_in
from batuta.definition.expression_language import compile_expression
from batuta.definition.problems import pointer
from batuta.definition.shapes import Names
from batuta.definition.tracing import trace

if TYPE_CHECKING:
    from batuta.choreography.checks.case import Case
    from batuta.definition import model
    from batuta.definition.found import ExpressionSite

_DECIDING = frozenset(
    {"if", "switch", "while", "for", "wait", "timeout", "catch", "listen", "retries", "timeouts"}
)
_FREE = frozenset({"authentications", "catalogs"})
_ARGUMENTS = frozenset({"with", "run"})
_READ_THERE = "read the secret in the `with` of the call that needs it"


def check_knowing(case: Case) -> None:
    """Check every expression that reads a secret, and every secret that is used by name."""
    for site in case.found.expressions:
        if "secrets" in site.program and "secrets" in compile_expression(site.program).variables:
            _check(case, site)
    for one in case.found.references:
        if one.names in {Names.SECRET, Names.AUTHENTICATION}:
            task, inner = _task_at(case, pointer(one.path))
            if task is not None and inner[:1] in (["with"], ["run"]) and _is_asked(case, task):
                case.findings.add(
                    "secret-shared",
                    one.node.position,
                    one.path,
                    f"`{task.name}` is performed by a service that is not ours, which gets no "
                    "secrets of ours",
                    value=one.node.plain,
                    hint="remove it: the service has credentials of its own",
                )


def _check(case: Case, site: ExpressionSite) -> None:
    reference = pointer(site.path)
    task, inner = _task_at(case, reference)
    part = inner[0] if inner else ""
    if task is None:
        part = reference.split("/")[2] if reference.startswith("/use/") else part
        if part in _FREE or reference.startswith("/schedule/"):
            return
    elif part in _ARGUMENTS or part == "input":
        problem = _arguments(case, task, part)
        if problem:
            _refuse(case, site, "secret-shared", *problem)
        return
    if site.decides or part in _DECIDING:
        _refuse(
            case,
            site,
            "secret-decides",
            "whoever holds control evaluates this, and it reads a secret",
            "decide by other data, or in the call that has the secret",
        )
    else:
        _refuse(
            case,
            site,
            "secret-shared",
            "what this gives goes on to other participants, and it reads a secret",
            _READ_THERE,
        )


def _refuse(case: Case, site: ExpressionSite, code: str, message: str, hint: str) -> None:
    value: str = site.node.plain
    base = 0 if value == site.program else value.find(site.program, value.index("${") + 2)
    offset = base + max(site.program.find("$secrets"), 0)
    case.findings.add(
        code,
        trace(site.node, offset, case.text),
        site.path,
        message,
        value=site.program,
        hint=hint,
    )


def _task_at(case: Case, reference: str) -> tuple[model.Task | None, list[str]]:
    """Return the innermost task around a place, and the way from there to the place."""
    inner: list[str] = []
    while reference:
        task = case.tasks.get(reference)
        if task is not None:
            return task, inner
        reference, _, token = reference.rpartition("/")
        inner.insert(0, token)
    return None, inner


def _arguments(case: Case, task: model.Task, part: str) -> tuple[str, str] | None:
    """Say what is wrong with a secret in what a task is given, None if nothing is."""
    steps = [step for step in case.flow.steps if step.task.reference == task.reference]
    if steps:
        if any(step.external for step in steps):
            return (
                "a service that is not ours performs this task, and would be told the secret",
                "remove it: the service has credentials of its own",
            )
        if part in _ARGUMENTS or all(step.owner for step in steps):
            return None
    elif len(_knowing(case, task)) == 1:
        return None
    return (
        "whoever holds control evaluates this, and it reads a secret",
        _READ_THERE,
    )


def _knowing(case: Case, task: model.Task) -> set[str | None]:
    """Return everybody who meets what a call of a function passes to it."""
    knowing: set[str | None] = set()
    for call in case.flow.calls:
        if call.task.reference == task.reference:
            knowing |= case.flow.graph.holders(call.begins)
            elsewhere = case.functions.is_elsewhere(call.function)
            inside = owned_in(
                tasks_in(call.function), case.functions, call.owner, elsewhere=elsewhere
            )
            knowing |= {owner for _, owner in inside}
    return knowing


def _is_asked(case: Case, task: model.Task) -> bool:
    """Say whether a task is asked of a participant that is not ours."""
    steps = [step for step in case.flow.steps if step.task.reference == task.reference]
    return any(step.external for step in steps)
