"""Starting the runs that nobody asks for, under the control model that their workflow names.

A choreographed run begins with an event. That one goes into the store, in the transaction of
whatever leads to the run, and from there to the bus (`bridging`): so a fire is neither lost nor
made twice, whichever model the run is under.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.choreography.types import start_type
from batuta.runtime.shared.envelope import event

if TYPE_CHECKING:
    from batuta.kernel.program import Program
    from batuta.runtime.conductor.conductor import Conductor

CHOREOGRAPHED = "choreographed"


def is_choreographed(program: Program) -> bool:
    """Say whether the runs of a workflow have no conductor unless somebody asks for one."""
    return program.workflow.control == CHOREOGRAPHED


def first_event(program: Program, run_id: str, data: Any, now: int) -> dict[str, Any]:
    """Return the event that starts a choreographed run at `now` (epoch milliseconds)."""
    kind = start_type(program.workflow)
    return event(program, run_id, name=f"{run_id}/start", kind=kind, now=now, data=data)


def begin(
    conductor: Conductor, program: Program, data: Any, *, run_id: str, setup: str | None
) -> None:
    """Note in the batch the start of a run.

    Args:
        conductor: drives it, or writes down its first event.
        program: the workflow.
        data: the input.
        run_id: its id, the same each time for the same cause.
        setup: what it needs of a process, as `Conductor.begin` takes it.

    Raises:
        BatutaError: it cannot start.
    """
    if not is_choreographed(program):
        conductor.begin(program, data, run_id=run_id, setup=setup)
        return
    now = conductor.clock.now()
    told = first_event(program, run_id, data, now)
    conductor.committer.batch.events.append((now, told))
