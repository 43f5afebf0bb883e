"""What commands say: hints and sentences. No logic beyond putting values in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

FIX_NEEDS_CONTROL = (
    "--fix mends what keeps a workflow from doing without a conductor: add --control choreographed"
)
FIX_HINT = "run it with `--control orchestrated`, or mend it as the hints say"
CAN_BE_FIXED_HINT = (
    "`batuta check FILE --control choreographed --fix` can name some participants, or run it with "
    "`--control orchestrated`"
)
NOTHING_TO_FIX = "--fix has changed nothing: no participant is the only one that can be meant"

CONTRACT_OF_WHOM = "a contract is that of one participant"

COUNTED_MESSAGES = (
    "a hop is a message that somebody has to take before the run goes on; under a conductor each "
    "task is a request and an answer"
)
NOT_ALL_ENDED = "some runs did not end in time, both ways alike; --wait SECONDS gives them longer"
DIFFERENCES_HINT = (
    "a task that makes something new each time (a random id, a time) differs from itself; if none "
    "of yours does, this is a bug in Batuta: please report it"
)

FUNCTIONS_HINT = "name the Python functions that the workflow calls: --functions FILE.py"
FILE_HINT = "give the path of a workflow file, YAML or JSON"

BUG_HINT = "the same command with --debug shows where; please report it"
LIST_HINT = "`batuta runs list` shows the runs of this store"
SHOW_HINT = "`batuta runs show ID` tells what it is doing"
FUNCTIONS_GONE_HINT = "put the file back, or give its replacement: --functions FILE.py"

NO_RUNS = "no runs"
KEPT_FOR_EVER = "runs are kept for ever here: retention_days is 0"
KEPT_FOR_EVER_HINT = "say how old they must be: --older-than 30d"

NOTHING_LEFT = "nothing to continue: every run has ended, or has a process that drives it"
WAITING_STAY = "those that wait stay in the store; `batuta up` drives them when they are due"

ATTR_HINT = "write --attr NAME=VALUE; CloudEvents 1.0 allows lower case letters and digits in names"
DEAD_WHICH = "say which: ID..., or all that fit --participant NAME, --run ID or --all"
NO_DEAD = "no messages were put aside"
NO_LATE = "no messages came late"

VALUE_HINT = "give it with --value TEXT, or on stdin"
NO_SECRETS = "no secrets"

KEY_SHOWN_ONCE = "keep it where secrets are kept: it cannot be shown again"
AUDIT_FOR_EVER = "the audit is kept for ever here: audit_days is 0"
NO_KEYS = "no keys"

NEW_HINT = "choose another name, or an empty folder"

NO_WORKFLOW = "there is no workflow here"
WORKFLOWS_HINT = "name the folder with the workflow files: --workflows FOLDER"
NO_TASKS = "no task of its own, it begins the runs"
FOLDER_HINT = "name a folder with workflow files: batuta up FOLDER"
NOTHING_TO_RUN = "there is no workflow here, and no run was left behind"
STOPPING = "stopping; runs that have not ended stay in the store"


def bug(error: Exception) -> str:
    """Say that something of ours went wrong."""
    return f"this is a bug in Batuta: {type(error).__name__}: {error}"


def not_right(errors: int) -> str:
    """Say why nothing was done with a document."""
    return f"{counted(errors, 'error')}: nothing was run"


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
        f"  continue: {again('resume --wait 60' if status == 'waiting' else 'resume', store)}\n"
        f"  look:     {again(f'runs show {run_id}', store)}"
    )


def left(run_id: str, store: str | None) -> str:
    """Say that a run was left on purpose."""
    return f"stopped: run {run_id} stays in the store.\n  continue: {again('resume', store)}"


def taken_over(count: int) -> str:
    """Say that runs have a new driver."""
    return f"took over {counted(count, 'run')} whose process is gone"


def awaited(participant: str) -> str:
    """Say who has to act before a run goes on, and how that comes about."""
    return (
        f"waiting for {participant}; if it has a process of its own that is gone, start it: "
        f"batuta participant {participant}"
    )


def asked(run_id: str, what: str) -> str:
    """Say that a request was left and has not shown yet."""
    return f"asked the process that drives run {run_id} to {what} it; it has not shown yet"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 run, 2 runs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def functions_gone(path: str) -> str:
    """Say that recorded functions are not where they were."""
    return f"{path} is gone, and runs that were left behind need its functions"


def functions_replaced(path: str) -> str:
    """Say that recorded functions are not loaded."""
    return f"{path} is gone; going on with the functions that were given"


def compared(workflow: str, runs: int, at_once: int) -> str:
    """Say what was compared."""
    return f"{workflow}, {counted(runs, 'run')} each way, {at_once} at a time\n"


def agreeing(runs: int) -> str:
    """Say that both control models came to the same."""
    return f"status, output, error and what was undone, in {counted(runs, 'run')}"


def differing(different: int, runs: int) -> str:
    """Say that they did not."""
    return f"{different} of {counted(runs, 'run')} (orchestrated / choreographed)"


def more_differences(count: int) -> str:
    """Say that there are more."""
    return f"  ... and {count} more: --json shows all"


def not_suspended(run_id: str, status: str) -> str:
    """Say that a run cannot be resumed."""
    return f"run {run_id} is {status}, not suspended, and a process drives it"


def more_runs(last: str, store: str | None) -> str:
    """Say how to see older runs."""
    return f"older ones: {again(f'runs list --before {last}', store)}"


def retried(old: str, new: str) -> str:
    """Say which run retries which."""
    return f"run {new} retries run {old}"


def purged(count: int, age: str) -> str:
    """Say how many runs were forgotten."""
    return f"purged {counted(count, 'run')} that ended more than {age} ago"


def left_again(store: str | None) -> str:
    """Say that runs were left behind."""
    return f"stopped: the runs stay in the store.\n  continue: {again('resume', store)}"


def published(event_type: str, event_id: str) -> str:
    """Say that an event is out."""
    return f"published {event_type} (id {event_id})"


def nobody_listens(path: str) -> str:
    """Say that an event goes into a store that has no runs."""
    return f"there was no store at {path}: making one, in which no run listens yet"


def dead_next(letter: str, store: str | None) -> str:
    """Say what can be done with a dead letter."""
    steps = (
        ("show", "all that it says"),
        ("redrive", "take it again, once what was wrong is mended"),
        ("discard", "forget it"),
    )
    lines = [f"  {again(f'dead {verb} {letter}', store)}  {why}" for verb, why in steps]
    return "\n".join(["next:", *lines])


def redriven(count: int) -> str:
    """Say that messages will be taken again."""
    return f"{counted(count, 'message')} will be taken again, now or when its participant starts"


def discarded(count: int) -> str:
    """Say that messages are gone."""
    return f"discarded {counted(count, 'message')}"


def new_key(path: str) -> str:
    """Say that there is a key now, and what it means."""
    return (
        f"made a key in {path}: keep a copy of it in a safe place and out of version control; "
        "without it the secrets are lost"
    )


def made(folder: str, files: list[str]) -> str:
    """Say what a new project has, and what to type next."""
    return (
        f"made {folder}: {', '.join(files)}\n"
        "next:\n"
        f"  cd {folder}\n"
        "  batuta check greeting.yaml\n"
        '  batuta run greeting.yaml --input \'{"name": "Ada"}\'\n'
        "  batuta run greeting.yaml --control choreographed\n"
        "  batuta up"
    )


def fixed(file: str, repair: str) -> str:
    """Say what was changed in a file."""
    return f"fixed   {file}: {repair}"


def fixable(file: str, repair: str) -> str:
    """Say what `--fix` would change in a file."""
    return f"--fix   {file}: would {repair}"


def not_fixable(file: str, repair: str) -> str:
    """Say what has to be written by hand."""
    return f"by hand {file}: {repair}; written in by --fix, it would change more than that task"


def is_up(workflows: int) -> str:
    """Say that everything runs."""
    return f"up with {counted(workflows, 'workflow')}; Ctrl-C stops, and runs stay in the store"


def is_served(page: str) -> str:
    """Say where the page is."""
    return f"page   {page}"


def as_last_seen(why: str) -> str:
    """Say that choreographed runs may have gone on since."""
    return f"choreographed runs are shown as they were last seen: {why}"


def hosted(names: list[str]) -> str:
    """Say which participants run here."""
    return f"hosts  {', '.join(names)}"


def takes_part(name: str, store: str, bus: str) -> str:
    """Say that a participant runs."""
    return f"participant {name} is up over {store}, on {bus}; Ctrl-C stops it, and its runs stay"


def no_part(path: str) -> str:
    """Say that a participant has nothing to do with a workflow."""
    return f"skips  {path}: it has no part in it"
