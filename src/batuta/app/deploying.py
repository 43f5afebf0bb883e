"""Deploying: from a document to what the store keeps of it.

Owns the order of it (check, load, compile, keep) and which of two texts of one version counts. Does
not own the loading (`loading`), nor that a text in use is not replaced: the store sees to that, in
the transaction that would replace it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.app.loading import Loader, UnreadableError
from batuta.definition import Report, check
from batuta.errors import DefinitionError, NotFoundError
from batuta.kernel.program import compile_workflow
from batuta.runtime.shared.programs import decode_deployed, digest_of, encode_deployed

if TYPE_CHECKING:
    from batuta.definition.model import Workflow
    from batuta.ports.caller import Resources
    from batuta.ports.clock import Clock
    from batuta.ports.secrets import Keeper
    from batuta.ports.store import Store

_log = logging.getLogger("batuta.engine")


class Deployer:
    """Checks and keeps workflows for one engine.

    Args:
        store: where they are kept.
        clock: the time.
        resources: reads what they refer to.
        keeper: gives the secrets that it is read with.
        functions: the runtime's own functions, as `name` or `name:version`.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        resources: Resources,
        keeper: Keeper,
        functions: frozenset[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._resources = resources
        self._keeper = keeper
        self._functions = functions

    def check(self, text: str | bytes, name: str) -> Report:
        """Check a document; nothing is asked of anybody."""
        return check(text, file=name, known_functions=self._functions or None)

    async def deploy(self, source: str | Path, *, replace: bool = False) -> str:
        """Check a document, load what it refers to, and keep it. See `Engine.deploy`."""
        text, name = read(source)
        report = self.check(text, name)
        workflow = report.workflow
        if workflow is None or not report.ok:
            raise refused(report)
        is_kept = self._keeps(workflow)
        if replace or not is_kept:
            try:
                await self._keep(workflow, text, name, replace=replace)
            except UnreadableError as error:
                if not is_kept:
                    raise
                _log.warning("%s goes by what it was deployed with: %s", name, error.message)
        return workflow.identity

    def _keeps(self, workflow: Workflow) -> bool:
        """Say whether this very document is deployed."""
        kept = self._store.workflow(workflow.identity)
        return kept is not None and decode_deployed(kept).document == workflow.source

    async def _keep(
        self, workflow: Workflow, text: str | bytes, name: str, *, replace: bool
    ) -> None:
        loader = Loader(
            workflow,
            text,
            name,
            resources=self._resources,
            keeper=self._keeper,
            functions=self._functions,
        )
        deployed, functions = await loader.load()
        # What cannot be compiled is refused now, and not when a run needs it.
        compile_workflow(workflow, deployed.resources, functions)
        self._store.deploy(
            workflow.identity,
            digest_of(workflow, deployed),
            encode_deployed(deployed),
            self._clock.now(),
            replace=replace,
        )


def read(source: str | Path) -> tuple[str | bytes, str]:
    """Return a document's text and a name for it.

    Raises:
        NotFoundError: there is no such file.
    """
    if isinstance(source, str) and "\n" in source:
        return source, "<text>"
    path = Path(source)
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read: {error.strerror}", hint="give the path of a workflow file"
        ) from error


def refused(report: Report) -> DefinitionError:
    """Return the error for a document that is not right, with every problem in it."""
    errors = [problem for problem in report.problems if problem.severity == "error"]
    text = "\n".join(problem.render() for problem in errors)
    return DefinitionError(text, tuple(errors))
