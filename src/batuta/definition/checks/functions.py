"""Functions and compensations: that they end.

Owns two kinds of recursion: a function of `use.functions` that calls itself, and a compensation
that would have to be compensated.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from batuta.definition.shapes import Names

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.found import Found, Reference
    from batuta.definition.problems import Findings, Path


def check_functions(found: Found, functions: Collection[str], findings: Findings) -> None:
    """Check every call inside a function, and every compensation."""
    calls: dict[str, list[Reference]] = {name: [] for name in functions}
    for reference in found.references:
        inside = _function_around(reference.path)
        if reference.names is Names.FUNCTION and inside in calls:
            calls[inside].append(reference)
    groups = _groups({name: [call.node.plain for call in made] for name, made in calls.items()})
    for name, made in calls.items():
        for call in made:
            if groups.get(call.node.plain) == groups[name]:
                findings.add(
                    "function-cycle",
                    call.node.position,
                    call.path,
                    f"`{name}` calls itself"
                    + ("" if call.node.plain == name else f" through `{call.node.plain}`"),
                    value=call.node.plain,
                    hint="repeat with `for`, or run another workflow",
                )
    for task in found.lone_tasks:
        if _compensations(task.path) > 1:
            findings.add(
                "compensate-nested",
                task.position,
                task.path,
                "a compensation cannot be compensated itself",
                hint="make the compensation safe to repeat instead",
            )


def _function_around(path: Path) -> str:
    tokens = _tokens(path)
    return str(tokens[2]) if tokens[:2] == ["use", "functions"] else ""


def _tokens(path: Path) -> list[str | int]:
    tokens: list[str | int] = []
    while path is not None:
        path, token = path
        tokens.append(token)
    return tokens[::-1]


def _groups(calls: dict[str, list[str]]) -> dict[str, int]:
    """Number functions so that two have one number when each leads to the other.

    Strongly connected components after Kosaraju: in the reverse order of leaving the calls, what
    reaches a function backwards, and has no number yet, is in its group.
    """
    callers: dict[str, list[str]] = {name: [] for name in calls}
    for name, called in calls.items():
        for other in called:
            if other in callers:
                callers[other].append(name)
    groups: dict[str, int] = {}
    for number, name in enumerate(reversed(_left(calls))):
        waiting = [name]
        while waiting:
            member = waiting.pop()
            if member not in groups:
                groups[member] = number
                waiting += callers[member]
    return groups


def _left(calls: dict[str, list[str]]) -> list[str]:
    """Return functions in the order in which a walk along the calls leaves them."""
    order: list[str] = []
    entered: set[str] = set()
    for start in calls:
        waiting = [(start, False)]
        while waiting:
            name, leaving = waiting.pop()
            if leaving:
                order.append(name)
            elif name not in entered:
                entered.add(name)
                waiting.append((name, True))
                waiting += ((other, False) for other in calls[name] if other in calls)
    return order


def _compensations(path: Path) -> int:
    tokens = _tokens(path)
    return sum(pair == ("metadata", "compensate") for pair in pairwise(tokens))
