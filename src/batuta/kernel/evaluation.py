"""Evaluating a document's expressions inside a step.

Owns how the kernel meets expressions: which variables they see, and what happens with the ones that
only the sandbox can run. A step is synchronous and pure, the sandbox is neither. So a step that
needs the sandbox is *given up* (`NeedsEvaluation`), the driver evaluates, and calls the same step
again with the result; since nothing was changed, beginning again is correct. The results of one
step are kept in the order in which the step asks for them, and are journaled with its event,
because a deadline that was missed once might be met the next time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.expressions import (
    Expression,
    ExpressionFailure,
    TooMuchWork,
    compile_expression,
    compile_template,
    unwrap,
)
from batuta.kernel.faults import expression_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.kernel.state import Frame, Token
    from batuta.kernel.transition import Transition

NOTHING: Mapping[str, Any] = {}


class Evaluated(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the sandbox answered: a value, or the text of a failure."""

    value: Any = None
    failure: str | None = None


class NeedsEvaluation(Exception):  # noqa: N818 -- a request to the driver, not an error
    """The step cannot go on without the sandbox; nothing has changed."""

    def __init__(self, source: str, data: Any, variables: dict[str, Any]) -> None:
        super().__init__(source)
        self.source = source
        self.data = data
        self.variables = variables


class Code:
    """A compiled expression or template of the document, and the variables it reads."""

    __slots__ = ("_run", "constant", "names", "native", "source", "value")

    def __init__(self, text: Any, *, template: bool) -> None:
        """Compile `text`: a template (any JSON value), or one expression, bare or wrapped."""
        self.source = text
        self.constant = False
        self.value: Any = None
        if template:
            compiled = compile_template(text)
            self.names = compiled.variables
            self.native = compiled.evaluate
            self._run = compiled.evaluate_with
            if compiled.constant:
                self.constant = True
                self.value = compiled.value
        else:
            expression = compile_expression(unwrap(text) or text)
            self.names = expression.variables
            self.native = expression.evaluate
            self._run = _one(expression)

    def evaluate(
        self,
        t: Transition,
        data: Any,
        token: Token,
        frame: Frame | None,
        given: Mapping[str, Any] = NOTHING,
    ) -> Any:
        """Evaluate it with `.` = data; raises `Raised` (expression) or `NeedsEvaluation`."""
        if self.constant:
            return self.value
        names = self.names
        variables = variables_of(t, names, token, frame, given) if names else NOTHING
        native = self.native
        if native is not None:
            try:
                return native(data, variables)
            except ExpressionFailure as failure:
                raise expression_fault(f"{failure} in {self.source!r}") from None
            except TooMuchWork:
                pass
        return self._run(data, variables, t.in_sandbox)


def _one(expression: Expression) -> Any:
    return lambda data, variables, run: run(expression, data, variables)


def is_true(value: Any) -> bool:
    """Say whether a condition holds: everything but null and false does, as in jq."""
    return value is not None and value is not False


def variables_of(
    t: Transition,
    names: frozenset[str],
    token: Token,
    frame: Frame | None,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the values of `names`, looked up from the innermost place outwards.

    `given` are those of the task being evaluated (input, output, task; in an extension, `$task` is
    the task that it extends); then come the variables of
    the enclosing frames (loops, catches, compensations); then those of the run.
    """
    found: dict[str, Any] = {}
    for name in names:
        if name in given:
            value = given[name]
            if name == "task":
                value = t.descriptor(t.extended(frame) or value)
            found[name] = value
            continue
        outer = frame
        while outer is not None:
            if outer.variables is not None and name in outer.variables:
                found[name] = outer.variables[name]
                break
            outer = outer.parent
        else:
            found[name] = t.builtin(name, token)
    return found
