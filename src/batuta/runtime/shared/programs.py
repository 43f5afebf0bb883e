"""Compiled workflows by identity, loaded from the store when a run needs one.

A deployed workflow is kept with what it referred to elsewhere when it was deployed (schemas,
functions), so that a run means the same on every machine, after every restart and without a
network.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.definition import load, load_function
from batuta.definition.model import Schedule
from batuta.errors import NotFoundError, RequestError
from batuta.kernel.program import Program, compile_workflow
from batuta.runtime.shared.triggers import SUFFIX, is_trigger, trigger_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition import Workflow
    from batuta.definition.model import Task
    from batuta.ports.store import Store

_SHOWN_AT_MOST = 8


class Imported(msgspec.Struct, frozen=True):
    """A function from a catalogue or an address: where it was found, and its task, plain JSON."""

    uri: str
    task: Any


class Deployed(msgspec.Struct, frozen=True):
    """A workflow as the store keeps it, as JSON values.

    Its document, resources by URI, and functions from elsewhere by the text of their calls. `text`
    is how the document was written, for people; it means nothing beyond the document.
    """

    document: Any
    resources: dict[str, Any] = {}
    functions: dict[str, Imported] = {}
    text: str = ""


class Deployment(msgspec.Struct, frozen=True):
    """A workflow ready to be kept by any store: its identity, digest and encoded `Deployed`."""

    identity: str
    digest: str
    source: bytes


encode_deployed = msgspec.json.Encoder().encode
decode_deployed = msgspec.json.Decoder(Deployed).decode


def digest_of(workflow: Workflow, deployed: Deployed) -> str:
    """Return the digest of all that a deployed workflow consists of, hexadecimal SHA-256.

    That of the document (`Workflow.digest`) when nothing from elsewhere belongs to it.
    """
    if not deployed.resources and not deployed.functions:
        return workflow.digest
    parts = {
        "document": deployed.document,
        "resources": deployed.resources,
        "functions": deployed.functions,
    }
    return sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


class Programs:
    """Compiles each deployed workflow once.

    A version may be given another text while no run uses it, by another process too. So what a
    version means now is asked of the store each time, and a run goes by the digest it began with.
    The program of a workflow has that digest in `workflow.digest`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._compiled: dict[tuple[str, str], Program] = {}
        self._functions: dict[tuple[str, str], Mapping[str, Task]] = {}
        self._digests: dict[str, str] = {}
        self._named: dict[str, str] = {}
        """Identities by what people call them; forgotten together with the digests."""

    def look_again(self) -> None:
        """What the versions mean may have changed: ask the store when they are used next."""
        self._digests.clear()
        self._named.clear()

    def named(self, workflow: str) -> Program:
        """Return the program that `namespace/name` or `namespace/name:version` means now.

        Raises:
            NotFoundError: there is none.
            RequestError: it is no such name.
        """
        identity = self._named.get(workflow)
        if identity is not None:
            return self.get(identity)
        program, identity = self.known(workflow), workflow
        if program is None:
            name, _, version = workflow.partition(":")
            namespace, slash, short = name.partition("/")
            if not slash:
                raise RequestError(
                    f"{workflow!r} does not name a workflow",
                    hint="write namespace/name, or namespace/name:version",
                )
            identity = self.latest(namespace, short, version or "latest")
            program = self.get(identity)
        self._named[workflow] = identity
        return program

    def known(self, identity: str) -> Program | None:
        """Return the program of a version, None when it was never deployed here."""
        digest = self._digests.get(identity)
        if digest is None:
            digest = self._store.digest(identity.removesuffix(SUFFIX))
            if digest is not None:
                self._digests[identity] = digest
        return None if digest is None else self.of(identity, digest)

    def get(self, identity: str) -> Program:
        """Return the program that `namespace/name:version`, or its trigger, means now.

        Raises:
            NotFoundError: it was never deployed here.
        """
        program = self.known(identity)
        if program is None:
            raise NotFoundError(
                f"workflow {identity} is not deployed here",
                hint="deploy it first: `batuta run FILE` and `batuta up FOLDER` do",
            )
        return program

    def of(self, identity: str, digest: str | None) -> Program:
        """Return the program that a run of `identity` goes by; `digest` is the run's.

        Raises:
            NotFoundError: its document is not kept here.
        """
        if digest is None:
            return self.get(identity)
        program = self._compiled.get((identity, digest))
        if program is None:
            program = self._compile(identity, digest)
            self._compiled[identity, digest] = program
        return program

    def _compile(self, identity: str, digest: str) -> Program:
        if is_trigger(identity):
            workflow = self.of(identity.removesuffix(SUFFIX), digest).workflow
            return trigger_of(workflow, workflow.schedule or Schedule())
        source = self._store.document(digest)
        if source is None:
            raise NotFoundError(
                f"the text of workflow {identity} with the digest {digest} is not kept here",
                hint="restore a copy of the store that has it",
            )
        deployed = decode_deployed(source)
        workflow = load(msgspec.json.encode(deployed.document), file=identity)
        functions = {
            call: load_function(one.task, call, file=one.uri, catalogs=workflow.catalogs)
            for call, one in deployed.functions.items()
        }
        workflow = msgspec.structs.replace(workflow, digest=digest)
        self._functions[identity, digest] = functions
        return self.seen(compile_workflow(workflow, deployed.resources, functions), functions)

    def functions_of(self, program: Program) -> Mapping[str, Task]:
        """Return the functions from elsewhere that a program was compiled with."""
        return self._functions.get((program.identity, program.workflow.digest), {})

    def seen(self, program: Program, functions: Mapping[str, Task]) -> Program:
        """Return the program as this driver drives it: a conductor drives all of it."""
        del functions
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
            hint=f"deployed are: {', '.join(known or self._in(namespace)) or 'none such'}",
        )

    def _in(self, namespace: str) -> list[str]:
        """Return the first few workflows of a namespace, for who has misspelt one of them."""
        found = (one.rpartition(":")[0] for one in self._store.workflows(f"{namespace}/"))
        return sorted(set(found))[:_SHOWN_AT_MOST]


def precedence(version: str) -> tuple[Any, ...]:
    """Return a sort key of a semantic version (Semantic Versioning 2.0.0, section 11)."""
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    if not pre:
        return (numbers, 1, ())
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))
    return (numbers, 0, parts)
