"""`run: container`: one container, run to its end by Docker or Podman.

Owns the command line for the engine and the container's lifetime. No shell of this machine reads a
value; `command` is shell text by the DSL's own examples, and is read by the shell *inside* the
container, with `arguments` as $1, $2, ... Without `command` the arguments go to the image's own.
Ports and volumes map the host's to the container's, as other runtimes have it.

The engine's client is a process like any other, but killing it leaves the container: that is ended
by name. When Batuta itself is killed a container runs on; its labels (`batuta-run`, `batuta-task`,
`batuta-key`) say whose it was.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.processes.engine import Engine, by_environment, find_engine
from batuta.adapters.callers.processes.execution import Finished, Processes
from batuta.adapters.callers.processes.outcome import failure, output_of
from batuta.adapters.callers.processes.policy import Policy
from batuta.adapters.callers.processes.properties import Asked, invalid
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from batuta.ports.caller import Call, SecretSource

_LOG = logging.getLogger("batuta.processes")
_IMAGE = re.compile(r"[A-Za-z0-9][\w.\-/:@]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_PORT = re.compile(r"[0-9.:\[\]a-f-]*[0-9]+(/(tcp|udp|sctp))?")
_PULL = {"ifNotPresent": "missing", "always": "always", "never": "never"}
_CLEANUPS = ("always", "never", "eventually")
# The engine's own failures, as against the container's (docker run, "Exit status").
_ENGINE_FAILED = 125
_ENGINE_SAYS = re.compile(r"^(docker|podman|Error)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When the container is removed; `after_s` counts from its end, for `eventually`."""

    cleanup: str = "never"
    after_s: float = 0.0

    @classmethod
    def of(cls, value: Any) -> Lifetime:
        """Read `lifetime` (DSL 1.0.3, "Container Lifetime").

        Raises:
            Fault: `validation` 400 for another cleanup, or `eventually` without a duration.
        """
        if value is None:
            return cls()
        cleanup = value.get("cleanup", "never") if isinstance(value, dict) else None
        if cleanup not in _CLEANUPS:
            raise invalid(f"`lifetime.cleanup` is one of {', '.join(_CLEANUPS)}")
        return cls(cleanup, _seconds(value.get("after")) if cleanup == "eventually" else 0.0)


class ContainerCaller:
    """Performs `run: container`.

    Args:
        secrets: the secrets of all calls, or a function that finds those of one call's run.
        policy: whether it may.
        processes: runs the engine's client; shared with the other callers to share its limits.
    """

    def __init__(
        self,
        secrets: SecretSource | Callable[[Call], SecretSource],
        *,
        policy: Policy | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._secrets = secrets
        self._policy = policy or Policy()
        self._processes = processes or Processes()
        self._engine: Engine | None = None
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Finished]] = set()

    async def __call__(self, call: Call) -> Any:
        """Run the container to its end and return what `return` asks for.

        Raises:
            Fault: `runtime` 500 when it or the engine fails, `timeout` 408 at the deadline,
                `validation` 400 for a property that cannot be used, `configuration` 400 when no
                engine answers, `authorization` 403 when the policy forbids it.
        """
        self._policy.check("container")
        secrets = self._secrets(call) if callable(self._secrets) else self._secrets
        asked = Asked.of(secrets.reveal(call.arguments))
        lifetime = Lifetime.of(asked.properties.get("lifetime"))
        name = asked.text("name") or _conventional_name(call)
        command = _command_line(asked, call, name, lifetime)
        if self._engine is None:
            self._engine = await find_engine(self._processes, call.deadline_ms)
        try:
            finished = await self._engine.command(
                *command,
                declared={k: v for k, v in asked.environment.items() if by_environment(k)},
                stdin=asked.stdin,
                deadline_ms=call.deadline_ms,
            )
        except (asyncio.CancelledError, Fault):
            # Only the client is gone: the container goes on until it is told.
            end = ("rm", "--force") if lifetime.cleanup == "always" else ("kill",)
            await asyncio.shield(self._spawn(self._engine.command(*end, name)))
            raise
        finally:
            if lifetime.cleanup == "eventually":
                self._remove_later(self._engine, name, lifetime.after_s)
        if finished.code == _ENGINE_FAILED and _ENGINE_SAYS.search(finished.stderr):
            # Only what the engine says begins so; a container may use the code for itself.
            self._engine = None
            raise failure(finished, "the container engine", secrets.redact)
        return output_of(finished, asked.returns, f"container {name}", secrets.redact)

    def close(self) -> None:
        """Kill the clients that still run. Containers that wait for their removal are left."""
        for name, handle in self._later.items():
            handle.cancel()
            _LOG.warning("container %s is left: remove it with `docker rm %s`", name, name)
        self._later.clear()
        self._processes.close()

    def _remove_later(self, engine: Engine, name: str, after_s: float) -> None:
        def remove() -> None:
            self._later.pop(name, None)
            self._spawn(engine.command("rm", "--force", name))

        self._later[name] = asyncio.get_running_loop().call_later(after_s, remove)

    def _spawn(self, work: Coroutine[Any, Any, Finished]) -> asyncio.Task[Finished]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task


def _command_line(asked: Asked, call: Call, name: str, lifetime: Lifetime) -> list[str]:
    image, command = asked.required("image"), asked.text("command")
    if not _IMAGE.fullmatch(image):
        raise invalid(f"`image` is {image!r}, which names no image")
    if not _NAME.fullmatch(name):
        raise invalid(f"`name` is {name!r}; letters, digits, '_', '.' and '-' were expected")
    pull = asked.text("pullPolicy") or "ifNotPresent"
    if pull not in _PULL:
        raise invalid(f"`pullPolicy` is {pull!r}; it is one of {', '.join(_PULL)}")
    words = ["run", "--quiet", f"--name={name}", f"--pull={_PULL[pull]}"]
    words += [
        f"--label=batuta-run={call.run_id}",
        f"--label=batuta-task={call.reference}",
        f"--label=batuta-key={call.idempotency_key}",
    ]
    if lifetime.cleanup == "always":
        words.append("--rm")
    if asked.stdin is not None:
        words.append("--interactive")
    words += _ports(asked) + _volumes(asked)
    for variable, value in asked.environment.items():
        words.append(
            f"--env={variable}" if by_environment(variable) else f"--env={variable}={value}"
        )
    if command is None:
        return [*words, image, *asked.arguments]
    return [*words, "--entrypoint=/bin/sh", image, "-c", command, "sh", *asked.arguments]


def _ports(asked: Asked) -> list[str]:
    words: list[str] = []
    for host, inside in asked.mapping("ports").items():
        if not _PORT.fullmatch(host) or not _PORT.fullmatch(inside):
            raise invalid(f"`ports` maps {host!r} to {inside!r}; two ports were expected")
        words.append(f"--publish={host}:{inside}")
    return words


def _volumes(asked: Asked) -> list[str]:
    words: list[str] = []
    for host, inside in asked.mapping("volumes").items():
        if not host or ":" in host or not inside.startswith("/"):
            raise invalid(
                f"`volumes` maps {host!r} to {inside!r}; a path here (without ':') and an absolute "
                "path in the container were expected"
            )
        words.append(f"--volume={host}:{inside}")
    return words


def _conventional_name(call: Call) -> str:
    """Return a name by the DSL's recommended convention (1.0.3, "Container Process")."""
    namespace, _, rest = call.workflow.partition("/")
    name = f"{rest.partition(':')[0] or 'run'}-{uuid.uuid4()}.{namespace}-{call.name}"
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def _seconds(value: Any) -> float:
    try:
        if isinstance(value, dict):
            return dt.timedelta(**value).total_seconds()
        return msgspec.convert(value, dt.timedelta).total_seconds()
    except (TypeError, msgspec.ValidationError, OverflowError):
        raise invalid(
            "`lifetime.after` is an object like {minutes: 30}, or a text like PT30M"
        ) from None
