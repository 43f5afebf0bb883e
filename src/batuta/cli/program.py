"""The program itself: finds commands, and shows whatever went wrong.

Owns the table of commands (loaded when called, described without loading), and the promise that an
operating error is two lines on stderr and an exit code, never a traceback. Does not own what a
command does (`commands/`) nor the codes (`exit_codes`).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from batuta import __version__
from batuta.cli import helping, words
from batuta.cli.exit_codes import Exit, of_error
from batuta.errors import BatutaError, DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS = {
    "new": "new:new",
    "check": "check:check",
    "project": "project:project",
    "run": "run:run",
    "compare": "compare:compare",
    "up": "up:up",
    "participant": "participant:participant",
    "resume": "resume:resume",
    "runs": "runs:runs",
    "events": "events:events",
    "dead": "dead:dead",
    "secrets": "secrets:secrets",
    "keys": "keys:keys",
    "audit": "audit:audit",
}
"""Command -> where it is: `module:name` below `batuta.cli.commands`, in the order of the help."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    Args:
        lazy: command -> `module:name` below `batuta.cli.commands`.
        said: command -> its line in the help, so that nothing is imported to show it.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, str] | None = None,
        said: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self._lazy = dict(lazy or {})
        self._said = dict(said or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table. See click."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command. See click."""
        place = self._lazy.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        return getattr(import_module(f"batuta.cli.commands.{module}"), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- the signature is click's
        """Write the commands' lines without importing them. See click."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._said[name]) for name in self._lazy])


class Program(LazyGroup):
    """The outermost group: turns whatever goes wrong into words and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what was typed. See click."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has gone (`| head`): that is not an error of ours. What is
            # left in the buffer must not be written when Python ends, as that would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the program and leave the process with an exit code. See click."""
        given = list(sys.argv[1:] if args is None else args)
        if isinstance(sys.stdout, TextIOWrapper):
            # What a terminal's encoding does not have is shown escaped; it is no reason to fail.
            sys.stdout.reconfigure(errors="backslashreplace")
        extra["standalone_mode"] = False
        try:
            code = super().main(given, *rest, **extra)
        except Exception as error:
            if "--debug" in given and not isinstance(error, click.exceptions.Exit | click.Abort):
                raise
            code = _told(error)
        except KeyboardInterrupt:
            code = Exit.INTERRUPTED
        sys.exit(int(code or 0))


def _told(error: Exception) -> int:
    """Say on stderr what went wrong; return the exit code."""
    while isinstance(error, ExceptionGroup):
        # What runs side by side fails side by side; the first failure is why the others stopped.
        error = error.exceptions[0]
    if isinstance(error, click.exceptions.Abort):
        return Exit.INTERRUPTED
    if isinstance(error, click.ClickException):
        return _told_by_click(error)
    if isinstance(error, BatutaError):
        if isinstance(error, DefinitionError) and error.problems:
            _show_problems(error)
        else:
            _show(error.message, error.hint)
        return of_error(error)
    _show(words.bug(error), words.BUG_HINT)
    return Exit.BUG


def _told_by_click(error: click.ClickException) -> int:
    """Say that the command line cannot be read."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
    else:
        _show(error.format_message(), words.see_help(getattr(error, "ctx", None)))
    return Exit.USAGE


def _show(message: str, hint: str) -> None:
    from batuta.cli import paper  # noqa: PLC0415 -- only an error needs it

    paper.tell(f"{paper.styled('error:', 'bad')} {message}")
    if hint:
        paper.tell(f"{paper.styled('hint:', 'dim')} {hint}")


def _show_problems(error: DefinitionError) -> None:
    from batuta.cli import excerpts  # noqa: PLC0415 -- as above

    excerpts.tell_problems(error.problems)
    _show(words.not_right(len(error.problems)), error.hint)


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"batuta {__version__}")
        context.exit()


@click.group(
    "batuta",
    cls=Program,
    lazy=COMMANDS,
    said=helping.COMMANDS,
    help=helping.PROGRAM,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and leave.",
)
@click.option("--debug", is_flag=True, expose_value=False, help=helping.DEBUG)
def main() -> None:
    """Find the command; the rest is the command's."""
