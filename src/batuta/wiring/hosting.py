"""The participants that run inside of this process, each over its own store.

A participant that another process of this machine runs is left to it, and one that is remote is
nobody's here.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import is_claimed
from batuta.errors import ConflictError
from batuta.ports.mail import DEAD, Parked
from batuta.runtime.shared.envelope import decode_envelope
from batuta.wiring.participants import deploy, participant, see_that_it_can
from batuta.wiring.settings import store_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.shared.programs import Deployment
    from batuta.wiring.tools import Tools

_log = logging.getLogger("batuta.participant")


class Hosted:
    """Opens participants when they are first needed, and closes all of them together."""

    def __init__(
        self, folder: Path, bus: Bus, wired: Tools, clock: Clock, *, remote: Collection[str]
    ) -> None:
        """Prepare.

        Args:
            folder: where the participants' stores lie.
            bus: started.
            wired: what tasks are performed with.
            clock: the time.
            remote: the participants that run elsewhere.
        """
        self._folder = folder
        self._bus = bus
        self._wired = wired
        self._clock = clock
        self._remote = remote
        self._stack = AsyncExitStack()
        self.here: dict[str, Participant] = {}

    async def host(
        self, names: Iterable[str], deployments: list[Deployment], *, new: bool
    ) -> list[str]:
        """Run participants here, unless they run elsewhere. See `app.choreography.Hosting`."""
        asked = list(names)
        for name in asked:
            if name in self._remote:
                continue
            running = self.here.get(name)
            path = store_of(self._folder, name)
            if running is not None:
                store = running.store
                assert isinstance(store, SqliteStore), path  # noqa: S101 -- it was opened as one
                changed = [one for one in deployments if deploy(store, one, self._clock)]
                if changed:
                    see_that_it_can(name, running.programs, deployments, self._wired)
                    running.programs.look_again()
                    await running.listen_again()
            elif is_claimed(path):
                self._see_that_it_knows(name, path, deployments)
            elif new or path.is_file():
                self.here[name] = await self._stack.enter_async_context(
                    participant(name, path, self._bus, self._wired, self._clock, deployments)
                )
        return [name for name in asked if name in self.here]

    def _see_that_it_knows(self, name: str, path: Path, deployments: list[Deployment]) -> None:
        """Make sure that a participant in another process knows workflows."""
        store = SqliteStore(path)
        try:
            missing = [one for one in deployments if store.digest(one.identity) != one.digest]
        finally:
            store.close()
        if missing:
            raise ConflictError(
                f"participant {name} runs in another process, which does not know "
                f"{missing[0].identity} as it is here",
                hint="stop that process, or start it again with this workflow in its folder",
            )
        _log.info("participant %s runs in another process", name)

    def names(self) -> Collection[str]:
        """Return who runs here. See `app.choreography.Hosting`."""
        return self.here.keys()

    def trouble(self, run_id: str) -> str | None:
        """Return why a run cannot go on here. See `app.choreography.Hosting`."""
        for name, one in self.here.items():
            run = one.runs.get(run_id)
            if run is not None and run.problem is not None:
                return f"participant {name}: {run.problem}"
            for parked in one.mail.parked(DEAD):
                if run_id in {parked.run, _run_of(parked)}:
                    return f"participant {name} has put a message aside: {parked.reason}"
        return None

    async def close(self) -> None:
        """Stop all of them."""
        await self._stack.aclose()
        self.here.clear()


def _run_of(parked: Parked) -> str | None:
    try:
        return decode_envelope(parked.body).batutarun
    except msgspec.DecodeError:
        return None
