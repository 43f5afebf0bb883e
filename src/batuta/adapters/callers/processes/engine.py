"""The container engine: finding one that answers, and the environment its client needs.

Docker and Podman have the same command line for what is needed here. The client is the operator's
tool and no part of the workflow, so unlike a workflow's processes it gets those variables of ours
that say where the engine is and how to sign in to registries.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.adapters.callers.processes.execution import Finished, Processes

_PATIENCE_S = 10
_ENGINES = ("docker", "podman")
_CLIENTS_OWN = re.compile(
    r"PATH|HOME|USER|LANG|TMPDIR|XDG_\w+|DOCKER_\w+|CONTAINERS?_\w+|PODMAN_\w+|REGISTRY_\w+"
    r"|SSL_CERT_\w+|(HTTPS?|NO|ALL)_PROXY",
    re.IGNORECASE,
)
# What changes how a program starts or runs; a workflow must not reach the client through these.
_DANGEROUS = re.compile(r"(LD|DYLD)_\w+|GO[A-Z]+|GLIBC_\w+|MALLOC_\w+|BUILDAH_\w+", re.IGNORECASE)


def by_environment(name: str) -> bool:
    """Return True when a variable may travel in the client's environment.

    It then stays out of the command line, which every user of the machine can read.
    """
    return not _CLIENTS_OWN.fullmatch(name) and not _DANGEROUS.fullmatch(name)


@dataclass(frozen=True, slots=True)
class Engine:
    """A client that has answered once."""

    path: str
    processes: Processes

    async def command(
        self,
        *arguments: str,
        declared: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        deadline_ms: int | None = None,
    ) -> Finished:
        """Run the client; `declared` joins its environment."""
        own = {name: value for name, value in os.environ.items() if _CLIENTS_OWN.fullmatch(name)}
        return await self.processes.run(
            [self.path, *arguments],
            environment={**own, **(declared or {})},
            folder=Path("/"),
            stdin=stdin,
            deadline_ms=deadline_ms,
        )


async def find_engine(processes: Processes, deadline_ms: int | None) -> Engine:
    """Return the first engine on the PATH that answers.

    Raises:
        Fault: `configuration` 400 when none does; says what was tried.
    """
    silent: list[str] = []
    for name in _ENGINES:
        path = shutil.which(name)
        if path is None:
            continue
        engine = Engine(path, processes)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await engine.command("version", deadline_ms=deadline_ms)
        except TimeoutError:
            silent.append(f"{name} is installed but gives no answer in {_PATIENCE_S} s")
            continue
        if answer.code == 0:
            return engine
        said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        silent.append(f"{name} is installed but does not answer ({said[-1] if said else 'silent'})")
    tried = "; ".join(silent) or "neither docker nor podman is on the PATH"
    detail = f"{tried}; start the engine (`docker info` must succeed), or install one"
    raise Fault("configuration", 400, "No container engine", detail)
