"""Going on with the history of another run: from where it faulted, or from one of its tasks.

Owns what of the old history a new run begins with. Its end stays as it was written; the new run has
copies of the rows before the place from which it goes on, so that nothing that succeeded before is
done again. What had been asked of the world and was not answered there is asked again, under the
same idempotency keys, unless a task gets another input: that is another request, so the run then
uses keys of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.kernel.codec import decode_event, encode_event
from batuta.kernel.events import Started
from batuta.ports.store import JournalRow, RunRow
from batuta.runtime.shared.replay import replay

if TYPE_CHECKING:
    from batuta.kernel.commands import Perform, StartChild
    from batuta.kernel.events import Event
    from batuta.kernel.program import Program
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.shared.driving.live import LiveRun


class Amendment(NamedTuple):
    """A task that gets another input: its occurrence (without attempts), and the input."""

    occurrence: str
    input: Any


def go_on_from(
    conductor: Conductor,
    program: Program,
    old: RunRow,
    rows: list[JournalRow],
    run_id: str,
    *,
    then: Event | None = None,
    amendment: Amendment | None = None,
) -> LiveRun:
    """Start a run with the history of another; it is durable when `durable` says so.

    Args:
        conductor: drives it.
        program: the old run's.
        old: the old run.
        rows: the rows to begin with, from the first one on.
        run_id: the new run's id.
        then: the event of the next row, which the new run takes anew.
        amendment: a task behind those rows that gets another input.

    Raises:
        KernelBug: the history does not fit the code.
    """
    taken = [_as_new(row, run_id, amendment) for row in rows]
    state, seq, ledger = replay(program, taken)
    row = RunRow(
        id=run_id,
        workflow=old.workflow,
        started_at=conductor.clock.now(),
        owner=conductor.owner,
        origin=old.id,
        first_event=old.first_event,
        setup=old.setup,
        digest=old.digest,
        keys=old.keys,
    )
    run = conductor.live(row, program, state, seq)
    run.ledger = ledger
    run.setup, run.keys = row.setup, row.keys
    run.since_snapshot = seq
    nonce = then.nonce if isinstance(then, Started) else state.nonce
    if nonce:
        run.secrets = conductor.keeper.secrets_of(program, nonce)
    conductor.runs[run_id] = run
    batch = conductor.committer.batch
    batch.runs.append(row)
    batch.journal += [(run_id, one.seq, one.at, one.body, one.answers) for one in taken]
    if old.keys is not None:
        batch.keys.append((run_id, old.keys))
    conductor.goes_on(run)
    unanswered = list(ledger.asked.values())
    if then is not None:
        conductor.take(run, _renewed(then, run_id, amendment))
        if not run.seq and run.problem is None:
            # The sandbox has to evaluate something first. Until it has, the start is a request.
            batch.asks.append((run_id, encode_event(_renewed(then, run_id, amendment))))
    conductor.committer.releases.append(partial(_take_up, conductor, run, unanswered))
    conductor.schedule()
    return run


def _take_up(conductor: Conductor, run: LiveRun, unanswered: list[Perform | StartChild]) -> None:
    """Ask again for what the old run was not answered, now that the new one is durable."""
    if run.problem is None and conductor.runs.get(run.id) is run:
        conductor.housing.ask_again(run, unanswered)


def _as_new(row: JournalRow, run_id: str, amendment: Amendment | None) -> JournalRow:
    event = decode_event(row.body)
    body = row.body
    if isinstance(event, Started):
        body = encode_event(_renewed(event, run_id, amendment))
    return JournalRow(run_id, row.seq, row.at, body, row.answers)


def _renewed(event: Event, run_id: str, amendment: Amendment | None) -> Event:
    """Return an event as the new run takes it."""
    if not isinstance(event, Started):
        return event
    if amendment is None:
        return msgspec.structs.replace(event, run=run_id, origin=event.origin or event.run)
    amended = {**event.amended, amendment.occurrence: amendment.input}
    return msgspec.structs.replace(event, run=run_id, origin=run_id, amended=amended)
