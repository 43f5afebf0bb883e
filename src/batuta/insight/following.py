"""What a viewer notes of choreographed runs besides how they look: promises, and when to check.

Participants know nothing of each other's soft deadlines, and one that is not there says nothing at
all. So whoever looks on notes when a promise begins (when control goes to a participant, not when
it begins) and ends, and when it is time to see whether anybody has moved a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.errors import BatutaError
from batuta.insight.sla import note, promise_of_run
from batuta.ports.sla import THE_RUN, Notes

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.insight.sightings import Seen
    from batuta.kernel.program import Program
    from batuta.ports.clock import Clock
    from batuta.ports.views import Sighting
    from batuta.runtime.shared.programs import Programs

MOST_UNKNOWN = 1_000


class Following:
    """Notes what follows from what was seen."""

    def __init__(self, programs: Programs, clock: Clock, expected_ms: int) -> None:
        """Prepare.

        Args:
            programs: the workflows that are deployed here; of others nothing is promised.
            clock: the time.
            expected_ms: within what time somebody is expected to act.
        """
        self._programs = programs
        self._clock = clock
        self._expected_ms = expected_ms
        self._unknown: set[tuple[str, str | None]] = set()
        self.noted: Callable[[], None] | None = None
        """Called when something was noted, and is durable."""

    def notes(self, seen: Seen) -> Notes:
        """Return what follows from what was seen."""
        notes = Notes()
        check_at = self._clock.now() + self._expected_ms
        for run, sightings in seen.runs.items():
            ended = next((one.ended_at for one in sightings if one.ended_at is not None), None)
            program = self._program(next((one for one in sightings if one.digest), sightings[0]))
            if program is not None and program.promises:
                of_run = promise_of_run(program, run, "choreographed", sightings[0].started_at)
                notes.made += [] if of_run is None else [of_run]
                note(program, run, "choreographed", seen.fresh.get(run, ()), notes)
                if ended is not None:
                    notes.ended.append((run, THE_RUN, ended))
            if ended is None:
                notes.checked.append((run, check_at))
        return notes

    def told(self) -> None:
        """What was noted is durable."""
        if self.noted is not None:
            self.noted()

    def _program(self, sighting: Sighting) -> Program | None:
        key = (sighting.workflow, sighting.digest)
        if sighting.digest is None or key in self._unknown:
            return None
        try:
            return self._programs.of(*key)
        except BatutaError:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown.add(key)
            return None
