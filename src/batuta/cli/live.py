"""The live view of a terminal: what ended scrolls by above, what is under way stays below.

Owns the drawing; imported only when stderr is a terminal, since rich is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.spinner import Spinner
from rich.text import Text

from batuta.cli.accounts import between, task_label
from batuta.cli.paper import clean, rich_tone
from batuta.cli.words import counted

if TYPE_CHECKING:
    from batuta.app.views import TaskView

MARKS = {"completed": "✔", "faulted": "✘", "cancelled": "⊘", "skipped": "·"}
MOST_AT_ONCE = 200
"""Lines per update: a loop of ten thousand must not scroll for minutes."""


class Live:
    """Shows tasks on a terminal. See `batuta.cli.progress.Shown`."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = RichLive(
            console=self._console, transient=True, auto_refresh=True, refresh_per_second=10
        )
        self._spinners: list[Spinner] = []
        self._live.start()

    def update(self, ended: list[TaskView], under_way: list[TaskView], now: int) -> None:
        """Draw. See the protocol."""
        room = max(3, self._console.size.height - 4)
        # A spinner turns with the time since it was made, so the same ones are kept.
        while len(self._spinners) < len(under_way[-room:]):
            self._spinners.append(Spinner("dots"))
        rows = self._spinners[: len(under_way[-room:])]
        for spinner, task in zip(rows, under_way[-room:], strict=True):
            spinner.update(text=_under_way(task, now))
        self._live.update(Group(*rows))
        if len(ended) > MOST_AT_ONCE:
            more = counted(len(ended) - MOST_AT_ONCE, "task")
            self._console.print(Text(f"  … {more} more", style="dim"))
        for task in ended[-MOST_AT_ONCE:]:
            self._console.print(_line(task))

    def close(self) -> None:
        """End the view. See the protocol."""
        self._live.update(Group())
        self._live.stop()


def _line(task: TaskView) -> Text:
    style = rich_tone(task.status)
    text = Text.assemble((f"{MARKS.get(task.status, '•')} ", style))
    text.append_text(_described(task, between(task.started_at, task.ended_at)))
    if task.status != "completed":
        text.append(f"  {task.status}", style)
    return text


def _under_way(task: TaskView, now: int) -> Text:
    return _described(task, between(task.started_at, None, now))


def _described(task: TaskView, took: str) -> Text:
    text = Text(f"{task_label(task):<28} ")
    text.append(f"{task.kind:<7} {took:>10}  {clean(task.participant or '')}".rstrip(), "dim")
    return text
