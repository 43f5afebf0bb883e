"""`batuta check`: every problem of every file, for people or for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import options, paper, words
from batuta.cli.exit_codes import Exit
from batuta.cli.opening import place_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition import Problem


@options.command(help=words.CHECK)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@options.as_json
@options.functions
def check(files: tuple[str, ...], as_json: bool, functions: tuple[str, ...]) -> int:
    """Check files; see `words.CHECK`."""
    folders = dict.fromkeys(Path(file).parent for file in files)
    known = {folder: _known(folder, functions) for folder in folders}
    found = {file: problems_of(file, known[Path(file).parent]) for file in dict.fromkeys(files)}
    if as_json:
        paper.say_json({"files": [_as_json(*one) for one in found.items()]})
    else:
        _tell(found)
    return Exit.OK if all(map(is_ok, found.values())) else Exit.REFUSED


def _known(folder: Path, given: tuple[str, ...]) -> Collection[str] | None:
    """Return the functions that a folder's workflows may call; None when nobody has named any."""
    from batuta.wiring.project import settings_of  # noqa: PLC0415 -- help needs no settings

    named = {place_of(one): one for one in (*settings_of(folder, Path()).functions, *given)}
    if not named:
        return None
    from batuta.wiring.looking import function_names  # noqa: PLC0415 -- brings every driver

    return function_names(named.values())


def problems_of(file: str, known: Collection[str] | None) -> list[Problem]:
    """Return everything that is wrong with a file; one that cannot be read is wrong too."""
    from batuta.definition import Problem, check  # noqa: PLC0415 -- help needs no grammar

    try:
        text = Path(file).read_bytes()
    except OSError as error:
        return [
            Problem(
                code="file",
                severity="error",
                file=file,
                line=1,
                column=1,
                reference="",
                message=f"the file cannot be read: {error.strerror}",
                hint=words.FILE_HINT,
            )
        ]
    return list(check(text, file=file, known_functions=known).problems)


def is_ok(problems: list[Problem]) -> bool:
    """Say whether no problem is an error."""
    return not any(problem.severity == "error" for problem in problems)


def _as_json(file: str, problems: list[Problem]) -> dict[str, Any]:
    return {
        "file": file,
        "ok": is_ok(problems),
        "problems": [problem.as_json() for problem in problems],
    }


def _tell(found: dict[str, list[Problem]]) -> None:
    from batuta.cli import excerpts  # noqa: PLC0415 -- only people read excerpts

    texts: dict[str, list[str]] = {}
    for file, problems in found.items():
        for problem in problems:
            paper.say(excerpts.rendered(problem, texts, err=False) + "\n")
        if not problems:
            paper.say(f"{paper.styled('ok', 'good', err=False)}  {file}")
    everything = [problem for problems in found.values() for problem in problems]
    errors = sum(problem.severity == "error" for problem in everything)
    if everything:
        paper.say(
            f"{words.counted(errors, 'error')}, "
            f"{words.counted(len(everything) - errors, 'warning')} "
            f"in {words.counted(len(found), 'file')}"
        )
