"""Where tasks stand in their document: what lies inside what, and what may come before what. Pure.

Both questions are about occurrences, each a reference and a path (`kernel.tokens.Frame`). Answers
about order are generous: every way that control could take counts, whatever the data would say. So
what is said to be impossible is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from batuta.kernel.frames import escaped
from batuta.kernel.program import CONTINUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.kernel.program import Node, Program

_TURNS = re.compile(r"~[0-9]+$")


def is_inside(outer: tuple[str, str], inner: tuple[str, str]) -> bool:
    """Say whether an occurrence (reference, path) began inside of another one."""
    reference, path = outer
    beyond = inner[1][len(path) :]
    if not inner[1].startswith(path) or (path and beyond[:1].isdigit()):
        return False
    _, mark, call = beyond.partition("@")
    if not mark:
        return inner[0].startswith(f"{reference}/")
    caller = escaped(reference)
    return call.startswith(caller) and call[len(caller) : len(caller) + 1] in {*"/#@[+~", ""}


def scope_of(path: str) -> str:
    """Return what the paths of tasks side by side have in common, however often control turned."""
    return _TURNS.sub("", path)


class Order(NamedTuple):
    """What may come before a task among those beside it.

    `begins` says that it may be the first; `after` are the references that it may follow.
    """

    begins: bool
    after: frozenset[str]


def orders_of(program: Program) -> dict[str, Order]:
    """Return for each task of a document what may come before it, by reference."""
    begins: set[str] = set()
    after: dict[str, set[str]] = {}
    # What extensions stand around is known by its task, and comes in its order by the outermost.
    nodes = [
        node
        for node in program.nodes.values()
        if node.wrapper is None and node.kind not in {"workflow", "compensation"}
    ]
    for node in nodes:
        after.setdefault(_told(node), set())
    for node in nodes:
        if not node.siblings or node.index == 0:
            begins.update(map(_told, _reached(node)))
        for then in _ways_on(node.described):
            following = node.next if then == CONTINUE else node.siblings.get(then)
            for one in _reached(following):
                after.setdefault(_told(one), set()).add(_told(node))
    return {
        reference: Order(reference in begins, frozenset(before))
        for reference, before in after.items()
    }


def _told(node: Node) -> str:
    """Return the reference under which timelines know a node: that of the task of the document."""
    return node.described.reference


def _ways_on(task: Node) -> Iterator[str]:
    yield task.then
    if task.kind == "switch":
        yield from (then for _, then in task.own if then is not None)
    if task.kind == "try" and task.own.then is not None:
        yield task.own.then


def _reached(node: Node | None) -> Iterator[Node]:
    """Yield the tasks that may begin when it is this one's turn: one with a condition may not."""
    while node is not None:
        yield node
        if node.condition is None:
            return
        node = node.next
