"""What the events of a choreographed run are called.

Owns the CloudEvent types of everything that participants of one workflow tell each other. With P
for batuta, namespace and name, and T for the names of a task and of the tasks around it, each
joined by `.`:

    P.start         a run is asked for; `data` is its input
    P.T.completed   a task ended well, unless its `metadata.event` names the type
    P.T.faulted     a task faulted
    P.T.requested   a task is to be performed by somebody who has no part of the program
    P.handover      control goes on although no task has just ended; all participants hear it
    P.control       cancel, suspend, resume; all participants hear it
    P.ended         a run ended; all participants hear it, and parents of the run, and viewers
    P.progress      reports for viewers only

Versions of a workflow share these types: an event names the version and its digest.

T leaves out what only the document's structure adds (`try`, indexes), except where two lists of one
task need telling apart. A T that is longer than a bus takes is cut, and ends in a digest of the
whole. What then still has one name twice gets a number, in the document's order.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

from batuta.choreography.within import lists_in, roots_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition import model

_NOTHING: Mapping[str, model.Task] = {}
_STRANGE = re.compile(r"[^\w-]+")

TOLD = frozenset({"completed", "faulted", "requested"})
"""What is told of a task."""

LONGEST_TYPE = 400
"""Bytes of a type in UTF-8: what every bus takes (`batuta.ports.bus`)."""

LONGEST_T = 230
"""Bytes of T: a namespace and a name have 63 each at most."""

RESERVED = "batuta."
"""No business event's type begins so."""


class Types:
    """The types of one workflow's events.

    Args:
        workflow: the checked workflow.
        functions: functions from catalogues and addresses, as `compile_workflow` takes them.
    """

    def __init__(
        self, workflow: model.Workflow, functions: Mapping[str, model.Task] = _NOTHING
    ) -> None:
        self.prefix = prefix(workflow)
        self.start = start_type(workflow)
        self.control = f"{self.prefix}.control"
        self.ended = f"{self.prefix}.ended"
        self.progress = f"{self.prefix}.progress"
        self.handover = f"{self.prefix}.handover"
        self.names: dict[str, str] = {}
        """Reference to T."""
        self.events: dict[str, str] = {}
        """Reference to `metadata.event`, where there is one."""
        self.numbered: dict[str, str] = {}
        """Reference to T, where T has a number."""
        self._used: dict[str, int] = {}
        for around, task in roots_of(workflow, functions):
            self._name(task, around)

    def _name(self, task: model.Task, around: tuple[str, ...]) -> None:
        path = (*around, task.name)
        name = _cut(".".join(_STRANGE.sub("-", part) or "-" for part in path))
        number = self._used[name] = self._used.get(name, 0) + 1
        while number > 1 and f"{name}-{number}" in self._used:
            number += 1
        if number > 1:
            name = f"{name}-{number}"
            self._used[name] = 1
            self.numbered[task.reference] = name
        self.names[task.reference] = name
        if task.event is not None:
            self.events[task.reference] = task.event
        for inner in lists_in(task):
            for one in inner.tasks:
                self._name(one, (*path, inner.part) if inner.part else path)

    def of(self, what: str, reference: str = "") -> str:
        """Return the type of the event that tells something; see `spread.Told`."""
        match what:
            case "completed":
                return self.completed(reference)
            case "faulted":
                return self.faulted(reference)
            case "start":
                return self.start
            case "control":
                return self.control
            case _:
                return self.handover

    def has(self, kind: str) -> bool:
        """Say whether a type is one of those that this workflow's events have unless named."""
        if kind in {self.start, self.control, self.ended, self.progress, self.handover}:
            return True
        name, _, what = kind.removeprefix(f"{self.prefix}.").rpartition(".")
        return what in TOLD and name in self.names.values()

    def completed(self, reference: str) -> str:
        """Return the type of the event that a task's completion is."""
        return self.events.get(reference) or f"{self.prefix}.{self.names[reference]}.completed"

    def performed(self, reference: str) -> str:
        """Return the type of a participant's answer to a conductor, which tells it of the task.

        Never the task's own event: that one is the conductor's to publish.
        """
        return f"{self.prefix}.{self.names[reference]}.completed"

    def faulted(self, reference: str) -> str:
        """Return the type of the event that a task's fault is."""
        return f"{self.prefix}.{self.names[reference]}.faulted"

    def requested(self, reference: str) -> str:
        """Return the type of the event that asks for a task to be performed."""
        return f"{self.prefix}.{self.names[reference]}.requested"


def _cut(name: str) -> str:
    """Return a T that leaves room for P, a number and what is told, on any bus."""
    encoded = name.encode()
    if len(encoded) <= LONGEST_T:
        return name
    digest = blake2b(encoded, digest_size=8).hexdigest()
    return f"{encoded[: LONGEST_T - 17].decode(errors='ignore')}-{digest}"


def prefix(workflow: model.Workflow) -> str:
    """Return P, with which all of a workflow's types begin that the business has not named."""
    return prefix_of(workflow.document.namespace, workflow.document.name)


def prefix_of(namespace: str, name: str) -> str:
    """Return P of the workflow with this name."""
    return f"{RESERVED}{namespace}.{name}"


def start_type(workflow: model.Workflow) -> str:
    """Return the type of the event that starts a run."""
    return f"{prefix(workflow)}.start"
