"""Functions with a file of their own: one task, as catalogues and addresses give it.

Owns what such a file may hold and what it may not. It is checked as any task, and stands alone:
nothing of the workflow that calls it is in sight. So it has no `use` (policies are written where
they are used), it calls no function of `use.functions`, and it sees no secrets: what it needs of
them the caller hands over in `with`, because a file from elsewhere must not be able to help itself.
The names of catalogues are the calling workflow's, as a function has no way to declare any.

Does not own where such files are found, nor the reading of them. Pure: nothing is fetched.
Source: `dsl.md`, "Catalogs" and "Creating a Custom Function".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.definition import model
from batuta.definition.building.parts import Shared
from batuta.definition.building.tasks import Around, task
from batuta.definition.checks.expressions import check_expressions
from batuta.definition.checks.flow import check_flow
from batuta.definition.checks.functions import check_functions
from batuta.definition.checks.names import Declared, Known, check_names
from batuta.definition.checks.schemas import check_schemas
from batuta.definition.expression_language import compile_expression
from batuta.definition.problems import Findings, Position, Problem, escaped
from batuta.definition.reading import read
from batuta.definition.shapes import Names, OneTask
from batuta.definition.survey import survey
from batuta.definition.variables import View
from batuta.errors import DefinitionError, ExpressionSyntaxError

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.found import Found

_NOTHING: Known = {}
_ALONE = Shared({}, {}, {}, {}, functions={}, participant=None)


class _Every(dict[str, object]):
    """Every name: secrets are refused here as such, not looked up one by one."""

    def __contains__(self, _: object) -> bool:
        return True


class FunctionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check: the function when it is right, and every problem found."""

    function: model.Task | None
    problems: tuple[Problem, ...]


def check_function(
    text: str | bytes,
    name: str,
    *,
    file: str = "<text>",
    known_functions: Collection[str] | None = None,
    catalogs: Collection[str] = (),
) -> FunctionReport:
    """Check a function's file, YAML 1.2 or JSON.

    Args:
        text: one task; bytes are UTF-8.
        name: the text of the calls that mean it; its reference is `/functions/NAME`, escaped.
        file: how problems name it, such as its URI.
        known_functions: as for `check`.
        catalogs: the names in the calling workflow's `use.catalogs`.
    """
    findings = Findings(file)
    root, source = read(text, findings)
    if root is None:
        return FunctionReport(function=None, problems=findings.problems())
    found = survey(root, findings, OneTask(), View("task"))
    declared = Declared(
        authentications=_NOTHING,
        errors=_NOTHING,
        retries=_NOTHING,
        timeouts=_NOTHING,
        secrets=_Every(),
        functions=_NOTHING,
        catalogs=dict.fromkeys(catalogs),
        participants=None,
    )
    check_names(found, declared, known_functions, findings, root)
    check_functions(found, _NOTHING, findings)
    check_flow(found, findings)
    check_expressions(found, source, _Every(), findings)
    _check_secrets(found, findings)
    check_schemas(found, findings)
    built = None if findings.refused else build_function(name, root.plain)
    return FunctionReport(function=built, problems=findings.problems())


def build_function(name: str, body: Any) -> model.Task:
    """Return the function that a file without errors describes."""
    return task(name, body, f"/functions/{escaped(name)}", Around(_ALONE, None, None))


def load_function(body: Any, name: str, *, file: str, catalogs: Collection[str] = ()) -> model.Task:
    """Return the function that plain JSON describes; arguments as for `check_function`.

    Raises:
        DefinitionError: it has errors.
    """
    report = check_function(msgspec.json.encode(body), name, file=file, catalogs=catalogs)
    if report.function is None:
        text = "\n".join(problem.render() for problem in report.problems)
        raise DefinitionError(text, report.problems)
    return report.function


def call_problem(
    text: str | bytes,
    reference: str,
    code: str,
    message: str,
    *,
    file: str,
    value: str = "",
    hint: str = "",
) -> Problem:
    """Return a problem with the `call` of the task at `reference`, a JSON Pointer into `text`."""
    findings = Findings(file)
    node, _ = read(text, Findings(file))
    path: Any = None
    position = Position(1, 1)
    for escaped_token in (*reference.split("/")[1:], "call"):
        token = escaped_token.replace("~1", "/").replace("~0", "~")
        if node is None:
            break
        key: str | int = int(token) if node.kind == "array" else token
        node = node.items[int(token)] if node.kind == "array" else node.fields.get(token)
        path = (path, key)
        position = position if node is None else node.position
    findings.add(code, position, path, message, value=value or None, hint=hint)
    return findings.problems()[0]


def _check_secrets(found: Found, findings: Findings) -> None:
    uses = [site for site in found.expressions if _reads_secrets(site.program)]
    names = [one for one in found.references if one.names is Names.SECRET]
    for node, path in [(site.node, site.path) for site in (*uses, *names)]:
        findings.add(
            "unknown-secret",
            node.position,
            path,
            "a function from elsewhere sees no secrets",
            value=node.plain,
            hint="let the workflow hand it over: `with: { token: '${ $secrets.NAME }' }`",
        )


def _reads_secrets(program: str) -> bool:
    if "secrets" not in program:
        return False
    try:
        return "secrets" in compile_expression(program).variables
    except ExpressionSyntaxError:
        return False
