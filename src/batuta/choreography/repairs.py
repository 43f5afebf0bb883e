"""Repairs that need no thought: naming a participant where only one can be meant.

Owns which problems can be mended so, and the change of the text: one insertion per repair, so that
comments, order and quoting stay as they are. A change counts only if the text then says exactly
what was intended and nothing else; where it cannot be made so (an alias shared with another task),
the text is left alone.
"""

from __future__ import annotations

import copy
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.choreography.checks.case import Case
from batuta.choreography.checks.owning import falls_to_holder
from batuta.choreography.owners import owned_in
from batuta.choreography.within import lists_in, tasks_in
from batuta.definition import model
from batuta.definition.problems import Findings
from batuta.definition.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batuta.definition.nodes import Node

_BREAK = re.compile(r"(?<=\n)|(?<=\r)(?!\n)|(?<=[\x85\u2028\u2029])")
_OPENED = re.compile(r"\{(\s*)(\"?)(\}?)")
_BARE = re.compile(r"[A-Za-z_][\w-]*")
_NO_TEXT = frozenset({"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL"})


class Repair(NamedTuple):
    """A participant to name: at the task of this reference, or at `/document` for all."""

    reference: str
    participant: str

    def __str__(self) -> str:
        where = "the document" if self.reference == "/document" else f"`{_name(self.reference)}`"
        return f"name `{self.participant}` at {where}"


class Repaired(NamedTuple):
    """A text with what was mended in it, and what would have changed more than was meant."""

    text: str
    made: tuple[Repair, ...]
    left: tuple[Repair, ...]


def repaired(
    workflow: model.Workflow,
    functions: Mapping[str, model.Task],
    text: str,
) -> Repaired:
    """Return the text of a workflow with everything mended that can be.

    Args:
        workflow: the checked workflow.
        functions: functions from catalogues and addresses, as `compile_workflow` takes them.
        text: its document.
    """
    made: list[Repair] = []
    left: list[Repair] = []
    for repair in repairs_of(workflow, functions, text):
        changed = _applied(repair, text)
        if changed is None:
            left.append(repair)
        else:
            text = changed
            made.append(repair)
    return Repaired(text, tuple(made), tuple(left))


def repairs_of(
    workflow: model.Workflow,
    functions: Mapping[str, model.Task],
    text: str,
) -> Iterator[Repair]:
    """Yield what can be mended; arguments as for `repaired`."""
    case = Case(workflow, functions, text, "")
    unowned = [
        step
        for step in case.flow.steps
        if step.owner is None and case.flow.graph.is_reached(step.arrives)
    ]
    ours = [one.name for one in workflow.participants.values() if not one.external]
    named = {owner for _, owner in case.owned} - {None}
    if workflow.participant is None and len(ours) == 1 and named <= {*ours}:
        if not all(falls_to_holder(step.task) for step in unowned):
            yield Repair("/document", ours[0])
        return
    befores = _Befores(case)
    for step in unowned:
        holders = case.flow.graph.holders(step.arrives)
        if falls_to_holder(step.task) and len(holders) > 1:
            before = befores.owner(step.task.reference)
            if before in holders and not step.task.reference.startswith("/functions/"):
                yield Repair(step.task.reference, before)


class _Befores:
    """Who performs what stands before a task."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._before: dict[str, tuple[model.Task, ...]] = {}
        self._around: dict[str, str] = {}
        self._list(case.workflow.do, "")
        for task in case.tasks.values():
            for inner in lists_in(task):
                if isinstance(task, model.ForkTask):
                    for branch in inner.tasks:
                        self._list((branch,), task.reference)
                else:
                    self._list(inner.tasks, task.reference)

    def _list(self, tasks: tuple[model.Task, ...], around: str) -> None:
        for index, task in enumerate(tasks):
            self._before[task.reference] = tasks[:index]
            self._around[task.reference] = around

    def owner(self, reference: str) -> str:
        """Return the one owner of what stands nearest before a task; empty for none or several."""
        while reference in self._before:
            for task in reversed(self._before[reference]):
                owners = {owner for _, owner in owned_in(tasks_in(task), self._case.functions)}
                if owners:
                    return next(iter(owners)) or "" if len(owners) == 1 else ""
            reference = self._around[reference]
        return ""


def _applied(repair: Repair, text: str) -> str | None:
    """Return the text with a repair, None where it cannot be made."""
    root, source = read(text, Findings(""))
    assert root is not None, repair  # noqa: S101 -- it is the text of a checked workflow
    tokens = [_plain(token) for token in repair.reference.split("/")[1:]]
    node = _at(root, tokens)
    wanted = copy.deepcopy(root.plain)
    body: Any = wanted
    for token in tokens:
        body = body[int(token)] if isinstance(body, list) else body[token]
    metadata = node.fields.get("metadata")
    body.setdefault("metadata", {})["participant"] = repair.participant
    if metadata is None:
        changed = _inserted(source, node, "metadata", repair.participant)
    else:
        changed = _inserted(source, metadata, "participant", repair.participant)
    if changed is None:
        return None
    again, _ = read(changed, Findings(""))
    return changed if again is not None and again.plain == wanted else None


def _inserted(text: str, node: Node, key: str, participant: str) -> str | None:
    """Return the text with a first key in an object: `participant`, or `metadata` with it."""
    lines = _BREAK.split(text)
    starts = list(accumulate((len(line) for line in lines), initial=0))
    opened = _OPENED.match(text, starts[node.line - 1] + node.column - 1)
    if opened is not None:
        return _in_braces(text, opened, key, participant)
    indent = lines[node.line - 1][: node.column - 1]
    if indent.strip(" "):
        return None
    first = node.line - 1
    while first and lines[first - 1].startswith(f"{indent}#"):
        first -= 1  # what is said above the first key is said of it
    newline = "\r\n" if lines[node.line - 1].endswith("\r\n") else "\n"
    at = starts[first]
    return f"{text[:at]}{indent}{_entry(key, participant, quoted=False)}{newline}{text[at:]}"


def _in_braces(text: str, opened: re.Match[str], key: str, participant: str) -> str:
    space, quote, closed = opened.groups()
    entry = _entry(key, participant, quoted=bool(quote))
    between = space if closed else f",{space or ' '}"
    return f"{text[: opened.start(1)]}{space}{entry}{between}{text[opened.end(1) :]}"


def _entry(key: str, participant: str, *, quoted: bool) -> str:
    """Return a key with its value, as JSON where that is what stands around it."""
    if quoted:
        named = f'"participant": "{participant}"'
        return named if key == "participant" else f'"{key}": {{{named}}}'
    plain = _BARE.fullmatch(participant) and participant not in _NO_TEXT
    named = f"participant: {participant}" if plain else f'participant: "{participant}"'
    return named if key == "participant" else f"{key}: {{ {named} }}"


def _at(node: Node, tokens: list[str]) -> Node:
    for token in tokens:
        node = node.items[int(token)] if node.kind == "array" else node.fields[token]
    return node


def _name(reference: str) -> str:
    return _plain(reference.rpartition("/")[2])


def _plain(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")
