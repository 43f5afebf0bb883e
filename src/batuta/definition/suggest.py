"""Which known name was probably meant.

Owns the distance between a misspelt word and the words that exist. Rules: case does not count,
swapped neighbours count as one mistake, and a short word tolerates fewer mistakes than a long one,
so that `a` is never "explained" as `at`.
"""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_COMPARED = 20


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


def nearest(word: str, known: Iterable[str], *, most: int | None = None) -> str | None:
    """Return the known word that `word` most likely meant, or None when none is close.

    Args:
        word: what was written.
        known: the words that exist.
        most: how many edits are close; None lets longer words tolerate more.
    """
    best: str | None = None
    least = (_tolerated(word) if most is None else most) + 1
    folded = word.casefold()
    for candidate in _likely(folded, known, least):
        edits = distance(folded, candidate.casefold())
        if edits < least:
            best, least = candidate, edits
    return best


def _likely(folded: str, known: Iterable[str], least: int) -> list[str]:
    """Return the few words worth comparing: of fitting length, alike at their ends.

    Comparing costs the product of two lengths, and a large document may have thousands of names
    and as many mistakes.
    """

    def unlike(candidate: str) -> tuple[int, str]:
        other = candidate.casefold()
        return -_alike(folded, other) - _alike(folded[::-1], other[::-1]), candidate

    fitting = (one for one in known if abs(len(one) - len(folded)) < least)
    return sorted(fitting, key=unlike)[:_COMPARED]


def _alike(one: str, other: str) -> int:
    """Return how many characters two words begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean `x`?", or the empty text."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found is not None else ""


def listed(words: Collection[str], *, most: int = 12) -> str:
    """Return words as one line of text; past `most`, only how many more there are."""
    rest = len(words) - most
    text = ", ".join(f"`{word}`" for word in islice(words, most))
    return text + (f" and {rest} more" if rest > 0 else "")


def _tolerated(word: str) -> int:
    return 1 if len(word) < 4 else 2 if len(word) < 9 else 3  # noqa: PLR2004 -- word lengths
