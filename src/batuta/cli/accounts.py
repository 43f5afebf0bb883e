"""How a run and its tasks are told to people: lines of text from views.

Owns layout and units. Times are UTC; lengths of time have three significant digits at most.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batuta.cli.paper import TONE_OF_STATUS, as_json, clean, say, say_table, short_json, styled
from batuta.cli.words import again

if TYPE_CHECKING:
    from batuta.app.views import RunView, TaskView

TASK_FIELDS = (
    "reference",
    "name",
    "kind",
    "participant",
    "status",
    "attempt",
    "iteration",
    "startedAt",
    "endedAt",
)
_ERROR_FIELDS = ("type", "status", "title", "detail", "instance")
_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1_000, 60_000, 3_600_000


def lasting(milliseconds: float) -> str:
    """Return a length of time as people say it: 12 ms, 3.45 s, 2 min 5 s, 1 h 3 min."""
    if milliseconds < _SECOND_MS:
        return f"{milliseconds:.0f} ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / _SECOND_MS:.3g} s"
    if milliseconds < _HOUR_MS:
        minutes, rest = divmod(milliseconds, _MINUTE_MS)
        return f"{minutes:.0f} min {rest // _SECOND_MS:.0f} s"
    hours, rest = divmod(milliseconds, _HOUR_MS)
    return f"{hours:.0f} h {rest // _MINUTE_MS:.0f} min"


def milliseconds(text: str) -> int:
    """Return epoch milliseconds of an RFC 3339 text."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def between(started: str, ended: str | None, now: int | None = None) -> str:
    """Return how long something took, or takes so far when `now` (epoch milliseconds) is given."""
    until = milliseconds(ended) if ended is not None else now
    return "" if until is None else lasting(max(0, until - milliseconds(started)))


def rfc3339(epoch_ms: int) -> str:
    """Return epoch milliseconds as views write them."""
    time = datetime.fromtimestamp(epoch_ms / 1_000, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1_000:03d}Z"


def plain_time(text: str | None) -> str:
    """Return an RFC 3339 text in UTC as `2026-01-31 12:00:05`."""
    return "" if text is None else text[:19].replace("T", " ")


def brief_time(text: str | None, now: int) -> str:
    """Return an RFC 3339 text in UTC as `12:00:05` on the day that `now` is in, else the date."""
    time = plain_time(text)
    day, _, hour = time.partition(" ")
    return hour if day == rfc3339(now)[: len(day)] else day


def task_json(task: TaskView, *, trace: bool = False) -> dict[str, Any]:
    """Return a task's documented JSON; with `trace` also what went in and came out."""
    full = task.as_json()
    fields = (*TASK_FIELDS, "path", "input", "output", "error") if trace else TASK_FIELDS
    return {field: full[field] for field in fields}


def task_label(task: TaskView) -> str:
    """Return a task's name, and which time this is; a compensation is told by what it undoes."""
    label = clean(task.name)
    owner, compensates, _ = task.reference.rpartition("/metadata/compensate")
    if compensates and task.reference.endswith(compensates):
        undone = owner.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        label += f" {clean(undone)}"
    if task.iteration is not None:
        label += f" [{task.iteration}]"
    if task.attempt > 1:
        label += f" (attempt {task.attempt})"
    return label


def say_run(view: RunView, now: int) -> None:
    """Tell a run: what became of it, its output or its error."""
    status = styled(view.status, TONE_OF_STATUS.get(view.status, "strong"), err=False)
    took = between(view.started_at, view.ended_at, now)
    how = f"{status} after {took}" if view.ended_at is None else f"{status} in {took}"
    say(f"{how}  {view.workflow}:{view.version}  run {view.id}")
    if view.problem is not None:
        say(f"{styled('stands still:', 'bad', err=False)} {clean(view.problem)}")
    if view.status == "completed":
        say(f"{styled('output:', 'dim', err=False)}\n{indented(as_json(view.output))}")
    if view.error is not None:
        say(styled("error:", "bad", err=False))
        say_error(view.error)


def say_error(error: dict[str, Any]) -> None:
    """Tell a fault, its RFC 7807 members in their order and others after them."""
    for name in (*_ERROR_FIELDS, *(one for one in error if one not in _ERROR_FIELDS)):
        value = error.get(name)
        if value is not None and value != "":
            text = clean(value) if isinstance(value, str | int) else short_json(value)
            say(f"  {styled(f'{clean(name):<9}', 'dim', err=False)} {text}")


def indented(text: str) -> str:
    """Return a text with every line moved to the right."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def has_undone(tasks: list[TaskView]) -> bool:
    """Say whether a run ended by undoing: nothing is left then to go on from."""
    return bool(tasks) and "/metadata/compensate" in tasks[-1].reference


def say_next(
    view: RunView, store: str | None, *, undone: bool = False, driven: bool = False
) -> None:
    """Tell what can be done with a run that did not complete.

    Args:
        view: the run.
        store: the store, if it was typed.
        undone: what it had completed was undone.
        driven: a living process drives it.
    """
    retry = (f"runs retry {view.id}", "go on from the task that faulted")
    if undone:
        retry = (f"runs retry {view.id} --from-start", "what was done is undone: begin again")
    elif view.control == "choreographed":
        retry = (f"runs retry {view.id} --from-start", "begin again, with the same input")
    steps = {
        "faulted": [
            (f"runs show {view.id} --trace", "what each task was given and answered"),
            retry,
        ],
        "waiting": [
            ("up", "drive it when its time or its event comes"),
            ("resume --wait 60", "drive it for a minute"),
        ],
        "suspended": [(f"runs resume {view.id}", "let it go on")],
        "running": [("resume", "continue it if its process is gone")],
    }.get(view.status, [])
    if driven and view.status in {"running", "waiting"}:
        say(styled("a process drives it", "dim", err=False))
        return
    if not steps:
        return
    commands = [(again(command, store), why) for command, why in steps]
    width = max(len(command) for command, _ in commands)
    say(styled("next:", "dim", err=False))
    for command, why in commands:
        say(f"  {command:<{width}}  {styled(why, 'dim', err=False)}")


def say_timeline(tasks: list[TaskView], now: int, *, trace: bool = False) -> None:
    """Tell the tasks of a run in the order in which they started."""
    if not tasks:
        say(styled("no task has started", "dim", err=False))
        return
    first = milliseconds(tasks[0].started_at)
    rows = [
        (
            f"+{lasting(milliseconds(task.started_at) - first)}",
            task_label(task),
            task.kind,
            clean(task.participant or "-"),
            task.status,
            between(task.started_at, task.ended_at, now),
            clean(task.reference),
        )
        for task in tasks
    ]
    if not trace:
        headings = ("AT", "TASK", "KIND", "PARTICIPANT", "STATUS", "TOOK", "REFERENCE")
        say_table(headings, rows, tone=4)
        return
    for task, row in zip(tasks, rows, strict=True):
        status = styled(task.status, TONE_OF_STATUS.get(task.status, "plain"), err=False)
        say(f"{row[0]:<9} {styled(row[1], 'strong', err=False)}  {task.kind}  {status}  {row[5]}")
        say(f"          {styled('in ', 'dim', err=False)} {short_json(task.input)}")
        if task.error is not None:
            say(f"          {styled('err', 'bad', err=False)} {short_json(task.error)}")
        elif task.ended_at is not None:
            say(f"          {styled('out', 'dim', err=False)} {short_json(task.output)}")
