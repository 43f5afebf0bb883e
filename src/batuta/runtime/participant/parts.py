"""The programs of a participant: its part of each workflow, and what it has to hear for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.choreography.owners import is_external
from batuta.choreography.projection import Part, Projection, project
from batuta.errors import DefinitionError
from batuta.runtime.shared.programs import Programs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition.model import Task
    from batuta.kernel.program import Program
    from batuta.ports.store import Store


class Parts(Programs):
    """Compiles each deployed workflow once, as one participant sees it."""

    def __init__(self, store: Store, participant: str) -> None:
        super().__init__(store)
        self._participant = participant
        self._projections: dict[tuple[str, str], Projection | DefinitionError] = {}

    def seen(self, program: Program, functions: Mapping[str, Task]) -> Program:
        """Return the participant's part of a program. See `Programs`."""
        workflow = program.workflow
        external = frozenset(name for name in workflow.participants if is_external(workflow, name))
        try:
            self._projections[_key(program)] = project(workflow, functions)
        except DefinitionError as error:
            self._projections[_key(program)] = error
        return program.seen_by(self._participant, external)

    def projection(self, program: Program) -> Projection:
        """Return the rules of a program that came from here.

        Raises:
            DefinitionError: nobody takes part in it.
        """
        found = self._projections[_key(program)]
        if isinstance(found, DefinitionError):
            raise found
        return found

    def part(self, identity: str) -> Part | None:
        """Return what the participant has to do in a workflow, None when it takes no part in it."""
        found = self._projections[_key(self.get(identity))]
        return None if isinstance(found, DefinitionError) else found.parts.get(self._participant)

    def hears(self, identities: list[str]) -> frozenset[str] | None:
        """Return the types of all events that it has to hear for these workflows, None for all."""
        types: set[str] = set()
        for identity in identities:
            part = self.part(identity)
            if part is None:
                continue
            if part.hears is None:
                return None
            types |= part.hears
        return frozenset(types)

    def serves(self, identities: list[str]) -> frozenset[str]:
        """Return the types of all requests for its tasks in these workflows."""
        parts = [self.part(identity) for identity in identities]
        return frozenset().union(*(part.serves for part in parts if part is not None))

    def listens(self, identities: list[str]) -> frozenset[str] | None:
        """Return the types that its listens may consume, None for any."""
        types: set[str] = set()
        for identity in identities:
            if self.part(identity) is None:
                continue
            for node in self.get(identity).nodes.values():
                if node.kind != "listen" or node.participant not in {None, self._participant}:
                    continue
                for one in (*node.own.filters, *(node.own.until or ())) or (None,):
                    if one is None or one.type is None:
                        return None
                    types.add(one.type)
        return frozenset(types)


def _key(program: Program) -> tuple[str, str]:
    return program.identity, program.workflow.digest
