"""One walk over a document: what does not fit, and what the other checks must look at.

Owns holding objects, lists and tasks against the grammar; single values are held in `leaves`. In
passing it collects expressions with what they see, references, lists of tasks and schemas. Does not
own what these mean (`checks`): a misfit in one place hides no problem in another, because the walk
reports it and goes on.

A wrong type is reported once, at the value, and nothing below it is looked at. A property that is
missing because it was misspelt is reported once too: as the misspelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from batuta.definition.found import Found, SchemaSite, TaskList, TaskSite
from batuta.definition.grammar.calls import CALLS, FUNCTION_ARGUMENTS
from batuta.definition.grammar.document import DOCUMENT
from batuta.definition.grammar.tasks import CALL, TASKS
from batuta.definition.leaves import Leaves
from batuta.definition.shapes import (
    DataSchema,
    Either,
    Entries,
    Field,
    Flag,
    Free,
    Items,
    Length,
    Nothing,
    OneTask,
    Real,
    Record,
    Shape,
    Table,
    Tasks,
    Template,
    Text,
    Whole,
)
from batuta.definition.suggest import did_you_mean, listed, nearest
from batuta.definition.variables import View

if TYPE_CHECKING:
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path

_CALL_TASKS = {
    name: Record(
        f"a call of {name}",
        {**CALL.fields, "with": Field(arguments, required=True)},
        hints=CALL.hints,
    )
    for name, arguments in CALLS.items()
}
_FUNCTION_TASK = Record(
    "a function call", {**CALL.fields, "with": Field(FUNCTION_ARGUMENTS)}, hints=CALL.hints
)
_WORKFLOW = View("workflow")
_CLOSE = 2
"""A key under `metadata` this many edits from one of ours is a misspelling of it."""


def survey(
    root: Node, findings: Findings, shape: Shape = DOCUMENT, view: View = _WORKFLOW
) -> Found:
    """Hold a document against the grammar; return what further checks look at."""
    found = Found()
    _Survey(findings, found).visit(shape, root, None, view)
    return found


class _Survey:
    def __init__(self, findings: Findings, found: Found) -> None:
        self._findings = findings
        self._found = found
        self._leaves = Leaves(findings, found)

    def visit(self, shape: Shape, node: Node, path: Path, view: View) -> None:  # noqa: C901, PLR0912 -- one arm per shape
        """Hold a value against a shape."""
        match shape:
            case Text():
                self._leaves.text(shape, node, path, view)
            case Template():
                self._leaves.template(node, path, view, decides=shape.decides)
            case Record():
                self._record(shape, node, path, view)
            case Either():
                self._either(shape, node, path, view)
            case Tasks():
                self._tasks(shape, node, path, view)
            case Table():
                self._table(shape, node, path, view)
            case Items():
                self._items(shape, node, path, view)
            case Entries():
                self._entries(shape, node, path, view)
            case OneTask():
                name, position = _last(path), node.position
                site = TaskSite(name, position, node, path, self._task(node, path, view))
                self._found.lone_tasks.append(site)
            case Length():
                self._leaves.length(shape, node, path, view)
            case Whole() | Real():
                self._leaves.number(shape, node, path)
            case Flag():
                self._leaves.flag(shape, node, path)
            case DataSchema():
                self._found.schemas.append(SchemaSite(node, path))
                self._record(shape.record, node, path, view)
            case Free() | Nothing():
                pass
            case _:  # pragma: no cover -- the union is closed
                assert_never(shape)

    def _record(self, shape: Record, node: Node, path: Path, view: View) -> None:
        if node.kind != "object":
            self._leaves.wrong_type(node, path, f"{shape.title} (an object)")
            return
        bound = shape.binds(node) if shape.binds is not None else {}
        meant: set[str] = set()
        for key, child in node.fields.items():
            known = shape.fields.get(key)
            if known is not None:
                inner = view.at(known.stage).binding(bound.get(key))
                self.visit(known.shape, child, (path, key), inner)
            elif shape.others is not None:
                self.visit(shape.others, child, (path, key), view)
            elif shape.own_keys:
                self._foreign_key(shape, node, key, path)
            else:
                meant |= self._unknown(shape, node, key, path)
        self._presence(shape, node, path, meant)
        for rule in shape.rules:
            rule(node, path, self._findings)

    def _unknown(self, shape: Record, node: Node, key: str, path: Path) -> set[str]:
        """Report an unknown property; return the absent ones that its hint names instead."""
        absent = [name for name in shape.fields if name not in node.fields]
        hint = shape.hints.get(key) or did_you_mean(key, absent)
        self._findings.add(
            "unknown-property",
            node.keys[key],
            (path, key),
            f"`{key}` is not a property of {shape.title}",
            value=key,
            expected=f"one of {listed(shape.fields)}" if shape.fields else "no properties",
            hint=hint,
        )
        return {name for name in absent if f"`{name}`" in hint}

    def _foreign_key(self, shape: Record, node: Node, key: str, path: Path) -> None:
        close = nearest(key, shape.fields, most=_CLOSE)
        if close is None and ("." in key or "/" in key):
            return
        self._findings.add(
            "metadata-key",
            node.keys[key],
            (path, key),
            f"`{key}` is not a key of {shape.title}",
            value=key,
            expected=f"one of {listed(shape.fields)}, or a namespaced key of your own",
            hint=f"did you mean `{close}`?"
            if close is not None
            else f"namespace your own keys: `example.com/{key}`",
        )

    def _presence(self, shape: Record, node: Node, path: Path, meant: set[str]) -> None:
        for key, known in shape.fields.items():
            if known.required and key not in node.fields and key not in meant:
                self._missing(node, path, f"`{key}` is missing in {shape.title}", f"`{key}`")
        for group in shape.one_of:
            present = [key for key in group if key in node.fields]
            if len(present) > 1:
                self._findings.add(
                    "conflicting-properties",
                    node.keys[present[1]],
                    path,
                    f"{listed(present)} exclude each other in {shape.title}",
                    expected=f"exactly one of {listed(group)}",
                )
            elif not present and meant.isdisjoint(group):
                wanted = f"exactly one of {listed(group)}"
                self._missing(node, path, f"{shape.title} lacks {wanted}", wanted)
        for group in shape.any_of:
            if meant.isdisjoint(group) and not any(key in node.fields for key in group):
                wanted = f"{' or '.join(f'`{key}`' for key in group)}"
                self._missing(node, path, f"{shape.title} lacks {wanted}", wanted)

    def _missing(self, node: Node, path: Path, message: str, expected: str) -> None:
        self._findings.add("missing-property", node.position, path, message, expected=expected)

    def _either(self, shape: Either, node: Node, path: Path, view: View) -> None:
        chosen = shape.shapes.get(node.kind)
        if chosen is None:
            self._leaves.wrong_type(node, path, shape.wanted)
        else:
            self.visit(chosen, node, path, view)

    def _table(self, shape: Table, node: Node, path: Path, view: View) -> None:
        if node.kind != "object":
            self._leaves.wrong_type(node, path, "an object")
            return
        self._enough(len(node.fields), shape.least, node, path)
        for key, child in node.fields.items():
            if shape.names:
                self._leaves.form(shape.names, key, node.keys[key], (path, key))
            self.visit(shape.values, child, (path, key), view)

    def _items(self, shape: Items, node: Node, path: Path, view: View) -> None:
        if node.kind != "array":
            self._leaves.wrong_type(node, path, "a list")
            return
        for index, child in enumerate(node.items):
            self.visit(shape.each, child, (path, index), view)

    def _entries(self, shape: Entries, node: Node, path: Path, view: View) -> None:
        if node.kind != "array":
            self._leaves.wrong_type(node, path, "a list of `- name: ...`")
            return
        self._enough(len(node.items), shape.least, node, path)
        for index, child in enumerate(node.items):
            if self._single(child, (path, index)):
                ((name, value),) = child.fields.items()
                self.visit(shape.each, value, ((path, index), name), view)

    def _tasks(self, shape: Tasks, node: Node, path: Path, view: View) -> None:
        if node.kind != "array":
            hint = "begin every task with `- NAME:`" if node.kind == "object" else ""
            self._leaves.wrong_type(node, path, "a list of tasks", hint)
            return
        collected = TaskList(shape.sequence)
        self._found.lists.append(collected)
        for index, child in enumerate(node.items):
            if self._single(child, (path, index)):
                ((name, value),) = child.fields.items()
                place = ((path, index), name)
                kind = self._task(value, place, view)
                collected.tasks.append(TaskSite(name, child.keys[name], value, place, kind))

    def _task(self, node: Node, path: Path, view: View) -> str:
        """Hold a value against the shape of its kind of task and return the kind."""
        if node.kind != "object":
            self._leaves.wrong_type(node, path, "a task (an object)")
            return ""
        kinds = [kind for kind in TASKS if kind in node.fields]
        if "for" in kinds and "do" in kinds:
            kinds.remove("do")
        if len(kinds) != 1:
            self._unclear_kind(node, path, kinds)
            return ""
        self.visit(_shape_of(kinds[0], node), node, path, View("task", view.bound))
        return kinds[0]

    def _unclear_kind(self, node: Node, path: Path, kinds: list[str]) -> None:
        hints = [did_you_mean(key, TASKS) for key in node.fields if key not in CALL.fields]
        self._findings.add(
            "task-kind",
            node.keys[kinds[1]] if kinds else node.position,
            path,
            f"a task is either {listed(kinds)}" if kinds else "the task does nothing",
            expected=f"exactly one of {listed(TASKS)}",
            hint="make two tasks of it" if kinds else next(filter(None, hints), ""),
        )

    def _single(self, node: Node, path: Path) -> bool:
        if node.kind == "object" and len(node.fields) == 1:
            return True
        many = node.kind == "object" and len(node.fields) > 1
        self._findings.add(
            "single-key",
            node.position,
            path,
            f"the entry has {len(node.fields)} keys" if many else "the entry has no name",
            expected="an object with exactly one key: `- NAME: ...`",
            hint="indent what belongs to the name under it" if many else "",
        )
        return False

    def _enough(self, count: int, least: int, node: Node, path: Path) -> None:
        if count < least:
            self._findings.add(
                "too-few", node.position, path, "it is empty", expected=f"at least {least}"
            )


def _shape_of(kind: str, node: Node) -> Record:
    if kind != "call":
        return TASKS[kind]
    target = node.fields["call"].plain
    return _CALL_TASKS.get(target, _FUNCTION_TASK) if isinstance(target, str) else _FUNCTION_TASK


def _last(path: Path) -> str:
    return str(path[1]) if path is not None else ""
