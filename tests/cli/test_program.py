"""The program itself: finding commands, exit codes, and words for whatever goes wrong."""

import importlib
import resource
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import batuta
from batuta.cli import helping, main
from batuta.cli.exit_codes import Exit, of_error, of_run
from batuta.cli.program import COMMANDS, LazyGroup, Program
from batuta.errors import CorruptError, KernelBug, NotFoundError, UnavailableError

HEAVY = ["httpx2", "cryptography", "rich", "jsonschema_rs", "jq", "msgspec", "yaml", "asyncio"]


def test_starting_the_program_brings_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", "import batuta.cli, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert not {name.partition(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_help_comes_at_once():
    # The processor's time, not the clock's: how busy the machine is says nothing about the program.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "batuta", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_the_help_names_every_command_and_loads_none(cli):
    said = cli("--help")

    assert said.code == 0
    assert all(name in said.out for name in COMMANDS)
    assert all(line in said.out for line in helping.COMMANDS.values())
    assert set(helping.COMMANDS) == set(COMMANDS)


def test_the_version_is_that_of_the_package(program):
    assert program("--version").out == f"batuta {batuta.__version__}\n"


def test_without_a_command_the_help_is_shown(cli):
    said = cli()

    assert said.code == Exit.USAGE
    assert "Commands:" in said.err


@pytest.mark.parametrize(
    ("typed", "told", "hint"),
    [
        (["rum"], "No such command 'rum'", "`batuta --help`"),
        (["run"], "Missing argument 'FILE'", "`batuta run --help`"),
        (["run", "x.yaml", "--frob"], "--frob", "`batuta run --help`"),
        (["run", "x.yaml", "--wait", "soon"], "no number of seconds", "`batuta run --help`"),
        (["run", "x.yaml", "--wait", "-1"], "no number of seconds", "`batuta run --help`"),
        (["run", "x.yaml", "--wait", "nan"], "no number of seconds", "`batuta run --help`"),
        (["run", "x.yaml", "--control", "x"], "'x' is not one of", "`batuta run --help`"),
        (["runs", "list", "--status", "x"], "'x' is not one of", "`batuta runs list --help`"),
        (["runs", "list", "--limit", "0"], "0 is not in the range", "`batuta runs list --help`"),
        (["runs", "show"], "Missing argument 'ID'", "`batuta runs show --help`"),
        (["events", "tail", "--since", "x"], "'x' is not a valid", "`batuta events tail --help`"),
    ],
)
def test_a_command_line_that_cannot_be_read_says_where_help_is(cli, typed, told, hint):
    said = cli(*typed)

    assert said.code == Exit.USAGE
    assert said.err.startswith("error: ")
    assert told in said.err
    assert f"hint: {hint}" in said.err


def program_that(error):
    """Give a program with one command, which fails."""

    @click.group(cls=Program)
    @click.option("--debug", is_flag=True, expose_value=False)
    def program():
        pass

    @program.command()
    def fail():
        raise error

    return program


def test_an_operating_error_is_two_lines_and_a_code():
    error = UnavailableError("the disk is full", hint="free some room")
    result = CliRunner().invoke(program_that(error), ["fail"])

    assert result.exit_code == Exit.UNAVAILABLE
    assert result.stderr == "error: the disk is full\nhint: free some room\n"


def test_a_bug_is_told_as_one_and_leads_to_its_place():
    result = CliRunner().invoke(program_that(ZeroDivisionError("by zero")), ["fail"])

    assert result.exit_code == Exit.BUG
    assert "a bug in Batuta: ZeroDivisionError: by zero" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_lets_the_traceback_through():
    result = CliRunner().invoke(program_that(NotFoundError("gone")), ["--debug", "fail"])

    assert isinstance(result.exception, NotFoundError)


def test_debug_may_be_typed_after_the_command(program):
    said = program("runs", "show", "X", "--store", "sqlite:///none.db", "--debug")

    assert "Traceback" in said.err
    assert "there is no store at none.db" in said.err


def test_what_fails_side_by_side_is_told_by_its_first_failure():
    group = ExceptionGroup("tasks", [ExceptionGroup("inner", [NotFoundError("gone")])])
    result = CliRunner().invoke(program_that(group), ["fail"])

    assert (result.exit_code, result.stderr) == (Exit.USAGE, "error: gone\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_an_interruption_is_no_error(error):
    result = CliRunner().invoke(program_that(error), ["fail"])

    assert (result.exit_code, result.stderr.strip()) == (Exit.INTERRUPTED, "")


def test_a_reader_that_has_gone_is_no_error(start, run):
    run("greeting")
    one = start("runs", "list", "--json")
    one.stdout.close()

    assert one.wait(timeout=30) == 0
    assert one.stderr.read() == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("x"), 2),
        (UnavailableError("x"), 5),
        (CorruptError("x"), 5),
        (KernelBug("x"), 70),
    ],
)
def test_each_kind_of_error_has_its_code(error, code):
    assert of_error(error) == code


@pytest.mark.parametrize(
    ("status", "problem", "code"),
    [
        ("completed", None, 0),
        ("faulted", None, 1),
        ("cancelled", None, 3),
        ("running", None, 4),
        ("waiting", None, 4),
        ("suspended", None, 4),
        ("running", "a bug", 5),
    ],
)
def test_each_end_of_a_run_has_its_code(status, problem, code):
    view = batuta.RunView(
        id="1",
        workflow="a/b",
        version="1.0.0",
        control="orchestrated",
        status=status,
        started_at="2026-01-01T00:00:00.000Z",
        problem=problem,
    )

    assert of_run(view) == code


def test_every_command_of_every_group_explains_itself_and_its_options():
    silent = []

    def look(command, path):
        context = click.Context(command)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                look(command.get_command(context, name), [*path, name])
        if not command.help:
            silent.append(path)
        silent.extend(
            [*path, option.name]
            for option in command.params
            if isinstance(option, click.Option)
            and not option.hidden
            and not option.help
            and option.name not in {"limit", "source"}
        )

    look(main, [])

    assert isinstance(main, LazyGroup)
    assert not silent


def test_importing_the_module_behind_python_m_runs_nothing():
    assert importlib.import_module("batuta.__main__").main.name == "batuta"
