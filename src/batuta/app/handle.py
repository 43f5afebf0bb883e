"""A handle on one run: the engine's requests about it, without repeating which one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batuta.app.engine import Engine
    from batuta.app.views import RunView, TaskView


class Run:
    """A run that this engine started, or was asked about."""

    def __init__(self, engine: Engine, run_id: str, begun: RunView | None = None) -> None:
        self._engine = engine
        self.id = run_id
        self.begun = begun
        """The run as its start made it durable, where that is known without reading it back."""

    async def result(self, wait: float | None = None) -> RunView:
        """Wait until the run has ended and return it; after `wait` seconds, as it stands then."""
        return await self._engine.result(self.id, wait)

    def show(self) -> RunView:
        """Return the run as it stands."""
        return self._engine.show(self.id)

    def tasks(self) -> list[TaskView]:
        """Return the run's timeline."""
        return self._engine.tasks(self.id)

    async def cancel(self, *, compensate: bool = True) -> None:
        """End the run, undoing what has a compensation."""
        await self._engine.cancel(self.id, compensate=compensate)

    async def suspend(self) -> None:
        """Let the run stand still."""
        await self._engine.suspend(self.id)

    async def resume(self) -> None:
        """Let a suspended run go on."""
        await self._engine.resume(self.id)
