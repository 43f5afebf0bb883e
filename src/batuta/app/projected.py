"""Deployed workflows as choreography needs them: who takes part, and which others they run.

Owns whether a workflow can be run without a conductor (`choreography` has the rules, here they are
asked), and which workflows belong together because one runs the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.app.deploying import text_of
from batuta.choreography.owners import is_external
from batuta.choreography.projection import Projection, project
from batuta.choreography.realisability import realisability
from batuta.definition.model import RunTask
from batuta.errors import BatutaError, DefinitionError
from batuta.expressions import unwrap
from batuta.runtime.shared.programs import Deployment, Programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batuta.definition.model import Task, Workflow
    from batuta.kernel.program import Program
    from batuta.ports.store import Store


class Projected(Programs):
    """Projects each deployed workflow once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._kept = store
        self._projections: dict[str, Projection | DefinitionError] = {}

    def seen(self, program: Program, functions: Mapping[str, Task]) -> Program:
        """Project a program. See `Programs`."""
        digest = program.workflow.digest
        source = self._kept.document(digest)
        text = None if source is None else text_of(source)
        self._projections[digest] = _projected(program.workflow, functions, text)
        return program

    def projection(self, program: Program) -> Projection:
        """Return the rules of a workflow.

        Raises:
            DefinitionError: it cannot be run by its participants alone; the reasons are in it.
        """
        workflow = program.workflow
        found = self._projections.get(workflow.digest)
        if found is None:
            self.of(workflow.identity, workflow.digest)
            found = self._projections[workflow.digest]
        if isinstance(found, DefinitionError):
            raise found
        return found

    def family(self, program: Program) -> list[Program]:
        """Return a workflow and those that it runs, as far as they are deployed and projectable.

        A workflow that computes which ones it runs may run all of them.
        """
        found: dict[str, Program] = {}
        waiting = [program]
        while waiting:
            one = waiting.pop()
            if one.identity not in found and (one is program or self._is_projectable(one)):
                found[one.identity] = one
                waiting.extend(self._run_by(one))
        return list(found.values())

    def _is_projectable(self, program: Program) -> bool:
        try:
            self.projection(program)
        except DefinitionError:
            return False
        return True

    def _run_by(self, program: Program) -> Iterator[Program]:
        for node in program.nodes.values():
            task = node.task
            if not isinstance(task, RunTask) or task.process != "workflow":
                continue
            named = [str(task.arguments.get(part, "")) for part in ("namespace", "name", "version")]
            if any(unwrap(part) is not None for part in named):
                for identity in self._kept.workflows():
                    yield self.get(identity)
                continue
            try:
                yield self.get(self.latest(named[0], named[1], named[2] or "latest"))
            except BatutaError:
                continue  # the task that runs it will say that there is none

    def deployment(self, program: Program) -> Deployment:
        """Return what a participant has to keep of a workflow."""
        workflow = program.workflow
        source = self._kept.document(workflow.digest)
        assert source is not None, workflow.identity  # noqa: S101 -- it was compiled from this
        return Deployment(workflow.identity, workflow.digest, source)


def _projected(
    workflow: Workflow, functions: Mapping[str, Task], text: str | None
) -> Projection | DefinitionError:
    """Return the rules of a workflow, or why there are none."""
    found = realisability(workflow, functions, text=text, file=workflow.identity)
    errors = tuple(one for one in found if one.severity == "error")
    if not errors:
        return project(workflow, functions)
    reasons = "; ".join(f"{one.reference}: {one.message} ({one.code})" for one in errors)
    return DefinitionError(
        f"{workflow.identity} cannot be run without a conductor: {reasons}",
        errors,
        hint="`batuta check FILE --control choreographed` shows each in its place",
    )


def acting_names(projection: Projection) -> list[str]:
    """Return the participants that are processes of ours."""
    return [name for name in projection.parts if not is_external(projection.workflow, name)]
