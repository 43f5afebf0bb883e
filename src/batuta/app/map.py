"""The live map: participants, the events between them, and how often each goes by.

Choreographed traffic is read along on the bus, from where the last look ended, a page at a time so
that runs go on meanwhile. What a conductor asks of participants is in no message where they live
inside of it: it is counted in a sample of the newest runs and scaled to all of them. Nothing is
counted while nobody looks.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.participants import EXTERNAL, UP
from batuta.app.projected import Projected
from batuta.app.views import text_time
from batuta.choreography.owners import participants_of
from batuta.errors import BatutaError, DefinitionError
from batuta.insight.timeline import timeline
from batuta.insight.traffic import ACTING
from batuta.insight.traffic_map import (
    CONDUCTOR,
    MINUTE_MS,
    WORLD,
    Edge,
    Seen,
    declared,
    of_all,
)
from batuta.ports.listing import RunFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.app.engine import Engine
    from batuta.app.participants import Participants
    from batuta.choreography.projection import Projection
    from batuta.ports.store import RunRow
    from batuta.runtime.shared.envelope import Envelope

PAGE, MOST_PAGES = 200, 20
HOUR_S = 3_600
NEWEST = 200
"""Runs of a conductor that are looked at; of more, the rate is taken from the time they cover."""
SAMPLE, LONGEST = 3, 2_000
"""Runs of each workflow whose tasks are counted, and journal rows that one of them may have."""
TASK = "task"


class LiveMap:
    """What goes on between the participants of one engine's workflows."""

    def __init__(self, engine: Engine, participants: Participants) -> None:
        self._engine = engine
        self._participants = participants
        self._projected = Projected(engine.store)
        self._seen = Seen(self._projection_of)
        self._place: int | None = None
        self._sampled: dict[str, Counter[tuple[str, bool]]] = {}
        """By run: how many tasks it asked of whom, and whether they faulted."""

    async def show(self, minutes: int) -> dict[str, Any]:
        """Return nodes and edges; counts are those of the last so many minutes (1 to 60).

        Raises:
            UnavailableError: a store or the bus cannot be read now.
        """
        now = self._engine.clock.now()
        since = now - minutes * MINUTE_MS
        await self._read_along()
        said = self._declared()
        common = {type_ for one in self._projections() for type_ in of_all(one)}
        edges = {edge: count.since(since) for edge, count in self._seen.edges.items()}
        asked = await self._asked(since, now)
        views = await self._participants.all()
        nodes = [
            {
                "name": one.name,
                "kind": "external" if one.place == EXTERNAL else "participant",
                "up": one.status == UP,
                "lag": one.lag.messages,
            }
            for one in views
        ]
        shown: list[dict[str, Any]] = []
        for edge in sorted({*said, *edges, *asked}):
            count, errors = asked.get(edge) or edges.get(edge, (0, 0))
            known = self._seen.edges.get(edge)
            shown.append(
                {
                    "from": edge.start,
                    "to": edge.end,
                    "type": edge.type,
                    "count": count,
                    "perMinute": round(count / minutes, 2),
                    "errors": errors,
                    "lastAt": None if known is None else text_time(known.last_at),
                    "declared": edge in said or edge.type in common,
                    "seen": count > 0 or known is not None,
                }
            )
        named = {end for edge in {*said, *edges, *asked} for end in edge[:2]}
        nodes += [
            {"name": name, "kind": name, "up": True, "lag": 0}
            for name in (CONDUCTOR, WORLD)
            if name in named
        ]
        known_names = {node["name"] for node in nodes}
        nodes += [
            {"name": name, "kind": "participant", "up": False, "lag": 0}
            for name in sorted(named - known_names)
        ]
        return {"nodes": nodes, "edges": shown}

    # -- what is declared --------------------------------------------------------------------------

    def _declared(self) -> set[Edge]:
        self._projected.look_again()
        found = declared(self._projections())
        for identity in self._engine.workflows():
            try:
                program = self._engine.programs.get(identity)
            except BatutaError:
                continue
            if program.workflow.control != CHOREOGRAPHED:
                functions = self._engine.programs.functions_of(program)
                for name in participants_of(program.workflow, functions):
                    found.add(Edge(CONDUCTOR, name, TASK))
        return found

    def _projections(self) -> Iterator[Projection]:
        for identity in self._engine.workflows():
            try:
                yield self._projected.projection(self._projected.get(identity))
            except DefinitionError:
                continue  # it takes a conductor

    def _projection_of(self, envelope: Envelope) -> Projection | None:
        if not envelope.batutaworkflow:
            return None
        try:
            program = self._projected.of(envelope.batutaworkflow, envelope.batutadigest)
            return self._projected.projection(program)
        except BatutaError:
            return None

    # -- what is seen ------------------------------------------------------------------------------

    async def _read_along(self) -> None:
        met = self._engine.meeting.met
        if met is None:
            return
        if self._place is None:
            self._place = met.viewer.place_before(HOUR_S)
        for _ in range(MOST_PAGES):
            page = await met.bus.history(after=self._place, limit=PAGE)
            for message in page:
                self._seen.note(message, self._time_of)
                self._place = message.number
            if len(page) < PAGE:
                return
            await asyncio.sleep(0)  # runs go first
        # More goes by than can be counted: what follows is a sample of it.
        self._place = max(self._place, met.viewer.place)

    def _time_of(self, envelope: Envelope) -> int:
        if envelope.time is None:
            return self._engine.clock.now()
        return round(datetime.fromisoformat(envelope.time).timestamp() * 1_000)

    async def _asked(self, since: int, now: int) -> dict[Edge, tuple[int, int]]:
        """Return what conductors asked of participants since a time."""
        where = RunFilter(control="orchestrated", since=since)
        newest = self._engine.store.runs(where, limit=NEWEST).rows
        covered = now - newest[-1].started_at if len(newest) == NEWEST else now - since
        scale = max(1.0, (now - since) / max(1, covered))
        by_workflow: defaultdict[str, list[RunRow]] = defaultdict(list)
        for row in newest:
            by_workflow[row.workflow].append(row)
        counts: Counter[tuple[str, bool]] = Counter()
        for runs in by_workflow.values():
            sample = runs[:SAMPLE]
            for row in sample:
                for key, tasks in self._tasks_of(row).items():
                    counts[key] += round(tasks * len(runs) / len(sample) * scale)
                await asyncio.sleep(0)  # runs go first
        kept = {row.id for row in newest}
        self._sampled = {run: one for run, one in self._sampled.items() if run in kept}
        names = {name for name, _ in counts}
        return {
            Edge(CONDUCTOR, name, TASK): (
                counts[name, False] + counts[name, True],
                counts[name, True],
            )
            for name in names
        }

    def _tasks_of(self, row: RunRow) -> Counter[tuple[str, bool]]:
        known = self._sampled.get(row.id)
        if known is not None:
            return known
        journal = list(islice(self._engine.store.journal(row.id), LONGEST))
        counted: Counter[tuple[str, bool]] = Counter()
        if len(journal) < LONGEST:
            try:
                program = self._engine.programs.of(row.workflow, row.digest)
                for task in timeline(program, journal):
                    if task.kind in ACTING and task.participant is not None:
                        counted[task.participant, task.status == "faulted"] += 1
            except BatutaError:
                pass  # its workflow is not here any more
        if row.ended_at is not None:
            self._sampled[row.id] = counted
        return counted
