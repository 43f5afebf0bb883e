"""Taking at once: what a message brings to a part, and what comes of it without waiting.

A message is durable when it is here, so what it asks for may begin before its arrival is written
down. When that is one task, and the task answers at once (a function that does not suspend), then
the arrival and the answer are one transition: one row of the journal, and one look at what is to be
sent. It says the same as two: the kernel takes an event that carries its answer as it would take
one after the other.

What the answer leads to is a different matter: it waits for the commit, like everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.errors import KernelBug
from batuta.kernel.commands import Perform
from batuta.kernel.evaluation import NeedsEvaluation
from batuta.kernel.events import Arrived, Event, Failed, Opened, Performed
from batuta.kernel.step import step
from batuta.runtime.shared.driving.committer import Released

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.kernel.step import Step
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun


class Taking:
    """Takes for the parts of one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant

    def take(self, run: PartRun, event: Event) -> None:
        """Let a part take an event whose message is durable."""
        participant = self._participant
        if (
            run.secrets is not None
            or run.problem is not None
            or run.evaluating
            or not isinstance(event, Arrived | Opened)
        ):
            self._early(lambda: participant.take(run, event))
            return
        now, told = participant.clock.now(), len(run.watch or ())
        try:
            taken = step(run.program, run.state, event, now, (), run.watch)
        except (NeedsEvaluation, KernelBug):
            participant.take(run, event)  # which meets the same, and sees to it
            return
        task = self._only_task(run, taken)
        if task is None:
            self._early(lambda: self._note(run, event, taken, now, told))
            return
        answer = participant.acting.begin(run, taken.state.origin, task)
        if isinstance(answer, Performed | Failed):
            self._answered(run, event, taken, now, told, answer)
        else:
            self._note_begun(run, event, taken, now, told)
            participant.acting.wait_for(run, task, answer)

    def _only_task(self, run: PartRun, taken: Step) -> Perform | None:
        """Return the task that a step asks for, if it asks for one of ours and for nothing else."""
        task = taken.commands[0] if len(taken.commands) == 1 else None
        if type(task) is not Perform or self._participant.requesting.concerns(run, task):
            return None
        return task

    def _answered(
        self,
        run: PartRun,
        event: Arrived | Opened,
        taken: Step,
        now: int,
        told: int,
        answer: Performed | Failed,
    ) -> None:
        """Note as one what arrived and what its task has answered."""
        try:
            second = step(run.program, taken.state, answer, now, (), run.watch)
        except (NeedsEvaluation, KernelBug):
            # A step of its own then, which the driver takes as it takes any other.
            self._note_begun(run, event, taken, now, told)
            self._participant.post(run, answer)
            return
        both = msgspec.structs.replace(event, answer=answer)
        self._participant.deliveries.became(event, both)
        self._note(run, both, second, now, told)

    # -- into the batch ----------------------------------------------------------------------------

    def _note(self, run: PartRun, event: Event, taken: Step, now: int, told: int) -> None:
        participant = self._participant
        reports = () if participant.observer is None else tuple(run.watch or ())[told:]
        participant.note(run, event, taken, now, (), reports)

    def _note_begun(self, run: PartRun, event: Event, taken: Step, now: int, told: int) -> None:
        """Note a step whose only task has been begun already."""
        self._participant.early = []
        try:
            self._note(run, event, taken, now, told)
        finally:
            self._participant.early = None

    def _early(self, take: Callable[[], None]) -> None:
        """Take something, and carry out now what only waits for its message to be durable."""
        participant = self._participant
        participant.early = early = list[Released]()
        try:
            take()
        finally:
            participant.early = None
        for release in early:
            release()
