"""What can happen to an expression that was read without complaint.

`ExpressionFailure` is the program's own error (jq's word for it is the same): the workflow sees it
as an `expression` fault. `TooMuchWork` is no error of anyone: the native code steps aside, and the
caller evaluates the same source in the sandbox. Both are raised by native code and by nothing else
but the sandbox, so that whoever evaluates needs to know these two only.
"""

from __future__ import annotations

from typing import Any

from batuta.errors import BatutaError


class ExpressionFailure(BatutaError):  # noqa: N818 -- jq's programs fail; this is data for `catch`
    """An expression failed while it ran.

    Args:
        message: jq's own words for it, or what limit of the sandbox was met.
        value: what `try ... catch` sees: the message, unless the program raised another value.
    """

    code = "expression-failure"

    def __init__(self, message: str, *value: Any) -> None:
        super().__init__(message)
        self.value: Any = value[0] if value else message


class TooMuchWork(BatutaError):  # noqa: N818 -- nothing went wrong: it only belongs in the sandbox
    """Native code stops here; evaluate the same expression in the sandbox instead.

    Raised when the work budget is used up, and in the corners where releases of jq disagree or
    where the answer is no finite number: there only jq itself can say. It depends on the program
    and its input alone, never on time, so every evaluation takes the same way.
    """

    code = "too-much-work"


def decline(reason: str) -> TooMuchWork:
    """Return the exception with which native code hands over to the sandbox."""
    return TooMuchWork(f"the sandbox decides: {reason}")
