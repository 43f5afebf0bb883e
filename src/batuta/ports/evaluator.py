"""Evaluating the expressions that the native compiler does not take."""

from __future__ import annotations

from typing import Any, Protocol


class Evaluator(Protocol):
    """A sandbox for whole jq.

    Promises: the program sees its input and variables and nothing of the host: no environment, no
        files, no clock. The result is plain JSON.
    Failure: raises `ExpressionFailure` for an error of the program, for running past its deadline
        and for outgrowing its memory; nothing else is disturbed by either.
    Cancellation: cancelling the await abandons the evaluation.
    Order: evaluations are independent; at most a fixed number run at once, others wait their turn.
    Repetition: free of effects, so it may be repeated.
    """

    async def evaluate(self, source: str, data: Any, variables: dict[str, Any]) -> Any:
        """Evaluate `source` with `.` = data and `$name` for each variable.

        No output gives None, one output itself, several outputs a list of them.
        """
        ...

    async def close(self) -> None:
        """End the child processes."""
        ...
