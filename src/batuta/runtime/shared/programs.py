"""Compiled workflows by identity, loaded from the store when a run needs one.

A deployed workflow is kept with the external resources it referred to when it was deployed, so that
a run means the same on every machine and after every restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.definition import load
from batuta.definition.model import Schedule
from batuta.errors import NotFoundError
from batuta.kernel.program import Program, compile_workflow
from batuta.runtime.shared.triggers import SUFFIX, is_trigger, trigger_of

if TYPE_CHECKING:
    from batuta.ports.store import Store


class Deployed(msgspec.Struct, frozen=True):
    """A workflow as the store keeps it: its document, and resources by URI, as JSON values."""

    document: Any
    resources: dict[str, Any] = {}


encode_deployed = msgspec.json.Encoder().encode
decode_deployed = msgspec.json.Decoder(Deployed).decode


class Programs:
    """Compiles each deployed workflow once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._compiled: dict[str, Program] = {}
        self._latest: dict[str, tuple[int, str]] = {}

    def known(self, identity: str) -> Program | None:
        """Return a program that was compiled before; an identity never changes its meaning."""
        return self._compiled.get(identity)

    def get(self, identity: str) -> Program:
        """Return the program of `namespace/name:version`, or of its trigger.

        Raises:
            NotFoundError: it was never deployed here.
        """
        program = self._compiled.get(identity)
        if program is None and is_trigger(identity):
            workflow = self.get(identity.removesuffix(SUFFIX)).workflow
            program = trigger_of(workflow, workflow.schedule or Schedule())
            self._compiled[identity] = program
        if program is None:
            source = self._store.workflow(identity)
            if source is None:
                raise NotFoundError(
                    f"workflow {identity} is not deployed here",
                    hint="deploy it first: `batuta run FILE` and `batuta up FOLDER` do",
                )
            deployed = decode_deployed(source)
            workflow = load(msgspec.json.encode(deployed.document), file=identity)
            program = compile_workflow(workflow, deployed.resources)
            self._compiled[identity] = program
        return program

    def latest(self, namespace: str, name: str, version: str = "latest") -> str:
        """Return the identity that a name and version (or `latest`) mean.

        Raises:
            NotFoundError: there is none.
        """
        prefix = f"{namespace}/{name}:"
        known = self._store.workflows(prefix)
        if version != "latest":
            if prefix + version in known:
                return prefix + version
        elif known:
            return max(known, key=lambda identity: precedence(identity.rpartition(":")[2]))
        raise NotFoundError(
            f"workflow {prefix}{version} is not deployed here",
            hint=f"deployed are: {', '.join(known) or 'no versions of it'}",
        )


def precedence(version: str) -> tuple[Any, ...]:
    """Return a sort key of a semantic version (Semantic Versioning 2.0.0, section 11)."""
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    if not pre:
        return (numbers, 1, ())
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))
    return (numbers, 0, parts)
