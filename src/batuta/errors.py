"""The exception tree, on one screen.

Three kinds of error exist and are never mixed. A workflow *fault* is data (`batuta.kernel.faults`)
and no exception. An *operating error* is an exception below, grouped by what its reader may do. A
*bug* is `KernelBug`: it stops the run it happened in and says so. HTTP status codes exist only in
the server, exit codes only in the command line.
"""

from __future__ import annotations


class BatutaError(Exception):
    """Base of everything Batuta raises on purpose; never raised itself.

    Args:
        message: what happened, with the offending value.
        hint: the next step for whoever reads it; shown on a line of its own.
    """

    code: str = "batuta"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class RequestError(BatutaError):
    """The caller asked for something that cannot be: fix the request."""

    code = "request"


class DefinitionError(RequestError):
    """A workflow document was refused; `problems` holds every reason, not only the first."""

    code = "definition"

    def __init__(self, message: str, problems: tuple[object, ...] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class ExpressionSyntaxError(RequestError):
    """An expression cannot be read; `offset` counts characters from its start."""

    code = "expression-syntax"

    def __init__(self, message: str, offset: int = 0, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.offset = offset


class NotFoundError(RequestError):
    """The named run, workflow, function or secret does not exist here."""

    code = "not-found"


class ConflictError(RequestError):
    """What was asked for contradicts what is recorded: a run that ended, another version."""

    code = "conflict"


class ClaimedError(ConflictError):
    """A name on a bus is that of another store: use that one, or take the name over on purpose."""

    code = "claimed"


class UnavailableError(BatutaError):
    """Nothing happened; the same request may be sent again (a locked store, a full disk)."""

    code = "unavailable"


class OutcomeUnknownError(BatutaError):
    """The request may or may not have had its effect: ask for the state before repeating it."""

    code = "outcome-unknown"


class CorruptError(BatutaError):
    """What was recorded cannot be read back: give up, keep the file, restore a copy."""

    code = "corrupt"


class KernelBug(BatutaError):  # noqa: N818 -- a bug is not an error of the caller, and its name says so
    """An invariant of ours does not hold: this run stops, all others go on; please report it."""

    code = "bug"
