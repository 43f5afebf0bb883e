"""Alerts: what people are told when a promise is broken, or a run is stuck.

An alert is written down in the transaction of what it tells of, once per channel, under an id that
follows from that; it is sent afterwards, and what became of it is kept. So none is lost by a crash,
and the one that a crash cut off is sent again, under the same id, after a while.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

SENT, COOLED, GIVEN_UP = "sent", "cooled", "given up"
"""What becomes of an alert: sent; left out, since one like it was sent shortly before; never."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell people by one channel. Times are epoch milliseconds.

    `group` is what alerts have in common that are not to follow each other closely, `body` the
    event that was published (a CloudEvent, JSON). `next_at` is when it is to be sent, None when
    that is over; `outcome` is what came of it, "" while nothing has.
    """

    id: str
    channel: str
    group: str
    run: str
    at: int
    body: bytes
    next_at: int | None
    attempts: int = 0
    outcome: str = ""
    ended_at: int | None = None


class Alerts(Protocol):
    """Keeps alerts.

    Promises: what is written is durable; one alert is claimed by one process at a time.
    Failure: `UnavailableError`: nothing was written.
    Cancellation: not applicable; the calls return at once.
    Order: the alerts that have waited longest come first.
    Repetition: ending or claiming one that has ended changes nothing.
    """

    def alerts_due(self, now: int, limit: int = 20) -> list[Alert]:
        """Return the alerts that are to be sent by now."""
        ...

    def next_alert(self) -> int | None:
        """Return when the next alert is to be sent."""
        ...

    def claim_alert(self, alert: Alert, until: int) -> bool:
        """Take an alert for sending; nobody else gets it before `until`. Says whether it was free.

        That counts as an attempt.
        """
        ...

    def put_off_alert(self, alert: Alert, until: int) -> None:
        """Let an alert that could not be sent be tried again."""
        ...

    def end_alert(self, alert: Alert, outcome: str, at: int) -> None:
        """Note what became of an alert."""
        ...

    def last_alert(self, channel: str, group: str) -> tuple[int | None, int]:
        """Return when an alert of a group was sent last, and how many were left out since."""
        ...


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as a channel tells it.

    `title` and `text` are for people, `event` for programs. `left_out` is how many like it were not
    told, since one was shortly before.
    """

    id: str
    title: str
    text: str
    event: dict[str, object]
    left_out: int = 0


class Channel(Protocol):
    """A way to tell people.

    Promises: when it returns, the other side has taken the alert.
    Failure: `UnavailableError`: perhaps later. `RequestError`: it is no use to try again.
    Cancellation: whether it was told is then unknown; it is told again.
    Order: none.
    Repetition: the other side may know an alert that comes twice by its id.
    """

    async def tell(self, telling: Telling) -> None:
        """Tell it."""
        ...
