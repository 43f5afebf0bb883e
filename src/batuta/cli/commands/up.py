"""`batuta up`: everything in a folder, until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from batuta.cli import helping, options, words
from batuta.cli.commands.check import is_ok, problems_of
from batuta.cli.driving import with_functions_of
from batuta.cli.exit_codes import Exit
from batuta.cli.folder import Folder, scan
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, chosen, engine, is_own, shared
from batuta.cli.telling import Teller, Watch
from batuta.errors import DefinitionError, NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from batuta.app.engine import Engine
    from batuta.ports.store import RunRow


@options.command(help=helping.UP)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@options.functions
@options.secret
@options.store
@options.bus
@options.accept_loss
@click.option("--host", default="127.0.0.1", show_default=True, help=helping.HOST)
@click.option("--port", type=click.IntRange(0, 65_535), help=helping.PORT)
@click.option("--no-server", is_flag=True, help=helping.NO_SERVER)
@click.option("--quiet", is_flag=True, help=helping.QUIET)
@options.as_json
def up(  # noqa: PLR0913, PLR0917 -- click gives every option as an argument
    folder: Path,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    store: str | None,
    bus: str | None,
    accept_loss: bool,
    host: str,
    port: int | None,
    no_server: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run a folder; see `helping.UP`."""
    found = workflows_of(folder)
    given = (*(str(path) for path in found.functions), *functions)
    choice = chosen(store, given, secret, beside=folder, bus=bus, accept_loss=accept_loss)
    place = None if no_server else Place(host, port)
    if place is not None and not is_own(host):
        choice = shared(choice)
    return asyncio.run(_up(found, choice, Teller(quiet=quiet, as_json=as_json), place))


class Place(NamedTuple):
    """Where to serve the page; without a port, the first free one from the default on."""

    host: str
    port: int | None


def workflows_of(folder: Path) -> Folder:
    """Return what lies in a folder of which every workflow is right.

    Raises:
        NotFoundError: it cannot be read.
        DefinitionError: a workflow is not right; every problem of all of them is in it.
    """
    try:
        found = scan(folder)
    except OSError as error:
        raise NotFoundError(
            f"{folder} cannot be read: {error.strerror}", hint=words.FOLDER_HINT
        ) from None
    problems = [one for path in found.workflows for one in problems_of(str(path), None)]
    if not is_ok(problems):
        raise DefinitionError("the folder has workflows that are not right", tuple(problems))
    return found


async def _up(found: Folder, choice: Chosen, teller: Teller, place: Place | None) -> int:
    orphans = _orphans(choice)
    choice = with_functions_of(orphans, choice)
    async with engine(choice, resume=True, makes=True) as opened:
        with interruptible() as stop:
            identities = await _deploy(opened, found, teller)
            await _host(opened, identities, choice, teller)
            if orphans:
                teller.tell("resumed", words.taken_over(len(orphans)), runs=len(orphans))
            if not found.workflows and not orphans:
                raise RequestError(words.NOTHING_TO_RUN, hint=words.FOLDER_HINT)
            async with AsyncExitStack() as served, asyncio.TaskGroup() as group:
                if place is not None:
                    page = await served.enter_async_context(_served(opened, choice, place))
                    teller.tell("serves", words.is_served(page), page=page)
                teller.tell("up", words.is_up(len(found.workflows)), store=choice.store)
                group.create_task(Watch(opened.conductor, opened.show, teller).forever())
                # Schedules are driven where the engine has them; without, runs are driven all
                # the same, for as long as the engine is open.
                serve = getattr(opened, "serve", None)
                if serve is not None:
                    group.create_task(serve())
        teller.tell("stopping", words.STOPPING)
    return Exit.OK if stop.came is not None else Exit.UNAVAILABLE


@asynccontextmanager
async def _served(opened: Engine, choice: Chosen, place: Place) -> AsyncGenerator[str]:
    """Serve the page and its API; gives the page's address."""
    from batuta.server.serving import serving  # noqa: PLC0415 -- only this command serves
    from batuta.wiring.surroundings import surroundings  # noqa: PLC0415 -- as above

    with surroundings(choice.settings, choice.secrets) as around:
        async with serving(opened, around, host=place.host, port=place.port) as served:
            yield served.page


def _orphans(choice: Chosen) -> list[RunRow]:
    from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

    try:
        with look(choice.store) as seen:
            return seen.orphans()
    except NotFoundError:
        return []


async def _deploy(opened: Engine, found: Folder, teller: Teller) -> list[str]:
    """Deploy a folder's workflows; returns their identities."""
    identities: list[str] = []
    for path in found.workflows:
        identity = await opened.deploy(path)
        identities.append(identity)
        teller.tell("deployed", f"runs   {identity}  ({path})", file=str(path), workflow=identity)
    for path in found.functions:
        teller.tell("loaded", f"loaded {path}", file=str(path))
    for path, why in found.skipped:
        teller.tell("skipped", f"skips  {path}: {why}", file=str(path), why=why)
    return identities


async def _host(opened: Engine, identities: list[str], choice: Chosen, teller: Teller) -> None:
    """Run the participants of workflows that are to go without a conductor, or that may.

    Where a bus is named, others may start runs on it that the document itself leaves to a
    conductor.
    """
    names: dict[str, None] = {}
    for identity in identities:
        is_meant = opened.program(identity).workflow.control == "choreographed"
        try:
            if is_meant or choice.settings.bus is not None:
                names.update(dict.fromkeys(await opened.host(identity)))
        except DefinitionError:
            if is_meant:
                raise
    if names:
        teller.tell("participants", words.hosted(list(names)), participants=list(names))
