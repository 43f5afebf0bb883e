"""Deploying: from a document to what a store keeps of it.

The same for every store that runs live in, an engine's or a participant's. Owns what makes two
deployments the same and when the network is needed; what a document refers to is `loading`'s.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace as replace_fields

from batuta.app.asking import read, refused
from batuta.app.loading import Loader, UnreadableError
from batuta.definition import Report, check
from batuta.errors import DefinitionError
from batuta.insight.secrecy import secrecy_of
from batuta.kernel.program import compile_workflow
from batuta.runtime.shared.programs import decode_deployed, digest_of, encode_deployed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from batuta.definition import Problem
    from batuta.definition.model import Task, Workflow
    from batuta.ports.caller import Resources
    from batuta.ports.clock import Clock
    from batuta.ports.secrets import Keeper
    from batuta.ports.store import Store

_log = logging.getLogger("batuta.engine")


class Deployer:
    """Deploys documents into one store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        resources: Resources,
        keeper: Keeper,
        functions: Iterable[str],
        knows_all: bool = True,
    ) -> None:
        """Prepare.

        Args:
            store: where workflows are kept.
            clock: the time.
            resources: reads what is elsewhere.
            keeper: gives the secrets that it is read with.
            functions: the runtime's own functions, as `name` or `name:version`.
            knows_all: workflows may call no others; else others may have more.
        """
        self._store = store
        self._clock = clock
        self._resources = resources
        self._keeper = keeper
        self._functions = frozenset(functions)
        self._known = (self._functions or None) if knows_all else None

    def check(self, source: str | Path) -> Report:
        """Check a document. See `Engine.check`."""
        text, name = read(source)
        return check(text, file=name, known_functions=self._known)

    async def deploy(self, source: str | Path, *, replace: bool = False) -> str:
        """Check, load and keep a document; returns its identity. See `Engine.deploy`."""
        text, name = read(source)
        report = check(text, file=name, known_functions=self._known)
        if report.workflow is None or not report.ok:
            raise refused(report)
        workflow = report.workflow
        is_kept = self._keeps(workflow)
        if is_kept and not replace:
            return workflow.identity
        loader = Loader(
            workflow,
            text,
            name,
            resources=self._resources,
            keeper=self._keeper,
            functions=self._functions,
        )
        try:
            deployed, functions = await loader.load()
        except UnreadableError as error:
            if not is_kept:
                raise
            _log.warning("%s goes by what it was deployed with: %s", name, error.message)
            return workflow.identity
        compile_workflow(workflow, deployed.resources, functions)
        _refuse_secret_keys(workflow, deployed.resources, functions)
        self._store.deploy(
            workflow.identity,
            digest_of(workflow, deployed),
            encode_deployed(replace_fields(deployed, text=_plain(text))),
            self._clock.now(),
            replace=replace,
        )
        return workflow.identity

    def _keeps(self, workflow: Workflow) -> bool:
        """Say whether this very document is deployed."""
        kept = self._store.workflow(workflow.identity)
        return kept is not None and decode_deployed(kept).document == workflow.source


def _plain(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8-sig", errors="replace")


def _refuse_secret_keys(
    workflow: Workflow, resources: Mapping[str, Any], functions: Mapping[str, Task]
) -> None:
    """Refuse business keys over what a schema from elsewhere marks; checks see only their own."""
    marked = secrecy_of(workflow, functions, resources)
    if marked is not None and marked.keys:
        names = ", ".join(sorted(marked.keys))
        raise DefinitionError(
            f"business keys read what the schema of the input marks as secret: {names}",
            hint="keys are shown in lists and searched by: take something else",
        )


def text_of(source: bytes) -> str:
    """Return a deployed document as it was written; as JSON where that is not known.

    Args:
        source: what the store keeps of it.
    """
    deployed = decode_deployed(source)
    return deployed.text or json.dumps(deployed.document, indent=2, ensure_ascii=False)


def missing_functions(
    source: str | Path, tasks: Iterable[str], functions: Collection[str]
) -> list[Problem]:
    """Return the calls inside of tasks that mean functions which are not here, as problems.

    Args:
        source: the document, as `Engine.deploy` takes it.
        tasks: references of the tasks.
        functions: those that are here, as `name` or `name:version`.
    """
    text, name = read(source)
    inside = tuple(f"{reference}/" for reference in tasks)
    return [
        problem
        for problem in check(text, file=name, known_functions=frozenset(functions)).problems
        if problem.code == "unknown-function" and problem.reference.startswith(inside)
    ]
