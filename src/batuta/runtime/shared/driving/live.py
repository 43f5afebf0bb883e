"""A run in the memory of its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.events import Heard
from batuta.kernel.state import TERMINAL
from batuta.runtime.shared.replay import Ledger

if TYPE_CHECKING:
    import asyncio

    from batuta.kernel.events import Event
    from batuta.kernel.lifecycle import Watch
    from batuta.kernel.program import Program
    from batuta.kernel.state import RunState
    from batuta.ports.secrets import HeldSecrets


class LiveRun:
    """What a driver knows of a run that it is moving.

    `lapsed` says that it was suspended when it was loaded: what it had asked of the world before is
    asked again when it goes on, and not earlier. `starting` says that it is about to start a
    sub-workflow, so that its own transition is not written yet. `mended` says that the store still
    shows a problem that it had.

    `state` may be ahead of the disk by the batch under way; nothing that follows from it is acted
    upon before that is durable. `stored` and `stored_wake` are the status and the wake-up that the
    store shows; `backlog` holds events that wait for the sandbox to answer, `working` the asyncio
    tasks of what is being performed, and `awaited` counts its events in the inbox. `heir` is a run
    that takes its place at its end: what was still on its way to this one goes there, so that it
    `inherits` and has nothing to catch up with. `watch` collects what its tasks have lived through
    and nobody was told of yet, if somebody has to be. `keys` is the JSON object that it is found
    by, `stuck` since when nobody acts in it who should. `gathered` are the groups of events that a
    trigger has touched (`gathering`).
    """

    __slots__ = (
        "awaited",
        "backlog",
        "evaluating",
        "first_event",
        "gathered",
        "heir",
        "id",
        "inherits",
        "keys",
        "lapsed",
        "later",
        "ledger",
        "mended",
        "opening",
        "parent",
        "parent_key",
        "problem",
        "program",
        "secrets",
        "seq",
        "setup",
        "since_snapshot",
        "starting",
        "state",
        "stored",
        "stored_wake",
        "stuck",
        "timer_at",
        "watch",
        "working",
    )

    def __init__(self, run_id: str, program: Program, state: RunState, seq: int) -> None:
        self.id = run_id
        self.program = program
        self.state = state
        self.seq = seq
        self.since_snapshot = 0
        self.ledger = Ledger()
        self.stored = "running"
        self.stored_wake: int | None = None
        self.stuck: int | None = None
        self.first_event = 0
        self.parent: str | None = None
        self.parent_key: str | None = None
        self.setup: str | None = None
        self.secrets: HeldSecrets | None = None
        self.problem: str | None = None
        self.lapsed = self.mended = self.starting = False
        self.heir: LiveRun | None = None
        self.inherits = False
        self.keys: bytes | None = None
        self.gathered: dict[str, dict[int, dict[int, Any]]] = {}
        self.awaited = 0
        self.opening = 0
        self.later: list[Heard] = []
        self.evaluating = False
        self.backlog: list[Event] = []
        self.working: dict[str, asyncio.Task[None]] = {}
        self.timer_at: int | None = None
        self.watch: Watch | None = None

    def leave_to(self, heir: LiveRun) -> None:
        """Let another run have what is still on its way to this one."""
        self.heir, heir.inherits = heir, True
        heir.gathered = self.gathered
        heir.awaited, self.awaited = heir.awaited + self.awaited, 0

    def is_past(self, event: Event) -> bool:
        """Say whether an event was dealt with by those whose place this run has taken."""
        return isinstance(event, Heard) and event.number <= self.first_event

    @property
    def standing(self) -> LiveRun:
        """The run that stands in this one's place: itself, or the last of its heirs."""
        if self.heir is None:
            return self
        while self.heir.heir is not None:
            self.heir = self.heir.heir
        return self.heir

    @property
    def is_over(self) -> bool:
        """Say whether its end is known here as everybody may see it (with secrets it is not)."""
        return self.state.status in TERMINAL and self.problem is None and self.secrets is None

    @property
    def is_idle(self) -> bool:
        """Say whether only a timer, an event or a sub-workflow's end can move it."""
        return (
            not self.evaluating
            and not self.ledger.performing
            and not any(token.entering for token in self.state.tokens.values())
        )

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing is on its way to it inside this process."""
        return not self.awaited and not self.backlog and not self.working
