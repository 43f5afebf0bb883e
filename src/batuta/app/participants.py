"""Participants, as one who operates them sees them: where they are, and how far behind.

Owns what counts as silent. What is asked is the stores that lie here and the bus; of a participant
elsewhere only the bus knows, and what it last told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.views import text_time
from batuta.choreography.owners import is_external, participants_of
from batuta.errors import BatutaError, NotFoundError, UnavailableError
from batuta.ports.mail import Tally

if TYPE_CHECKING:
    from batuta.app.dead import Box
    from batuta.app.engine import Engine

HERE, PROCESS, EXTERNAL = "here", "process", "external"
UP, SILENT = "up", "silent"
SILENT_AFTER_MS = 30_000
"""How long messages may wait for a participant elsewhere before it counts as silent."""
_NOTHING = Tally(0, 0, 0, 0)


class Home(NamedTuple):
    """The store of a participant on this machine: whether a process has it, when it was written."""

    store: Box
    is_up: bool
    written_at: int


class Homes(Protocol):
    """Knows where participants live."""

    @property
    def remote(self) -> frozenset[str]:
        """Those that have processes of their own elsewhere."""
        ...

    def homes(self) -> dict[str, Home]:
        """Return the stores on this machine, by whose they are; the engine's own is among them."""
        ...


class Lag(msgspec.Struct, frozen=True, rename="camel"):
    """How many messages wait for a participant, and for how long some have, as seen from here."""

    messages: int
    oldest_seconds: float


class ParticipantView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A participant.

    `place` is here (in this process), process (another one) or external (a service that is not
    ours). `inbox` counts messages that it has not acknowledged, `outbox` what it has still to
    publish, `dead` what it put aside.
    """

    name: str
    title: str
    owner: str
    place: str
    status: str
    workflows: list[str]
    inbox: int
    outbox: int
    lag: Lag
    dead: int
    last_seen_at: str | None


class Participants:
    """The participants of all deployed workflows, and those that have a store here."""

    def __init__(self, engine: Engine, homes: Homes) -> None:
        self._engine = engine
        self._homes = homes
        self._behind: dict[str, int] = {}
        """Since when messages have waited for somebody without a pause."""

    async def all(self) -> list[ParticipantView]:
        """Return every participant, by name.

        Raises:
            UnavailableError: a store or the bus cannot be read now.
        """
        known = self._declared()
        homes = self._homes.homes()
        own = self._engine.store.name()
        for name, home in homes.items():
            if home.store.name() != own:
                known.setdefault(name, _Known())
        return [await self._view(name, one, homes.get(name)) for name, one in sorted(known.items())]

    def _declared(self) -> dict[str, _Known]:
        found: dict[str, _Known] = {}
        programs = self._engine.programs
        for identity in self._engine.workflows():
            try:
                program = programs.get(identity)
            except BatutaError:
                continue
            workflow = program.workflow
            for name in participants_of(workflow, programs.functions_of(program)):
                one = found.setdefault(name, _Known())
                one.workflows.append(identity)
                one.is_external |= is_external(workflow, name)
                one.is_alone |= workflow.control == CHOREOGRAPHED
                declared = workflow.participants.get(name)
                if declared is not None:
                    one.title, one.owner = declared.title, declared.owner
        return found

    async def _view(self, name: str, known: _Known, home: Home | None) -> ParticipantView:
        now = self._engine.clock.now()
        tally = _NOTHING if home is None else home.store.tally()
        waiting = await self._waiting(name)
        if waiting:
            since = self._behind.setdefault(name, now)
        else:
            self._behind.pop(name, None)
            since = now
        place = self._place(name, known, home)
        is_late = now - since > SILENT_AFTER_MS
        # Who has a store here and no process is down; who has none performs for the conductor.
        is_down = home is not None and not home.is_up
        return ParticipantView(
            name=name,
            title=known.title,
            owner=known.owner,
            place=place,
            status=SILENT if is_late or is_down else UP,
            workflows=known.workflows,
            inbox=waiting,
            outbox=tally.outbox,
            lag=Lag(waiting, (now - since) / 1_000),
            dead=tally.dead,
            last_seen_at=None if home is None else text_time(home.written_at),
        )

    def _place(self, name: str, known: _Known, home: Home | None) -> str:
        if known.is_external:
            return EXTERNAL
        met = self._engine.meeting.met
        if met is not None and name in met.here:
            return HERE
        is_elsewhere = known.is_alone or name in self._homes.remote
        return HERE if home is None and not is_elsewhere else PROCESS

    async def _waiting(self, name: str) -> int:
        met = self._engine.meeting.met
        if met is None:
            return 0
        try:
            return await met.bus.lag(name)
        except NotFoundError:
            return 0  # it has never been on this bus
        except UnavailableError:
            return 0  # nobody can say; what it is behind is seen when the bus is back


class _Known:
    """What workflows say of a participant."""

    def __init__(self) -> None:
        self.title = self.owner = ""
        self.workflows: list[str] = []
        self.is_external = self.is_alone = False
