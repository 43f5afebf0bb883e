"""Waiting for the sandbox: a run whose step needs it waits alone, all others go on.

Owns the runs that wait for an expression to be evaluated. A step that needs the sandbox was given
up and has changed nothing; it is taken again with the answer, at the time at which it was first
taken. What comes for the run meanwhile waits in its backlog, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.errors import KernelBug
from batuta.expressions import ExpressionFailure
from batuta.kernel.evaluation import Evaluated, NeedsEvaluation

if TYPE_CHECKING:
    from batuta.kernel.events import Event
    from batuta.ports.evaluator import Evaluator
    from batuta.runtime.shared.driving.driver import Driver
    from batuta.runtime.shared.driving.live import LiveRun


class Evaluating:
    """Evaluates for the runs of one driver."""

    def __init__(self, driver: Driver, evaluator: Evaluator) -> None:
        self._driver = driver
        self._evaluator = evaluator
        self.waiting = 0
        """How many runs wait for an answer."""

    def begin(
        self,
        run: LiveRun,
        event: Event,
        at: int,
        answers: tuple[Evaluated, ...],
        need: NeedsEvaluation,
    ) -> None:
        """Have evaluated what a step needs, and let the run take its event again then."""
        run.evaluating = True
        self.waiting += 1
        self._driver.recorder.keep_under_way(run)
        key = f"?{event.__class__.__name__}{at}"
        self._driver.spawn(run, key, self._evaluate(run, event, at, answers, need, key))

    async def _evaluate(
        self,
        run: LiveRun,
        event: Event,
        at: int,
        answers: tuple[Evaluated, ...],
        need: NeedsEvaluation,
        key: str,
    ) -> None:
        driver = self._driver
        try:
            answer = Evaluated(
                await self._evaluator.evaluate(need.source, need.data, need.variables)
            )
        except ExpressionFailure as failure:
            answer = Evaluated(None, str(failure) or "failed")
        except Exception as error:  # noqa: BLE001 -- a broken sandbox must not leave a run hanging
            driver.halt(run, KernelBug(f"the sandbox failed: {error!r}"), error)
            return
        finally:
            self.waiting -= 1
            run.working.pop(key, None)
            run.evaluating = False
        # What came meanwhile is taken next, before what came later.
        driver.inbox.extendleft((run, waiting) for waiting in reversed(run.backlog))
        run.awaited += len(run.backlog)
        run.backlog.clear()
        driver.take(run, event, at, (*answers, answer))
        driver.schedule()
