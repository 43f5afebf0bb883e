"""What a line of control has heard: which events it may still consume.

Owns the rules behind `state.Ears`: an event is consumed once by one line of control, also across
the branches that join it. Numbers of events that were consumed are kept one by one; of the oldest,
once there are more than `REMEMBERED`, only the highest is kept, and whatever lies below counts as
consumed: who cannot tell any more must not consume again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.state import Ears

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEMBERED = 1_000
"""How many consumed events a line of control remembers one by one."""

FORGOTTEN = ""
"""The horizon (no listen's reference) below which every event counts as consumed."""

NOTHING = Ears()


def behind(ears: Ears | None, reference: str | None) -> int:
    """Return the number up to which a listen consumes nothing any more, -1 for none.

    `reference` is that of a listen that goes on behind its last event; None for one that looks at
    every event again.
    """
    if ears is None:
        return -1
    forgotten = ears.horizon.get(FORGOTTEN, -1)
    return forgotten if reference is None else max(forgotten, ears.horizon.get(reference, -1))


def having_heard(
    ears: Ears | None, reference: str | None, number: int, bound: dict[str, Any]
) -> Ears:
    """Return the ears after an event; `bound` are the correlation values that it fixed."""
    ears = ears or NOTHING
    horizon = ears.horizon
    if reference is not None:
        horizon = {**horizon, reference: max(number, horizon.get(reference, number))}
    known = {**bound, **ears.bound} if bound else ears.bound
    return _limited((*ears.recent, number), horizon, known)


def joined(one: Ears | None, other: Ears) -> Ears:
    """Return what two lines of control have heard that go on as one."""
    if one is None:
        return other
    horizon = dict(one.horizon)
    for name, number in other.horizon.items():
        horizon[name] = max(number, horizon.get(name, number))
    recent = sorted({*one.recent, *other.recent})
    return _limited(recent, horizon, {**other.bound, **one.bound})


def _limited(recent: Sequence[int], horizon: dict[str, int], bound: dict[str, Any]) -> Ears:
    if len(recent) > REMEMBERED:
        let_go = max(recent[:-REMEMBERED])
        horizon = {**horizon, FORGOTTEN: max(let_go, horizon.get(FORGOTTEN, let_go))}
        recent = recent[-REMEMBERED:]
    return Ears(tuple(recent), horizon, bound)
