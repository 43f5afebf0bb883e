"""Whether a workflow can be run without a conductor, and every reason why not.

Owns the order of the checks (`checks`). A workflow without errors here gives the same result under
either control model; a warning tells of what may surprise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.choreography.checks.branching import check_branching
from batuta.choreography.checks.case import Case
from batuta.choreography.checks.knowing import check_knowing
from batuta.choreography.checks.meaning import check_meaning
from batuta.choreography.checks.owning import check_owning

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from batuta.definition import Problem, model


def realisability(
    workflow: model.Workflow,
    functions: Mapping[str, model.Task],
    *,
    text: str | bytes | None = None,
    file: str = "<text>",
    heard: Collection[str] | None = None,
) -> list[Problem]:
    """Return everything that keeps a workflow from being choreographed, in the order of the text.

    Args:
        workflow: the checked workflow.
        functions: functions from catalogues and addresses, as `compile_workflow` takes them.
        text: its document, for the places of problems; without it their lines mean nothing.
        file: how problems name it.
        heard: the types of events that other workflows hear (`hearing.heard_types`); None when
            that is not known, or when they hear any.
    """
    case = Case(workflow, functions, text, file)
    check_owning(case)
    check_knowing(case)
    check_branching(case)
    check_meaning(case, heard)
    return list(case.findings.problems())
