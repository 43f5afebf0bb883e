"""What a participant tells others: from a step's departures to events in its outbox.

Owns how departures become events: one event per thing that ended, with all tokens that go on from
there. They are written down in the transaction of the step that led to them; `outbox` says when
they are published.

If the task that ended has an event of its own (`metadata.event`), that event carries the tokens: it
is the same event in both control models, and there is exactly one. What goes on only later, behind
the delay of a retry, is handed over.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.kernel.codec import handed
from batuta.kernel.commands import CancelBranch, EndBranch, HandOver
from batuta.kernel.events import BranchEnded
from batuta.kernel.tasks.away import owner_of
from batuta.runtime.shared.envelope import Ask, End, Hand, encode, event

if TYPE_CHECKING:
    from batuta.kernel.commands import Departure
    from batuta.kernel.lifecycle import Happened
    from batuta.kernel.tokens import Handed
    from batuta.runtime.participant.participant import Participant
    from batuta.runtime.participant.partrun import PartRun

TELL_AFTER_MS = 500
"""When nothing of a run goes elsewhere for so long, viewers are told what its tasks do."""


class Sending:
    """Sends for one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._untold: dict[str, PartRun] = {}
        self._bell_set = False

    # -- a step's departures -----------------------------------------------------------------------

    def compose(self, run: PartRun) -> None:
        """Write into the outbox what the step that a run has just taken sends."""
        departing, published, finish = run.departing, run.published, run.finish
        if departing or finish is not None:
            run.departing = []
            reports = self._told(run)
            if departing and self._depart(run, departing, published, reports):
                reports = ()
            if finish is not None:
                run.finish = None
                self._end(run, finish, reports)
            elif reports:
                run.watch = list(reports)
        if run.watch:
            self._untold[run.id] = run
            self._set_bell()
        if published:
            run.published = []
            for one in published:
                told = one
                if "batutahand" not in one:
                    # Another one: this may be what its task has given, as well.
                    told = {**one, "batutaabout": run.id, "batutaby": self._participant.name}
                self._participant.outbox.note(run.id, told)

    def _told(self, run: PartRun) -> tuple[Happened, ...]:
        """Return what is to be told of a run's tasks, and count it as told."""
        watch = run.watch or []
        run.watch = []
        self._untold.pop(run.id, None)
        return tuple(watch)

    def _depart(
        self,
        run: PartRun,
        departing: list[Departure],
        published: list[dict[str, Any]],
        reports: tuple[Happened, ...],
    ) -> bool:
        """Note what departs; say whether that carries the reports."""
        groups: dict[tuple[str, str], list[HandOver | EndBranch]] = {}
        for one in departing:
            if isinstance(one, CancelBranch):
                self._cancel_branch(run, one)
            else:
                groups.setdefault((one.cause, one.outcome), []).append(one)
        told = _without_data(reports)
        for (cause, outcome), members in groups.items():
            receivers: set[str] = set()
            hand = self._hand(run, members, receivers, told)
            told = ()
            what = outcome or "handover"
            type_ = run.projection.announced(what, cause, receivers)
            carrier = _carrier(published, run.id, cause, type_)
            if carrier is None and type_ == run.projection.types.events.get(cause):
                # Told in an earlier step (a delay lies between), and to be told once.
                type_ = run.projection.types.handover
            if carrier is None:
                carrier = event(
                    run.program,
                    run.id,
                    name=_id_of(run, members[0]),
                    kind=type_,
                    now=self._participant.clock.now(),
                    data=run.shown(_result(reports, cause, what)),
                    sender=self._participant.name,
                )
                published.append(carrier)
            else:
                carrier.update(self._attributes(run))
            carrier["batutatask"] = cause
            carrier["batutahand"] = encode(hand).decode()
        return bool(groups)

    def _hand(
        self,
        run: PartRun,
        members: list[HandOver | EndBranch],
        receivers: set[str],
        reports: tuple[Happened, ...],
    ) -> Hand:
        nodes = run.program.nodes
        tokens: list[Handed] = []
        owners: list[str] = []
        branches: list[BranchEnded] = []
        keepers: list[str] = []
        for one in members:
            if isinstance(one, HandOver):
                token = one.token
                tokens.append(handed(token))
                owner = owner_of(run.program, nodes[token.entering or ""], token.frame)
                owners.append(owner or "")
            else:
                branches.append(BranchEnded(one.owner, one.token, one.branch))
                keepers.append(one.keeper)
        receivers.update(owners, keepers)
        sent = (tuple(tokens), tuple(branches), tuple(keepers))
        return Hand(run.facts(), *sent, reports, run.told_keys, tuple(owners))

    def _attributes(self, run: PartRun) -> dict[str, Any]:
        workflow = run.program.workflow
        return {
            "batutarun": run.id,
            "batutaworkflow": workflow.identity,
            "batutadigest": workflow.digest,
            "batutafrom": self._participant.name,
        }

    def _cancel_branch(self, run: PartRun, command: CancelBranch) -> None:
        self._participant.outbox.note(
            run.id,
            event(
                run.program,
                run.id,
                name=f"{run.id}{command.token}/leave",
                kind=run.projection.types.control,
                now=self._participant.clock.now(),
                data=Ask("leave", branch=command.token),
                sender=self._participant.name,
            ),
        )

    def _end(self, run: PartRun, end: End, reports: tuple[Happened, ...]) -> None:
        told = event(
            run.program,
            run.id,
            name=f"{run.id}/ended",
            kind=run.projection.types.ended,
            now=self._participant.clock.now(),
            data=end,
            sender=self._participant.name,
        )
        hand = Hand(run.facts(), reports=_without_data(reports), keys=run.told_keys)
        told["batutahand"] = encode(hand).decode()
        if run.parent is not None:
            told["batutaparent"] = run.parent
            told["batutaparentkey"] = run.parent_key
        self._participant.outbox.note(run.id, told)

    # -- telling viewers of what lasts -------------------------------------------------------------

    def tell_again(self, run: PartRun) -> None:
        """A run was taken up after a crash: what its tasks lived through may not have been told."""
        if run.watch:
            self._untold[run.id] = run
            self._set_bell()

    def _set_bell(self) -> None:
        if not self._bell_set:
            self._bell_set = True
            clock = self._participant.clock
            clock.call_at(clock.now() + TELL_AFTER_MS, self._ring)

    def _ring(self) -> None:
        self._bell_set = False
        participant = self._participant
        if participant.is_stopping:
            return
        for run in list(self._untold.values()):
            reports = _without_data(self._told(run))
            # By what is told: after a crash it may be told together with something else.
            digest = blake2b(encode(reports), digest_size=16).hexdigest()
            told = event(
                run.program,
                run.id,
                name=f"{run.id}/{participant.name}/{digest}",
                kind=run.projection.types.progress,
                now=reports[-1].at,
                data=None,
                sender=participant.name,
            )
            hand = Hand(run.facts(), reports=reports, keys=run.told_keys)
            told["batutahand"] = encode(hand).decode()
            participant.outbox.note(run.id, told)
        participant.schedule()


def _id_of(run: PartRun, member: HandOver | EndBranch) -> str:
    """Return the id of the event that a token leaves with: the occurrence that it is entering."""
    if isinstance(member, EndBranch):
        return f"{run.id}{member.token}/ended"
    token = member.token
    path = "" if token.frame is None else token.frame.inner
    return f"{run.id}{token.id}>{token.entering}{path}"


def _carrier(
    published: list[dict[str, Any]], run: str, cause: str, type_: str
) -> dict[str, Any] | None:
    """Return the business event of what ended, if it is published in this very step."""
    for one in published:
        if (
            one["type"] == type_
            and one.get("subject") == run
            and one["id"].startswith(f"{run}{cause}")
            and one["id"].endswith("/completed")
            and "batutahand" not in one
        ):
            return one
    return None


def _result(reports: tuple[Happened, ...], cause: str, what: str) -> Any:
    """Return what a task gave, or why it faulted."""
    for one in reversed(reports):
        if one.reference == cause and one.what == what:
            return one.output if what == "completed" else one.fault
    return None


def _without_data(reports: tuple[Happened, ...]) -> tuple[Happened, ...]:
    """Return reports as they are sent: viewers see what happened, not the data."""
    return tuple(
        msgspec.structs.replace(one, input=None, output=None)
        if one.input is not None or one.output is not None
        else one
        for one in reports
    )
