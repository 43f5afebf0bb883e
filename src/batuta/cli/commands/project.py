"""`batuta project`: what each participant of a workflow does while nobody conducts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import helping, options, paper, words
from batuta.cli.commands.run import checked
from batuta.cli.exit_codes import Exit
from batuta.cli.opening import chosen
from batuta.cli.realising import CHOREOGRAPHED, realisable
from batuta.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.choreography import Projection
    from batuta.definition.model import Task


@options.command(help=helping.PROJECT)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--participant", metavar="NAME", help=helping.PROJECTED_PARTICIPANT)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json", "mermaid", "asyncapi"]),
    default="yaml",
    show_default=True,
    help=helping.PROJECTED_FORM,
)
@options.functions
def project(file: str, participant: str | None, form: str, functions: tuple[str, ...]) -> int:
    """Print a projection; see `helping.PROJECT`."""
    from batuta.choreography import project as projected  # noqa: PLC0415 -- help needs no grammar

    choice = chosen(None, functions, beside=Path(file).parent)
    workflow = checked(file, choice, CHOREOGRAPHED)
    elsewhere = realisable(file, workflow, choice)
    projection = projected(workflow, elsewhere)
    if participant is not None and participant not in projection.parts:
        raise NotFoundError(
            f"{participant} does not take part in {workflow.identity}",
            hint=f"those that do: {', '.join(projection.parts)}",
        )
    if form == "asyncapi" and participant is None:
        some = next(iter(projection.parts))
        raise RequestError(words.CONTRACT_OF_WHOM, hint=f"name it: --participant {some}")
    _say(projection, elsewhere, participant, form)
    return Exit.OK


def _say(
    projection: Projection, elsewhere: Mapping[str, Task], participant: str | None, form: str
) -> None:
    from batuta.choreography.contract import contract  # noqa: PLC0415 -- as above
    from batuta.choreography.description import described  # noqa: PLC0415 -- as above
    from batuta.choreography.picture import drawn  # noqa: PLC0415 -- as above
    from batuta.choreography.within import tasks_of  # noqa: PLC0415 -- as above

    tasks = tasks_of(projection.workflow, elsewhere)
    if form == "mermaid":
        paper.say(drawn(projection, elsewhere, participant).rstrip())
    elif form == "asyncapi":
        _say_yaml(contract(projection, tasks, participant or ""))
    elif form == "json":
        paper.say(paper.as_json(described(projection, tasks, participant)))
    else:
        _say_yaml(described(projection, tasks, participant))


def _say_yaml(value: Any) -> None:
    import msgspec  # noqa: PLC0415 -- help writes none

    paper.say(msgspec.yaml.encode(value).decode().rstrip())
