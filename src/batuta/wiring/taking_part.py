"""A participant as a process of its own: over its store, on the bus where it meets the others."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.adapters.clock import SystemClock
from batuta.app.deploying import Deployer, missing_functions
from batuta.app.projected import acting_names
from batuta.app.views import row_view
from batuta.errors import DefinitionError, NotFoundError, RequestError
from batuta.runtime.participant.parts import Parts
from batuta.wiring.buses import open_bus
from batuta.wiring.participants import driving, home
from batuta.wiring.settings import Settings, bus_beside, participants_beside, sqlite_path, store_of
from batuta.wiring.tools import tools

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from batuta.adapters.callers.http import Transport
    from batuta.app.views import RunView
    from batuta.ports.clock import Clock
    from batuta.runtime.participant.participant import Participant


class Place(NamedTuple):
    """Where a participant is: the file of its store, and the URL of the bus."""

    store: Path
    bus: str


def place_of(name: str, settings: Settings, store: str | None, bus: str | None) -> Place:
    """Return where a participant is.

    What is not said is where an engine with the same settings would have it, so that a participant
    may be moved out of `batuta up` and back.

    Args:
        name: who it is in the workflows.
        settings: those of the folder; their `store` is the engine's.
        store: the participant's own.
        bus: where it meets the others.

    Raises:
        RequestError: a URL is none of a store.
    """
    engines = sqlite_path(settings.store)
    return Place(
        store_of(participants_beside(engines), name) if store is None else sqlite_path(store),
        bus or settings.bus or f"sqlite:///{bus_beside(engines)}",
    )


class TakingPart(NamedTuple):
    """A participant that runs, and what it does in each of the workflows that it was given.

    `tasks` holds the references of its tasks by the workflow's identity, None where it has no part.
    """

    participant: Participant
    tasks: dict[str, tuple[str, ...] | None]

    def show(self, run_id: str) -> RunView:
        """Return a run as far as this participant knows of it.

        Raises:
            NotFoundError: it knows nothing of it.
        """
        row = self.participant.store.run(run_id)
        if row is None:
            raise NotFoundError(f"participant {self.participant.name} has no part of run {run_id}")
        return row_view(row, row.status, row.problem)


@asynccontextmanager
async def take_part(
    name: str,
    place: Place,
    documents: Iterable[str | Path],
    *,
    functions: Iterable[str | Path | Callable[..., Any]] = (),
    secrets: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    transport: Transport | None = None,
    clock: Clock | None = None,
    accept_loss: bool = False,
    take_over: bool = False,
) -> AsyncGenerator[TakingPart]:
    """Be a participant until the block ends; what was under way in its store goes on.

    Args:
        name: who it is in the workflows.
        place: its store and the bus.
        documents: the workflows, as `Engine.deploy` takes them. A text that has changed takes the
            place of the old one.
        functions: Python files, modules or decorated functions that its tasks may call.
        secrets: secrets by name, besides those in the environment and files.
        settings: everything else.
        transport: replaces the network of HTTP calls, for tests.
        clock: replaces the time, for tests.
        accept_loss: use a bus that may lose what it has acknowledged.
        take_over: be this participant even if another store was, and is lost.

    Raises:
        DefinitionError: a document is not right.
        NotFoundError: it has a part in none of them.
        RequestError: it is a service that is not ours; or a setting or a function is not right.
        ClaimedError: another store is this participant on the bus.
        ConflictError: another process is this participant; or a version has another text now, and
            a run of it has not ended.
        UnavailableError: the store or the bus cannot be used now.
    """
    settings, time = settings or Settings(), clock or SystemClock()
    async with tools(settings, functions, secrets or {}, transport, time) as wired:
        with home(name, place.store) as at:
            deployer = Deployer(
                at.store,
                time,
                resources=wired.reader,
                keeper=wired.keeper,
                functions=wired.functions.names(),
                knows_all=False,
            )
            deployed = {await deployer.deploy(one, replace=True): one for one in documents}
            tasks = _tasks(name, Parts(at.store, name), list(deployed))
            _refuse_unknown(name, deployed, tasks, wired.functions.names())
            bus = open_bus(place.bus, clock=clock, accept_loss=accept_loss)
            try:
                await bus.start()
                takes = driving(name, at, bus, wired, time, take_over=take_over)
                async with takes as participant:
                    yield TakingPart(participant, tasks)
            finally:
                await bus.close()


def _tasks(name: str, parts: Parts, identities: list[str]) -> dict[str, tuple[str, ...] | None]:
    """Return what a participant does in each workflow, once it is sure that it does anything."""
    found = {identity: parts.part(identity) for identity in identities}
    if any(one is not None for one in found.values()):
        if any(one is not None and one.external for one in found.values()):
            raise RequestError(
                f"{name} is a service that is not ours (`external: true`)",
                hint="it takes part by a program of its own, wherever that runs",
            )
        return {identity: None if one is None else one.tasks for identity, one in found.items()}
    known: dict[str, None] = {}
    for identity in identities:
        try:
            known.update(dict.fromkeys(acting_names(parts.projection(parts.get(identity)))))
        except DefinitionError:
            continue
    raise NotFoundError(
        f"no workflow here has a task of participant {name!r}",
        hint=f"participants are: {', '.join(known)}"
        if known
        else "no workflow names a participant",
    )


def _refuse_unknown(
    name: str,
    documents: Mapping[str, str | Path],
    tasks: Mapping[str, tuple[str, ...] | None],
    functions: Collection[str],
) -> None:
    """Make sure that every function which a participant's own tasks call is here."""
    missing = [
        problem
        for identity, document in documents.items()
        for problem in missing_functions(document, tasks[identity] or (), functions)
    ]
    if missing:
        raise DefinitionError(
            f"participant {name} has tasks that call functions which are not here",
            tuple(missing),
            hint="name the Python functions that its tasks call: --functions FILE.py",
        )
