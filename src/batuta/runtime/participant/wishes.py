"""What people ask of a run: to end, to stand still, to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.kernel.events import BranchCancelled, CancelAsked, Event, ResumeAsked, SuspendAsked
from batuta.runtime.shared.envelope import Ask, UnfitError

if TYPE_CHECKING:
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun

WISHED = "wished "
"""Before the place on the bus of a wish that was taken; no message has such a name."""


def is_outdated(participant: Participant, run: PartRun, event: Event, place: int) -> bool:
    """Say whether a later wish to suspend or resume was brought to a part before this one.

    Each of the two undoes the other, and what is delivered again may come out of order; so their
    places on the bus decide, and the last is kept with what was taken.
    """
    if not isinstance(event, SuspendAsked | ResumeAsked):
        return False
    if run.wished is None:
        last = participant.mail.last_taken(run.id, WISHED) if run.is_from_store else None
        run.wished = 0 if last is None else int(last.removeprefix(WISHED))
    if place < run.wished:
        return True
    run.wished = place
    participant.committer.batch.inbox.append((run.id, f"{WISHED}{place:020}"))
    return False


def meant(ask: Ask) -> Event:
    """Return what an ask means to a run.

    Raises:
        UnfitError: nobody can ask for that.
    """
    match ask.what:
        case "cancel":
            return CancelAsked(ask.compensate)
        case "suspend":
            return SuspendAsked()
        case "resume":
            return ResumeAsked()
        case "leave":
            return BranchCancelled(ask.branch)
        case _:
            raise UnfitError(
                f"it asks to {ask.what!r}: cancel, suspend, resume and leave are known"
            )
