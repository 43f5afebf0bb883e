"""Triggers: the hidden workflows that wait for the events which start runs (`schedule.on`).

A trigger of a workflow is one `listen` to what its schedule names. Being a workflow, it is driven,
recovered and offered events like any other; its output is the input of the run that it leads to.
Its identity is the workflow's own with a mark behind it (`ports.store.HIDDEN`).

A schedule that waits for `all` of several events would be stopped by the first group that is never
complete. So where the filters can be evaluated natively its trigger listens to `any` of them, and
the events are gathered into groups as they come (`conductor.gathering`). Filters that need the
sandbox, or whose correlations have different names, are left to the listen itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.definition import model
from batuta.kernel.program import compile_workflow
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from batuta.definition.model import Consumption, Schedule, Workflow
    from batuta.kernel.program import Program
    from batuta.kernel.tasks.listen import Filter, Listen

SUFFIX = f"{HIDDEN}on"
REFERENCE = "/do/0/on"


def is_trigger(identity: str) -> bool:
    """Say whether an identity is a trigger's."""
    return identity.endswith(SUFFIX)


def trigger_of(workflow: Workflow, schedule: Schedule) -> Program:
    """Return the trigger of a workflow with `schedule.on`.

    Expressions in its filters see no secrets, since a trigger has none to miss.
    """
    if schedule.on is None:
        raise AssertionError(f"{workflow.identity} is not started by events")
    program = _listening(workflow, schedule, schedule.on)
    if schedule.on.mode == "all" and _can_be_gathered(listen_of(program).filters):
        return _listening(workflow, schedule, msgspec.structs.replace(schedule.on, mode="any"))
    return program


def listen_of(trigger: Program) -> Listen:
    """Return what a trigger waits for, compiled."""
    listen: Listen = trigger.nodes[REFERENCE].own
    return listen


def gathers(trigger: Program, schedule: Schedule) -> bool:
    """Say whether the events that a trigger hears have to be gathered into groups."""
    waited = schedule.on
    return waited is not None and waited.mode == "all" and listen_of(trigger).mode == "any"


def _listening(workflow: Workflow, schedule: Schedule, to: Consumption) -> Program:
    listen = model.ListenTask(name="on", reference=REFERENCE, to=to, read=schedule.read)
    document = msgspec.structs.replace(
        workflow.document, version=workflow.document.version + SUFFIX
    )
    return compile_workflow(
        model.Workflow(
            document=document, do=(listen,), source=workflow.source, digest=workflow.digest
        )
    )


def _can_be_gathered(filters: list[Filter]) -> bool:
    names = {frozenset(name for name, _, _ in one.correlate) for one in filters}
    codes = [code for one in filters for _, code in one.predicates]
    codes += [code for one in filters for _, code, _ in one.correlate]
    expected = any(expect is not None for one in filters for _, _, expect in one.correlate)
    native = all(code.native is not None and not code.names for code in codes)
    return native and not expected and len(names) == 1
