"""Carrying out what a durable step asked for, and bringing the answers back.

Owns the way from a command to a caller, a listen's past events, an abandoned task or a finished
run. An answer that is there at once goes straight into the inbox, without an asyncio task.
"""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.commands import Abandon, Command, Continue, Finish, Perform
from batuta.kernel.events import Continued, Failed, Performed
from batuta.ports.caller import Fault
from batuta.runtime.shared.performing import Performer, fault_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


PLAIN = frozenset({dict, list, str, int, float, bool, type(None)})
"""Types of answers that need no look whether they have to be awaited."""


class Acting:
    """Acts for the runs of one driver."""

    def __init__(self, driver: Driver, performer: Performer) -> None:
        self._driver = driver
        self._performer = performer

    def carry_out(self, run: LiveRun, commands: list[Command]) -> None:
        """Carry out a step's commands; what led to them is durable."""
        for command in commands:
            if type(command) is Perform:
                if command.key in run.ledger.asked:
                    self.perform(run, command)
                continue
            match command:
                case Continue():
                    self._driver.post(run, Continued())
                case Abandon():
                    self._abandon(run, command)
                case Finish():
                    self._finished(run)
                case _:
                    pass

    def perform(self, run: LiveRun, command: Perform) -> None:
        """Have a task performed; its answer comes back as an event."""
        if run.secrets is None:
            self._perform(run, command)
        else:
            with self._driver.keeper.serving(run.secrets):
                self._perform(run, command)

    def _perform(self, run: LiveRun, command: Perform) -> None:
        if command.participant is not None and self._driver.requesting.ask(run, command):
            return
        answer = self.begin(run, run.state.origin, command)
        if isinstance(answer, Performed | Failed):
            self._driver.post(run, answer)
        else:
            self.wait_for(run, command, answer)

    def begin(
        self, run: LiveRun, origin: str, command: Perform
    ) -> Performed | Failed | Awaitable[Any]:
        """Begin a task of ours; returns its answer, or what will give it (for `wait_for`).

        `origin` is the run whose idempotency keys it uses.
        """
        try:
            answer = self._performer.start(run.id, origin, run.program.identity, command)
        except Exception as error:  # noqa: BLE001 -- a bug of a caller is the run's fault, not ours
            return _failed(command, error)
        if type(answer) not in PLAIN and isawaitable(answer):
            return answer
        return self._answer(command, answer)

    def wait_for(self, run: LiveRun, command: Perform, answer: Awaitable[Any]) -> None:
        """Bring back the answer of a task that was begun."""
        # The asyncio task takes the context of this moment along, and so the run's secrets.
        work = self._driver.spawn(run, command.key, self._await(run, command, answer))
        if isinstance(answer, CoroutineType):
            # Cancelled before it began, it would be left lying about.
            work.add_done_callback(lambda _: answer.close())

    async def _await(self, run: LiveRun, command: Perform, answer: Any) -> None:
        try:
            output = await answer
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 -- as in `begin`
            self._driver.post(run, _failed(command, error))
        else:
            self._driver.post(run, self._answer(command, output))
        finally:
            run.working.pop(command.key, None)
        self._driver.schedule()

    def _answer(self, command: Perform, output: Any) -> Performed | Failed:
        if command.kind in self._performer.plain:
            return Performed(command.token, command.key, output)
        # What goes on in memory is what a replay would read: encoded and decoded again.
        try:
            plain = _decode(_encode(output))
        except Exception as error:  # noqa: BLE001 -- whatever it is, this result cannot be recorded
            fault = Fault("runtime", 500, "Not JSON", f"the result cannot be recorded: {error}")
            return _failed(command, fault)
        return Performed(command.token, command.key, plain)

    def _abandon(self, run: LiveRun, command: Abandon) -> None:
        task = run.working.pop(command.key, None)
        if task is not None:
            task.cancel()

    def _finished(self, run: LiveRun) -> None:
        for task in run.working.values():
            task.cancel()
        self._driver.housing.forget(run)
        self._driver.ended(run)
        self._driver.tell_waiters(run.id)


def _failed(command: Perform, error: BaseException) -> Failed:
    return Failed(command.token, command.key, fault_of(error, command))
