"""What is said to people: help, hints and sentences. No logic beyond putting values in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

PROGRAM = """One definition of an integration, run durably.

A workflow is a YAML or JSON file in the Open (Serverless) Workflow DSL 1.0. Runs are kept in a
store, by default .batuta/batuta.db under the current folder: what a crash interrupts goes on.

\b
Begin with:
  batuta new hello && cd hello
  batuta check greeting.yaml
  batuta run greeting.yaml --input '{"name": "Ada"}'
"""

COMMANDS = {
    "new": "Make a small project that runs.",
    "check": "Check workflows; show every problem at its place.",
    "run": "Run a workflow and wait for its end.",
    "up": "Run everything in a folder until stopped.",
    "resume": "Continue what a crash or a stop left behind.",
    "runs": "List, show, cancel, suspend, resume, retry and purge runs.",
    "events": "Publish events, and look at those that were.",
    "secrets": "Keep secrets in an encrypted file.",
}

DEBUG = "Show the engine's log, and tracebacks of errors."
STORE = "Where runs are kept: sqlite:///FILE. [default: .batuta/batuta.db under this folder]"
FUNCTIONS = "Python functions that workflows may call; repeatable."
GIVEN_BY_HAND = (
    "A secret for this command; repeatable. Others on the machine may see it: prefer the "
    "environment (BATUTA_SECRET_NAME) or `batuta secrets set`."
)
WAIT = "Wait at most this long."
JSON = "Print JSON for programs."

CHECK = """Check workflow files.

All problems of all files are shown, each with its line, what was expected and what to do. The exit
code is 0 when every file is right (warnings allowed), else 1.
"""

RUN = """Run the workflow in FILE and wait for its end.

Every step is on disk before it is acted upon: a crash, Ctrl-C or --wait running out leaves the run
in the store, and `batuta resume` continues it. Settings come from a batuta.toml beside FILE or in
this folder, if there is one.

\b
Exit code: 0 completed, 1 faulted, 2 wrong request or document, 3 cancelled,
           4 not ended when --wait ran out, 5 store not usable, 130 Ctrl-C.
"""

INPUT = "The run's input: JSON, a file of it, or - for stdin. [default: {}]"
CONTROL = "Who directs the run. [default: what the document says, else orchestrated]"
TRACE = "Also print every task, in the order they started."
FILE_HINT = "give the path of a workflow file, YAML or JSON"

BUG_HINT = "the same command with --debug shows where; please report it"
NOT_YET = "choreographed runs are not part of this version"
NOT_YET_HINT = "--control orchestrated runs the same file under the conductor"
NO_TAKE_OVER = "another process drives it"

NEW_KEY = (
    "made a key in {key}: keep a copy of it in a safe place, for without it the secrets are lost; "
    "keep it out of version control"
)


def bug(error: Exception) -> str:
    """Say that something of ours went wrong."""
    return f"this is a bug in Batuta: {type(error).__name__}: {error}"


def see_help(context: click.Context | None) -> str:
    """Say where to read what a command takes."""
    return f"`{context.command_path if context else 'batuta'} --help` shows what it takes"


def json_hint(option: str) -> str:
    """Say how JSON is given."""
    return f"""write {option} '{{"key": "value"}}', {option} @FILE, or {option} - for stdin"""


def again(command: str, store: str | None) -> str:
    """Return a command to type next, with the store it needs."""
    return f"batuta {command}" + (f" --store {store}" if store is not None else "")


def still_waiting(run_id: str, status: str, seconds: float, store: str | None) -> str:
    """Say that a run has not ended, and what to do."""
    return (
        f"run {run_id} is {status} after {seconds:g} s and stays in the store.\n"
        f"  continue: {again('resume', store)}\n"
        f"  look:     {again(f'runs show {run_id}', store)}"
    )


def left(run_id: str, store: str | None) -> str:
    """Say that a run was left on purpose."""
    return (
        f"stopped watching: run {run_id} stays in the store.\n  continue: {again('resume', store)}"
    )


def taken_over(count: int) -> str:
    """Say that runs have a new driver."""
    return f"took over {counted(count, 'run')} whose process is gone"


def asked(run_id: str, what: str) -> str:
    """Say that a request was left and has not shown yet."""
    return f"asked the process that drives run {run_id} to {what} it; it has not shown yet"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 run, 2 runs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
