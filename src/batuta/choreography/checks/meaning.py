"""Events: that a type means one thing, that no two of ours have one name, that somebody hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.choreography.hearing import heard_by, heard_types, is_computed
from batuta.choreography.types import LONGEST_TYPE, RESERVED
from batuta.definition import model

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.choreography.checks.case import Case

_OURS = f"a type that does not begin with `{RESERVED}`"


def check_meaning(case: Case, heard: Collection[str] | None) -> None:
    """Check the types of all events of a workflow.

    Args:
        case: the workflow.
        heard: the types that other workflows hear; None when that is not known, or when they hear
            any.
    """
    first: dict[str, str] = {}
    for reference, type_ in case.types.events.items():
        keys = ("metadata", "event")
        _reserved(case, reference, type_, *keys)
        other = first.setdefault(type_, reference)
        if other != reference:
            case.add(
                "event-ambiguous",
                reference,
                f"`{type_}` tells of {case.named(reference)}, and also of {case.named(other)}",
                *keys,
                value=type_,
                expected="a type of its own for each task",
                hint="who hears it could not tell which of the two has ended",
            )
    for task in case.tasks.values():
        if isinstance(task, model.EmitTask):
            _emit(case, task, first, heard)
        elif isinstance(task, model.ListenTask):
            for type_ in heard_by(task.to) or ():
                _reserved(case, task.reference, type_, "listen")
        elif isinstance(task, model.RunTask):
            _child(case, task)
    _names(case)


def _reserved(case: Case, reference: str, type_: str, *keys: str) -> None:
    if len(type_.encode()) > LONGEST_TYPE:
        case.add(
            "event-too-long",
            reference,
            f"a type of {len(type_.encode())} bytes is longer than any bus takes",
            *keys,
            value=type_,
            expected=f"a type of at most {LONGEST_TYPE} bytes",
            hint="put what tells events apart into their subject or data",
        )
    if type_.startswith(RESERVED):
        case.add(
            "event-reserved",
            reference,
            f"types that begin with `{RESERVED}` are those of the events between participants",
            *keys,
            value=type_,
            expected=_OURS,
            hint="name it after your own domain: `com.example.order.placed.v1`",
        )


def _emit(
    case: Case, task: model.EmitTask, events: dict[str, str], heard: Collection[str] | None
) -> None:
    type_ = task.attributes.get("type")
    if not isinstance(type_, str) or is_computed(type_):
        return
    keys = ("emit", "event", "with", "type")
    _reserved(case, task.reference, type_, *keys)
    other = events.get(type_)
    if other is not None:
        case.add(
            "event-ambiguous",
            task.reference,
            f"`{type_}` is emitted here, and tells of {case.named(other)} as well",
            *keys,
            value=type_,
            expected="a type of its own",
            hint="who hears it could not tell which of the two has happened",
        )
    own = heard_types(case.workflow)
    if heard is not None and own is not None and type_ not in own and type_ not in heard:
        case.add(
            "event-unheard",
            task.reference,
            f"no workflow of this folder hears `{type_}`",
            *keys,
            value=type_,
            hint="ignore this if somebody else does",
        )


def _child(case: Case, task: model.RunTask) -> None:
    if task.process != "workflow" or not task.wait:
        return
    for part in ("namespace", "name"):
        if is_computed(task.arguments[part]):
            case.add(
                "child-unknown",
                task.reference,
                "which workflow this runs is computed, so its participant has to hear all events",
                *("run", "workflow", part),
                value=task.arguments[part],
                hint="write the name out, with a `switch` between several",
            )


def _names(case: Case) -> None:
    """Say which events got a number for want of a name of their own."""
    telling = {one.task.reference for one in (*case.flow.steps, *case.flow.joins)}
    for reference, name in case.types.numbered.items():
        if reference in telling and reference not in case.types.events:
            case.add(
                "event-name-clash",
                reference,
                f"another task's events are called like those of {case.named(reference)}, so these "
                f"are called `{name}`",
                value=case.tasks[reference].name,
                hint="give the task another name, or a `metadata: { event: ... }`",
            )
