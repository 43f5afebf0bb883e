"""Choreographed runs, as the engine sees them: started, asked and looked at over the bus.

Nobody here drives a run: starting one is publishing its first event, what is asked of it is another
event, and how it stands is what the viewer has heard. Owns these events, and which participants
have to be in this process (`Hosting` opens them).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from batuta.app.projected import acting_names
from batuta.choreography.types import start_type
from batuta.errors import NotFoundError
from batuta.ports.sla import Promises
from batuta.ports.views import Sighting, Views
from batuta.runtime.conductor.starting import first_event
from batuta.runtime.shared.envelope import Ask, decode_envelope, event, message_of
from batuta.runtime.shared.ids import new_run_id
from batuta.runtime.shared.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from batuta.app.projected import Projected
    from batuta.insight.viewer import Viewer
    from batuta.kernel.program import Program
    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock
    from batuta.runtime.conductor.bridging import Bridge
    from batuta.runtime.shared.programs import Deployment

CHOREOGRAPHED = "choreographed"
LOOK_S = 0.25
"""How often to see whether something stands in the way of a run that is waited for."""


class Hosting(Protocol):
    """The participants of this process."""

    async def host(
        self, names: Iterable[str], deployments: list[Deployment], *, new: bool
    ) -> list[str]:
        """See to it that participants run, here unless they do elsewhere, and know workflows.

        Those that were never here before are left out unless they may be `new` here. Returns the
        names of those that are here.

        Raises:
            ConflictError: one runs in another process of this machine and does not know them, or
                knows another version that has not ended.
        """
        ...

    def names(self) -> Collection[str]:
        """Return who runs in this process."""
        ...

    def trouble(self, run_id: str) -> str | None:
        """Return why participants of this process cannot go on with a run."""
        ...


class Seen(Views, Promises, Protocol):
    """What was seen of choreographed runs, and what was promised of all runs."""


class Meeting:
    """Where an engine finds choreographed runs: what was seen of them, and their bus if need be."""

    def __init__(
        self,
        views: Seen,
        meet: Callable[[], Awaitable[Choreography]],
        has_met: Callable[[], bool],
    ) -> None:
        """Prepare.

        Args:
            views: what was seen of choreographed runs, and promised of all.
            meet: opens the bus, the first time that there is a use for it.
            has_met: says whether anybody ever had a use for it.
        """
        self.views = views
        self._has_met = has_met
        self._meet = meet
        self._lock = asyncio.Lock()
        self._choreography: Choreography | None = None
        self.told: Callable[[Collection[str]], None] | None = None
        """Called with the runs of which something new is known, while somebody wants to know."""

    async def choreography(self) -> Choreography:
        """Return what choreographed runs are dealt with by.

        Raises:
            UnavailableError: the bus cannot be reached.
            RequestError: it is none, or one that would lose events.
        """
        async with self._lock:
            if self._choreography is None:
                self._choreography = await self._meet()
                self._choreography.viewer.told = self._tell
            return self._choreography

    def _tell(self, runs: Collection[str]) -> None:
        if self.told is not None:
            self.told(runs)

    @property
    def met(self) -> Choreography | None:
        """What they are dealt with by, if there has been a use for it in this process."""
        return self._choreography

    async def known(self) -> Choreography | None:
        """Return the same, None while nobody has ever had a use for the bus."""
        if self._choreography is None and not self._has_met():
            return None
        return await self.choreography()

    def trouble(self, run_id: str) -> str | None:
        """Return why participants of this process cannot go on with a run."""
        return None if self._choreography is None else self._choreography.trouble(run_id)


class Choreography:
    """What an engine does with choreographed runs, while its bus is open."""

    def __init__(
        self,
        bus: Bus,
        viewer: Viewer,
        views: Views,
        projected: Projected,
        hosting: Hosting,
        bridge: Bridge,
        clock: Clock,
    ) -> None:
        self.bus = bus
        self.viewer = viewer
        self._views = views
        self._projected = projected
        self._hosting = hosting
        self.bridge = bridge
        self._clock = clock

    async def host(self, program: Program, *, new: bool = True) -> list[str]:
        """Let the participants of a workflow, and of those that it runs, run here; name them.

        Without `new`, only those that have been here before: the others may be anywhere.

        Raises:
            DefinitionError: it cannot be run by its participants alone.
            ConflictError: see `Hosting.host`.
        """
        self._projected.look_again()
        self._projected.projection(program)
        family = self._projected.family(program)
        names = [name for one in family for name in acting_names(self._projected.projection(one))]
        deployments = [self._projected.deployment(one) for one in family]
        await self.bridge.hear()
        return await self._hosting.host(dict.fromkeys(names), deployments, new=new)

    async def start(
        self,
        program: Program,
        data: Any,
        *,
        run_id: str | None,
        setup: str | None,
        origin: str | None = None,
    ) -> str:
        """Publish the event that starts a run; returns the run's id once that is durable."""
        now = self._clock.now()
        run_id = run_id or new_run_id(now)
        await self._publish(first_event(program, run_id, data, now))
        seen = Sighting(
            run=run_id,
            workflow=program.workflow.identity,
            digest=program.workflow.digest,
            started_at=now,
            setup=setup,
            origin=origin,
        )
        await in_thread(partial(self._views.see, [seen], [], "", 0))
        return run_id

    async def input_of(self, program: Program, run_id: str) -> Any:
        """Return what a run was started with, as the bus keeps it.

        Raises:
            NotFoundError: the bus does not keep it any more.
        """
        types = frozenset({start_type(program.workflow)})
        place = 0
        while page := await self.bus.history(after=place, types=types):
            for one in page:
                envelope = decode_envelope(one.body)
                if envelope.batutarun == run_id:
                    return msgspec.json.decode(envelope.data)
            place = page[-1].number
        raise NotFoundError(
            f"the first event of run {run_id} is not on the bus any more",
            hint="start a new run with the same input",
        )

    async def ask(self, program: Program, run_id: str, what: str, *, compensate: bool) -> None:
        """Ask all participants of a run for something."""
        types = self._projected.projection(program).types
        now = self._clock.now()
        name = f"{run_id}/{what}/{new_run_id(now)}"
        ask = Ask(what, compensate=compensate)
        await self._publish(
            event(program, run_id, name=name, kind=types.control, now=now, data=ask)
        )
        await self.viewer.catch_up()

    async def _publish(self, one: dict[str, Any]) -> None:
        await self.bus.publish([message_of(one)])

    @property
    def here(self) -> Collection[str]:
        """The participants that run in this process."""
        return self._hosting.names()

    async def look(self) -> None:
        """Wait until something more is known of any run, or a moment has passed."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self.viewer.changed()
        except TimeoutError:
            pass

    def trouble(self, run_id: str) -> str | None:
        """Return why participants of this process cannot go on with a run."""
        return self._hosting.trouble(run_id)
