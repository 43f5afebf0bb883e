"""Templates: JSON values in which some strings are expressions.

A string that is wholly `${ ... }` is evaluated; any other value stands for itself, keys included.
Results are never looked at again: data that happens to contain `${ ... }` stays data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from batuta.expressions.expression import Expression, compile_wrapped, unwrap

Evaluate: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
Runner: TypeAlias = Callable[[Expression, Any, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template.

    `value` is what it was compiled from, and its result when it is `constant`. `evaluate(data,
    variables)` is None unless every expression in it is native; it raises what theirs raise.
    """

    value: Any
    expressions: tuple[Expression, ...]
    variables: frozenset[str]
    evaluate: Evaluate | None = field(compare=False, repr=False)
    _walk: Callable[[Any, Mapping[str, Any], Runner], Any] = field(compare=False, repr=False)

    @property
    def constant(self) -> bool:
        """Whether there is no expression in it."""
        return not self.expressions

    def evaluate_with(self, data: Any, variables: Mapping[str, Any], run: Runner) -> Any:
        """Evaluate, with `run(expression, data, variables)` for each expression in its order."""
        return self._walk(data, variables, run)


def compile_template(value: Any) -> Template:
    """Compile any JSON value.

    Raises:
        ExpressionSyntaxError: a `${ ... }` in it cannot be read.
    """
    found: list[Expression] = []
    walk = _compile(value, found)
    if walk is None:
        return Template(value, (), frozenset(), lambda _d, _v: value, lambda _d, _v, _run: value)
    native = _native(value) if all(one.evaluate is not None for one in found) else None
    variables = frozenset[str]().union(*(one.variables for one in found))
    return Template(value, tuple(found), variables, native, walk)


_Walk: TypeAlias = Callable[[Any, Mapping[str, Any], Runner], Any]


def _compile(value: Any, found: list[Expression]) -> _Walk | None:  # noqa: PLR0911 -- None or not
    """Return the closure for a part, or None when it is constant."""
    if isinstance(value, str):
        if unwrap(value) is None:
            return None
        expression = compile_wrapped(value)
        found.append(expression)
        return lambda d, v, run: run(expression, d, v)
    if isinstance(value, dict):
        entries = [(key, item, _compile(item, found)) for key, item in value.items()]
        if all(walk is None for _, _, walk in entries):
            return None
        return lambda d, v, run: {
            key: item if walk is None else walk(d, v, run) for key, item, walk in entries
        }
    if isinstance(value, list):
        items = [(item, _compile(item, found)) for item in value]
        if all(walk is None for _, walk in items):
            return None
        return lambda d, v, run: [item if walk is None else walk(d, v, run) for item, walk in items]
    return None


def _native(value: Any) -> Evaluate:
    """Return the closure that calls native code without a runner between."""
    if isinstance(value, str) and unwrap(value) is not None:
        evaluate = compile_wrapped(value).evaluate
        if evaluate is not None:
            return evaluate
    if isinstance(value, dict):
        entries = tuple((key, _native(item)) for key, item in value.items())
        return lambda d, v: {key: run(d, v) for key, run in entries}
    if isinstance(value, list):
        items = tuple(_native(item) for item in value)
        return lambda d, v: [run(d, v) for run in items]
    return lambda _d, _v: value
