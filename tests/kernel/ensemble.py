"""Drives one run in parts: one careful driver per participant, and the messages between them.

Each part is checked at every step like a whole run (`driver.Run`): live, replayed and restored
lines agree, and the invariants hold. Besides, a message means what its bytes say, a hand-over that
comes again is recognised by its name, and no two hand-overs of a run have the same name.

Messages wait in `messages` until they are delivered: in the order of sending, unless a test picks.
Events get their numbers when they are published, and reach each participant in that order, and so
does what is asked of the whole run; all else may overtake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from driver import RUN, Answer, Run, fault, plain, plain_commands, program_of

from batuta.kernel.codec import decode_event, encode_event, handed
from batuta.kernel.commands import (
    CancelBranch,
    Command,
    Continue,
    EndBranch,
    Finish,
    HandOver,
    Perform,
    Publish,
    StartChild,
    Subscribe,
)
from batuta.kernel.evaluation import NeedsEvaluation
from batuta.kernel.events import (
    Arrived,
    BranchCancelled,
    BranchEnded,
    CancelAsked,
    Closed,
    Continued,
    Event,
    Facts,
    Failed,
    Heard,
    Opened,
    Performed,
    ResumeAsked,
    Started,
    SuspendAsked,
    Woken,
)
from batuta.kernel.state import PENDING
from batuta.kernel.step import NEW, step
from batuta.kernel.tasks.away import hop_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program

HEADER = """
document:
  dsl: '1.0.3'
  namespace: test
  name: scenario
  version: '1.0.0'
  metadata: { participants: { a: {}, b: {}, c: {} } }
"""


class Part(Run):
    """One participant's part of a run; `name` None drives the whole of it."""

    def __init__(
        self, ensemble: Ensemble, name: str | None, *, careful: bool, answers: dict[str, Answer]
    ) -> None:
        program = ensemble.program
        whole = program if name is None else program.seen_by(name)
        super().__init__(whole, answers=answers, careful=careful)
        self.ensemble = ensemble
        self.name = name
        self.known = 0
        """How many of the published events have come here."""
        self.asked_for = 0
        """How many of the things asked of all parts this one has taken."""
        self.arrived: set[str] = set()
        self.handling: Event = Started(RUN)

    def take(self, event: Event) -> Part:
        self.now = self.ensemble.now
        if self.name is not None and not self.state.is_known:
            if isinstance(event, Arrived) and self.state is NEW:
                event = Opened(self.ensemble.facts, handed=event.handed)
            elif isinstance(event, TELLING):
                super().take(Opened(self.ensemble.facts))
            elif self.state.status == PENDING and not isinstance(event, FIRST):
                super().take(Opened(Facts(RUN)))
        super().take(event)
        return self

    def receive(self, event: Event) -> None:
        """Take a message that may come late, or again."""
        event = decode_event(encode_event(event))
        if isinstance(event, Arrived):
            name = hop_of(event.handed.token, event.handed.stack[0])
            if name in self.arrived:
                return
            self.arrived.add(name)
        self.take(event)

    def hear(self) -> None:
        """Take the next event that was published."""
        if self.known < len(self.ensemble.published):
            self.known += 1
            if self.state.status != PENDING:
                self.take(Heard(*self.ensemble.published[self.known - 1]))

    def take_asked(self) -> None:
        """Take what is asked of all parts next."""
        if self.asked_for < len(self.ensemble.asks):
            self.asked_for += 1
            self.take(self.ensemble.asks[self.asked_for - 1])

    def _step(self, event: Event) -> None:
        self.handling = event
        if self.careful and isinstance(event, Arrived | Opened):
            self._answer_at_once(event)
        super()._step(event)

    def _answer_at_once(self, event: Arrived | Opened) -> None:
        """Offer what comes together with an answer to it: it means what both mean in turn."""
        watch: Watch = []
        try:
            taken = step(self.program, self.state, event, self.now, (), watch)
        except NeedsEvaluation:
            return
        asked = [one for one in taken.commands if isinstance(one, Perform)]
        if len(taken.commands) != 1 or not asked:
            return
        token, key = asked[0].token, asked[0].key
        for answer in (Performed(token, key, {"at": "once"}), Failed(token, key, fault())):
            told = list(watch)
            try:
                second = step(self.program, taken.state, answer, self.now, (), told)
            except NeedsEvaluation:
                continue
            both = decode_event(encode_event(msgspec.structs.replace(event, answer=answer)))
            told_of_both: Watch = []
            once = step(self.program, self.state, both, self.now, (), told_of_both)
            assert plain(once.state) == plain(second.state), "together they lead elsewhere"
            assert plain_commands(once.commands) == plain_commands(second.commands)
            assert told_of_both == told

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            self.commands.append(command)
            match command:
                case Perform() | StartChild():
                    self.ensemble.perform(self, command)
                case Continue():
                    self._inbox.append(Continued())
                case Subscribe():
                    known = self.ensemble.published[command.after or 0 : self.known]
                    self._inbox[:0] = [Heard(*one, command.key) for one in known]
                case _:
                    self.ensemble.carry_out(self, command)


FIRST = (Started, Opened, Closed)
"""The events that a participant can take before it has heard of the run."""

TELLING = (Arrived, BranchEnded)
"""The events whose messages tell the facts of the run; others tell no more than its id."""


class Ensemble:
    """The participants of one run."""

    def __init__(
        self,
        text: str | Program,
        names: Sequence[str | None] = ("a", "b", "c"),
        *,
        answers: dict[str, Answer] | None = None,
        careful: bool = True,
    ) -> None:
        if isinstance(text, str):
            text = program_of(HEADER + text)
        self.program = text
        self.now = 1_000_000
        self.first = next(iter(names))
        self.parts = {
            name: Part(self, name, careful=careful, answers=answers or {}) for name in names
        }
        self.messages: list[tuple[Part, Event]] = []
        self.published: list[tuple[int, dict[str, Any]]] = []
        self.asks: list[Event] = []
        self.finished: list[Finish] = []
        self.hops: set[str] = set()

    @property
    def facts(self) -> Facts:
        """Return what the participant that the run began at tells the others of it."""
        known = self.parts[self.first].state
        assert known.is_known
        return Facts(RUN, known.origin, known.started, known.input, known.behaviour)

    # -- what the parts ask for --------------------------------------------------------------------

    def perform(self, part: Part, command: Perform | StartChild) -> None:
        part._perform(command)

    def send(self, to: Part, event: Event) -> None:
        self.messages.append((to, event))

    def publish(self, event: dict[str, Any]) -> None:
        self.published.append((len(self.published) + 1, event))
        for part in self.parts.values():
            self.send(part, Heard(0, event))

    def carry_out(self, part: Part, command: Command) -> None:
        match command:
            case Publish():
                self.publish(command.event)
            case HandOver():
                frame = command.token.frame
                assert frame is not None
                name = hop_of(command.token, frame)
                assert name not in self.hops, f"two hand-overs are called {name}"
                self.hops.add(name)
                self.send(self.parts[command.to], Arrived(handed(command.token)))
            case EndBranch():
                ended = BranchEnded(command.owner, command.token, command.branch)
                self.send(self.parts[command.keeper], ended)
            case CancelBranch():
                for one in self.parts.values():
                    self.send(one, BranchCancelled(command.token))
            case Finish():
                self.finish(part, command)
            case _:
                pass

    def finish(self, part: Part, command: Finish) -> None:
        if isinstance(part.handling, Closed):
            assert (command.output, command.fault) == (None, None)
            return
        self.finished.append(command)
        for one in self.parts.values():
            if one is not part:
                self.send(one, Closed(command.status))

    # -- moving it ---------------------------------------------------------------------------------

    def deliver(self, place: int = 0) -> None:
        """Deliver one message."""
        self.give(*self.messages.pop(place))

    def give(self, to: Part, event: Event) -> None:
        match event:
            case Heard(number=0):
                to.hear()
            case CancelAsked() | SuspendAsked() | ResumeAsked():
                to.take_asked()
            case _:
                to.receive(event)

    def settle(self) -> Ensemble:
        """Deliver all messages, and those that follow from them."""
        while self.messages:
            self.deliver()
        return self

    def start(self, data: Any = None, at: str | None = "a") -> Ensemble:
        self.first = at
        self.send(self.parts[at], Started(RUN, data))
        return self.settle()

    def holder(self, name: str) -> Part:
        """Return the part that waits for the answer of a task."""
        for part in self.parts.values():
            if name in {one.name for one in part.performs} | {one.target for one in part.performs}:
                return part
        waiting = {part.name: part.waiting for part in self.parts.values()}
        raise AssertionError(f"nobody waits for {name}, but {waiting}")

    def answer(self, name: str, output: Any = None, *, settle: bool = True) -> Ensemble:
        part = self.holder(name)
        part.now = self.now
        part.answer(name, output)
        return self.settle() if settle else self

    def fail(self, name: str, fault: Any = None, *, settle: bool = True) -> Ensemble:
        part = self.holder(name)
        part.now = self.now
        part.fail(name, fault)
        return self.settle() if settle else self

    def advance(self, milliseconds: int) -> Ensemble:
        """Move the clock, and wake every part whenever it is due on the way."""
        until = self.now + milliseconds
        while True:
            wakes = [part.state.wake for part in self.parts.values() if part.state.wake is not None]
            if not wakes or min(wakes) > until:
                break
            self.now = max(self.now, min(wakes))
            self.wake()
            self.settle()
        self.now = until
        return self

    def wake(self) -> None:
        for part in self.parts.values():
            if part.state.wake is not None and part.state.wake <= self.now:
                before = part.state
                part.take(Woken())
                assert part.state is not before, "a wake-up that changes nothing"

    def ask(self, event: Event) -> Ensemble:
        self.asks.append(event)
        for part in self.parts.values():
            self.send(part, event)
        return self

    def cancel(self, *, compensate: bool = True) -> Ensemble:
        return self.ask(CancelAsked(compensate))

    def suspend(self) -> Ensemble:
        return self.ask(SuspendAsked())

    def resume(self) -> Ensemble:
        return self.ask(ResumeAsked())
