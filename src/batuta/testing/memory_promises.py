"""The oracle's share of promises and alerts: `ports.sla` and `ports.alerts` in two collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.ports.alerts import COOLED, SENT
from batuta.ports.sla import BROKEN, KEPT, OPEN, THE_RUN, WARNED, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from batuta.ports.alerts import Alert
    from batuta.ports.sla import Notes, Promise
    from batuta.ports.store import RunRow

WORST = (KEPT, OPEN, WARNED, BROKEN)


class MemoryPromises:
    """Promises and alerts; all stores of one memory share it."""

    def __init__(self, runs: Mapping[str, RunRow]) -> None:
        self._runs = runs
        self._kept: dict[tuple[str, str], Promise] = {}
        self._alerts: dict[tuple[str, str], Alert] = {}

    def write(self, notes: Notes) -> None:
        """Take what a batch says; of who is stuck the runs' rows tell."""
        for one in notes.made:
            self._kept.setdefault((one.run, one.key), one)
        for run, key, at in notes.ended:
            for place, one in list(self._kept.items()):
                if one.run == run and key in {one.key, THE_RUN} and one.ended_at is None:
                    self._kept[place] = msgspec.structs.replace(one, ended_at=at)
        for told in notes.told:
            one = self._kept.get((told.run, told.key))
            if one is None or one.breached_at is not None:
                continue
            if told.what == BROKEN:
                kept = msgspec.structs.replace(one, breached_at=told.at)
            elif one.warned_at is None and one.ended_at is None:
                kept = msgspec.structs.replace(one, warned_at=told.at)
            else:
                continue
            self._kept[told.run, told.key] = kept
        for alert in notes.alerts:
            self._alerts.setdefault((alert.id, alert.channel), alert)

    def purge(self, runs: Iterable[str], before: int) -> None:
        """Forget the promises of some runs, and old alerts."""
        gone = frozenset(runs)
        self._kept = {key: one for key, one in self._kept.items() if one.run not in gone}
        self._alerts = {
            key: one
            for key, one in self._alerts.items()
            if one.at >= before or one.next_at is not None
        }

    def promises_due(self, owner: str, now: int, limit: int = 500) -> list[Promise]:
        """Return promises of which there is something to tell. See the port."""
        found = [(at, one.run, one.key, one) for at, one in self._to_tell(owner) if at <= now]
        return [one for *_, one in sorted(found, key=lambda one: one[:3])][:limit]

    def next_promise(self, owner: str) -> int | None:
        """Return when there is something to tell next. See the port."""
        return min((at for at, _ in self._to_tell(owner)), default=None)

    def _to_tell(self, owner: str) -> Iterator[tuple[int, Promise]]:
        for one in self._kept.values():
            row = self._runs.get(one.run)
            is_mine = row is None or row.ended_at is not None or row.owner in {None, owner}
            if one.next_at is not None and is_mine:
                yield one.next_at, one

    def promises_of(self, run: str) -> list[Promise]:
        """Return a run's promises. See the port."""
        found = [one for one in self._kept.values() if one.run == run]
        return sorted(found, key=lambda one: (one.since, one.key))

    def open_promises(self, limit: int = 100) -> list[Promise]:
        """Return promises whose task has not ended. See the port."""
        found = [one for one in self._kept.values() if one.ended_at is None]
        return sorted(found, key=lambda one: (one.due_at, one.run, one.key))[:limit]

    def tallies(self, since: int) -> list[Tally]:
        """Return what became of promises. See the port."""
        places = sorted({(one.workflow, one.reference) for one in self._kept.values()})
        found: list[Tally] = []
        for workflow, reference in places:
            meant = [
                one
                for one in self._kept.values()
                if (one.workflow, one.reference) == (workflow, reference) and one.since >= since
            ]
            if meant:
                broken = [one for one in meant if one.breached_at is not None]
                ended = [one for one in meant if one.ended_at is not None and one not in broken]
                found.append(
                    Tally(
                        workflow,
                        reference,
                        min(one.name for one in meant),
                        len(meant) - len(broken) - len(ended),
                        len(ended),
                        sum(one.warned_at is not None for one in meant),
                        len(broken),
                    )
                )
        return found

    def promise_states(self, runs: list[str]) -> dict[str, str]:
        """Return the worst states. See the port."""
        found: dict[str, str] = {}
        for one in self._kept.values():
            if one.run in runs:
                worse = (found.get(one.run, KEPT), one.state)
                found[one.run] = max(worse, key=WORST.index)
        return found

    # -- alerts ------------------------------------------------------------------------------------

    def alerts_due(self, now: int, limit: int = 20) -> list[Alert]:
        """Return the alerts to send. See the port."""
        found = [
            (one.next_at, one.id, one.channel)
            for one in self._alerts.values()
            if one.next_at is not None and one.next_at <= now
        ]
        return [self._alerts[id_, channel] for _, id_, channel in sorted(found)[:limit]]

    def next_alert(self) -> int | None:
        """Return when the next is to be sent. See the port."""
        moments = [one.next_at for one in self._alerts.values()]
        return min((at for at in moments if at is not None), default=None)

    def claim_alert(self, alert: Alert, until: int) -> bool:
        """Take an alert for sending. See the port."""
        kept = self._alerts.get((alert.id, alert.channel))
        if kept is None or kept.next_at is None or kept.next_at != alert.next_at:
            return False
        self._change(kept, next_at=until, attempts=kept.attempts + 1)
        return True

    def put_off_alert(self, alert: Alert, until: int) -> None:
        """Let an alert be tried again. See the port."""
        kept = self._alerts.get((alert.id, alert.channel))
        if kept is not None and kept.next_at is not None:
            self._change(kept, next_at=until)

    def end_alert(self, alert: Alert, outcome: str, at: int) -> None:
        """Note what became of an alert. See the port."""
        kept = self._alerts.get((alert.id, alert.channel))
        if kept is not None and kept.next_at is not None:
            self._change(kept, next_at=None, outcome=outcome, ended_at=at)

    def last_alert(self, channel: str, group: str) -> tuple[int | None, int]:
        """Return when an alert was sent last. See the port."""
        alike = [
            one for one in self._alerts.values() if (one.channel, one.group) == (channel, group)
        ]
        sent = max((one.ended_at or 0 for one in alike if one.outcome == SENT), default=None)
        left = [
            one
            for one in alike
            if one.outcome == COOLED and one.ended_at is not None and one.ended_at >= (sent or 0)
        ]
        return sent, len(left)

    def _change(self, alert: Alert, **changes: object) -> None:
        self._alerts[alert.id, alert.channel] = msgspec.structs.replace(alert, **changes)
