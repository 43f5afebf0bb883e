"""Replaying: from a run's journal back to its state.

Owns the loop that recovery, timelines and retries share. The kernel is pure, so taking the same
events in again gives the same state; where it does not, history and code do not fit each other, and
the run is stopped rather than continued from a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batuta.errors import KernelBug
from batuta.kernel.codec import (
    Outstanding,
    decode_answers,
    decode_event,
    decode_snapshot,
    encode_snapshot,
)
from batuta.kernel.commands import Abandon, Finish, Perform, StartChild, Subscribe, Unsubscribe
from batuta.kernel.evaluation import NeedsEvaluation
from batuta.kernel.events import Failed, Performed
from batuta.kernel.frames import occurrence_path
from batuta.kernel.state import FAULTED, CompensationState
from batuta.kernel.step import NEW, step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.kernel.commands import Command
    from batuta.kernel.events import Event
    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program
    from batuta.kernel.state import Frame, RunState
    from batuta.ports.store import JournalRow


class Ledger:
    """What a run has asked of the world and has not been answered yet.

    `performing` counts the tasks among it; the rest are sub-workflows. `orphans` are sub-workflows
    that are not wanted any more, for whoever takes note to cancel.
    """

    __slots__ = ("asked", "orphans", "performing", "subscribed")

    def __init__(self) -> None:
        self.asked: dict[str, Perform | StartChild] = {}
        self.subscribed: dict[str, Subscribe] = {}
        self.performing = 0
        self.orphans: list[StartChild] = []

    def note(self, event: Event, commands: list[Command]) -> None:
        """Take in an event that changed the run, and the commands that followed from it."""
        if type(event) is Performed or type(event) is Failed:
            self._forget(event.key)
        for command in commands:
            if type(command) is Perform:
                self.asked[command.key] = command
                self.performing += 1
            else:
                self._note_rare(command)

    def _note_rare(self, command: Command) -> None:
        match command:
            case StartChild():
                if command.wait:
                    self.asked[command.key] = command
            case Abandon():
                gone = self._forget(command.key)
                if isinstance(gone, StartChild):
                    self.orphans.append(gone)
            case Subscribe():
                self.subscribed[command.key] = command
            case Unsubscribe():
                self.subscribed.pop(command.key, None)
            case Finish():
                self.asked.clear()
                self.subscribed.clear()
                self.performing = 0
            case _:
                pass

    def _forget(self, key: str) -> Perform | StartChild | None:
        gone = self.asked.pop(key, None)
        if isinstance(gone, Perform):
            self.performing -= 1
        return gone

    def outstanding(self) -> Outstanding:
        """Return it as a value."""
        return Outstanding(
            tuple(one for one in self.asked.values() if isinstance(one, Perform)),
            tuple(one for one in self.asked.values() if isinstance(one, StartChild)),
            tuple(self.subscribed.values()),
        )

    @classmethod
    def of(cls, outstanding: Outstanding) -> Ledger:
        """Return the ledger that `outstanding` was taken from."""
        ledger = cls()
        for one in (*outstanding.performs, *outstanding.children):
            ledger.asked[one.key] = one
        ledger.performing = len(outstanding.performs)
        for subscription in outstanding.subscriptions:
            ledger.subscribed[subscription.key] = subscription
        return ledger


def replay(
    program: Program,
    rows: Iterable[JournalRow],
    *,
    snapshot: tuple[int, bytes] | None = None,
    watch: Watch | None = None,
) -> tuple[RunState, int, Ledger]:
    """Return the state, the last seq and the ledger that a journal leads to.

    Args:
        program: the run's own version of its workflow.
        rows: the journal, from the row after the snapshot's on.
        snapshot: (seq, bytes) to begin from.
        watch: collects the tasks' lives (give the whole journal then, and no snapshot).

    Raises:
        KernelBug: the history does not fit the code.
    """
    state, seq, ledger = NEW, 0, Ledger()
    if snapshot is not None:
        seq = snapshot[0]
        state, outstanding = decode_snapshot(snapshot[1])
        ledger = Ledger.of(outstanding)
    for row in rows:
        event = decode_event(row.body)
        answers = decode_answers(row.answers) if row.answers else ()
        try:
            taken = step(program, state, event, row.at, answers, watch)
        except NeedsEvaluation as need:
            raise KernelBug(
                f"row {row.seq} of run {row.run} asks for {need.source!r}, which its history does "
                "not hold",
                hint="the run was recorded by another version of its workflow or of Batuta",
            ) from None
        if not taken.changed or row.seq != seq + 1:
            raise KernelBug(
                f"row {row.seq} of run {row.run} ({type(event).__name__}) does not follow from the "
                f"rows before it (the last was {seq})",
                hint="the run was recorded by another version of its workflow or of Batuta",
            )
        state, seq = taken.state, row.seq
        ledger.note(event, taken.commands)
    ledger.orphans.clear()
    return state, seq, ledger


def snapshot_of(state: RunState, ledger: Ledger) -> bytes:
    """Return a snapshot to begin a replay from."""
    return encode_snapshot(state, ledger.outstanding())


def before_fault(program: Program, rows: Iterable[JournalRow]) -> tuple[int, bool]:
    """Find where a faulted run went wrong.

    Returns:
        The seq of the last row before the one whose event made the run fault, and whether anything
        was undone after it (then the rows before it no longer tell the truth about the world).

    Raises:
        KernelBug: the history does not fit the code.
    """
    state, good, undoing = NEW, 0, False
    for row in rows:
        answers = decode_answers(row.answers) if row.answers else ()
        taken = step(program, state, decode_event(row.body), row.at, answers)
        state = taken.state
        if state.status == FAULTED:
            break
        undoing = any(
            isinstance(frame.state, CompensationState) and frame.state.sequel == "fault"
            for token in state.tokens.values()
            if (frame := _outermost_undoing(token.frame)) is not None
        )
        if not undoing:
            good = row.seq
    return good, undoing


class Begun(NamedTuple):
    """Where a task began: the row whose event led to it, and its occurrence (without attempts)."""

    seq: int
    occurrence: str


def where_begun(program: Program, rows: Iterable[JournalRow], reference: str) -> Begun | None:
    """Find where the last occurrence of a task first began, None when it never did.

    Raises:
        KernelBug: the history does not fit the code.
    """
    state = NEW
    first: dict[str, int] = {}
    last: str | None = None
    for row in rows:
        watch: Watch = []
        answers = decode_answers(row.answers) if row.answers else ()
        state = step(program, state, decode_event(row.body), row.at, answers, watch).state
        for one in watch:
            if one.what == "started" and one.reference == reference:
                last = one.reference + occurrence_path(one.path)
                first.setdefault(last, row.seq)
    return None if last is None else Begun(first[last], last)


def _outermost_undoing(frame: Frame | None) -> Frame | None:
    found = None
    while frame is not None:
        if isinstance(frame.state, CompensationState):
            found = frame
        frame = frame.parent
    return found
