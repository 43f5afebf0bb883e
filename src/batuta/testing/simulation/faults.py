"""What goes wrong in a simulation: each fault has a name, and a seed decides whether it comes.

A fault happens at a place that is the same in every simulation of the same seed: the third delivery
of this message to that consumer, the fortieth callback of that process. So a simulation in which
something was found can be run again with `only` some of its faults, until just those are left that
it takes (`shrinking`).

Each seed has a mood: some kinds of fault do not occur with it at all, others often.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

KINDS = (
    "slow",
    "lost delivery",
    "again",
    "again much later",
    "lost acknowledgement",
    "refused publication",
    "unconfirmed publication",
    "forgotten id",
    "slow disk",
    "slow sandbox",
    "skewed clock",
    "clock set wrongly",
    "crash",
    "crash before a commit",
    "crash behind a commit",
    "long outage",
)
"""Every kind of fault."""

RATES = (0.0, 0.0, 0.02, 0.1, 0.3)
RARE = {"crash before a commit": 10, "crash behind a commit": 10}
"""Kinds that come less often than others, by how many times."""

LONGEST_LIFE = 400
"""Callbacks after which a process is killed at the latest, if it is to be killed."""
MOST_CRASHES = 3


def chance(seed: int, name: str) -> int:
    """Return a number below 2**48 that depends on nothing else."""
    return int.from_bytes(blake2b(f"{seed} {name}".encode(), digest_size=6).digest())


class Faults:
    """The faults of one seed."""

    def __init__(
        self, seed: int, *, kinds: tuple[str, ...] = KINDS, only: frozenset[str] | None = None
    ) -> None:
        """Choose the mood.

        Args:
            seed: decides everything.
            kinds: those that may occur.
            only: the names of the faults that may occur, None for all.
        """
        self.seed = seed
        self.only = only
        self.happened: list[str] = []
        """The names of those that came, in order."""
        self.healed = False
        mood = Random(seed)  # noqa: S311 -- it has to be the same each time
        self._rates = {kind: mood.choice(RATES) for kind in KINDS}
        for kind in KINDS:
            if kind not in kinds:
                self._rates[kind] = 0.0
        self._below = {
            kind: round(rate * 2**48) // RARE.get(kind, 1) for kind, rate in self._rates.items()
        }

    @property
    def may_crash(self) -> bool:
        """Say whether processes are killed at all."""
        return any(rate for kind, rate in self._rates.items() if kind.startswith("crash"))

    def fires(self, kind: str, name: str) -> bool:
        """Say whether the fault of this kind comes at this place."""
        below = self._below[kind]
        if not below or self.healed:
            return False
        whole = f"{kind}: {name}"
        if chance(self.seed, whole) >= below or (self.only is not None and whole not in self.only):
            return False
        self.happened.append(whole)
        return True

    def amount(self, name: str, low: int, high: int) -> int:
        """Return how large something is, from low to high."""
        return low + chance(self.seed, name) % (high - low + 1)

    def crashes(self, process: str) -> dict[int, str]:
        """Return after how many of its callbacks a process is killed, and what that is called."""
        if not self._below["crash"]:
            return {}
        times: dict[int, str] = {}
        count = 0
        for number in range(self.amount(f"crashes {process}", 0, MOST_CRASHES)):
            # Early moments matter more: there are many small things to be interrupted.
            most = 2 ** self.amount(f"reach {process} {number}", 1, 9)
            count += self.amount(f"life {process} {number}", 1, min(most, LONGEST_LIFE))
            name = f"crash: {process} {count}"
            if self.only is None or name in self.only:
                times[count] = name
        return times
