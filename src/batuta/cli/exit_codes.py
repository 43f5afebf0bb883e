"""What the program tells scripts by its exit code; the only place that knows the numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from batuta.errors import BatutaError, KernelBug, RequestError

if TYPE_CHECKING:
    from batuta.app.views import RunView


class Exit(IntEnum):
    """Exit codes. 1 is what a workflow or a document came to; 2 and more is about the request."""

    OK = 0
    FAULTED = 1
    REFUSED = 1
    """A checked document is not right."""
    DIFFERS = 1
    """Two control models did not come to the same."""
    USAGE = 2
    CANCELLED = 3
    WAITING = 4
    UNAVAILABLE = 5
    """The store cannot be used: locked, full, damaged. Nothing was lost."""
    BUG = 70
    INTERRUPTED = 130


_OF_STATUS = {"completed": Exit.OK, "faulted": Exit.FAULTED, "cancelled": Exit.CANCELLED}


def of_run(view: RunView) -> Exit:
    """Return the code for a run as it stands; one that has not ended is waiting."""
    if view.problem is not None:
        return Exit.UNAVAILABLE
    return _OF_STATUS.get(view.status, Exit.WAITING)


def of_error(error: BatutaError) -> Exit:
    """Return the code for an operating error."""
    if isinstance(error, RequestError):
        return Exit.USAGE
    return Exit.BUG if isinstance(error, KernelBug) else Exit.UNAVAILABLE
