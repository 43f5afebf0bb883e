"""`batuta participant`: one participant as a process of its own, until it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from batuta.cli import helping, options, words
from batuta.cli.commands.up import workflows_of
from batuta.cli.exit_codes import Exit
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, chosen, readable_log
from batuta.cli.telling import Teller, Watch
from batuta.errors import RequestError

if TYPE_CHECKING:
    from batuta.cli.folder import Folder
    from batuta.wiring.taking_part import Place, TakingPart


class Risks(NamedTuple):
    """What is only done when somebody wants it."""

    accept_loss: bool
    take_over: bool


@options.command(help=helping.PARTICIPANT)
@click.argument("name", metavar="NAME")
@click.option(
    "--workflows", "folder", metavar="FOLDER", default=".", type=click.Path(path_type=Path),
    help=helping.WORKFLOWS,
)  # fmt: skip
@options.functions
@options.secret
@click.option("--store", metavar="URL", help=helping.OWN_STORE)
@options.bus
@options.accept_loss
@click.option("--take-over", is_flag=True, help=helping.TAKE_OVER)
@click.option("--quiet", is_flag=True, help=helping.QUIET)
@options.as_json
def participant(
    name: str,
    folder: Path,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    store: str | None,
    bus: str | None,
    accept_loss: bool,
    take_over: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Be a participant; see `helping.PARTICIPANT`."""
    from batuta.wiring.taking_part import place_of  # noqa: PLC0415 -- brings every driver

    found = workflows_of(folder)
    if not found.workflows:
        raise RequestError(words.NO_WORKFLOW, hint=words.WORKFLOWS_HINT)
    choice = chosen(None, functions, secret, beside=folder)
    if not choice.all_functions:
        choice = chosen(None, map(str, found.functions), secret, beside=folder)
    place = place_of(name, choice.settings, store, bus)
    teller = Teller(quiet=quiet, as_json=as_json)
    risks = Risks(accept_loss, take_over)
    return asyncio.run(_take_part(name, place, found, choice, teller, risks))


async def _take_part(
    name: str, place: Place, found: Folder, choice: Chosen, teller: Teller, risks: Risks
) -> int:
    from batuta.runtime.shared.driving.dedicated import dedicated  # noqa: PLC0415 -- as above
    from batuta.wiring.taking_part import take_part  # noqa: PLC0415 -- as above

    with readable_log():
        async with take_part(
            name,
            place,
            found.workflows,
            functions=choice.functions,
            secrets=choice.secrets,
            settings=choice.settings,
            accept_loss=risks.accept_loss,
            take_over=risks.take_over,
        ) as taking:
            _tell(found, choice, taking, teller)
            store, bus = f"sqlite:///{place.store}", place.bus
            with dedicated(), interruptible() as stop:
                teller.tell(
                    "up", words.takes_part(name, store, bus), name=name, store=store, bus=bus
                )
                await Watch(taking.participant, taking.show, teller).forever()
            teller.tell("stopping", words.STOPPING)
    return Exit.OK if stop.came is not None else Exit.UNAVAILABLE


def _tell(found: Folder, choice: Chosen, taking: TakingPart, teller: Teller) -> None:
    for path, (identity, tasks) in zip(found.workflows, taking.tasks.items(), strict=True):
        if tasks is None:
            teller.tell("skipped", words.no_part(str(path)), file=str(path), why="no part")
        else:
            text = f"runs   {identity}  ({path}): {', '.join(tasks) or words.NO_TASKS}"
            teller.tell("deployed", text, file=str(path), workflow=identity, tasks=list(tasks))
    for spec in choice.all_functions:
        teller.tell("loaded", f"loaded {spec}", file=spec)
    for path, why in found.skipped:
        teller.tell("skipped", f"skips  {path}: {why}", file=str(path), why=why)
