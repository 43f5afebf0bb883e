"""`batuta up`: everything in a folder, until it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import accounts, options, paper, words
from batuta.cli.commands.check import is_ok, problems_of
from batuta.cli.driving import with_functions_of
from batuta.cli.exit_codes import Exit
from batuta.cli.folder import Folder, scan
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, chosen, engine
from batuta.errors import DefinitionError, NotFoundError, RequestError
from batuta.ports.store import HIDDEN

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.app.views import RunView
    from batuta.ports.store import RunRow

LOOK_S = 0.2
NEWEST = 500
"""Runs per look: when more start than that, some are not told."""


@options.command(help=words.UP)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@options.functions
@options.secret
@options.store
@click.option("--quiet", is_flag=True, help=words.QUIET)
@options.as_json
def up(
    folder: Path,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    store: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run a folder; see `words.UP`."""
    try:
        found = scan(folder)
    except OSError as error:
        raise NotFoundError(
            f"{folder} cannot be read: {error.strerror}", hint=words.FOLDER_HINT
        ) from None
    given = (*(str(path) for path in found.functions), *functions)
    choice = chosen(store, given, secret, beside=folder)
    _refuse_wrong(found)
    return asyncio.run(_up(found, choice, Teller(quiet=quiet, as_json=as_json)))


def _refuse_wrong(found: Folder) -> None:
    problems = [one for path in found.workflows for one in problems_of(str(path), None)]
    if not is_ok(problems):
        raise DefinitionError("the folder has workflows that are not right", tuple(problems))


class Teller:
    """Says what happens: lines for people, JSON lines for programs, or little."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json

    def tell(self, what: str, text: str, **fields: Any) -> None:
        """Say something; `fields` are for programs."""
        if self._as_json:
            paper.say_json({"what": what, **fields}, line=True)
        else:
            paper.say(text)

    def run(self, what: str, view: RunView) -> None:
        """Say that a run started or ended."""
        if self._quiet:
            return
        status = view.status if what == "ended" else "started"
        tone = paper.TONE_OF_STATUS.get(status, "plain")
        time = accounts.plain_time(view.ended_at if what == "ended" else view.started_at)
        took = accounts.between(view.started_at, view.ended_at)
        text = f"{time}  {paper.styled(f'{status:<9}', tone, err=False)}  {view.workflow}:"
        text += f"{view.version}  run {view.id}"
        if what == "ended":
            title = paper.clean((view.error or {}).get("title") or "")
            text += f"  {took}" + (f"  {title}" if title else "")
        self.tell(what, text, run=view.as_json())


async def _up(found: Folder, choice: Chosen, teller: Teller) -> int:
    orphans = _orphans(choice)
    choice = with_functions_of(orphans, choice)
    async with engine(choice, resume=True, makes=True) as opened:
        with interruptible() as stop:
            await _deploy(opened, found, teller)
            if orphans:
                teller.tell("resumed", words.taken_over(len(orphans)), runs=len(orphans))
            if not found.workflows and not orphans:
                raise RequestError(words.NOTHING_TO_RUN, hint=words.FOLDER_HINT)
            teller.tell("up", words.is_up(len(found.workflows)), store=choice.store)
            async with asyncio.TaskGroup() as group:
                group.create_task(_Watch(opened, teller).forever())
                # Schedules are driven where the engine has them; without, runs are driven all
                # the same, for as long as the engine is open.
                serve = getattr(opened, "serve", None)
                if serve is not None:
                    group.create_task(serve())
        teller.tell("stopping", words.STOPPING)
    return Exit.OK if stop.came is not None else Exit.UNAVAILABLE


def _orphans(choice: Chosen) -> list[RunRow]:
    from batuta.wiring.looking import look  # noqa: PLC0415 -- brings every driver

    try:
        with look(choice.store) as seen:
            return seen.orphans()
    except NotFoundError:
        return []


async def _deploy(opened: Engine, found: Folder, teller: Teller) -> None:
    for path in found.workflows:
        identity = await opened.deploy(path)
        teller.tell("deployed", f"runs   {identity}  ({path})", file=str(path), workflow=identity)
    for path in found.functions:
        teller.tell("loaded", f"loaded {path}", file=str(path))
    for path, why in found.skipped:
        teller.tell("skipped", f"skips  {path}: {why}", file=str(path), why=why)


class _Watch:
    """Tells which runs start and end, from now on."""

    def __init__(self, opened: Engine, teller: Teller) -> None:
        self._engine = opened
        self._teller = teller
        self._known = {row.id for row in opened.store.runs(limit=NEWEST)}
        self._ended: list[str] = []
        before = opened.conductor.ended

        def note(run: Any) -> None:
            before(run)
            self._ended.append(run.id)

        opened.conductor.ended = note

    async def forever(self) -> None:
        while True:
            if self._engine.conductor.failure is not None:
                raise self._engine.conductor.failure
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        ended, self._ended = self._ended, []
        newest = self._engine.store.runs(limit=NEWEST)
        for row in reversed(newest):
            if row.id not in self._known and row.owner == self._engine.conductor.owner:
                self._teller.run("started", self._engine.show(row.id))
        self._known = {row.id for row in newest}
        for run_id in ended:
            view = self._engine.show(run_id)
            if HIDDEN not in view.version:
                self._teller.run("ended", view)
