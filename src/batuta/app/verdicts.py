"""Verdicts for lists: whether each run of a page conforms, without replaying any.

Of an orchestrated run the verdict follows from what is stored. A conductor does nothing that the
workflow does not allow, so it is stuck, late, or all is well. A choreographed run is compared from
what its participants told; that takes a while, so what was found is remembered until more is told,
and of one page only so much is compared. What is left has no verdict yet, and has one a page later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from batuta.app.choreography import CHOREOGRAPHED
from batuta.insight.conformance import INCONCLUSIVE, LATE, OK, STUCK
from batuta.ports.sla import BROKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.app.knowing import Knowing
    from batuta.ports.store import RunRow

LONGEST_S = 0.01
"""How long runs of one page are compared."""
MOST_REMEMBERED = 10_000
_Seen = tuple[int | None, int | None, int | None, str]


class Verdicts:
    """Says of runs whether they conform; the words are those of `insight.conformance`."""

    def __init__(self, knowing: Knowing, clock: Callable[[], float] = time.perf_counter) -> None:
        """Prepare.

        Args:
            knowing: compares a run with its workflow.
            clock: seconds, never going back.
        """
        self._knowing = knowing
        self._clock = clock
        self._known: OrderedDict[str, tuple[_Seen, str]] = OrderedDict()

    def of(self, rows: list[RunRow], sla: dict[str, str]) -> dict[str, str]:
        """Return the verdicts on runs, by their ids; without those that have none yet.

        Args:
            rows: the runs.
            sla: the worst state of the promises of those that have any.
        """
        until = self._clock() + LONGEST_S
        found: dict[str, str] = {}
        for row in rows:
            verdict = self._verdict(row, sla.get(row.id, ""), until)
            if verdict is not None:
                found[row.id] = verdict
        return found

    def _verdict(self, row: RunRow, sla: str, until: float) -> str | None:
        is_stuck = row.ended_at is None and (row.stuck is not None or row.problem is not None)
        if row.control != CHOREOGRAPHED:
            if self._knowing.rules(row) is None:
                return INCONCLUSIVE
            return STUCK if is_stuck else LATE if sla == BROKEN else OK
        # `check_at` changes whenever more is seen of a run.
        seen = (row.check_at, row.stuck, row.ended_at, sla)
        known = self._known.get(row.id)
        if known is not None and known[0] == seen:
            return known[1]
        if self._clock() >= until:
            return None
        verdict = self._knowing.known(row).conformance.verdict
        self._known[row.id] = (seen, verdict)
        self._known.move_to_end(row.id)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return verdict
