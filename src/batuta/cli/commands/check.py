"""`batuta check`: every problem of every file, for people or for programs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from batuta.cli import helping, options, paper, words
from batuta.cli.exit_codes import Exit
from batuta.cli.opening import place_of
from batuta.cli.realising import CHOREOGRAPHED, Folder, rewrite

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from batuta.choreography.repairs import Repaired
    from batuta.definition import Problem, Report
    from batuta.wiring.settings import Settings


class Checked(NamedTuple):
    """What a check of one file came to; `diff` is what was mended in it."""

    problems: list[Problem]
    mended: Repaired | None = None
    diff: str = ""


@options.command(help=helping.CHECK)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--control", type=click.Choice(["orchestrated", CHOREOGRAPHED]), help=helping.CHECKED_CONTROL
)
@click.option("--fix", is_flag=True, help=helping.FIX)
@options.as_json
@options.functions
def check(
    files: tuple[str, ...],
    control: str | None,
    fix: bool,
    as_json: bool,
    functions: tuple[str, ...],
) -> int:
    """Check files; see `helping.CHECK`."""
    if fix and control != CHOREOGRAPHED:
        raise click.UsageError(words.FIX_NEEDS_CONTROL)
    checking = _Checking(control, functions, fix=fix)
    found = {file: checking.checked(file) for file in dict.fromkeys(files)}
    if as_json:
        paper.say_json({"files": [_as_json(*one) for one in found.items()]})
    else:
        _tell(found, fix=fix)
    return Exit.OK if all(is_ok(one.problems) for one in found.values()) else Exit.REFUSED


class _Checking:
    """Checks files, each folder's settings read once."""

    def __init__(self, control: str | None, functions: tuple[str, ...], *, fix: bool) -> None:
        self._control = control
        self._functions = functions
        self._fix = fix
        self._folders: dict[Path, tuple[Collection[str] | None, Folder]] = {}

    def checked(self, file: str) -> Checked:
        """Check one file, and mend it if that is wanted."""
        known, folder = self._folder(Path(file).parent)
        report, text = _report_of(file, known)
        workflow = report.workflow
        problems = list(report.problems)
        if workflow is None or (self._control or workflow.control) != CHOREOGRAPHED:
            return Checked(problems)
        realised = folder.realised(workflow, text, file)
        if self._fix and realised.mended.made:
            diff = rewrite(file, realised.mended.text)
            again, text = _report_of(file, known)
            assert again.workflow is not None, file  # noqa: S101 -- a repair adds an owner only
            left = folder.realised(again.workflow, text, file)
            return Checked(_sorted(again.problems, left.problems), realised.mended, diff)
        return Checked(_sorted(problems, realised.problems), realised.mended)

    def _folder(self, path: Path) -> tuple[Collection[str] | None, Folder]:
        found = self._folders.get(path)
        if found is None:
            from batuta.wiring.project import settings_of  # noqa: PLC0415 -- help needs none

            settings = settings_of(path, Path())
            known = _known(settings, self._functions)
            found = self._folders[path] = (known, Folder(path, settings, self._functions))
        return found


def _sorted(*found: Iterable[Problem]) -> list[Problem]:
    return sorted(chain(*found), key=lambda one: (one.line, one.column))


def _known(settings: Settings, given: tuple[str, ...]) -> Collection[str] | None:
    """Return the functions that workflows may call; None when nobody has named any."""
    named = {place_of(one): one for one in (*settings.functions, *given)}
    if not named:
        return None
    from batuta.wiring.looking import function_names  # noqa: PLC0415 -- brings every driver

    return function_names(named.values())


def problems_of(file: str, known: Collection[str] | None) -> list[Problem]:
    """Return everything that is wrong with a file; one that cannot be read is wrong too."""
    return list(_report_of(file, known)[0].problems)


def _report_of(file: str, known: Collection[str] | None) -> tuple[Report, bytes]:
    """Return what the check of a file found, and the file's text."""
    from batuta.definition import Problem, Report, check  # noqa: PLC0415 -- help needs no grammar

    try:
        text = Path(file).read_bytes()
    except OSError as error:
        problem = Problem(
            code="file",
            severity="error",
            file=file,
            line=1,
            column=1,
            reference="",
            message=f"the file cannot be read: {error.strerror}",
            hint=words.FILE_HINT,
        )
        return Report(workflow=None, problems=(problem,)), b""
    return check(text, file=file, known_functions=known), text


def is_ok(problems: list[Problem]) -> bool:
    """Say whether no problem is an error."""
    return not any(problem.severity == "error" for problem in problems)


def _as_json(file: str, checked: Checked) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": file,
        "ok": is_ok(checked.problems),
        "problems": [problem.as_json() for problem in checked.problems],
    }
    if checked.mended is not None:
        state = "made" if checked.diff else "possible"
        told["repairs"] = [
            *({**one._asdict(), "state": state} for one in checked.mended.made),
            *({**one._asdict(), "state": "by hand"} for one in checked.mended.left),
        ]
    return told


def _tell(found: dict[str, Checked], *, fix: bool) -> None:
    from batuta.cli import excerpts  # noqa: PLC0415 -- only people read excerpts

    texts: dict[str, list[str]] = {}
    for file, checked in found.items():
        if checked.diff:
            _tell_diff(checked.diff)
        for problem in checked.problems:
            paper.say(excerpts.rendered(problem, texts, err=False) + "\n")
        if checked.mended is not None:
            _tell_repairs(file, checked.mended, fix=fix)
        if not checked.problems:
            paper.say(f"{paper.styled('ok', 'good', err=False)}  {file}")
    everything = [problem for checked in found.values() for problem in checked.problems]
    errors = sum(problem.severity == "error" for problem in everything)
    if everything:
        paper.say(
            f"{words.counted(errors, 'error')}, "
            f"{words.counted(len(everything) - errors, 'warning')} "
            f"in {words.counted(len(found), 'file')}"
        )
    mended = [one.mended for one in found.values() if one.mended is not None]
    if fix and errors and mended and not any(one.made or one.left for one in mended):
        paper.say(words.NOTHING_TO_FIX)


def _tell_diff(diff: str) -> None:
    for line in diff.splitlines():
        tone = {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "plain")
        paper.say(paper.styled(paper.clean(line), tone, err=False))
    paper.say()


def _tell_repairs(file: str, mended: Repaired, *, fix: bool) -> None:
    for repair in mended.made:
        paper.say(words.fixed(file, str(repair)) if fix else words.fixable(file, str(repair)))
    for repair in mended.left:
        paper.say(words.not_fixable(file, str(repair)))
