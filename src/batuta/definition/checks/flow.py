"""Where control can go inside one list of tasks.

Owns the names of tasks, the targets of `then`, tasks that nothing leads to, and loops that nothing
leaves. Works on each list alone: `then` cannot leave its list (`dsl.md`, "Flow directives"), except
by `end`, which leaves every list.

A list is a graph. A task leads to the next one, or to the target of its `then`; a switch leads
where its cases say; a task with `if` may always be skipped and then leads to the next (ruling A6);
`raise` leads nowhere. The end of the list, `exit` and `end` are one vertex, `None`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from batuta.definition.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from batuta.definition.found import Found, TaskList, TaskSite
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path

_DIRECTIVES = ("continue", "exit", "end")
_OUT = None


def check_flow(found: Found, findings: Findings) -> None:
    """Check every list of tasks."""
    for tasks in found.lists:
        _names(tasks, findings)
        names = [task.name for task in tasks.tasks] if tasks.sequence else []
        allowed = dict.fromkeys((*_DIRECTIVES, *names))
        known = [_targets_known(task, allowed, findings) for task in tasks.tasks]
        if tasks.sequence and all(known) and len(set(names)) == len(names):
            _paths(tasks.tasks, findings)
    for task in found.lone_tasks:
        _targets_known(task, _DIRECTIVES, findings)
    for task in _all_tasks(found):
        _one_task(task, findings)


def _all_tasks(found: Found) -> Iterator[TaskSite]:
    for tasks in found.lists:
        yield from tasks.tasks
    yield from found.lone_tasks


def _names(tasks: TaskList, findings: Findings) -> None:
    first: dict[str, TaskSite] = {}
    for task in tasks.tasks:
        if task.name in _DIRECTIVES:
            findings.add(
                "reserved-name",
                task.position,
                task.path,
                f"a task cannot be called `{task.name}`",
                value=task.name,
                expected=f"a name other than {listed(_DIRECTIVES)}",
                hint="`then` would take the name for the flow directive",
            )
        if not task.name.strip():
            findings.add(
                "wrong-format",
                task.position,
                task.path,
                "the name of a task is empty",
                expected="a name",
            )
        earlier = first.setdefault(task.name, task)
        if earlier is not task:
            findings.add(
                "duplicate-task",
                task.position,
                task.path,
                f"there are two tasks `{task.name}` in this list",
                value=task.name,
                hint=f"the first is in line {earlier.position.line}; `then` could mean either",
            )


def _directives(task: TaskSite) -> Iterator[tuple[Node, Path]]:
    """Yield every flow directive of a task: its own, its cases', its catch's."""
    fields = task.node.fields
    if "then" in fields:
        yield fields["then"], (task.path, "then")
    switch = fields.get("switch")
    for index, entry in enumerate(switch.items if switch is not None else ()):
        for name, case in entry.fields.items():
            if "then" in case.fields:
                place: Path = (((task.path, "switch"), index), name)
                yield case.fields["then"], (place, "then")
    catch = fields.get("catch")
    if catch is not None and "then" in catch.fields:
        yield catch.fields["then"], ((task.path, "catch"), "then")


def _target_hint(name: str, allowed: Collection[str]) -> str:
    return did_you_mean(name, allowed) or "`then` reaches only tasks of the same list"


def _targets_known(task: TaskSite, allowed: Collection[str], findings: Findings) -> bool:
    right = True
    for node, path in _directives(task):
        if node.kind == "string" and node.plain in allowed:
            continue
        right = False
        if node.kind == "string":
            findings.add(
                "unknown-task",
                node.position,
                path,
                f"there is no task `{node.plain}` in this list",
                value=node.plain,
                expected=f"one of {listed(allowed)}",
                hint=partial(_target_hint, node.plain, allowed),
            )
    return right


def _one_task(task: TaskSite, findings: Findings) -> None:
    fields = task.node.fields
    then = fields.get("then")
    if then is not None and "if" in fields and then.plain != "continue":
        findings.add(
            "condition-with-jump",
            then.position,
            (task.path, "then"),
            "when `if` does not hold, `then` is not followed",
            value=then.plain,
            hint="runtimes differ here; decide with a `switch` instead",
        )
    switch = fields.get("switch")
    defaults = [
        (index, name, case)
        for index, entry in enumerate(switch.items if switch is not None else ())
        for name, case in entry.fields.items()
        if case.kind == "object" and "when" not in case.fields
    ]
    for index, name, case in defaults[1:]:
        findings.add(
            "many-defaults",
            case.position,
            (((task.path, "switch"), index), name),
            f"`{name}` is a second case without `when`",
            value=name,
            expected="at most one case without `when`",
            hint=f"`{defaults[0][1]}` is the default already",
        )


def _paths(tasks: list[TaskSite], findings: Findings) -> None:
    index = {task.name: place for place, task in enumerate(tasks)}
    edges = [_edges(task, place, index, len(tasks)) for place, task in enumerate(tasks)]
    reached = _closure([0] if tasks else [], edges)
    for place, task in enumerate(tasks):
        if place not in reached:
            findings.add(
                "unreachable-task",
                task.position,
                task.path,
                f"nothing leads to `{task.name}`",
                value=task.name,
                hint="name it in a `then`, or remove it",
            )
    _loops(tasks, edges, reached, findings)


def _edges(task: TaskSite, place: int, index: dict[str, int], count: int) -> frozenset[int | None]:
    """Return the tasks that a task may lead to; None is out of the list."""
    following: int | None = place + 1 if place + 1 < count else _OUT

    def target(directive: str) -> int | None:
        return following if directive == "continue" else index.get(directive, _OUT)

    fields = task.node.fields
    ends: set[int | None] = {target(node.plain) for node, _ in _directives(task)}
    decided = task.kind == "switch" and any(
        "when" not in case.fields
        for entry in fields["switch"].items
        for case in entry.fields.values()
    )
    if "then" not in fields and task.kind != "raise" and not decided:
        ends.add(following)
    if task.kind == "raise":
        ends = {_OUT}
    if "if" in fields:
        ends.add(following)
    if _ends_inside(task.node):
        ends.add(_OUT)
    return frozenset(ends)


def _ends_inside(node: Node) -> bool:
    """Return whether a task further inside may end the whole workflow."""
    waiting = list(node.fields.items())
    while waiting:
        key, child = waiting.pop()
        if key == "then" and child.plain == "end":
            return True
        waiting.extend(child.fields.items())
        waiting.extend(pair for item in child.items for pair in item.fields.items())
    return False


def _closure(start: list[int], edges: list[frozenset[int | None]]) -> set[int]:
    reached: set[int] = set()
    waiting = list(start)
    while waiting:
        place = waiting.pop()
        if place not in reached:
            reached.add(place)
            waiting.extend(end for end in edges[place] if end is not None)
    return reached


def _loops(
    tasks: list[TaskSite],
    edges: list[frozenset[int | None]],
    reached: set[int],
    findings: Findings,
) -> None:
    """Warn where control enters a loop that has no way out."""
    back: list[set[int]] = [set() for _ in tasks]
    leaving: list[int] = []
    for place, ends in enumerate(edges):
        for end in ends:
            if end is None:
                leaving.append(place)
            else:
                back[end].add(place)
    escaping = _closure(leaving, [frozenset(ends) for ends in back])
    for place in sorted(reached - escaping):
        jumps = [end for end in edges[place] if end is not None and end <= place]
        if jumps:
            then = tasks[place].node.fields.get("then", tasks[place].node)
            findings.add(
                "endless-loop",
                then.position,
                (tasks[place].path, "then"),
                f"from here control goes back to `{tasks[jumps[0]].name}` for ever",
                value=tasks[jumps[0]].name,
                hint="leave the loop by a `switch`, or use `for` with `while`",
            )
