"""Sending alerts: by every channel once, not too many of one kind, and again until they are taken.

An alert lies in the store until something has come of it. Whoever sends one claims it for a while;
should that process die, it is sent again after that, under the same id. After one of a group
(`Alert.group`: the same thing in the same place of a workflow) was sent, others of that group are
left out until it has cooled down, and the next one says how many they were.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import BatutaError, RequestError
from batuta.insight.sla import STUCK, TYPES
from batuta.ports.alerts import COOLED, GIVEN_UP, SENT, Telling
from batuta.ports.sla import BROKEN, WARNED
from batuta.runtime.shared.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.ports.alerts import Alert, Alerts, Channel
    from batuta.ports.clock import Clock, Timer

_log = logging.getLogger("batuta.alerts")

CLAIMED_MS = 60_000
"""How long nobody else sends an alert that somebody is sending."""
PATIENCE_S = 30.0
"""How long a channel may take."""
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, 600_000
MOST_ATTEMPTS = 20
"""More than two hours, with pauses that grow."""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Alerting:
    """Sends the alerts of one store."""

    def __init__(
        self,
        alerts: Alerts,
        clock: Clock,
        channels: Mapping[str, Channel],
        *,
        cool_down_ms: int,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            alerts: where they are kept.
            clock: the time.
            channels: the ways in which people are told, by name.
            cool_down_ms: how long others of a group are left out after one was sent.
        """
        self._alerts = alerts
        self._clock = clock
        self._channels = channels
        self._cool_down_ms = cool_down_ms
        self._timer: Timer | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_running = self._is_asked = False

    @property
    def is_busy(self) -> bool:
        """Say whether an alert is being sent."""
        return self._work is not None

    def start(self) -> None:
        """Begin to send."""
        self._is_running = bool(self._channels)

    async def stop(self) -> None:
        """Send no more; what was being sent is sent again by whoever does next."""
        self._is_running = False
        self._set(None)
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    def look(self) -> None:
        """See whether there is anything to send."""
        if not self._is_running:
            return
        if self._work is not None:
            self._is_asked = True
            return
        try:
            due = self._alerts.next_alert()
        except BatutaError as error:
            _log.warning("%s", error)
            due = self._clock.now() + FIRST_PAUSE_MS
        if due is None or due > self._clock.now():
            self._set(due)
            return
        self._work = asyncio.get_running_loop().create_task(self._send_all())
        self._work.add_done_callback(self._done)

    def _set(self, when: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when is None else self._clock.call_at(when, self.look)

    def _done(self, work: asyncio.Task[None]) -> None:
        self._work = None
        if not work.cancelled() and (error := work.exception()) is not None:
            _log.error("alerts cannot be sent now: %s", error)
            self._set(self._clock.now() + FIRST_PAUSE_MS)
        elif self._is_running:
            self.look()

    async def _send_all(self) -> None:
        while True:
            self._is_asked = False
            for alert in self._alerts.alerts_due(self._clock.now()):
                until = self._clock.now() + CLAIMED_MS
                if await in_thread(partial(self._alerts.claim_alert, alert, until)):
                    await self._send(alert)
            if not self._is_asked:
                return

    async def _send(self, alert: Alert) -> None:
        channel = self._channels.get(alert.channel)
        if channel is None:
            await self._end(alert, GIVEN_UP)
            _log.error("alert %s: there is no %s any more", alert.id, alert.channel)
            return
        sent_at, left_out = self._alerts.last_alert(alert.channel, alert.group)
        now = self._clock.now()
        if sent_at is not None and now - sent_at < self._cool_down_ms:
            await self._end(alert, COOLED)
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await channel.tell(telling(alert, left_out))
        except RequestError as error:
            await self._end(alert, GIVEN_UP)
            _log.error("alert %s is not taken by %s: %s", alert.id, alert.channel, error)
        except (BatutaError, TimeoutError) as error:
            await self._put_off(alert, error)
        else:
            await self._end(alert, SENT)

    async def _put_off(self, alert: Alert, error: Exception) -> None:
        if alert.attempts + 1 >= MOST_ATTEMPTS:
            await self._end(alert, GIVEN_UP)
            _log.error("alert %s is given up: %s", alert.id, error)
            return
        pause = min(FIRST_PAUSE_MS * 2**alert.attempts, LONGEST_PAUSE_MS)
        _log.warning("alert %s could not be sent by %s: %s", alert.id, alert.channel, error)
        until = self._clock.now() + pause
        await in_thread(partial(self._alerts.put_off_alert, alert, until))

    async def _end(self, alert: Alert, outcome: str) -> None:
        now = self._clock.now()
        await in_thread(partial(self._alerts.end_alert, alert, outcome, now))


def telling(alert: Alert, left_out: int) -> Telling:
    """Return an alert in words."""
    event = _decode(alert.body)
    data = event["data"]
    where = f"{data['name']} ({data['reference']})" if data["reference"] else "the run"
    who = data["participant"]
    what = {
        TYPES[WARNED]: "is about to break its SLA",
        TYPES[BROKEN]: "has broken its SLA",
        STUCK: "is stuck",
    }[event["type"]]
    title = f"{data['workflow']}: {where} {what}"
    lines = [
        f"{where} {what}.",
        "",
        f"workflow     {data['workflow']} ({data['control']})",
        f"run          {data['run']}",
        f"participant  {who or '-'}",
        f"since        {data['since']}",
        f"due          {data['dueAt'] or '-'}",
    ]
    if left_out:
        lines += ["", f"{left_out} like this one were not told since the last."]
    return Telling(id=alert.id, title=title, text="\n".join(lines), event=event, left_out=left_out)
