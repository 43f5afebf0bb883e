"""The bridge between a store's events and a bus, so that both control models hear the same world.

Orchestrated runs publish into the store and listen there; participants do both on the bus. Here
what is new on one side is carried to the other: `carry` from the store to the bus, `hear` back.
Nothing is lost on the way: how far the store was carried is kept behind what the bus has taken, and
a message is acknowledged behind the commit that holds it. An event is known by its source and id on
both sides, so carrying it again, or back, changes nothing; any number of processes may do it.

What lies on either side before the first time is left there: it concerns no run of the other.
Messages that only participants understand (`RESERVED`) stay on the bus. The start of a run may go
there by way of the store, since a schedule notes it in the transaction of its fire (`starting`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from batuta.choreography.types import RESERVED
from batuta.errors import BatutaError, UnavailableError
from batuta.runtime.shared.envelope import bare, decode_event, message_of
from batuta.runtime.shared.threads import in_thread

if TYPE_CHECKING:
    from typing import Any

    from batuta.ports.bus import Bus, Consumption, Delivered
    from batuta.ports.views import Views
    from batuta.runtime.conductor.conductor import Conductor

_log = logging.getLogger("batuta.events")

PAGE = 500
LOOKS_PER_SECOND = 20
TROUBLE_PAUSE_S = 1.0
REMEMBERED = 10_000
"""Events from the bus that are known not to be new to it; the others it recognises itself."""


class Bridge:
    """Carries events between one store and one bus."""

    def __init__(self, conductor: Conductor, bus: Bus, views: Views, name: str) -> None:
        """Prepare; `start` begins.

        Args:
            conductor: writes into the store.
            bus: started.
            views: keeps how far was carried.
            name: the bus's.
        """
        self._conductor = conductor
        self._bus = bus
        self._views = views
        self._to, self._from = f"to {name}", f"from {name}"
        self._next = self._floor = 0
        self._version = -1
        self._carrying = asyncio.Lock()
        self._consumption: Consumption | None = None
        self._going_on: asyncio.Task[None] | None = None
        self._heard: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def start(self) -> None:
        """Carry what was published here since the last time, and go on.

        Raises:
            UnavailableError: the bus or the store cannot be used now.
        """
        self._next = self._views.place(self._to)
        if not self._next:
            await self._keep(self._to, self._conductor.store.last_event() + 1)
            self._next = self._views.place(self._to)
        self._floor = self._views.place(self._from)
        if not self._floor:
            await self._keep(self._from, await self._bus.newest() + 1)
            self._floor = self._views.place(self._from)
        await self.carry()
        self._going_on = asyncio.get_running_loop().create_task(self._carry_along())

    async def stop(self) -> None:
        """Carry nothing more; what was not acknowledged comes again."""
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.wait([self._going_on])
            self._going_on = None
        consumption, self._consumption = self._consumption, None
        if consumption is not None:
            await consumption.stop()

    async def _keep(self, place: str, number: int) -> None:
        await in_thread(partial(self._views.see, [], [], place, number))

    # -- to the bus --------------------------------------------------------------------------------

    async def carry(self) -> None:
        """Publish all events that are in the store by now.

        Raises:
            UnavailableError: the bus cannot be reached; they are carried later.
        """
        async with self._carrying:
            while events := self._conductor.store.events(self._next - 1, limit=PAGE):
                for stored in events:
                    if (stored.event["source"], stored.event["id"]) not in self._heard:
                        await self._publish(stored.event)
                self._next = events[-1].number + 1
                await self._keep(self._to, self._next)

    async def _publish(self, event: dict[str, Any]) -> None:
        try:
            await self._bus.publish([message_of(event)])
        except UnavailableError:
            raise
        except BatutaError as error:
            _log.error("event %s stays in the store: %s", event["id"], error)

    async def _carry_along(self) -> None:
        store = self._conductor.store
        while True:
            try:
                newest = store.last_event()
                if newest >= self._next:
                    await self.carry()
            except UnavailableError as error:
                _log.warning("%s; events wait in the store until then", error)
                await asyncio.sleep(TROUBLE_PAUSE_S)
            await asyncio.sleep(1 / LOOKS_PER_SECOND)

    # -- from the bus ------------------------------------------------------------------------------

    async def hear(self) -> None:
        """Keep in the store, from now on, what others publish on the bus."""
        if self._consumption is None:
            name = f"events/{self._conductor.store.name()}"
            self._consumption = await self._bus.consume(name, None, self._take)

    def _take(self, messages: list[Delivered]) -> None:
        conductor = self._conductor
        if conductor.is_stopping:
            return
        now = conductor.clock.now()
        for one in messages:
            if one.number >= self._floor and not one.type.startswith(RESERVED):
                event = _event(one)
                if event is not None:
                    self._remember(event)
                    conductor.committer.batch.events.append((now, event))
        done = [one.number for one in messages]
        conductor.committer.releases.append(lambda: self._acknowledge(done))
        conductor.schedule()

    def _remember(self, event: dict[str, Any]) -> None:
        self._heard[event["source"], event["id"]] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)

    def _acknowledge(self, done: list[int]) -> None:
        if self._consumption is not None:
            self._consumption.acknowledge(done)


def _event(message: Delivered) -> dict[str, Any] | None:
    """Return a message as events are kept; None when it is none: whoever should take it says so."""
    try:
        event = bare(decode_event(message.body))
    except (msgspec.DecodeError, AttributeError):
        return None
    named = (event.get("source"), event.get("id"), event.get("type"))
    return event if all(isinstance(one, str) and one for one in named) else None
