"""What performs tasks in one process: callers, secrets, the sandbox, wired together once.

Both drivers need the same: a conductor performs tasks for whole runs, a participant its own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from batuta.adapters.resources import ResourceReader
from batuta.adapters.secrets import CurrentSecrets, RunSecrets, SecretStore, mask, new_nonce
from batuta.errors import RequestError
from batuta.expressions.sandbox import Sandbox
from batuta.runtime.shared.performing import Performer
from batuta.wiring.secret_places import places
from batuta.wiring.services import services_of
from batuta.wiring.telemetry import observing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from batuta.kernel.program import Program
    from batuta.ports.caller import Call, SecretSource
    from batuta.ports.clock import Clock
    from batuta.ports.observer import Observer
    from batuta.ports.secrets import HeldSecrets
    from batuta.wiring.settings import Settings


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


def _allowed(settings: Settings) -> Allow:
    """Return which addresses may be called.

    Raises:
        RequestError: a range to reach is none.
    """
    if settings.network != "public":
        return Allow.local()
    try:
        return Allow.public(*settings.reach)
    except ValueError as error:
        raise RequestError(f"reach: {error}", hint="write ranges, as in 10.1.0.0/16") from None


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


class Tools(NamedTuple):
    """What a driver performs tasks with. `loaded` are the places that functions came from."""

    performer: Performer
    sandbox: Sandbox
    keeper: LocalKeeper
    reader: ResourceReader
    functions: FunctionRegistry
    loaded: list[str]
    secrets: SecretStore
    observer: Observer | None = None


@asynccontextmanager
async def tools(
    settings: Settings,
    functions: Iterable[str | Path | Callable[..., Any]],
    secrets: Mapping[str, Any],
    transport: Transport | None,
    clock: Clock,
) -> AsyncGenerator[Tools]:
    """Wire callers, secrets and the sandbox, until the block ends.

    Raises:
        RequestError: a setting, function or secret is not right.
    """
    registry = FunctionRegistry()
    loaded: list[str] = []
    for one in (*settings.functions, *functions):
        if callable(one):
            registry.add(one)
        else:
            registry.load(one)
            loaded.append(lasting(str(one)))
    current = CurrentSecrets()

    def seconds() -> float:
        # Deadlines come from the driver's clock, so whoever looks at one asks the same clock.
        return clock.now() / 1_000

    client = HttpClient(
        allow=_allowed(settings),
        transport=transport,
        now=seconds,
    )
    kept = SecretStore(*places(settings, secrets))
    tokens = TokenStore()
    reader = ResourceReader(Path(settings.folder), client, current, tokens=tokens)
    policy = Policy(**{kind: kind in settings.allow for kind in ("shell", "script", "container")})
    observed = ExitStack()
    observer = observed.enter_context(observing(settings.telemetry))
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
        },
        services_of(settings.participants, client, kept, seconds),
    )
    performer.traces = observer is not None and settings.telemetry.traces != "off"
    keeper = LocalKeeper(kept, current)
    try:
        yield Tools(performer, sandbox, keeper, reader, registry, loaded, kept, observer)
    finally:
        await sandbox.close()
        await client.close()
        called.close()
        observed.close()
