"""The world around the parts of a random run: what tasks answer, how long that takes, messages.

Answers, and the times they take, depend on the occurrence of a task alone, so that they are the
same whoever asks. Messages take no time, or any time; they overtake each other, and come twice.
"""

from __future__ import annotations

import heapq
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from ensemble import Ensemble, Part

from batuta.kernel.commands import Abandon, Command, Perform, StartChild
from batuta.kernel.events import (
    CancelAsked,
    Event,
    Failed,
    Heard,
    Performed,
    ResumeAsked,
    SuspendAsked,
)
from batuta.kernel.faults import standard
from batuta.kernel.tasks.call import DETACHED
from batuta.testing.generator import EVENT_TYPES, UNDO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batuta.kernel.program import Program

Moves = list[tuple[int, str, int]]
"""What is done to a run: after how many milliseconds, what, and a number to choose by."""

LIMIT = 5_000
LONGEST = 5_000_000
"""How many milliseconds an answer takes at most."""


def chance(seed: int, key: str, salt: str) -> int:
    return int.from_bytes(blake2b(f"{seed}|{salt}|{key}".encode(), digest_size=6).digest())


class World(Ensemble):
    """Participants (or one driver of everything, named None), and all that happens to them."""

    def __init__(
        self,
        program: Program,
        seed: int,
        names: Sequence[str | None],
        *,
        careful: bool = False,
        latency: int = 0,
        fails_in: int = 4,
        types: Sequence[str] = EVENT_TYPES,
    ) -> None:
        super().__init__(program, names, careful=careful)
        self.seed = seed
        self.random = Random(seed)
        self.latency = latency
        self.fails_in = fails_in
        self.types = types
        self.times: list[tuple[int, int, Part, Event]] = []
        self.count = 0
        self.effects: list[str] = []
        self.asked: dict[str, tuple[Part, str]] = {}
        """What was asked for at this very instant, by key: it may still be taken back."""
        self.paused: int | None = None
        self.postponed: list[tuple[int, Part, Any]] = []

    # -- what the parts ask for --------------------------------------------------------------------

    def at(self, time: int, part: Part, event: Any) -> None:
        self.count += 1
        heapq.heappush(self.times, (time, self.count, part, event))

    def send(self, to: Part, event: Event) -> None:
        for _ in range(1 + (self.random.random() < 0.1 and not isinstance(event, Heard))):
            if self.latency:
                self.at(self.now + self.random.randrange(self.latency), to, event)
            else:
                super().send(to, event)

    def perform(self, part: Part, command: Perform | StartChild) -> None:
        key = command.key
        occurrence = command.occurrence if isinstance(command, Perform) else key
        undoing = getattr(command, "target", "") == UNDO
        fails = chance(self.seed, key, "fails") % (40 if undoing else self.fails_in) == 0
        # Whether a task that nobody waits for begins when its run fails at that instant is chance.
        if DETACHED not in command.token:
            self.asked[key] = (part, occurrence)
        if isinstance(command, StartChild) and not command.wait:
            return
        if fails:
            kind = ("communication", "timeout", "runtime")[chance(self.seed, key, "kind") % 3]
            answer: Event = Failed(command.token, key, standard(kind, 500, "Broken"))
        else:
            answer = Performed(command.token, key, {"answer": chance(self.seed, key, "a") % 9})
        self.at(self.now + 1 + chance(self.seed, key, "takes") % LONGEST, part, answer)

    def carry_out(self, part: Part, command: Command) -> None:
        if isinstance(command, Abandon):
            self.asked.pop(command.key, None)
        super().carry_out(part, command)

    # -- moving it ---------------------------------------------------------------------------------

    def settle(self) -> World:
        for _ in range(LIMIT * 10):
            if not self.messages:
                return self
            self.deliver(self.random.randrange(len(self.messages)))
        raise AssertionError("messages without end")

    def run(self, data: Any, moves: Moves) -> World:
        first = next(iter(self.parts.values()))
        for after, what, number in moves:
            self.at(self.now + after, first, (what, number))
        self.start(data, first.name)
        self.pass_times()
        self._instant_is_over()
        return self

    def pass_time(self) -> bool:
        """Let the next things happen; says whether there were any."""
        wakes = [wake for part in self.parts.values() if (wake := part.state.wake) is not None]
        times = [self.times[0][0]] if self.times else []
        if not wakes and not times:
            return False
        self._instant_is_over()
        self.now = max(self.now, min(wakes + times))
        while self.times and self.times[0][0] <= self.now:
            _, _, part, event = heapq.heappop(self.times)
            self._happen(part, event)
            self.settle()
        self.wake()
        self.settle()
        return True

    def pass_times(self) -> None:
        """Let things happen until the run ends, or waits for something else than time."""
        for _ in range(LIMIT):
            if self.finished or not self.pass_time():
                break

    def _instant_is_over(self) -> None:
        self.effects += [occurrence for _, occurrence in self.asked.values()]
        self.asked.clear()

    def _happen(self, part: Part, event: Any) -> None:
        if isinstance(event, tuple) and event[0] != "send":
            self.control(*event)
        elif self.paused is not None and not self.latency and self.postponed:
            self.postponed.append((self.now, part, event))
        else:
            if self.paused is not None:
                # Only one thing is held back while the run is suspended: what participants have
                # held they take at one instant, and in no order.
                self.postponed.append((self.now, part, None))
            if isinstance(event, tuple):
                self.send_event(event[1])
            else:
                self.give(part, event)

    def send_event(self, number: int) -> None:
        data = {"key": number % 2} if number > 3 else "text"
        self.publish(
            {
                "specversion": "1.0",
                "id": f"e{len(self.published)}",
                "source": "/test",
                "type": self.types[number % len(self.types)],
                "data": data,
            }
        )

    def control(self, what: str, number: int) -> None:
        if what == "suspend":
            if self.paused is None:
                self.paused = self.now
            self.ask(SuspendAsked())
            return
        if self.paused is not None:
            for time, part, event in self.postponed:
                if event is not None:
                    self.at(time + self.now - self.paused, part, event)
            self.postponed.clear()
            self.paused = None
        self.ask(ResumeAsked() if what == "resume" else CancelAsked(number % 2 == 0))

    def outcome(self) -> dict[str, Any]:
        assert len(self.finished) < 2, self.finished
        finish = self.finished[0] if self.finished else None
        return {
            "status": finish.status if finish else "open",
            "at": self.now if finish else None,
            "output": finish.output if finish else None,
            "fault": finish.fault if finish else None,
            "events": [event for _, event in self.published],
            "effects": sorted(self.effects),
        }
