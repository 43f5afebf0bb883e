"""The socket: serving the application on the loop that the engine runs on."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from batuta.app.auditing import Audit
from batuta.app.bulk import Bulk
from batuta.app.changes import Changes
from batuta.app.hearers import Hearers
from batuta.app.map import LiveMap
from batuta.app.once import Once
from batuta.app.operating_changes import OperatingChanges
from batuta.app.participants import Participants
from batuta.app.veiling import Veil
from batuta.app.workflows import Workflows
from batuta.errors import ConflictError, UnavailableError
from batuta.server.application import application
from batuta.server.credentials import Credentials, local_token
from batuta.server.desk import Desk
from batuta.server.keys import Keys
from batuta.server.sending import Gathering

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from batuta.app.engine import Engine
    from batuta.wiring.surroundings import Surroundings

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8765
PORTS = 20
"""How many ports from the default one on are tried, when none was asked for."""
STOP_S = 2


class Serving(NamedTuple):
    """A server that runs: where it is, and the page with the token in its fragment."""

    address: str
    token: str

    @property
    def page(self) -> str:
        """The page's address; a fragment is never sent, nor logged."""
        return f"{self.address}/#token={self.token}"


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none. See uvicorn."""
        yield


def desk_of(engine: Engine, around: Surroundings, token: str) -> Desk:
    """Return what the routes work with, over an engine that is open."""
    participants, veil = Participants(engine, around), Veil(engine)
    audit, once = Audit(engine), Once(engine)
    return Desk(
        engine=engine,
        around=around,
        workflows=Workflows(engine),
        changes=Changes(engine, OperatingChanges(engine, around, participants), veil),
        credentials=Credentials(token, Keys(engine.records, engine.clock), engine.clock),
        participants=participants,
        map=LiveMap(engine, participants),
        audit=audit,
        once=once,
        provider=around.provider(lambda: engine.clock.now() / 1_000),
        bulk=Bulk(engine, audit, once),
        veil=veil,
        hearers=Hearers(engine),
    )


@asynccontextmanager
async def serving(
    engine: Engine, around: Surroundings, *, host: str = DEFAULT_HOST, port: int | None = None
) -> AsyncGenerator[Serving]:
    """Serve an engine over HTTP until the block ends.

    Args:
        engine: open.
        around: the place that it works in.
        host: the address to listen on.
        port: None takes the first free one from the default on, 0 any.

    Raises:
        ConflictError: the port is taken.
        UnavailableError: the address or the token cannot be used.
    """
    token = local_token(around.token_file)
    listening = _listening(host, port)
    try:
        desk = desk_of(engine, around, token)
        config = uvicorn.Config(
            application(desk),
            http=Gathering,
            ws="none",
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
        )
        server = _Server(config)
        at = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(desk.changes.serve())
            desk.bulk.go_on()
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield Serving(f"http://{shown}:{at}", token)
            finally:
                desk.changes.close()
                await desk.bulk.close()
                server.should_exit = True
                looking.cancel()
    finally:
        listening.close()


def _listening(host: str, port: int | None) -> socket.socket:
    ports = [port] if port is not None else list(range(DEFAULT_PORT, DEFAULT_PORT + PORTS))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for one in ports:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, one))
            made.listen(1_024)
        except OSError as error:
            made.close()
            if isinstance(error, PermissionError) or error.errno != errno.EADDRINUSE:
                raise UnavailableError(f"{host}:{one} cannot be used: {error.strerror}") from error
            continue
        made.setblocking(False)
        return made
    raise ConflictError(
        f"{host}:{ports[0]} is taken by another process",
        hint="name another port (`--port`), or stop that process",
    )
