"""`batuta run`: one workflow, from its file to its result."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import accounts, helping, options, paper, words
from batuta.cli.exit_codes import Exit, of_run
from batuta.cli.interruption import interruptible
from batuta.cli.opening import Chosen, chosen, engine
from batuta.cli.progress import follow, shown_for
from batuta.cli.realising import CHOREOGRAPHED, realisable
from batuta.errors import NotFoundError

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.app.views import RunView
    from batuta.definition import Report, Workflow


@options.command(help=helping.RUN)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--input", "given", metavar="JSON|@FILE|-", help=helping.INPUT)
@options.functions
@click.option(
    "--control", type=click.Choice(["orchestrated", "choreographed"]), help=helping.CONTROL
)
@options.store
@options.bus
@options.accept_loss
@options.secret
@options.wait
@options.as_json
@click.option("--trace", is_flag=True, help=helping.TRACE)
def run(
    file: str,
    given: str | None,
    functions: tuple[str, ...],
    control: str | None,
    store: str | None,
    secret: tuple[str, ...],
    wait: float | None,
    as_json: bool,
    trace: bool,
    **meeting: Any,
) -> int:
    """Run a file; see `helping.RUN`."""
    data = None if given is None else options.json_value(given, "--input")
    choice = chosen(store, functions, secret, beside=Path(file).parent, **meeting)
    workflow = checked(file, choice, control)
    if (control or workflow.control) == CHOREOGRAPHED:
        realisable(file, workflow, choice)
    return asyncio.run(_run(file, data, control, choice, wait, as_json, trace))


def checked(file: str, choice: Chosen, control: str | None) -> Workflow:
    """Return a file's workflow, before any store is made for it.

    Functions are known by name only once an engine has loaded them; here it is seen whether any
    could be. Participants that run elsewhere have theirs there.

    Raises:
        NotFoundError: it cannot be read.
        DefinitionError: it is not right.
    """
    from batuta.definition import check  # noqa: PLC0415 -- help needs no grammar

    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{file} cannot be read: {error.strerror}", hint=words.FILE_HINT
        ) from None
    report = check(text, file=file)
    has_functions = bool(choice.all_functions)
    if report.workflow is not None and not has_functions:
        if choice.settings.remote or (control or report.workflow.control) == CHOREOGRAPHED:
            return right(report, has_functions=True)
        report = check(text, file=file, known_functions=())
    return right(report, has_functions=has_functions)


def right(report: Report, *, has_functions: bool) -> Workflow:
    """Return the workflow of a report.

    Args:
        report: of its check.
        has_functions: functions were named, so a function that is unknown is a misspelt one.

    Raises:
        DefinitionError: it is not right; every problem is in it.
    """
    from batuta.app.engine import refused  # noqa: PLC0415 -- brings the engine

    if report.workflow is not None and report.ok:
        return report.workflow
    refusal = refused(report)
    unknown = any(problem.code == "unknown-function" for problem in report.problems)
    if unknown and not has_functions:
        refusal.hint = words.FUNCTIONS_HINT
    raise refusal


async def _run(
    file: str,
    data: Any,
    control: str | None,
    choice: Chosen,
    wait: float | None,
    as_json: bool,
    trace: bool,
) -> int:
    async with engine(choice, makes=True) as opened:
        right(opened.check(file), has_functions=bool(choice.all_functions))
        identity = await opened.deploy(file, replace=True)
        started = await opened.start(identity, data, control=control)
        with interruptible() as stop:
            await follow(opened, started.id, wait, shown_for(json=as_json))
        view = started.show()
        show(opened, view, choice, as_json=as_json, trace=trace)
        if stop.came is not None:
            paper.tell(words.left(view.id, choice.typed_store))
            return stop.code
        if of_run(view) == Exit.WAITING:
            told = words.still_waiting(view.id, view.status, wait or 0, choice.typed_store)
            paper.tell(told)
        return of_run(view)


def show(opened: Engine, view: RunView, choice: Chosen, *, as_json: bool, trace: bool) -> None:
    """Print a run as it stands, for people or as one JSON object."""
    tasks = opened.tasks(view.id) if trace else []
    if as_json:
        value = view.as_json()
        if trace:
            value["tasks"] = [accounts.task_json(task) for task in tasks]
        paper.say_json(value)
        return
    now = opened.clock.now()
    if trace:
        accounts.say_timeline(tasks, now)
    accounts.say_run(view, now)
    if view.status == "faulted":
        undone = accounts.has_undone(tasks or opened.tasks(view.id))
        accounts.say_next(view, choice.typed_store, undone=undone)
