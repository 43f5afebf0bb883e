"""What changes besides runs while somebody looks: promises, dead letters, participants.

What becomes of promises is told with the batch that writes it. Dead letters lie in stores that
others write, also from other processes: a store that was written since the last look is asked what
lies in it. Where participants are, and how far behind, is asked of the bus, every second at most,
and less often where that takes long. The first look tells everything: whoever looks may have read
before it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.errors import BatutaError
from batuta.ports.mail import DEAD as WHY
from batuta.ports.sla import THE_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.app.engine import Engine
    from batuta.app.participants import Homes, Participants, ParticipantView
    from batuta.ports.store import Batch

DEAD, PARTICIPANTS, SLA = "dead", "participants", "sla"
TOPICS = frozenset({DEAD, PARTICIPANTS, SLA})
MOST_TOLD = 100
"""Runs whose promises are told of per look; with more, who looks is told to fetch anew."""
PAUSE_S = 0.25
"""Between two looks into stores that others write."""
ASK_S = 1.0
"""Between two questions to the bus."""
SHARE = 20
"""What takes long is done again after so many times what it took."""


class News(NamedTuple):
    """A change: what kind it is, the topic that it belongs to, and the view."""

    event: str
    topic: str
    view: Any


class OperatingChanges:
    """Looks for such changes on behalf of `Changes`."""

    def __init__(self, engine: Engine, homes: Homes, participants: Participants) -> None:
        """Prepare.

        Args:
            engine: whose promises are told.
            homes: where participants live.
            participants: how they are.
        """
        self._engine = engine
        self._homes = homes
        self._participants = participants
        self._promises: dict[tuple[str, str], None] = {}
        self.forget()

    def forget(self) -> None:
        """Nobody looks any more: what was told is not known to who comes next."""
        self._promises.clear()
        self._versions: dict[str, int] = {}
        self._letters: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._look_at = self._ask_at = 0.0

    def note(self, batch: Batch) -> None:
        """Note of which promises a durable batch tells something."""
        for told in batch.notes.told:
            self._promises[told.run, told.key] = None
        for run, key, _ in batch.notes.ended:
            self._promises[run, key] = None

    async def look(self, wants: Callable[[str], bool]) -> list[News]:
        """Return what has changed of the topics that somebody wants to know of."""
        loop = asyncio.get_running_loop()
        found: list[News] = []
        try:
            if wants(SLA):
                found += self._promised()
            if wants(DEAD) and loop.time() >= self._look_at:
                began = loop.time()
                found += self._parked()
                self._look_at = loop.time() + max(PAUSE_S / 2, SHARE * (loop.time() - began))
            if wants(PARTICIPANTS) and loop.time() >= self._ask_at:
                began = loop.time()
                found += self._moved(await self._participants.all())
                self._ask_at = loop.time() + max(ASK_S, SHARE * (loop.time() - began))
        except BatutaError:
            pass  # it cannot be read now, and is looked at again
        return found

    def _promised(self) -> list[News]:
        promises, self._promises = self._promises, {}
        if len(promises) > MOST_TOLD:
            return [News("reset", SLA, {"why": "busy"})]
        found: list[News] = []
        for run, key in promises:
            found += [
                News("sla.changed", SLA, msgspec.to_builtins(one))
                for one in self._engine.board.of_run(run)
                if key in {THE_RUN, f"{one.reference or ''}{one.path}"}
            ]
        return found

    def _parked(self) -> list[News]:
        found: list[News] = []
        for name, home in self._homes.homes().items():
            version = home.store.version()
            if self._versions.get(name) == version:
                continue
            self._versions[name] = version
            tally = home.store.tally()
            counts = {"dead": tally.dead, "late": tally.late, "again": tally.again}
            # Of as many letters, others may be there now.
            letters = (counts, home.store.reasons(WHY))
            if self._letters.get(name) != letters:
                self._letters[name] = letters
                found.append(News("dead.changed", DEAD, {"participant": name, **counts}))
        return found

    def _moved(self, views: list[ParticipantView]) -> list[News]:
        shown = {one.name: msgspec.to_builtins(one) for one in views}
        found = [
            News("participant.changed", PARTICIPANTS, view)
            for name, view in shown.items()
            if _lasting(view) != _lasting(self._known.get(name))
        ]
        found += [
            News("participant.changed", PARTICIPANTS, {"name": name, "gone": True})
            for name in self._known.keys() - shown.keys()
        ]
        self._known = shown
        return found


def _lasting(view: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what of a participant does not change by itself, as the age of a message does."""
    if view is None:
        return None
    kept = {name: value for name, value in view.items() if name not in {"lastSeenAt", "lag"}}
    return {**kept, "behind": view["lag"]["messages"]}
