"""Groups of events: which event belongs to which run-to-be, for schedules that wait for `all`.

Events come one by one, in order, each once. An event goes to the oldest group of its key that still
waits for one like it, or else begins a group; its key are its correlation values (without
correlation there is one key). A group that never gets its rest keeps nobody waiting, and is
forgotten after the retention of runs.

Groups lie in the store, and change in the transaction that takes the event in. What that
transaction has not made durable yet is in the memory of the run that heard it, and goes on to the
run that takes its place.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.expressions import ExpressionFailure, TooMuchWork
from batuta.kernel.evaluation import is_true
from batuta.kernel.tasks.listen import includes, view
from batuta.ports.store import GatheredRow

if TYPE_CHECKING:
    from batuta.kernel.events import Heard
    from batuta.kernel.tasks.listen import Filter
    from batuta.runtime.conductor.conductor import Conductor
    from batuta.runtime.shared.driving.live import LiveRun

_log = logging.getLogger("batuta.schedules")
_order = msgspec.json.Encoder(order="deterministic").encode

Group = dict[int, Any]
"""What a run will be given of each event there is, by the number of its filter."""


class Gathering:
    """Puts the events that triggers hear into groups."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def take(
        self, trigger: LiveRun, filters: list[Filter], scope: str, heard: Heard, value: Any
    ) -> list[Any] | None:
        """Put an event into its group, in the batch that is being filled.

        Args:
            trigger: the run that heard it.
            filters: what is waited for.
            scope: whose groups these are.
            heard: the event.
            value: what a run is to be given of it.

        Returns:
            The whole group in the order of the filters, if this was the last of it.
        """
        meant = [
            (slot, key)
            for slot, one in enumerate(filters)
            if (key := key_of(one, heard.event)) is not None
        ]
        if not meant:
            _log.error("event %d was heard, and then meant by no filter of %s", heard.number, scope)
            return None
        for slot, key in meant:
            for number, group in self._groups(trigger, scope, key).items():
                if slot not in group:
                    return self._put(trigger, len(filters), scope, key, number, slot, value)
        slot, key = meant[0]
        return self._put(trigger, len(filters), scope, key, heard.number, slot, value)

    def _groups(self, trigger: LiveRun, scope: str, key: str) -> dict[int, Group]:
        groups = trigger.gathered.get(key)
        if groups is None:
            groups = trigger.gathered[key] = {}
            for row in self._conductor.store.gathered(scope, key):
                groups.setdefault(row.group, {})[row.slot] = row.value
        return groups

    def _put(
        self,
        trigger: LiveRun,
        wanted: int,
        scope: str,
        key: str,
        number: int,
        slot: int,
        value: Any,
    ) -> list[Any] | None:
        batch = self._conductor.committer.batch
        groups = self._groups(trigger, scope, key)
        group = groups.setdefault(number, {})
        group[slot] = value
        if len(group) == wanted:
            del groups[number]
            batch.released.append((trigger.id, scope, key, number))
            return [group[index] for index in range(wanted)]
        batch.gathered.append(
            GatheredRow(
                scope=scope,
                key=key,
                group=number,
                slot=slot,
                at=self._conductor.clock.now(),
                value=value,
                run=trigger.id,
            )
        )
        return None


def key_of(one: Filter, event: dict[str, Any]) -> str | None:
    """Return the correlation values of an event as text, None if the filter does not mean it."""
    try:
        for name, constant in one.constants:
            if not includes(event.get(name), constant):
                return None
        for name, predicate in one.predicates:
            if predicate.native is None or not is_true(predicate.native(event.get(name), {})):
                return None
        seen = view(event)
        values = {
            name: source.native(seen, {})
            for name, source, _ in one.correlate
            if source.native is not None
        }
    except (ExpressionFailure, TooMuchWork):
        return None
    # As for a listen, an event that bears no value belongs to no group.
    return None if None in values.values() else _order(values).decode()
