"""Every participant's rules, derived from one workflow.

Owns what a participant has to hear (`Part.hears`) and what it does (`Part.rules`). The first is for
its consumer: complete, with every type that may carry control to one of its tasks, a branch's
result to a join that it keeps, or an event to one of its listens. The second is for people: it
shows the same in the order of the document, and of others' tasks nothing but their events.

`Projection.announced` decides under which type control goes on, so that the publisher and all who
hear it go by the same table: the type of what was told if everybody who is meant hears it, else the
handover, which all hear. So a path that `flow` did not foresee costs an event that some ignore, and
loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batuta.choreography.hearing import heard_by, is_computed
from batuta.choreography.owners import first_owner, is_external, participants_of
from batuta.choreography.rules import Rule, Rules
from batuta.choreography.types import Types, prefix_of
from batuta.choreography.weaving import flow_of
from batuta.definition import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batuta.choreography.flow import Flow, Step
    from batuta.choreography.spread import Cause


@dataclass(frozen=True, slots=True)
class Part:
    """What one participant hears and does.

    `hears` holds the types that its consumer must get, None for all. `serves` holds those of
    requests to perform single tasks: what it hears besides while conductors have it do so, and all
    that an external participant hears. `tasks` are the references of the tasks that it performs.
    """

    name: str
    external: bool
    hears: frozenset[str] | None
    serves: frozenset[str]
    tasks: tuple[str, ...]
    _rules: Rules

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What it does, for people; found when it is asked for."""
        return self._rules.of(self.name)


@dataclass(frozen=True, slots=True)
class Projection:
    """A workflow, seen by each of its participants. `first` reacts to the start."""

    workflow: model.Workflow
    first: str
    parts: Mapping[str, Part]
    types: Types
    performers: Mapping[str, frozenset[str]]
    """Reference of a task that acts to who may perform it; more than one only where control
    decides, or the callers of a function do."""

    def announced(self, what: str, reference: str, receivers: Iterable[str]) -> str:
        """Return the type under which control goes on to `receivers` after something ended.

        Args:
            what: how it ended: completed, faulted or start; anything else when nothing did.
            reference: what ended; a reference that no task has is the run as a whole.
            receivers: who is meant.

        What a service that is not ours told itself is not told again.
        """
        if reference not in self.types.names and what != "start":
            return self.types.handover
        who = self.performers.get(reference, frozenset())
        if any(self.parts[name].external for name in who) and (
            what != "completed" or reference not in self.types.events
        ):
            return self.types.handover
        type_ = self.types.of(what, reference)
        for name in receivers:
            hears = self.parts[name].hears
            if hears is not None and type_ not in hears:
                return self.types.handover
        return type_


@dataclass(slots=True)
class _Draft:
    """What is known of a part so far."""

    hears: set[str] = field(default_factory=set[str])
    everything: bool = False
    serves: set[str] = field(default_factory=set[str])
    tasks: dict[str, None] = field(default_factory=dict[str, None])


def project(workflow: model.Workflow, functions: Mapping[str, model.Task] = {}) -> Projection:
    """Return what every participant hears and does.

    Args:
        workflow: the checked workflow, which `realisability` has nothing against.
        functions: functions from catalogues and addresses, as `compile_workflow` takes them.

    Raises:
        DefinitionError: nobody takes part.
    """
    first = first_owner(workflow, functions)
    names = participants_of(workflow, functions)
    types = Types(workflow, functions)
    flow = flow_of(workflow, functions)
    drafts = {name: _Draft() for name in names}
    performers: dict[str, set[str]] = {}
    for name, draft in drafts.items():
        if not is_external(workflow, name):
            draft.hears |= {types.control, types.ended, types.handover}
    drafts[first].hears.add(types.start)
    for step in flow.steps:
        _note_step(step, flow, types, drafts, performers)
    for join in flow.joins:
        for keeper in flow.graph.holders(join.arrives) & drafts.keys():
            for end in join.branches:
                drafts[keeper].hears |= _carrying(flow.graph.reaching(end), keeper, types)
    rules = Rules(flow, types, first)
    parts = {
        name: Part(
            name,
            is_external(workflow, name),
            None if draft.everything else frozenset(draft.hears),
            frozenset(draft.serves),
            tuple(draft.tasks),
            rules,
        )
        for name, draft in drafts.items()
    }
    return Projection(
        workflow,
        first,
        parts,
        types,
        {reference: frozenset(who) for reference, who in performers.items()},
    )


def _note_step(
    step: Step,
    flow: Flow,
    types: Types,
    drafts: dict[str, _Draft],
    performers: dict[str, set[str]],
) -> None:
    task = step.task
    if not flow.graph.is_reached(step.arrives):
        return
    holders = flow.holders(step)
    doers = frozenset({step.owner}) if step.external and step.owner is not None else holders
    performers.setdefault(task.reference, set()).update(doers)
    for doer in doers:
        drafts[doer].tasks.setdefault(task.reference)
        if isinstance(task, model.CallTask | model.RunTask):
            drafts[doer].serves.add(types.requested(task.reference))
    for holder in holders:
        draft = drafts[holder]
        if step.external:
            draft.hears |= {types.performed(task.reference), types.faulted(task.reference)}
        elif step.owner is not None:
            draft.hears |= _carrying(flow.causes(step), holder, types)
        _note_heard(task, draft)


def _carrying(causes: Iterable[Cause], receiver: str, types: Types) -> set[str]:
    """Return the types under which control comes to somebody from others."""
    return {
        types.of(cause.told.what, cause.told.reference)
        for cause in causes
        if cause.holder != receiver
    }


def _note_heard(task: model.Task, draft: _Draft) -> None:
    """Note what a task itself waits for: events of the world, the end of a sub-workflow."""
    if isinstance(task, model.ListenTask):
        heard = heard_by(task.to)
        draft.everything |= heard is None
        draft.hears |= heard or set()
    elif isinstance(task, model.RunTask) and task.process == "workflow" and task.wait:
        named = [str(task.arguments[part]) for part in ("namespace", "name")]
        draft.everything |= any(map(is_computed, named))
        draft.hears.add(f"{prefix_of(*named)}.ended")
