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
from batuta.cli.paper import rich_tone
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
        self._live.start()

    def update(self, ended: list[TaskView], under_way: list[TaskView], now: int) -> None:
        """Draw. See the protocol."""
        if len(ended) > MOST_AT_ONCE:
            more = counted(len(ended) - MOST_AT_ONCE, "task")
            self._console.print(Text(f"  … {more} more", style="dim"))
        for task in ended[-MOST_AT_ONCE:]:
            self._console.print(_line(task))
        room = max(3, self._console.size.height - 4)
        rows = [Spinner("dots", _under_way(task, now)) for task in under_way[-room:]]
        self._live.update(Group(*rows))

    def close(self) -> None:
        """End the view. See the protocol."""
        self._live.update(Group())
        self._live.stop()


def _line(task: TaskView) -> Text:
    mark = MARKS.get(task.status, "•")
    style = rich_tone(task.status)
    text = Text.assemble((f"{mark} ", style), (f"{task_label(task):<28} ", ""))
    text.append(f"{task.kind:<7} {task.participant or '':<14} ", "dim")
    text.append(between(task.started_at, task.ended_at), "dim")
    if task.status != "completed":
        text.append(f"  {task.status}", style)
    return text


def _under_way(task: TaskView, now: int) -> Text:
    text = Text(f"{task_label(task):<28} ")
    text.append(f"{task.kind:<7} {task.participant or '':<14} ", "dim")
    text.append(between(task.started_at, None, now), "dim")
    return text
