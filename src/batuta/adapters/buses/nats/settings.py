"""Where the stream is, and what may be used: read from a URL.

`nats://USER:PASSWORD@HOST:PORT,HOST:PORT?stream=batuta&replicas=3&monitor=http://HOST:8222`; `tls`
instead of `nats` encrypts.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msgspec

from batuta.adapters.buses.nats.naming import STREAM
from batuta.errors import RequestError

MONITOR_PORT = 8222


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the bus connects to.

    `servers` are URLs of servers of one cluster, any of which will do. `monitors` are the HTTP
    addresses of their monitoring, where it is seen how they write. `replicas` is how many servers
    keep the stream, if it is created. With `accept_loss` servers are used however they write.
    `credentials` is a file of a user's credentials.
    """

    servers: tuple[str, ...]
    stream: str = "batuta"
    replicas: int = 1
    monitors: tuple[str, ...] = ()
    credentials: str | None = None
    accept_loss: bool = False

    @property
    def shown(self) -> str:
        """The servers, without what is secret."""
        return ", ".join(one.rpartition("@")[2].removeprefix("nats://") for one in self.servers)


def from_url(url: str, *, accept_loss: bool = False) -> NatsSettings:
    """Read a URL.

    Raises:
        RequestError: it is none of a NATS bus.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("?")[0].partition("/")[0]
    user, at, hosts = authority.rpartition("@")
    servers = tuple(f"{scheme}://{user}{at}{host}" for host in hosts.split(",") if host)
    given = dict(parse_qsl(rest.partition("?")[2], keep_blank_values=True))
    try:
        settings = NatsSettings(
            servers=servers,
            stream=given.pop("stream", "batuta"),
            replicas=int(given.pop("replicas", "1")),
            monitors=tuple(one for one in given.pop("monitor", "").split(",") if one)
            or tuple(f"http://{urlsplit(one).hostname}:{MONITOR_PORT}" for one in servers),
            credentials=given.pop("credentials", None),
            accept_loss=accept_loss,
        )
    except ValueError as error:
        raise _refused(str(error)) from error
    if scheme not in {"nats", "tls"} or not servers:
        raise _refused("it names no server")
    if given:
        raise _refused(f"there is no setting {', '.join(sorted(given))}")
    if not STREAM.fullmatch(settings.stream):
        raise _refused(f"{settings.stream!r} cannot be a stream's name")
    if settings.replicas not in range(1, 6):
        raise _refused(f"a stream has 1 to 5 replicas, not {settings.replicas}")
    return settings


def _refused(why: str) -> RequestError:
    # The URL itself may hold a password, so it is not shown.
    return RequestError(
        f"that is no URL of a NATS bus: {why}",
        hint="use nats://HOST:PORT,HOST:PORT?stream=NAME&replicas=N&monitor=http://HOST:8222",
    )
