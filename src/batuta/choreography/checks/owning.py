"""Who does what: that everything has one who does it, and that this one can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.choreography.owners import is_external, starter
from batuta.definition import model
from batuta.definition.suggest import listed

if TYPE_CHECKING:
    from batuta.choreography.checks.case import Case
    from batuta.choreography.flow import Step

_NAME_ONE = "name one: `metadata: { participant: NAME }`"


def check_owning(case: Case) -> None:
    """Check participants, owners, and what external participants are asked for."""
    _starter(case)
    missing = {step.task.reference for step in case.flow.steps if step.owner is None}
    for step in case.flow.steps:
        if not case.flow.graph.is_reached(step.arrives):
            continue
        undone, undoing, rest = step.task.reference.rpartition("/metadata/compensate")
        if step.owner is None and not (undoing and not rest and undone in missing):
            _unowned(case, step)
        elif step.external and not isinstance(step.task, model.CallTask):
            _external(case, step)
        if step.within is not None:
            _within(case, step, step.within)
    _idle(case)


def _starter(case: Case) -> None:
    workflow = case.workflow
    first = starter(workflow, case.imported)
    if first is None:
        place = case.place("", "document", "metadata")
        case.findings.add(
            "nobody-starts",
            place.position,
            place.path,
            "no participant is named, so nobody would react to the start of a run",
            expected="a participant",
            hint="add `metadata: { participant: NAME }` to `document`",
        )
    elif is_external(workflow, first):
        place = case.place("", "document", "metadata", "participant")
        case.findings.add(
            "external-starts",
            place.position,
            place.path,
            f"`{first}` is not ours, so it cannot react to the start of a run",
            value=first,
            expected=_ours(workflow),
            hint="name another default, and `metadata: { participant: NAME }` at the calls",
        )


def _ours(workflow: model.Workflow) -> str:
    ours = [one.name for one in workflow.participants.values() if not one.external]
    return f"one of {listed(ours)}" if ours else "a participant of ours"


def falls_to_holder(task: model.Task) -> bool:
    """Say whether a task that names nobody belongs to whoever holds control there.

    Those of extensions do not: they stand at tasks of everybody.
    """
    beside = task.reference.startswith("/use/extensions/")
    return isinstance(task, model.EmitTask | model.WaitTask) and not beside


def _unowned(case: Case, step: Step) -> None:
    task = step.task
    holders = sorted(case.flow.graph.holders(step.arrives) - {""})
    if falls_to_holder(task):
        if len(holders) > 1:
            case.add(
                "owner-ambiguous",
                task.reference,
                f"{case.named(task.reference)} falls to whoever holds control, and that may be "
                f"{listed(holders)}",
                value=task.name,
                expected=f"one of {listed(holders)}",
                hint=_NAME_ONE,
            )
        return
    case.add(
        "owner-missing",
        task.reference,
        f"nobody performs {case.named(task.reference)}",
        value=task.name,
        expected=_ours(case.workflow),
        hint=f"{_NAME_ONE}, or a default in `document.metadata`",
    )


def _external(case: Case, step: Step) -> None:
    case.add(
        "external-acts",
        step.task.reference,
        f"`{step.owner}` is not ours: it can be asked for calls, but not for "
        f"{case.named(step.task.reference)}",
        value=step.owner,
        expected=_ours(case.workflow),
        hint="let a participant of ours do it, or remove `external: true`",
    )


def _within(case: Case, step: Step, listen: Step) -> None:
    """Control cannot leave a listen between two events: it has to hear the next one."""
    if step.external or step.owner in {None, listen.owner}:
        return
    case.add(
        "foreach-leaves",
        step.task.reference,
        f"{case.named(step.task.reference)} belongs to `{step.owner}`, and stands in the `foreach` "
        f"of {case.named(listen.task.reference)}, which belongs to `{listen.owner}`",
        value=step.owner,
        expected=f"`{listen.owner}`",
        hint="name the same participant, or move the task behind the listen",
    )


def _idle(case: Case) -> None:
    flow = case.flow
    busy = {starter(case.workflow, case.imported)}
    for step in flow.steps:
        if flow.graph.is_reached(step.arrives):
            busy |= {step.owner} if step.owner is not None else flow.graph.holders(step.arrives)
    owning = {owner for _, owner in case.owned}
    for name in case.workflow.participants:
        if name in busy:
            continue
        place = case.place("", "document", "metadata", "participants", name)
        case.findings.add(
            "participant-idle",
            place.position,
            place.path,
            f"no path of control leads to a task of `{name}`"
            if name in owning
            else f"`{name}` performs nothing",
            value=name,
            hint="give it a task, or remove it",
        )
