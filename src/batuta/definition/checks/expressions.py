"""Expressions: that they can be read, and that their variables exist where they stand.

Owns the checks on each expression. Does not own the language (`batuta.expressions`) nor what is
visible where (`variables`). An expression that occurs many times is compiled once.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from batuta.definition.expression_language import compile_expression
from batuta.definition.forms import STANDARD_VARIABLES
from batuta.definition.suggest import did_you_mean, listed
from batuta.definition.tracing import trace
from batuta.definition.variables import STAGES, TITLES
from batuta.errors import ExpressionSyntaxError

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.found import ExpressionSite, Found
    from batuta.definition.problems import Findings, Position

_SECRET = re.compile(r"\$secrets\s*(?:\.\s*([A-Za-z_]\w*)|(?:\.\s*)?\[?\s*\"([^\"\\]*)\"\s*\]?)")

_MOST = 10
"""Problems of one kind that are told of one expression: more would hide the rest."""


def check_expressions(
    found: Found, text: str, secrets: Collection[str], findings: Findings
) -> None:
    """Check every expression of a document.

    Args:
        found: what the walk collected.
        text: the document as it was read, for tracing offsets.
        secrets: the names in `use.secrets`.
        findings: where problems go.
    """
    variables: dict[str, frozenset[str] | ExpressionSyntaxError] = {}
    for site in found.expressions:
        names = variables.get(site.program)
        if names is None:
            names = variables[site.program] = _variables(site.program)
        if isinstance(names, ExpressionSyntaxError):
            _refuse_syntax(site, names, text, findings)
            continue
        if not names:
            continue
        unseen = [name for name in sorted(names) if not site.view.sees(name)]
        for name in unseen[:_MOST]:
            _refuse_variable(site, name, text, findings)
        if "secrets" in names:
            _check_secrets(site, text, secrets, findings)


def _variables(program: str) -> frozenset[str] | ExpressionSyntaxError:
    try:
        return compile_expression(program).variables
    except ExpressionSyntaxError as error:
        return error


def _place(site: ExpressionSite, offset: int, text: str) -> Position:
    value: str = site.node.plain
    base = 0 if value == site.program else value.find(site.program, value.index("${") + 2)
    return trace(site.node, base + offset, text)


def _refuse_syntax(
    site: ExpressionSite, error: ExpressionSyntaxError, text: str, findings: Findings
) -> None:
    findings.add(
        "expression-syntax",
        _place(site, error.offset, text),
        site.path,
        error.message,
        value=site.program,
        expected="a jq expression",
        hint=error.hint,
    )


def _refuse_variable(site: ExpressionSite, name: str, text: str, findings: Findings) -> None:
    arguments = STAGES[site.view.stage] or frozenset()
    seen = arguments | site.view.bound
    known = name in STANDARD_VARIABLES
    used = re.search(rf"\${re.escape(name)}\b", site.program)
    findings.add(
        "unknown-variable",
        _place(site, used.start() if used is not None else 0, text),
        site.path,
        f"`${name}` is not available in {TITLES[site.view.stage]}"
        if known
        else f"there is no variable `${name}` here",
        value=site.program,
        expected=f"one of {listed([f'${one}' for one in sorted(seen)])}",
        hint=_instead(name) if known else did_you_mean(name, seen),
    )


def _instead(name: str) -> str:
    """Return how to reach a standard argument where it does not exist."""
    return {
        "input": "`.` is the data here; the workflow's own input is `$workflow.input`",
        "output": "`.` is the task's output in `output.as`; `$output` exists in `export.as`",
    }.get(name, "")


def _check_secrets(
    site: ExpressionSite, text: str, secrets: Collection[str], findings: Findings
) -> None:
    if site.decides:
        findings.add(
            "secret-in-decision",
            _place(site, site.program.find("$secrets"), text),
            site.path,
            "a secret decides where control goes",
            value=site.program,
            hint="secrets are placeholders until a call uses them: decide by other data",
        )
    used = ((one[1] or one[2] or "", one.start()) for one in _SECRET.finditer(site.program))
    for name, offset in islice((one for one in used if one[0] not in secrets), _MOST):
        findings.add(
            "unknown-secret",
            _place(site, offset, text),
            site.path,
            f"the secret `{name}` is not declared",
            value=name,
            expected=f"one of {listed(secrets)}" if secrets else "a secret listed in `use.secrets`",
            hint=did_you_mean(name, secrets) or f"declare it: `use: {{ secrets: [{name}] }}`",
        )
