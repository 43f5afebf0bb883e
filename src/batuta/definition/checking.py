"""Text in; a workflow out, or every problem at once.

Owns the order of the checks, cheapest reading first: text to nodes, nodes against the grammar, then
names, flow, expressions and schemas over what that walk found, and the model when nothing is wrong.
Pure: nothing is read or fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.definition.building.workflow import build
from batuta.definition.checks.expressions import check_expressions
from batuta.definition.checks.flow import check_flow
from batuta.definition.checks.functions import check_functions
from batuta.definition.checks.names import check_names, declared_in
from batuta.definition.checks.schemas import check_schemas
from batuta.definition.checks.secrecy import check_keys
from batuta.definition.problems import Findings, Report
from batuta.definition.reading import read
from batuta.definition.survey import survey
from batuta.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.model import Workflow


def check(
    text: str | bytes,
    *,
    file: str = "<text>",
    known_functions: Collection[str] | None = None,
) -> Report:
    """Check a workflow document, YAML 1.2 or JSON.

    Args:
        text: the document; bytes are UTF-8.
        file: how problems name it; it is not opened.
        known_functions: the functions deployed beside it, as `name` or `name:version`; None when
            they are not known, and then any function may be called.

    Returns:
        A report with every problem found, in the order of the text, and the workflow when none of
        them is an error. Whatever the text is, a report comes back.
    """
    findings = Findings(file)
    root, source = read(text, findings)
    if root is None:
        return Report(workflow=None, problems=findings.problems())
    found = survey(root, findings)
    declared = declared_in(root)
    check_names(found, declared, known_functions, findings, root)
    check_functions(found, declared.functions, findings)
    check_flow(found, findings)
    check_expressions(found, source, declared.secrets, findings)
    check_schemas(found, findings)
    check_keys(found, root, findings)
    workflow = None if findings.refused else build(root.plain)
    return Report(workflow=workflow, problems=findings.problems())


def load(
    text: str | bytes,
    *,
    file: str = "<text>",
    known_functions: Collection[str] | None = None,
) -> Workflow:
    """Return the workflow that a document describes; arguments as for `check`.

    Raises:
        DefinitionError: it has errors; its text shows every problem, `problems` holds them.
    """
    report = check(text, file=file, known_functions=known_functions)
    if report.workflow is None:
        text = "\n".join(problem.render() for problem in report.problems)
        raise DefinitionError(text, report.problems)
    return report.workflow
