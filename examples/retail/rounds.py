"""One round of the demo: all orders under one control model, perhaps with a kill in the middle."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import Books, audit, read_books
from desk import Ended
from landscape import HERE, Participants, running_participants, running_systems, stop
from orders import Order

PACE_MS = 50
"""Between two orders."""
KILL_AT = 0.3
"""The share of orders that have ended when somebody is killed."""
AWAY_S = 2.0
LONGEST_S = 120.0
VICTIM = {"orchestrated": "conductor", "choreographed": "payments"}


@dataclass(slots=True)
class Outage:
    """Who was killed, and what was done until it came back: systems' steps, orders that ended."""

    victim: str
    steps: int
    orders: int


@dataclass(slots=True)
class Round:
    """What came of it. `findings` are the audit's, one sentence each; empty when all is right."""

    control: str
    ended: dict[str, Ended]
    messages: int
    hops: int
    seconds: float
    books: Books
    findings: list[str]
    systems: dict[str, str]
    outage: Outage | None = None

    @property
    def outcomes(self) -> dict[str, dict[str, Any]]:
        """The outcome of each order, by its id."""
        return {order: told["outcome"] for order, told in sorted(self.ended.items())}

    def latency_ms(self, share: float) -> int:
        """The latency that a share (0 to 1) of the orders do not exceed."""
        times = sorted(told["took_ms"] for told in self.ended.values())
        return times[min(len(times) - 1, int(len(times) * share))]


@dataclass(slots=True)
class Desk:
    """The order desk's process, and what it has said."""

    command: list[str]
    heard: Callable[[int], None]
    ended: dict[str, Ended] = field(default_factory=dict)
    summary: dict[str, int] | None = None
    process: subprocess.Popen[str] | None = None
    _news: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Start it, again if it was killed: it goes on."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def kill(self) -> None:
        """Kill it, as `kill -9` does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what it said.

        Raises:
            RuntimeError: it does not in time.
        """
        with self._news:
            if not self._news.wait_for(holds, LONGEST_S):
                raise RuntimeError(
                    f"{len(self.ended)} orders ended in {LONGEST_S:.0f} s, and no more"
                )

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            told = json.loads(line)
            with self._news:
                if "order" in told:
                    self.ended[told["order"]] = told
                else:
                    self.summary = told
                self.heard(len(self.ended))
                self._news.notify_all()


def play(
    control: str, orders: list[Order], data: Path, *, kill: bool, heard: Callable[[int], None]
) -> Round:
    """Play a round over a new folder; `heard` is told how many orders have ended."""
    data.mkdir()
    with contextlib.ExitStack() as stack:
        systems = stack.enter_context(running_systems(data))
        participants = None
        if control == "choreographed":
            participants = stack.enter_context(running_participants(data))
        words = [control, str(data), str(len(orders)), json.dumps(systems), str(PACE_MS)]
        desk = Desk([sys.executable, str(HERE / "desk.py"), *words], heard)
        began = time.monotonic()
        desk.start()
        stack.callback(lambda: desk.process and stop(desk.process))
        window = _disturb(desk, participants, len(orders)) if kill else None
        desk.wait_for(lambda: desk.summary is not None)
        seconds = time.monotonic() - began
        books = read_books(systems)
    summary = desk.summary or {}
    traffic = summary["messages"], summary["hops"]
    played = Round(control, desk.ended, *traffic, seconds, books, [], systems)
    played.findings = audit(orders, played.outcomes, books)
    if window:
        killed_ns, back_ns, ended = window
        steps = sum(killed_ns < row["at_ns"] < back_ns for row in books.asked)
        played.outage = Outage(VICTIM[control], steps, ended)
    return played


def _disturb(desk: Desk, participants: Participants | None, count: int) -> tuple[int, int, int]:
    """Kill somebody midway, and start it again.

    Returns when that was, in nanoseconds of the epoch, and how many orders ended meanwhile.
    """
    desk.wait_for(lambda: len(desk.ended) >= KILL_AT * count)
    before = len(desk.ended)
    if participants:
        participants.kill("payments")
    else:
        desk.kill()
    killed_ns = time.time_ns()
    time.sleep(AWAY_S)
    back_ns, ended = time.time_ns(), len(desk.ended) - before
    if participants:
        participants.start("payments")
    else:
        desk.start()
    return killed_ns, back_ns, ended
