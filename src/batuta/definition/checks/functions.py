"""Functions and compensations: that they end.

Owns two kinds of recursion: a function of `use.functions` that calls itself, and a compensation
that would have to be compensated.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from batuta.definition.shapes import Names

if TYPE_CHECKING:
    from batuta.definition.found import Found, Reference
    from batuta.definition.problems import Findings, Path


def check_functions(found: Found, functions: frozenset[str], findings: Findings) -> None:
    """Check every call inside a function, and every compensation."""
    calls: dict[str, list[Reference]] = {name: [] for name in functions}
    for reference in found.references:
        inside = _function_around(reference.path)
        if reference.names is Names.FUNCTION and inside in calls:
            calls[inside].append(reference)
    for name in sorted(functions):
        for call in calls[name]:
            if _leads_to(call.node.plain, name, calls):
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


def _leads_to(start: str, goal: str, calls: dict[str, list[Reference]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(call.node.plain for call in calls.get(name, ()))
    return False


def _compensations(path: Path) -> int:
    tokens = _tokens(path)
    return sum(pair == ("metadata", "compensate") for pair in pairwise(tokens))
