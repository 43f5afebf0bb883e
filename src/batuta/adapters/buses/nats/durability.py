"""Whether a server keeps what it has acknowledged.

JetStream acknowledges a message when it is written, but by default syncs its files every two
minutes: a machine that loses power then loses what was acknowledged since, and replicas help only
as long as not all of them do so at once, or one after the other. With `sync_interval: always` it
acknowledges after the sync. A client is not told which it is; the server's monitoring tells.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from batuta.errors import RequestError

if TYPE_CHECKING:
    from batuta.adapters.buses.nats.link import Link

_log = logging.getLogger("batuta.bus")

ASK_S = 5.0

HOW_TO = (
    "set `sync_interval: always` in the `jetstream` block of every server, and `http: 8222` beside "
    "it so that this can be seen (`monitor=http://HOST:PORT` in the bus's URL says where); or "
    "accept that acknowledged events may be lost (`accept_loss`)"
)


async def check_servers(link: Link) -> None:
    """Refuse servers that may lose what they have acknowledged, or do not tell.

    Raises:
        RequestError: they may, or it cannot be seen.
    """
    settings = link.settings
    told = [await _varz(monitor) for monitor in settings.monitors]
    known = {one.get("server_id"): one for one in told}
    if link.server_id not in known:
        raise RequestError(
            f"whether the NATS server at {settings.shown} keeps what it acknowledges cannot be "
            f"seen: {', '.join(settings.monitors)} does not monitor it",
            hint=HOW_TO,
        )
    for one in told:
        jetstream: dict[str, Any] = one.get("jetstream") or {}
        if not (jetstream.get("config") or {}).get("sync_always"):
            raise RequestError(
                f"NATS server {one.get('server_name')} may lose what it has acknowledged: it syncs "
                "its files now and then (`sync_interval`), not before it acknowledges",
                hint=HOW_TO,
            )
    size = max((one["jetstream"].get("meta") or {}).get("cluster_size", 1) for one in told)
    if len(known) < size:
        raise RequestError(
            f"of the {size} servers of the NATS cluster only {len(known)} can be seen",
            hint=f"name the monitoring of each, `monitor=http://A:8222,http://B:8222`; {HOW_TO}",
        )


async def _varz(monitor: str) -> dict[str, Any]:
    """Return what a server tells of itself."""
    if urlsplit(monitor).scheme not in {"http", "https"}:
        raise RequestError(f"{monitor!r} is no address of a server's monitoring", hint=HOW_TO)
    try:
        async with httpx2.AsyncClient(timeout=ASK_S, trust_env=False) as client:
            answer = await client.get(f"{monitor.rstrip('/')}/varz")
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx2.HTTPError, msgspec.MsgspecError) as error:
        raise RequestError(
            f"whether NATS keeps what it acknowledges cannot be seen: its monitoring at {monitor} "
            f"does not answer ({error!r})",
            hint=HOW_TO,
        ) from error


def check_stream(config: dict[str, Any], subjects: str) -> None:
    """Refuse a stream that is there already and cannot serve as a bus.

    Raises:
        RequestError: it would lose messages, or is for others.
    """
    wrong = [
        f"{name} is {config.get(name)!r}, not {wanted!r}"
        for name, wanted in (("storage", "file"), ("retention", "limits"), ("subjects", [subjects]))
        if config.get(name) != wanted
    ]
    wrong += [f"{name} is set" for name in ("no_ack", "sealed", "mirror") if config.get(name)]
    if config.get("persist_mode") not in {None, "", "default"}:
        wrong.append(f"persist_mode is {config['persist_mode']!r}")
    if wrong:
        raise RequestError(
            f"stream {config.get('name')} exists, but is none for a bus: {'; '.join(wrong)}",
            hint="name another one in the bus's URL, `?stream=NAME`: it is created as it must be",
        )
