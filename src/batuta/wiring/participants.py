"""Building participants: each with a store of its own, all over one bus."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import Claim, Leases
from batuta.app.deploying import missing_functions
from batuta.errors import ConflictError, NotFoundError
from batuta.runtime.participant.participant import Participant
from batuta.runtime.participant.parts import Parts
from batuta.runtime.participant.serving import Serving
from batuta.runtime.shared.programs import decode_deployed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable
    from pathlib import Path

    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock
    from batuta.runtime.shared.programs import Deployment
    from batuta.wiring.tools import Tools


class Home(NamedTuple):
    """A participant's store, claimed by this process; `owner` is its name in there."""

    store: SqliteStore
    owner: str


@contextmanager
def home(name: str, path: Path) -> Generator[Home]:
    """Open a participant's store for this process alone, and take over what was left in it.

    Args:
        name: who it is in the workflows.
        path: the file.

    Raises:
        ConflictError: another process has it.
        UnavailableError: it cannot be opened now.
        CorruptError: it is damaged.
    """
    with ExitStack() as held:
        try:
            claim = Claim(path)
        except ConflictError:
            raise ConflictError(
                f"another process is participant {name} over {path} already",
                hint="a participant's store has one process at a time: stop that one first",
            ) from None
        held.callback(claim.give_up)
        kept = SqliteStore(path)
        held.callback(kept.close)
        lease = Leases(path).take()
        held.callback(lease.give_up)
        for owner in kept.owners():
            # Whoever that was has no claim any more.
            kept.adopt(lease.owner, owner)
        yield Home(kept, lease.owner)


@asynccontextmanager
async def driving(
    name: str, at: Home, bus: Bus, wired: Tools, clock: Clock, *, take_over: bool = False
) -> AsyncGenerator[Participant]:
    """Drive a participant's parts of runs until the block ends.

    Args:
        name: who it is in the workflows.
        at: its store.
        bus: started.
        wired: what it performs tasks with.
        clock: the time.
        take_over: be this participant even if another store was, and is lost.

    Raises:
        ClaimedError: another store is this participant on the bus.
    """
    driver = Participant(
        name,
        at.store,
        at.store,
        Parts(at.store, name),
        wired.performer,
        wired.sandbox,
        clock,
        bus,
        owner=at.owner,
        keeper=wired.keeper,
    )
    driver.observer, driver.participates_as = wired.observer, name
    serving = Serving(driver, wired.performer)
    try:
        await driver.start(take_over=take_over)
        await serving.start()
        yield driver
    finally:
        await serving.stop()
        await driver.stop()


@asynccontextmanager
async def participant(
    name: str,
    path: Path,
    bus: Bus,
    wired: Tools,
    clock: Clock,
    deployments: Iterable[Deployment],
    *,
    take_over: bool = False,
) -> AsyncGenerator[Participant]:
    """Open a participant over its store, and drive its parts of runs until the block ends.

    Args:
        name: who it is in the workflows.
        path: the file of its own store.
        bus: started.
        wired: what it performs tasks with.
        clock: the time.
        deployments: the workflows that it takes part in.
        take_over: be this participant even if another store was, and is lost.

    Raises:
        ClaimedError: another store is this participant on the bus.
        ConflictError: another process drives this store; or a version is deployed in it with
            another content, and a run of it has not ended.
        NotFoundError: a function that its tasks call is not here.
    """
    deployments = list(deployments)
    with home(name, path) as at:
        for one in deployments:
            deploy(at.store, one, clock)
        see_that_it_can(name, Parts(at.store, name), deployments, wired)
        async with driving(name, at, bus, wired, clock, take_over=take_over) as driver:
            yield driver


def see_that_it_can(
    name: str, parts: Parts, deployments: Iterable[Deployment], wired: Tools
) -> None:
    """Make sure that the functions of a participant's tasks are here.

    Raises:
        NotFoundError: one is not.
    """
    for one in deployments:
        part = parts.part(one.identity)
        text = msgspec.json.encode(decode_deployed(one.source).document).decode() + "\n"
        tasks = () if part is None else part.tasks
        for problem in missing_functions(text, tasks, wired.functions.names()):
            raise NotFoundError(
                f"{name} is to run here, and {problem.reference} of {one.identity} calls a "
                f"function that is not here: {problem.message}",
                hint=f"name its functions (--functions FILE.py); or let it run elsewhere: `batuta "
                f"participant {name}`, and `remote = true` under [participants.{name}] in "
                "batuta.toml",
            )


def deploy(store: SqliteStore, one: Deployment, clock: Clock) -> bool:
    """Keep a workflow in a participant's store; say whether that changed anything.

    Raises:
        ConflictError: the version is there with another content, and a run of it has not ended.
    """
    if store.digest(one.identity) == one.digest:
        return False
    store.deploy(one.identity, one.digest, one.source, clock.now(), replace=True)
    return True
