"""Makes a failing document small: it drops what it can while the failure stays.

For documents that come from a seed; what comes from a strategy, hypothesis shrinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIES = 4_000

Moves = TypeVar("Moves", bound=Sequence[Any])


def reduced(
    document: dict[str, Any],
    moves: Moves,
    fails: Callable[[dict[str, Any], Moves], bool],
    *,
    tries: int = TRIES,
) -> tuple[dict[str, Any], Moves]:
    """Return a document and moves that still fail, and of which nothing more can be dropped.

    Args:
        document: what is to become small, as plain JSON.
        moves: what is done meanwhile, a list or tuple of anything.
        fails: says whether it still fails with these.
        tries: how often it is asked at most.
    """
    left = tries
    while True:
        for smaller, fewer in _smaller(document, moves):
            left -= 1
            if left < 0:
                return document, moves
            if fails(smaller, fewer):
                document, moves = smaller, fewer
                break
        else:
            return document, moves


def _smaller(document: dict[str, Any], moves: Moves) -> Iterator[tuple[dict[str, Any], Moves]]:
    rebuilt: Any = type(moves)
    for place in range(len(moves)):
        yield document, rebuilt((*moves[:place], *moves[place + 1 :]))
    for part in ("do", "use", "timeout", "output"):
        if part in document:
            if part != "do":
                yield {name: value for name, value in document.items() if name != part}, moves
            for less in _less(document[part]):
                yield {**document, part: less}, moves


def _less(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
        for place, one in enumerate(value):
            for less in _less(one):
                yield [*value[:place], less, *value[place + 1 :]]
    elif isinstance(value, dict):
        if len(value) > 1:
            for name in value:
                yield {other: one for other, one in value.items() if other != name}
        for name, one in value.items():
            for less in _less(one):
                yield {**value, name: less}
        yield from _what_is_inside(value)


def _what_is_inside(task: dict[str, Any]) -> Iterator[Any]:
    """Yield what may stand in a task's place."""
    for tasks in (task.get("do"), task.get("try"), task.get("fork", {}).get("branches")):
        if isinstance(tasks, list):
            for entry in tasks:
                yield from entry.values()
