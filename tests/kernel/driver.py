"""Drives one run of a document, and checks at every step what must hold at every step.

Each event is taken by three lines of the same run: the live one; one that only ever sees what the
journal holds (events and answers through their bytes); and one that goes on from its own snapshot
each time. All three must agree on state and commands. Besides, a step must not change the state it
is given, the invariants hold, watching changes nothing, and events that contradict what is known
(answers that come late, twice or to nobody, wake-ups that are not due) change nothing.

The clock stands where the test puts it. `performs` is what the run waits for; `answers` answers it
by the name of the task as soon as it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jq
import msgspec

from batuta.definition import check as check_document
from batuta.kernel import invariants
from batuta.kernel.codec import (
    decode_answers,
    decode_event,
    decode_snapshot,
    encode_answers,
    encode_event,
    encode_snapshot,
    handed,
)
from batuta.kernel.commands import (
    Abandon,
    Command,
    Continue,
    Finish,
    HandOver,
    Perform,
    Publish,
    StartChild,
    Subscribe,
    Unsubscribe,
)
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import (
    CancelAsked,
    Continued,
    Event,
    Failed,
    Heard,
    Performed,
    ResumeAsked,
    Started,
    SuspendAsked,
    Woken,
)
from batuta.kernel.faults import FaultData, standard
from batuta.kernel.program import Program, compile_workflow
from batuta.kernel.state import SUSPENDED, TERMINAL, RunState
from batuta.kernel.step import BEHAVIOUR, NEW, Step, step
from batuta.runtime.shared.replay import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.kernel.lifecycle import Happened

HEADER = "document: { dsl: '1.0.3', namespace: test, name: scenario, version: '1.0.0' }\n"
RUN = "r1"
_encode = msgspec.json.Encoder(order="deterministic").encode

Answer = Any


def fault(kind: str = "communication", status: int = 500, **more: Any) -> FaultData:
    """Return a fault for a task to fail with."""
    return standard(kind, status, more.pop("title", "Broken"), **more)


class Raises:
    """An answer that is a fault, for `answers`."""

    def __init__(self, kind: str = "communication", status: int = 500, **more: Any) -> None:
        self.fault = fault(kind, status, **more)


class Sequence:
    """Answers in turn; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def sandbox(need: NeedsEvaluation) -> Evaluated:
    """Evaluate with jq itself, as the real sandbox does."""
    try:
        found = jq.compile(need.source, args=need.variables).input_value(need.data).all()
    except ValueError as error:
        return Evaluated(None, str(error))
    return Evaluated(None if not found else found[0] if len(found) == 1 else found)


def program_of(text: str, resources: dict[str, Any] | None = None) -> Program:
    """Compile a document; `document` is added when it is absent. It must have no error."""
    whole = text if text.lstrip().startswith("document:") else HEADER + text
    report = check_document(whole)
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    return compile_workflow(report.workflow, resources or {})


def plain(state: RunState) -> Any:
    """Return a state as plain data, for comparing: frames shared by tokens are written once."""
    return msgspec.json.decode(encode_snapshot(state, Ledger().outstanding()))


def plain_commands(commands: list[Command]) -> Any:
    """Return commands as plain data, for comparing: of a token that leaves, what is sent."""
    return [(type(one).__name__, _encode(_as_sent(one))) for one in commands]


def _as_sent(one: Command) -> Any:
    if isinstance(one, HandOver):
        return (handed(one.token), one.cause, one.outcome, one.to)
    return one


class Run:
    """One run under test; every method that moves it returns it."""

    def __init__(
        self,
        text: str | Program,
        *,
        answers: dict[str, Answer] | None = None,
        resources: dict[str, Any] | None = None,
        evaluate: Callable[[NeedsEvaluation], Evaluated] = sandbox,
        careful: bool = True,
    ) -> None:
        self.program = text if isinstance(text, Program) else program_of(text, resources)
        self.answers = answers or {}
        self.evaluate = evaluate
        self.careful = careful
        self.now = 1_000_000
        self.state = NEW
        self.replayed = NEW
        self.restored = NEW
        self.ledger = Ledger()
        self.commands: list[Command] = []
        self.watch: list[Happened] = []
        self.journal: list[tuple[bytes, int, bytes]] = []
        self.published: list[tuple[int, dict[str, Any]]] = []
        self.detached: dict[str, Perform] = {}
        self.evaluations: list[str] = []
        self.contradictions: list[Event] = []
        self._inbox: list[Event] = []

    # -- moving it ---------------------------------------------------------------------------------

    def start(self, data: Any = None, **more: Any) -> Run:
        return self.take(Started(RUN, data, **{"behaviour": BEHAVIOUR, **more}))

    def take(self, event: Event) -> Run:
        """Let the run take an event, and what follows from it at once."""
        self._inbox.append(event)
        while self._inbox:
            self._step(self._inbox.pop(0))
        return self

    def answer(self, name: str, output: Any = None) -> Run:
        """Answer the first task of this name that the run waits for."""
        asked = self.asked(name)
        return self.take(Performed(asked.token, asked.key, output))

    def fail(self, name: str, with_: FaultData | None = None) -> Run:
        asked = self.asked(name)
        return self.take(Failed(asked.token, asked.key, with_ or fault()))

    def advance(self, milliseconds: int) -> Run:
        """Move the clock, and wake the run whenever it is due on the way."""
        until = self.now + milliseconds
        while (wake := self.state.wake) is not None and wake <= until:
            self.now = max(self.now, wake)
            self.take(Woken())
        self.now = until
        return self

    def send(self, type_: str, data: Any = None, **attributes: Any) -> Run:
        """Publish an event."""
        number = len(self.published) + 1
        event = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/test",
            "type": type_,
            **({} if data is None else {"data": data}),
            **attributes,
        }
        self.published.append((number, event))
        return self.take(Heard(number, event))

    def suspend(self) -> Run:
        return self.take(SuspendAsked())

    def resume(self) -> Run:
        return self.take(ResumeAsked())

    def cancel(self, *, compensate: bool = True) -> Run:
        return self.take(CancelAsked(compensate))

    # -- looking at it -----------------------------------------------------------------------------

    @property
    def status(self) -> str:
        return self.state.status

    @property
    def output(self) -> Any:
        assert self.status == "completed", (self.status, self.state.fault, self.waiting)
        return self.state.output

    @property
    def fault(self) -> FaultData:
        assert self.state.fault is not None, (self.status, self.state.output)
        return self.state.fault

    @property
    def kind_of_fault(self) -> str:
        """Return the last part of the fault's type."""
        return self.fault.type.rpartition("/")[2]

    @property
    def performs(self) -> list[Perform]:
        """Return the tasks that the run waits for, in the order of asking."""
        return [one for one in self.ledger.asked.values() if isinstance(one, Perform)]

    @property
    def waiting(self) -> list[str]:
        """Return the names of the tasks that the run waits for."""
        return [one.name for one in self.performs]

    def asked(self, name: str) -> Perform:
        for one in self.performs:
            if name in {one.name, one.target}:
                return one
        raise AssertionError(f"nobody waits for {name}, but for {self.waiting}")

    def of(self, kind: type[Any]) -> list[Any]:
        """Return all commands of one kind, since the start."""
        return [one for one in self.commands if isinstance(one, kind)]

    @property
    def performed(self) -> list[str]:
        """Return the names of all tasks that were asked for, in order."""
        return [one.name for one in self.of(Perform)]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one.event for one in self.of(Publish)]

    @property
    def trace(self) -> list[str]:
        """Return what happened to which task, in order."""
        return [f"{one.what} {one.name}" for one in self.watch]

    def traced(self, what: str) -> list[str]:
        return [one.name for one in self.watch if one.what == what]

    # -- one step ----------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        before = plain(self.state) if self.careful else None
        answers: tuple[Evaluated, ...] = ()
        while True:
            told = len(self.watch)
            try:
                taken = step(self.program, self.state, event, self.now, answers, self.watch)
                break
            except NeedsEvaluation as need:
                assert len(self.watch) == told, "a step that is given up tells nothing"
                self.evaluations.append(need.source)
                answers = (*answers, self.evaluate(need))
        if self.careful:
            assert plain(self.state) == before, "a step changes the state it is given"
        if not taken.changed:
            assert taken.state is self.state, "an event that means nothing leaves the state"
            assert not taken.commands
            assert len(self.watch) == told
            return
        self._record(event, answers, taken)
        self.state = taken.state
        self.ledger.note(event, taken.commands)
        if not self.careful:
            self._check_invariants()
        self._carry_out(taken.commands)

    def _record(self, event: Event, answers: tuple[Evaluated, ...], taken: Step) -> None:
        row = (encode_event(event), self.now, encode_answers(answers))
        self.journal.append(row)
        if not self.careful:
            return
        wanted, commands = plain(taken.state), plain_commands(taken.commands)
        for line in ("replayed", "restored"):
            again = self._again(getattr(self, line), row)
            assert plain(again.state) == wanted, f"the {line} run is in another state"
            assert plain_commands(again.commands) == commands, f"the {line} run asks otherwise"
            setattr(self, line, again.state)
        self.state = taken.state
        ledger = Ledger.of(self.ledger.outstanding())
        ledger.note(event, taken.commands)
        self._check_invariants(ledger)
        snapshot = encode_snapshot(self.restored, ledger.outstanding())
        self.restored, outstanding = decode_snapshot(snapshot)
        assert encode_snapshot(self.restored, outstanding) == snapshot
        self._contradict(event)

    def _again(self, state: RunState, row: tuple[bytes, int, bytes]) -> Step:
        event, now, answers = row
        return step(self.program, state, decode_event(event), now, decode_answers(answers))

    def _check_invariants(self, ledger: Ledger | None = None) -> None:
        ledger = ledger or self.ledger
        asked = set(ledger.asked)
        found = invariants.check(self.program, self.state, asked, set(ledger.subscribed))
        assert found == [], found
        performing = sum(isinstance(one, Perform) for one in ledger.asked.values())
        assert ledger.performing == performing

    def _contradict(self, event: Event) -> None:
        """Offer what contradicts the state: it changes nothing."""
        if isinstance(event, Performed | Failed):
            self.contradictions.append(event)
        state = self.state
        tries: list[Event] = [
            Performed("", "/do/99/nobody", 1),
            Performed("/do/99/fork/branches/0", "/do/99/nobody", 1),
            Failed("", "", fault()),
            *self.contradictions[-3:],
        ]
        if state.is_known:
            tries.append(Started("other", {}))
        if state.status != SUSPENDED:
            tries.append(ResumeAsked())
        else:
            tries += [SuspendAsked(), Woken()]
        if state.wake is None or state.wake > self.now:
            tries.append(Woken())
        if all(token.entering is None for token in state.tokens.values()):
            tries.append(Continued())
        if state.status in TERMINAL:
            tries += [CancelAsked(), SuspendAsked(), Heard(1, {"type": "x"})]
        for one in tries:
            again = step(self.program, state, one, self.now)
            assert not again.changed, f"{one} changes {state.status}"
            assert again.state is state
            assert again.commands == []

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            self.commands.append(command)
            match command:
                case Perform():
                    self._perform(command)
                case StartChild():
                    self._perform(command)
                case Continue():
                    self._inbox.append(Continued())
                case Publish():
                    number = len(self.published) + 1
                    self.published.append((number, command.event))
                    self._inbox.append(Heard(number, command.event))
                case Subscribe():
                    after = command.after or 0
                    known = [Heard(n, e, command.key) for n, e in self.published if n > after]
                    self._inbox[:0] = known
                case Abandon() | Unsubscribe() | Finish():
                    pass

    def _perform(self, command: Perform | StartChild) -> None:
        if isinstance(command, Perform):
            names = (command.name, command.target, "*")
        else:
            names = (command.name, "*")
        for name in names:
            if name in self.answers:
                answer = self.answers[name]
                break
        else:
            return
        if isinstance(answer, Sequence):
            answer = answer.next()
        if callable(answer):
            answer = answer(command)
        if isinstance(answer, Raises):
            self._inbox.append(Failed(command.token, command.key, answer.fault))
        else:
            self._inbox.append(Performed(command.token, command.key, answer))


def run(text: str, data: Any = None, **more: Any) -> Run:
    """Start a run of a document; keywords as for `Run`."""
    return Run(text, **more).start(data)
