"""Building an engine: with `participants`, the only places that name concrete adapters."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from batuta.adapters.clock import SystemClock
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import Leases
from batuta.app.alerting import Alerting
from batuta.app.choreography import Choreography, Meeting
from batuta.app.deploying import Deployer
from batuta.app.engine import Engine
from batuta.app.projected import Projected
from batuta.app.watching import Watching
from batuta.errors import BatutaError
from batuta.insight.following import Following
from batuta.insight.viewer import Viewer
from batuta.ports.clock import GovernedClock
from batuta.runtime.conductor.answers import Asking
from batuta.runtime.conductor.bridging import Bridge
from batuta.runtime.conductor.conductor import Conductor
from batuta.runtime.conductor.succession import Succession
from batuta.runtime.shared.programs import Programs
from batuta.wiring.alerts import channels_of
from batuta.wiring.buses import open_bus
from batuta.wiring.hosting import Hosted
from batuta.wiring.settings import Settings, bus_beside, participants_beside, sqlite_path
from batuta.wiring.tools import Tools, tools

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
    from pathlib import Path

    from batuta.adapters.callers.http import Transport
    from batuta.ports.alerts import Channel
    from batuta.ports.bus import Bus
    from batuta.ports.clock import Clock


@asynccontextmanager
async def open(  # noqa: A001 -- `batuta.open` reads best; each keyword is one choice
    store: str | None = None,
    *,
    functions: Iterable[str | Path | Callable[..., Any]] = (),
    secrets: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    transport: Transport | None = None,
    clock: Clock | None = None,
    resume: bool = False,
    bus: str | None = None,
    accept_loss: bool = False,
    looks: bool = False,
) -> AsyncGenerator[Engine]:
    """Open an engine over a store, and drive its runs until the block ends.

    Args:
        store: `sqlite:///FILE`; by default `.batuta/batuta.db` under the current folder.
        functions: Python files, modules or decorated functions that workflows may call.
        secrets: secrets by name, besides those in the environment and files.
        settings: everything else; what is said here wins.
        transport: replaces the network of HTTP calls, for tests.
        clock: replaces the time, for tests.
        resume: take over the runs that processes which no longer live have left behind.
        bus: where participants of choreographed runs meet (`wiring.buses.open_bus`); by default a
            file beside the store. It is opened when there is a use for it; at once when it is named
            or a participant is remote, unless `looks`.
        accept_loss: use a bus that may lose what it has acknowledged.
        looks: runs are only looked at: nothing is asked of participants elsewhere.

    Raises:
        UnavailableError: the store is locked, read-only or on a full disk.
        CorruptError: the store is damaged.
        RequestError: a setting, function or secret is not right.
    """
    settings = settings or Settings()
    path = sqlite_path(store or settings.store)
    time = clock or SystemClock()
    url = bus or settings.bus or f"sqlite:///{bus_beside(path)}"
    async with (
        tools(settings, functions, secrets or {}, transport, time) as wired,
        AsyncExitStack() as opened,
        AsyncExitStack() as meeting,
    ):
        line = _Line(opened, url, time, accept_loss=accept_loss)
        kept = SqliteStore(path)
        leases = Leases(path)
        try:
            lease = leases.take()
        except BatutaError:
            kept.close()
            raise
        is_named = bus is not None or settings.bus is not None
        asking = None
        try:
            channels = channels_of(settings.alerts, wired.secrets, time.now, transport)
            if not looks and (is_named or settings.remote):
                asking = Asking(await line.bus(), kept, settings.remote)
        except BaseException:
            lease.give_up()
            kept.close()
            raise
        programs = Programs(kept)
        conductor = Conductor(
            kept,
            programs,
            wired.performer,
            wired.sandbox,
            time,
            owner=lease.owner,
            keeper=wired.keeper,
            asking=asking,
        )
        conductor.observer = wired.observer
        succession = Succession(conductor, leases.is_alive)
        expected_ms = round(settings.expected_s * 1_000)
        following = Following(programs, time, expected_ms)
        engine = Engine(
            kept,
            conductor,
            programs,
            time,
            Deployer(
                kept,
                time,
                resources=wired.reader,
                keeper=wired.keeper,
                functions=wired.functions.names(),
                # Who runs elsewhere has functions of its own there.
                knows_all=not settings.remote,
            ),
            setup=json.dumps({"functions": wired.loaded}) if wired.loaded else None,
            succession=succession,
            retention_days=settings.retention_days,
            records=kept,
            meeting=Meeting(
                kept,
                partial(_meet, meeting, line, conductor, kept, settings, wired, following),
                partial(_has_met, is_named, bus_beside(path)),
            ),
        )
        engine.functions = wired.functions.describe
        engine.serving.keep_audit(kept, settings.audit_days)
        engine.knowing.expected_ms = expected_ms
        if not looks:
            engine.watching = _watching(engine, kept, settings, channels)
            following.noted = engine.watching.nudge
        try:
            async with _driven(engine, meeting, succession if resume else None):
                yield engine
        finally:
            lease.give_up()
            kept.close()


def _watching(
    engine: Engine,
    kept: SqliteStore,
    settings: Settings,
    channels: dict[str, Channel],
) -> Watching:
    cool_down_ms = round(settings.alerts.cool_down_s * 1_000)
    alerting = Alerting(kept, engine.clock, channels, cool_down_ms=cool_down_ms)
    return Watching(engine.conductor, kept, engine.knowing, alerting, channels)


@asynccontextmanager
async def _driven(
    engine: Engine, meeting: AsyncExitStack, succession: Succession | None
) -> AsyncGenerator[None]:
    """Drive an engine's runs until the block ends, and those that `succession` takes over."""
    conductor, watching, time = engine.conductor, engine.watching, engine.clock
    if isinstance(time, GovernedClock):
        time.heed(engine.settled)
    try:
        if succession is not None:
            await succession.take_over()
        await conductor.start()
        if succession is not None:
            await engine.take_up()
        if watching is not None:
            watching.start()
        yield
    finally:
        if watching is not None:
            await watching.stop()
        if isinstance(time, GovernedClock):
            time.ignore(engine.settled)
        try:
            await meeting.aclose()
        finally:
            await conductor.stop()


def _has_met(is_named: bool, beside: Path) -> bool:
    return is_named or beside.is_file()


class _Line:
    """The bus of an engine, opened once."""

    def __init__(
        self, opened: AsyncExitStack, url: str, clock: Clock, *, accept_loss: bool
    ) -> None:
        self.url = url
        self._opened = opened
        self._clock = clock
        self._accept_loss = accept_loss
        self._bus: Bus | None = None

    async def bus(self) -> Bus:
        if self._bus is None:
            bus = open_bus(self.url, clock=self._clock, accept_loss=self._accept_loss)
            await bus.start()
            self._opened.push_async_callback(bus.close)
            self._bus = bus
        return self._bus


async def _meet(
    meeting: AsyncExitStack,
    line: _Line,
    conductor: Conductor,
    kept: SqliteStore,
    settings: Settings,
    wired: Tools,
    following: Following,
) -> Choreography:
    """Open what of an engine needs the bus, until the engine closes."""
    clock, url, bus = conductor.clock, line.url, await line.bus()
    viewer = Viewer(bus, kept, name=url, following=following)
    await viewer.start()
    meeting.push_async_callback(viewer.stop)
    bridge = Bridge(conductor, bus, kept, url)
    await bridge.start()
    meeting.push_async_callback(bridge.stop)
    hosted = Hosted(participants_beside(kept.path), bus, wired, clock, remote=settings.remote)
    meeting.push_async_callback(hosted.close)
    return Choreography(bus, viewer, kept, Projected(kept), hosted, bridge, clock)
