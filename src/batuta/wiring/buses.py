"""Opening a bus by its URL: the only place that knows which kinds there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.errors import RequestError

if TYPE_CHECKING:
    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock


def open_bus(url: str, *, clock: Clock | None = None, accept_loss: bool = False) -> Bus:
    """Return the bus that a URL names, not started yet.

    Args:
        url: `sqlite:///relative` or `sqlite:////absolute`, for the processes of one machine;
            `nats://HOST:PORT`, with settings as `batuta.adapters.buses.nats.settings` says.
        clock: replaces the time, for tests; a broker goes by its own.
        accept_loss: use servers that may lose what they have acknowledged.

    Raises:
        RequestError: it is no URL of a bus.
    """
    parts = urlsplit(url)
    if parts.scheme in {"nats", "tls"}:
        return _nats(url, accept_loss=accept_loss)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path not in {"", "/"}:
        return SqliteBus(Path(parts.path[1:]), clock or SystemClock())
    raise RequestError(
        f"{parts.scheme}:// is no bus that this version knows",
        hint="use sqlite:///FILE, for the processes of one machine, or nats://HOST:PORT",
    )


def _nats(url: str, *, accept_loss: bool) -> Bus:
    try:
        from batuta.adapters.buses.nats import NatsBus  # noqa: PLC0415 -- an extra, not always there
        from batuta.adapters.buses.nats.settings import from_url  # noqa: PLC0415 -- as above
    except ModuleNotFoundError as error:
        raise RequestError(
            f"buses of NATS need a package that is not installed: {error.name}",
            hint="pip install 'batuta[nats]'",
        ) from error
    return NatsBus(from_url(url, accept_loss=accept_loss))
