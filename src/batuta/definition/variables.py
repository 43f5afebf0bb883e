"""Which variables an expression sees, by where it stands.

Owns the table of stages. Source: `dsl.md`, "Runtime expression arguments", the table of which
arguments are available for each runtime expression. What that table does not list is ruled here:
a schedule and a catalogue belong to the definition, before there is a run; what `use` holds is seen
from the task that uses it, so its variables are that task's and are not checked here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

_ALWAYS = frozenset({"secrets", "workflow", "runtime"})
_BEFORE = _ALWAYS | {"context", "task"}
_DURING = _BEFORE | {"input", "authorization"}

STAGES: MappingProxyType[str, frozenset[str] | None] = MappingProxyType(
    {
        "workflow": _ALWAYS,
        "workflow.from": _ALWAYS,
        "workflow.output": _ALWAYS | {"context"},
        "workflow.timeout": _ALWAYS | {"input"},
        "workflow.keys": _ALWAYS | {"input"},
        "schedule": _ALWAYS,
        "task.if": _BEFORE,
        "task.from": _BEFORE,
        "task": _DURING,
        "task.output": _DURING,
        "task.export": _DURING | {"output"},
        "shared": None,
    }
)
"""Stage to the standard arguments seen there; None where they depend on the place of use."""

TITLES: MappingProxyType[str, str] = MappingProxyType(
    {
        "workflow": "the definition",
        "workflow.from": "the workflow's `input.from`",
        "workflow.output": "the workflow's `output.as`",
        "workflow.timeout": "the workflow's `timeout`",
        "workflow.keys": "`document.metadata.keys`",
        "schedule": "`schedule`",
        "task.if": "a task's `if`",
        "task.from": "a task's `input.from`",
        "task": "a task's definition",
        "task.output": "a task's `output.as`",
        "task.export": "a task's `export.as`",
        "shared": "`use`",
    }
)


class View(NamedTuple):
    """What an expression sees: the arguments of its stage, and the variables around it."""

    stage: str
    bound: frozenset[str] = frozenset()

    def at(self, stage: str) -> View:
        """Return the same surroundings at another stage (the same stage when it is empty)."""
        return View(stage, self.bound) if stage else self

    def binding(self, names: frozenset[str] | None) -> View:
        """Return the view inside something that binds further variables."""
        return View(self.stage, self.bound | names) if names else self

    def sees(self, name: str) -> bool:
        """Return whether `$name` exists here."""
        arguments = STAGES[self.stage]
        return arguments is None or name in arguments or name in self.bound
