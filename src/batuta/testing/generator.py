"""Random workflows: well-formed documents over every kind of task, for property tests.

Owns which documents there are; `writing` owns the tasks in them. All of them pass the checks, and
all of them can be brought to an end: loops are short, retries are counted, jumps go forward, waits
are seconds; only a listen may wait for ever for events that nobody sends. What they compute is dull
on purpose: expressions work on any data, except for a few that fail for any, so that a run's course
depends on answers, events and times, which the test draws.

A document over several participants can be run by them: what a listen iterates over belongs to the
participant that listens. One that is `unhurried` besides can be compared between control models:
what happens at one instant follows from one cause, so nothing hinges on who is first by chance.

`workflows` is a strategy, which shrinks what fails; it needs hypothesis, which is not among our own
dependencies: whoever tests with it has it. `random_workflow` gives the same documents from a seed,
many times as fast, for hunting and for simulations.

The names in a document are few and known, so that a test can answer: tasks that act call one of
`ACTIONS`, compensations call `UNDO`, events have one of `EVENT_TYPES`, children are `CHILD`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.testing.writing import (
    ACTIONS,
    CHILD,
    EVENT_TYPES,
    KINDS,
    UNDO,
    Json,
    Manner,
    Writer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from hypothesis import strategies as st


class _Drawn:
    """Choices that hypothesis makes, and can unmake."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        from hypothesis import strategies  # noqa: PLC0415 -- only this half needs it

        self._draw = draw
        self._of = strategies

    def pick(self, choices: Sequence[Any]) -> Any:
        return self._draw(self._of.sampled_from(choices))

    def number(self, low: int, high: int) -> int:
        return self._draw(self._of.integers(low, high))


class _Rolled:
    """Choices that a seed makes."""

    def __init__(self, random: Random) -> None:
        self.pick = random.choice
        self.number = random.randint


def workflows(
    *,
    depth: int = 3,
    kinds: Sequence[str] = KINDS,
    participants: Sequence[str] = (),
    extensions: bool = True,
    unhurried: bool = False,
) -> st.SearchStrategy[dict[str, Json]]:
    """Return a strategy for documents, as plain JSON.

    Args:
        depth: how many tasks may lie inside each other.
        kinds: the kinds of task to use, of `KINDS`; at least one of them a leaf.
        participants: names to spread the tasks that act over.
        extensions: whether `use.extensions` may occur.
        unhurried: whether all times are a thousand times as long, and every branch of a fork begins
            with a call and goes on with one after an event: then whatever answers each call after a
            time of its own keeps branches from meeting at one instant.
    """
    from hypothesis import strategies  # noqa: PLC0415 -- as above

    manner = Manner(tuple(kinds), tuple(participants), extensions, unhurried)

    def drawn(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Json]:
        return Writer(_Drawn(draw), manner).document(depth)

    return strategies.composite(drawn)()


def random_workflow(
    random: Random,
    *,
    depth: int = 3,
    kinds: Sequence[str] = KINDS,
    participants: Sequence[str] = (),
    extensions: bool = True,
    unhurried: bool = False,
) -> dict[str, Json]:
    """Return one of the documents of `workflows`, with the choices that `random` makes."""
    manner = Manner(tuple(kinds), tuple(participants), extensions, unhurried)
    return Writer(_Rolled(random), manner).document(depth)


__all__ = [
    "ACTIONS",
    "CHILD",
    "EVENT_TYPES",
    "KINDS",
    "UNDO",
    "random_workflow",
    "workflows",
]
