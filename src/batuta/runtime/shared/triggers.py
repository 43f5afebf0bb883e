"""Triggers: the hidden workflows that wait for the events which start runs (`schedule.on`).

A trigger of a workflow is one `listen` to what its schedule names. Being a workflow, it is driven,
recovered and offered events like any other; its output is the input of the run that it leads to.
Its identity is the workflow's own with a mark behind it (`ports.store.HIDDEN`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.definition import model
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from batuta.definition.model import Schedule, Workflow

SUFFIX = f"{HIDDEN}on"


def is_trigger(identity: str) -> bool:
    """Say whether an identity is a trigger's."""
    return identity.endswith(SUFFIX)


def trigger_of(workflow: Workflow, schedule: Schedule) -> Workflow:
    """Return the trigger of a workflow with `schedule.on`.

    Expressions in its filters see no secrets, since a trigger has none to miss.
    """
    if schedule.on is None:
        raise AssertionError(f"{workflow.identity} is not started by events")
    listen = model.ListenTask(name="on", reference="/do/0/on", to=schedule.on, read=schedule.read)
    document = msgspec.structs.replace(
        workflow.document, version=workflow.document.version + SUFFIX
    )
    return model.Workflow(
        document=document, do=(listen,), source=workflow.source, digest=workflow.digest
    )
