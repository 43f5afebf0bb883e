"""Compiled workflows, shared by all processes and by any number of simulations."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.choreography.projection import Projection, project
from batuta.definition import load
from batuta.kernel.program import compile_workflow
from batuta.runtime.shared.programs import Deployed, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batuta.kernel.program import Program


class Shelf:
    """Workflows by identity: whole programs, parts and projections."""

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Compile documents, given as JSON values; the first is the one that runs are started of.

        Raises:
            DefinitionError: one of them is not right.
        """
        self.digests: dict[str, str] = {}
        self._programs: dict[str, Program] = {}
        self._projections: dict[str, Projection] = {}
        self._parts: dict[tuple[str, str], Program] = {}
        for document in documents:
            program, projection = _compiled(msgspec.json.encode(document))
            self.digests[program.identity] = program.workflow.digest
            self._programs[program.identity] = program
            self._projections[program.identity] = projection
        self.main = next(iter(self.digests))

    @property
    def participants(self) -> tuple[str, ...]:
        """Everybody who takes part in any of the workflows."""
        names = {name for one in self._projections.values() for name in one.parts}
        return tuple(sorted(names))

    def program(self, identity: str) -> Program:
        """Return a whole program."""
        return self._programs[identity]

    def projection(self, identity: str) -> Projection:
        """Return the rules of a workflow."""
        return self._projections[identity]

    def part(self, identity: str, participant: str) -> tuple[Program, Projection]:
        """Return a program as one participant sees it, and its rules."""
        program = self._parts.get((identity, participant))
        if program is None:
            program = self._programs[identity].seen_by(participant, frozenset())
            self._parts[identity, participant] = program
        return program, self._projections[identity]


@lru_cache(maxsize=4)
def _compiled(text: bytes) -> tuple[Program, Projection]:
    """Return a document's program and rules. Every scenario has the same sub-workflow."""
    workflow = load(text, file="simulated")
    digest = digest_of(workflow, Deployed(workflow.source))
    workflow = msgspec.structs.replace(workflow, digest=digest)
    return compile_workflow(workflow), project(workflow)
