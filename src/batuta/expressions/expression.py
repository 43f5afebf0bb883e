"""An expression: from its text to something that can be evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from batuta.errors import ExpressionSyntaxError
from batuta.expressions.native import compile_native
from batuta.expressions.parser import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WRAPPED = re.compile(r"\s*\$\{(.*)\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled jq program.

    `source` is the bare program, `variables` its free `$names` without the dollar. `evaluate(data,
    variables)` runs it natively and gives its one output, None for none, a list of several; it is
    None when only the sandbox can run the program.

    `evaluate` raises `ExpressionFailure` when the program fails, and `TooMuchWork` when the sandbox
    is to evaluate it after all. It changes nothing it is given; results may share parts with it.
    """

    source: str
    variables: frozenset[str]
    evaluate: Callable[[Any, Mapping[str, Any]], Any] | None = field(compare=False, repr=False)


@lru_cache(maxsize=2048)
def compile_expression(text: str) -> Expression:
    """Compile a bare jq program.

    Raises:
        ExpressionSyntaxError: it is no jq, or uses what no workflow may use (the clock, the host).
    """
    program = parse(text)
    return Expression(program.source, program.variables, compile_native(program.tree))


def compile_condition(text: str) -> Expression:
    """Compile an expression that may stand bare or wrapped in `${ ... }`, as in `if` and `when`.

    Raises:
        ExpressionSyntaxError: as `compile_expression`; its offset counts from the start of `text`.
    """
    return compile_wrapped(text) if unwrap(text) is not None else compile_expression(text)


def compile_wrapped(text: str) -> Expression:
    """Compile a whole-string `${ ... }`.

    Raises:
        ExpressionSyntaxError: as `compile_expression`; its offset counts from the start of `text`.
    """
    found = _WRAPPED.fullmatch(text)
    if found is None:
        raise ExpressionSyntaxError(f"{text!r} is not wrapped", 0, hint="write ${ ... }")
    try:
        return compile_expression(found.group(1).strip())
    except ExpressionSyntaxError as error:
        inside = found.group(1)
        shift = found.start(1) + len(inside) - len(inside.lstrip())
        raise ExpressionSyntaxError(
            error.message, error.offset + shift, hint=_embedded_hint(text) or error.hint
        ) from None


def _embedded_hint(text: str) -> str:
    if text.count("${") > 1:
        return 'to join texts, write one expression: ${ "\\(.a)-\\(.b)" }'
    return ""


def unwrap(text: str) -> str | None:
    """Return the program inside a string that is wholly `${ ... }`, else None."""
    found = _WRAPPED.fullmatch(text)
    return found.group(1).strip() if found else None


def has_embedded(text: str) -> bool:
    """Whether a string has `${` in it without being wholly an expression: it is taken as text."""
    return "${" in text and unwrap(text) is None
