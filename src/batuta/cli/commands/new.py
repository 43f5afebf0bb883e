"""`batuta new`: a small project that runs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from batuta.cli import helping, options, paper, starter, words
from batuta.errors import RequestError

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
LONGEST = 63


@options.command(help=helping.NEW)
@click.argument("name", type=click.Path(path_type=Path))
def new(name: Path) -> None:
    """Make a project; see `helping.NEW`."""
    try:
        if name.exists() and (not name.is_dir() or any(name.iterdir())):
            raise RequestError(f"{name} exists and is not empty", hint=words.NEW_HINT)
        made = starter.write(name, project_name(name))
    except OSError as error:
        raise RequestError(
            f"{name} cannot be written: {error.strerror}", hint=words.NEW_HINT
        ) from error
    paper.say(words.made(str(name), made))


def project_name(folder: Path) -> str:
    """Return a folder's name as a namespace of the DSL may be: a label of a host name."""
    name = _NOT_IN_A_NAME.sub("-", folder.resolve().name.lower()).strip("-")
    return name[:LONGEST].strip("-") or "project"
