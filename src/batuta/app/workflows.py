"""Looking at workflows: what is deployed, its source, its picture, and each participant's rules.

Owns what of a deployed workflow is shown, and in which shape. Deploying and checking are the
engine's; what a graph or a rule is, `insight.graph` and `choreography.rules` say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.app.deploying import text_of
from batuta.app.projected import Projected
from batuta.app.views import text_time
from batuta.choreography.owners import participants_of
from batuta.choreography.realisability import realisability
from batuta.choreography.within import tasks_of
from batuta.definition import check
from batuta.definition.places import Places
from batuta.errors import BatutaError, NotFoundError
from batuta.insight.graph import Graph, kind_of
from batuta.insight.traffic_map import WORLD, declared
from batuta.runtime.shared.programs import precedence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batuta.app.engine import Engine
    from batuta.choreography.projection import Projection
    from batuta.choreography.rules import Rule
    from batuta.definition import Problem, Report
    from batuta.definition.model import Schedule, Task, Workflow
    from batuta.kernel.program import Program


class WorkflowView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A workflow with all its deployed versions, the newest first; the rest tells of `latest`."""

    name: str
    versions: list[str]
    latest: str
    control: str
    participants: list[str]
    title: str
    summary: str
    deployed_at: str


class VersionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version: its text, and what stands against running it under each control model."""

    identity: str
    source: str
    control: str
    participants: list[dict[str, Any]]
    schedule: dict[str, Any] | None
    problems: dict[str, list[dict[str, Any]]]
    runs: dict[str, int]
    deployed_at: str


class Workflows:
    """What can be seen of the workflows of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        self._projected = Projected(engine.store)

    def all(self) -> list[WorkflowView]:
        """Return the deployed workflows by name, those that wait for starts (triggers) not."""
        versions: dict[str, list[str]] = {}
        for identity in self._engine.workflows():
            name, _, version = identity.partition(":")
            versions.setdefault(name, []).append(version)
        return [self._view(name, known) for name, known in sorted(versions.items())]

    def _view(self, name: str, versions: list[str]) -> WorkflowView:
        versions = sorted(versions, key=precedence, reverse=True)
        identity = f"{name}:{versions[0]}"
        program = self._engine.programs.get(identity)
        workflow = program.workflow
        return WorkflowView(
            name=name,
            versions=versions,
            latest=versions[0],
            control=workflow.control,
            participants=self._participants(program),
            title=workflow.document.title,
            summary=workflow.document.summary,
            deployed_at=text_time(self._store.deployed_at(identity)) or "",
        )

    def _participants(self, program: Program) -> list[str]:
        functions = self._engine.programs.functions_of(program)
        return [*participants_of(program.workflow, functions)]

    def version(self, identity: str) -> VersionView:
        """Return one version.

        Raises:
            NotFoundError: it is not deployed here.
        """
        program = self._program(identity)
        workflow, text = program.workflow, self.source(identity)
        functions = self._engine.programs.functions_of(program)
        found = realisability(workflow, functions, text=text, file=identity)
        report = check(text, file=identity)
        return VersionView(
            identity=identity,
            source=text,
            control=workflow.control,
            participants=[_participant(workflow, one) for one in self._participants(program)],
            schedule=_schedule(workflow.schedule),
            problems={
                "orchestrated": [problem_json(one) for one in report.problems],
                "choreographed": [problem_json(one) for one in found],
            },
            runs=self._counts(identity),
            deployed_at=text_time(self._store.deployed_at(identity)) or "",
        )

    def _program(self, identity: str) -> Program:
        if self._store.digest(identity) is None:
            raise NotFoundError(
                f"workflow {identity} is not deployed here",
                hint="`GET workflows` lists those that are",
            )
        return self._engine.programs.get(identity)

    def _counts(self, identity: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self._store.under_way(identity):
            counts[row.status] = counts.get(row.status, 0) + 1
        return counts

    def source(self, identity: str) -> str:
        """Return a version's text, as it was written."""
        kept = self._store.workflow(self._program(identity).identity)
        return "" if kept is None else text_of(kept)

    def graph(self, identity: str) -> dict[str, Any]:
        """Return a version's tasks as nodes and edges; lines are those of `source`."""
        program = self._program(identity)
        graph = Graph(program.workflow, Places(self.source(identity)))
        return {
            "nodes": [one._asdict() for one in graph.nodes],
            "edges": [
                {"from": one.start, "to": one.end, "label": one.label, "kind": one.kind}
                for one in graph.edges
            ],
        }

    def heard_by_rules(self, identity: str) -> Iterator[tuple[str, str]]:
        """Yield the types that participants hear to go on by themselves, and who does."""
        try:
            projection = self._projected.projection(self._program(identity))
        except BatutaError:
            return  # it has no rules: it cannot be choreographed
        for part in projection.parts.values():
            for rule in part.rules:
                for type_ in rule.on:
                    yield type_, part.name

    def rules(self, identity: str) -> dict[str, Any]:
        """Return what each participant does on its own.

        Raises:
            DefinitionError: its participants alone cannot run it; every reason is in it.
        """
        program = self._program(identity)
        workflow = program.workflow
        functions = self._engine.programs.functions_of(program)
        projection = self._projected.projection(program)
        tasks = tasks_of(workflow, functions)
        return {
            "begins": projection.first,
            "participants": [
                {
                    "name": part.name,
                    "external": part.external,
                    "hears": None if part.hears is None else sorted(part.hears),
                    "rules": [_rule(rule, projection, tasks) for rule in part.rules],
                }
                for part in projection.parts.values()
            ],
            "flow": [
                {"from": edge.start, "to": edge.end, "type": edge.type}
                for edge in sorted(declared([projection]))
                if edge.start != WORLD
            ],
        }


def check_text(
    text: str, control: str | None, report: Report, functions: Mapping[str, Task]
) -> list[Problem]:
    """Return every problem of a text, those of a control model too, in the order of the text."""
    problems = list(report.problems)
    workflow: Workflow | None = report.workflow
    if workflow is not None and (control or workflow.control) == "choreographed":
        problems += realisability(workflow, functions, text=text)
    return sorted(problems, key=lambda one: (one.line, one.column))


def problem_json(one: Problem) -> dict[str, Any]:
    """Return a problem as the API shows it; `path` is a JSON Pointer."""
    return {
        "code": one.code,
        "severity": one.severity,
        "line": one.line,
        "column": one.column,
        "path": one.reference,
        "message": one.message,
        "value": one.value,
        "expected": one.expected,
        "hint": one.hint,
    }


def _participant(workflow: Workflow, name: str) -> dict[str, Any]:
    declared = workflow.participants.get(name)
    return {
        "name": name,
        "title": declared.title if declared else "",
        "owner": declared.owner if declared else "",
        "external": declared.external if declared else False,
    }


def _schedule(schedule: Schedule | None) -> dict[str, Any] | None:
    if schedule is None:
        return None
    return {
        "everyMs": schedule.every_ms,
        "cron": schedule.cron,
        "afterMs": schedule.after_ms,
        "on": schedule.on is not None,
    }


def _rule(rule: Rule, projection: Projection, tasks: Mapping[str, Task]) -> dict[str, Any]:
    names = projection.types.names
    return {
        "on": list(rule.on),
        "when": " or ".join(rule.when) or None,
        "tasks": [
            {
                "reference": reference,
                "name": names.get(reference, tasks[reference].name),
                "kind": kind_of(tasks[reference]),
            }
            for reference in rule.perform
        ],
        "then": list(rule.publish),
        "joins": rule.join or None,
        "undoes": rule.undoes or None,
    }
