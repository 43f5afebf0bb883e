"""A deterministic event loop on virtual time, in which processes live and die.

Owns what asyncio code needs of a loop, and no more: callbacks in the order in which they were asked
for, timers in the order of their times, tasks and futures. There are no sockets, threads or signals
in it, so that a run of the loop depends on nothing but what was put into it.

Every callback belongs to the *process* that asked for it. A process that is killed takes no further
step: what it had asked for never happens, and its tasks are closed where they stand. So between any
two callbacks of a process lies a moment at which it can be killed; `killing` decides which.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

T = TypeVar("T")

PERIOD_MS = 30 * 86_400_000
"""How long the error of a clock lasts: then it is set, perhaps wrongly."""

PATIENCE = 2_000_000
"""Callbacks of one simulation: one that needs more goes round in circles."""


class Process:
    """What is killed at once: one life of a participant or a conductor."""

    __slots__ = ("alive", "ended_at", "name", "tasks")

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.ended_at: int | None = None
        """When it was killed, in epoch milliseconds."""
        self.tasks: set[asyncio.Task[Any]] = set()


class Handle(asyncio.Handle):
    """One callback. The contract is `asyncio.Handle`."""

    __slots__ = ("args", "around", "call", "gone", "process")

    def __init__(
        self,
        process: Process,
        call: Callable[..., object],
        args: tuple[Any, ...],
        around: Context | None,
    ) -> None:
        # The base class keeps much more, for debugging; nothing of it is asked for.
        self.process = process
        self.call = call
        self.args = args
        self.around = around
        self.gone = False

    def cancel(self) -> None:
        """Take it back."""
        self.gone = True

    def cancelled(self) -> bool:
        """Say whether it was taken back."""
        return self.gone


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs callbacks one after the other; time moves when none is left."""

    def __init__(self, start_ms: int) -> None:
        self.now = start_ms
        """Epoch milliseconds."""
        self.processes: list[Process] = []
        """All that ever were."""
        self.world = self.current = self.process("world")
        self.killing: Callable[[Process], bool] = lambda _: False
        """Asked before each callback of a process whether it is killed there."""
        self.steps = 0
        self._ready: deque[Handle] = deque()
        self._times: list[tuple[int, int, Handle]] = []
        self._set = 0

    # -- what the simulation asks of it ------------------------------------------------------------

    def run_until_idle(self) -> None:
        """Run until nothing is left that could happen by itself."""
        before = asyncio._get_running_loop()  # noqa: SLF001 -- asyncio means it for those who write loops
        asyncio._set_running_loop(self)  # noqa: SLF001 -- asyncio means it for those who write loops
        ready, times = self._ready, self._times
        try:
            while True:
                while ready:
                    self._do(ready.popleft())
                while times and times[0][2].gone:
                    heapq.heappop(times)
                if not times:
                    return
                when, _, handle = heapq.heappop(times)
                self.now = max(self.now, when)
                self._do(handle)
        finally:
            self.current = self.world
            asyncio._set_running_loop(before)  # noqa: SLF001 -- asyncio means it for those who write loops

    def _do(self, handle: Handle) -> None:
        process = handle.process
        if handle.gone or not process.alive:
            return
        if process is not self.world and self.killing(process):
            return
        self.steps += 1
        if self.steps > PATIENCE:
            raise AssertionError("it goes round in circles")
        self.current = process
        if handle.around is None:
            handle.call(*handle.args)
        else:
            handle.around.run(handle.call, *handle.args)

    def process(self, name: str) -> Process:
        """Return a new process."""
        process = Process(name)
        self.processes.append(process)
        return process

    def soon_in(self, process: Process, call: Callable[..., object], *args: Any) -> Handle:
        """Let a process do something as soon as it can."""
        handle = Handle(process, call, args, None)
        self._ready.append(handle)
        return handle

    def at_in(self, process: Process, when: int, call: Callable[..., object], *args: Any) -> Handle:
        """Let a process do something at a time, in epoch milliseconds."""
        handle = Handle(process, call, args, None)
        self._set += 1
        heapq.heappush(self._times, (when, self._set, handle))
        return handle

    def kill(self, process: Process) -> None:
        """End a process where it stands."""
        process.alive = False
        process.ended_at = self.now
        self.current = process
        for task in process.tasks:
            # It will never be done, and nobody is to be told so.
            setattr(task, "_log_destroy_pending", False)  # noqa: B010 -- asyncio has no public word for it
            coroutine: Any = task.get_coro()
            try:
                coroutine.close()
            except RuntimeError:
                continue
        process.tasks.clear()
        self.current = self.world

    # -- what asyncio asks of it -------------------------------------------------------------------

    def time(self) -> float:
        """Return the time in seconds."""
        return self.now / 1_000

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        """Call back in this turn or the next. See asyncio."""
        handle = Handle(self.current, callback, args, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(  # type: ignore[override]  # a plain handle does: nobody asks it for its time
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Call back after so many seconds. See asyncio."""
        handle = Handle(self.current, callback, args, context)
        self._set += 1
        when = self.now + round(delay * 1_000)
        heapq.heappush(self._times, (when, self._set, handle))
        return handle

    def call_at(  # type: ignore[override]  # a plain handle does, as above
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        """Call back at a time in seconds. See asyncio."""
        return self.call_later(when - self.time(), callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future. See asyncio."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # its keyword arguments are of no use here
        self, coro: Coroutine[Any, Any, T], **_: Any
    ) -> asyncio.Task[T]:
        """Start a task of the process that asks. See asyncio."""
        task = asyncio.Task(coro, loop=self)
        tasks = self.current.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    def get_debug(self) -> bool:
        """Say that nothing is debugged here. See asyncio."""
        return False

    def is_running(self) -> bool:
        """Say whether it runs. See asyncio."""
        return True

    def is_closed(self) -> bool:
        """Say whether it was closed. See asyncio."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Fail: in a simulation nothing may go wrong unseen. See asyncio."""
        if self.current.alive:
            raise AssertionError(f"{context.get('message')}: {context.get('exception')!r}")


class SimulatedClock:
    """The clock of one process. The contract is `batuta.ports.clock.Clock`.

    As on a real machine it may be wrong, and be set while timers run: those count what passes.
    """

    def __init__(
        self, loop: SimulatedLoop, process: Process, skew: Callable[[int], int] = lambda _: 0
    ) -> None:
        """Make a clock; `skew` says by how much it is wrong in which of its periods."""
        self._loop = loop
        self._process = process
        self._skew_in = skew
        self._period = -1
        self._skew = 0

    def now(self) -> int:
        """Return the time in epoch milliseconds. See the port."""
        now = self._loop.now
        period = now // PERIOD_MS
        if period != self._period:
            self._period, self._skew = period, self._skew_in(period)
        return now + self._skew

    def call_at(self, when: int, callback: Callable[[], None]) -> Handle:
        """Call back when it is that late. See the port."""
        left = when - self.now()
        if left <= 0:
            return self._loop.soon_in(self._process, callback)
        return self._loop.at_in(self._process, self._loop.now + left, callback)
