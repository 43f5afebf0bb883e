"""Knowing: whether a run that a message is about was ever known here, and where its part is.

Most messages are about runs in memory, and most of the others about runs that are new. To learn
that a run is new costs a look into the store, so it is done once for many messages (`look_up`).
What that look found holds until the next one, for no longer than the loop's turn: what is on its
way to the store meanwhile is of runs that are in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.errors import BatutaError
from batuta.runtime.shared.envelope import decode_envelope

if TYPE_CHECKING:
    from batuta.runtime.participant.deliveries import Delivery
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun


class Knowing:
    """What one participant knows of runs."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._strange: set[str] = set()
        """Runs that the store had never known at the last look."""

    def look_up(self, deliveries: list[Delivery]) -> None:
        """Read what messages say, and find out which of the runs that they are about are new."""
        participant = self._participant
        runs: set[str] = set()
        for one in deliveries:
            try:
                one.envelope = decode_envelope(one.message.body)
            except msgspec.DecodeError:
                continue  # that is for `receiving` to say
            run_id = one.envelope.batutarun
            if run_id is not None and run_id not in participant.runs:
                runs.add(run_id)
        if runs:
            try:
                self._strange = runs - participant.mail.known(runs)
            except BatutaError:
                self.forget()  # each is looked up alone, and put off alone if it cannot be

    def forget(self) -> None:
        """Forget what was found: the next message may come much later."""
        self._strange = set()

    def part(self, run_id: str) -> PartRun | None:
        """Return this participant's part of a run that has not ended."""
        participant = self._participant
        if run_id in self._strange and run_id not in participant.runs:
            return None
        return participant.part(run_id)

    def known(self, run_id: str) -> bool:
        """Say whether a run was ever known here."""
        participant = self._participant
        if run_id in participant.runs or run_id in participant.over:
            return True
        return run_id not in self._strange and bool(participant.mail.known([run_id]))
