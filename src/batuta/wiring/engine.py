"""Building an engine: the only place that names concrete adapters."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.functions import FunctionCaller, FunctionRegistry
from batuta.adapters.callers.http import Allow, HttpCaller, HttpClient, TokenStore, Transport
from batuta.adapters.callers.http.caller import endpoint_uri
from batuta.adapters.callers.http.uri_template import expand
from batuta.adapters.callers.openapi import OpenApiCaller
from batuta.adapters.callers.processes import (
    ContainerCaller,
    Policy,
    Processes,
    ScriptCaller,
    ShellCaller,
)
from batuta.adapters.clock import SystemClock
from batuta.adapters.resources import ResourceReader
from batuta.adapters.secrets import CurrentSecrets, RunSecrets, SecretStore, mask, new_nonce
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import Leases
from batuta.app.engine import Engine
from batuta.errors import BatutaError
from batuta.expressions.sandbox import Sandbox
from batuta.ports.clock import GovernedClock
from batuta.runtime.conductor.conductor import Conductor
from batuta.runtime.conductor.succession import Succession
from batuta.runtime.shared.performing import Performer
from batuta.runtime.shared.programs import Programs
from batuta.wiring.secret_places import places
from batuta.wiring.settings import Settings, sqlite_path

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from batuta.kernel.program import Program
    from batuta.ports.caller import Call, SecretSource
    from batuta.ports.clock import Clock
    from batuta.ports.secrets import HeldSecrets


class LocalKeeper:
    """Gives runs the secrets that this machine has."""

    def __init__(self, store: SecretStore, current: CurrentSecrets) -> None:
        self._store = store
        self._current = current

    def new_nonce(self) -> str:
        """Return a new nonce. See the port."""
        return new_nonce()

    def secrets_of(self, program: Program, nonce: str) -> HeldSecrets:
        """Return a run's secrets. See the port."""
        return RunSecrets(self._store, program.workflow.secrets, nonce)

    def mask(self, value: Any) -> Any:
        """Put stars for all placeholders. See the port."""
        return mask(value)

    def serving(self, secrets: HeldSecrets) -> AbstractContextManager[None]:
        """Serve a run's secrets inside the block. See the port."""
        return self._current.of(secrets)


class SourcedScripts:
    """Loads a script that is given by `source` before it is run."""

    def __init__(
        self, scripts: ScriptCaller, resources: ResourceReader, secrets: SecretSource
    ) -> None:
        self._scripts = scripts
        self._resources = resources
        self._secrets = secrets

    async def __call__(self, call: Call) -> Any:
        """Run a script. See the port `Caller`."""
        source = call.arguments.get("source")
        if source is not None:
            endpoint = endpoint_uri(self._secrets.reveal(source["endpoint"]))
            uri = expand(endpoint, self._secrets.reveal(call.input))
            code = (await self._resources.read(uri, call.authentication)).decode()
            arguments = {name: value for name, value in call.arguments.items() if name != "source"}
            call = msgspec.structs.replace(call, arguments={**arguments, "code": code})
        return await self._scripts(call)


def lasting(spec: str) -> str:
    """Return how to find a file or module of functions from any folder."""
    return str(Path(spec).absolute()) if spec.endswith(".py") else spec


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

    Raises:
        UnavailableError: the store is locked, read-only or on a full disk.
        CorruptError: the store is damaged.
        RequestError: a setting, function or secret is not right.
    """
    settings = settings or Settings()
    path = sqlite_path(store or settings.store)
    registry = FunctionRegistry()
    loaded: list[str] = []
    for one in (*settings.functions, *functions):
        if callable(one):
            registry.add(one)
        else:
            registry.load(one)
            loaded.append(lasting(str(one)))
    kept = SqliteStore(path)
    leases = Leases(path)
    try:
        lease = leases.take()
    except BatutaError:
        kept.close()
        raise
    current = CurrentSecrets()
    time = clock or SystemClock()

    def seconds() -> float:
        # Deadlines come from the engine's clock, so whoever looks at one asks the same clock.
        return time.now() / 1_000

    client = HttpClient(
        allow=Allow.public() if settings.network == "public" else Allow.local(),
        transport=transport,
        now=seconds,
    )
    tokens = TokenStore()
    reader = ResourceReader(Path(settings.folder), client, current, tokens=tokens)
    policy = Policy(**{kind: kind in settings.allow for kind in ("shell", "script", "container")})
    called = FunctionCaller(registry, current, clock=seconds)
    processes = Processes(clock=seconds)
    sandbox = Sandbox()
    performer = Performer(
        {
            "http": HttpCaller(client, current, tokens=tokens),
            "openapi": OpenApiCaller(client, current, reader, tokens=tokens),
            "function": called,
            "shell": ShellCaller(current, policy=policy, processes=processes),
            "script": SourcedScripts(
                ScriptCaller(current, policy=policy, processes=processes), reader, current
            ),
            "container": ContainerCaller(current, policy=policy, processes=processes),
        }
    )
    programs = Programs(kept)
    conductor = Conductor(
        kept,
        programs,
        performer,
        sandbox,
        time,
        owner=lease.owner,
        keeper=LocalKeeper(SecretStore(*places(settings, secrets or {})), current),
    )
    succession = Succession(conductor, leases.is_alive)
    engine = Engine(
        kept,
        conductor,
        programs,
        time,
        reader,
        functions=registry.names(),
        setup=json.dumps({"functions": loaded}) if loaded else None,
        succession=succession,
        retention_days=settings.retention_days,
    )
    if isinstance(time, GovernedClock):
        time.heed(engine.settled)
    try:
        if resume:
            await succession.take_over()
        await conductor.start()
        yield engine
    finally:
        if isinstance(time, GovernedClock):
            time.ignore(engine.settled)
        await conductor.stop()
        await sandbox.close()
        await client.close()
        called.close()
        lease.give_up()
        kept.close()
