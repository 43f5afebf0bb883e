"""Which known name was probably meant.

Owns the distance between a misspelt word and the words that exist. Rules: case does not count,
swapped neighbours count as one mistake, and a short word tolerates fewer mistakes than a long one,
so that `a` is never "explained" as `at`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """Return the edits between two words: insertions, deletions, replacements, neighbour swaps.

    Optimal string alignment: no part is edited twice.
    """
    previous: list[int] = []
    current = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        before, previous, current = previous, current, [row]
        for column, b in enumerate(right, 1):
            best = min(
                previous[column] + 1,
                current[-1] + 1,
                previous[column - 1] + (a is not b and a != b),
            )
            swapped = row > 1 and column > 1 and a == right[column - 2] and b == left[row - 2]
            current.append(min(best, before[column - 2] + 1) if swapped else best)
    return current[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` most likely meant, or None when none is close."""
    best: str | None = None
    least = _tolerated(word) + 1
    folded = word.casefold()
    for candidate in sorted(known):
        if abs(len(candidate) - len(word)) >= least:
            continue
        edits = distance(folded, candidate.casefold())
        if edits < least:
            best, least = candidate, edits
    return best


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean `x`?", or the empty text."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found is not None else ""


def listed(words: Iterable[str], *, most: int = 12) -> str:
    """Return words as one line of text; past `most`, only how many more there are."""
    names = [f"`{word}`" for word in words]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _tolerated(word: str) -> int:
    return 1 if len(word) < 4 else 2 if len(word) < 9 else 3  # noqa: PLR2004 -- word lengths
