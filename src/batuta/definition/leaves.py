"""Values that hold no other shapes: texts, numbers, durations, templates.

Owns how a single value is held against its shape, and how `${ }` in it is understood. Does not own
the walk (`survey`), which calls in here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batuta.definition.duration import UNITS, DurationError, to_milliseconds
from batuta.definition.expression_language import has_embedded, unwrap
from batuta.definition.forms import FORMS, STANDARD_VARIABLES
from batuta.definition.found import ExpressionSite, Found, Reference
from batuta.definition.shapes import Reads, Real
from batuta.definition.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path, Position
    from batuta.definition.shapes import Flag, Length, Text, Whole
    from batuta.definition.variables import View

_KINDS = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "null": "nothing",
    "object": "an object",
    "array": "a list",
}
_SHELL_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*([:#%/^,+=?@-][^{}]*)?\}")
"""What a shell reads as its own variable, and no expression of ours begins with."""
_LOOKS_BARE = re.compile(
    r"\.[A-Za-z_]\w*(\.[A-Za-z_]\w*|\[\d*\])*"
    rf"|\$({'|'.join(sorted(STANDARD_VARIABLES))}|error|item|index)\b.*",
    re.DOTALL,
)


_NOT_HERE = "an expression is not evaluated here"
_WRITE_OUT = "the DSL wants the value itself here"


class Leaves:
    """Holds single values against their shapes and collects what they name and compute."""

    def __init__(self, findings: Findings, found: Found) -> None:
        self.findings = findings
        self.found = found

    def wrong_type(self, node: Node, path: Path, wanted: str, hint: str = "") -> None:
        """Record that a value has another type than wanted."""
        if node.kind == "null" and not hint:
            hint = "nothing stands here; remove the key, or give it a value"
        self.findings.add(
            "wrong-type",
            node.position,
            path,
            f"{_KINDS[node.kind]} stands where {wanted} is wanted",
            value=None if node.kind in {"object", "array"} else node.plain,
            expected=wanted,
            hint=hint,
        )

    def text(self, shape: Text, node: Node, path: Path, view: View) -> None:
        """Hold a value against `Text`."""
        if node.kind != "string":
            fix = node.kind in {"integer", "number", "boolean"}
            self.wrong_type(node, path, "a text", "put it in quotes" if fix else "")
            return
        if shape.names is not None:
            self.found.references.append(Reference(shape.names, node, path))
        computed = self._reads(shape, node, path, view)
        if computed:
            return
        if shape.choices and node.plain not in shape.choices:
            self.findings.add(
                "not-allowed-value",
                node.position,
                path,
                f"`{node.plain}` is not allowed here",
                value=node.plain,
                expected=f"one of {listed(shape.choices, most=20)}",
                hint=did_you_mean(node.plain, shape.choices),
            )
        if shape.form:
            self.form(shape.form, node.plain, node.position, path)

    def form(self, name: str, text: str, position: Position, path: Path) -> None:
        """Hold a text against a form."""
        misfit = FORMS[name](text)
        if misfit is not None:
            self.findings.add(
                misfit.code,
                position,
                path,
                f"`{text}` does not fit here",
                value=text,
                expected=misfit.expected,
                hint=misfit.hint,
            )

    def _reads(self, shape: Text, node: Node, path: Path, view: View) -> bool:
        """Return whether the text is an expression, after noting it or warning about it."""
        if shape.reads is Reads.PROGRAM:
            wrapped = unwrap(node.plain)
            program = node.plain if wrapped is None else wrapped
            self._expression(program, node, path, view, decides=shape.decides)
            return True
        if shape.reads is Reads.LITERALLY:
            if shape.form == "some" and "${" in node.plain:
                self._not_evaluated(node, path, _NOT_HERE, _WRITE_OUT)
            return False
        computed = self._value(node, path, view, decides=shape.decides)
        if shape.reads is Reads.VALUE or computed:
            return computed
        self.findings.add(
            "expression-required",
            node.position,
            path,
            "a text that is not an expression stands here",
            value=node.plain,
            expected="an expression ${ ... }",
            hint=f"'${{ {node.plain} }}'",
        )
        return True

    def template(self, node: Node, path: Path, view: View, *, decides: bool) -> None:
        """Note every expression in any value."""
        if node.kind == "string":
            self._value(node, path, view, decides=decides)
        elif node.kind == "object":
            for key, child in node.fields.items():
                self.template(child, (path, key), view, decides=decides)
        elif node.kind == "array":
            for index, child in enumerate(node.items):
                self.template(child, (path, index), view, decides=decides)

    def _value(self, node: Node, path: Path, view: View, *, decides: bool) -> bool:
        text: str = node.plain
        program = unwrap(text) if "${" in text else None
        if program is not None:
            self._expression(program, node, path, view, decides=decides)
            return True
        if "${" in text and has_embedded(_SHELL_VARIABLE.sub("", text)):
            self._not_evaluated(
                node,
                path,
                "`${ ... }` inside a longer text is not evaluated",
                'make the whole text one expression: ${ "Hello \\(.name)" }',
            )
        elif text[:1] in {".", "$"} and _LOOKS_BARE.fullmatch(text):
            self.findings.add(
                "bare-expression",
                node.position,
                path,
                f"`{text}` is taken literally",
                value=text,
                expected="an expression ${ ... }, if it is to be evaluated",
                hint=f"'${{ {text} }}'",
            )
        return False

    def _not_evaluated(self, node: Node, path: Path, message: str, hint: str) -> None:
        self.findings.add(
            "embedded-expression", node.position, path, message, value=node.plain, hint=hint
        )

    def _expression(
        self, program: str, node: Node, path: Path, view: View, *, decides: bool
    ) -> None:
        self.found.expressions.append(ExpressionSite(node, path, program, view, decides))

    def number(self, shape: Whole | Real, node: Node, path: Path) -> None:
        """Hold a value against `Whole` or `Real`."""
        whole = not isinstance(shape, Real)
        if node.kind != "integer" and (whole or node.kind != "number"):
            self.wrong_type(node, path, "an integer" if whole else "a number")
            return
        least, most = shape.least, None if isinstance(shape, Real) else shape.most
        if (least is not None and node.plain < least) or (most is not None and node.plain > most):
            self.findings.add(
                "out-of-range",
                node.position,
                path,
                f"{node.plain} is out of range",
                value=node.plain,
                expected=f"at least {least}" + (f" and at most {most}" if most is not None else ""),
            )

    def flag(self, shape: Flag, node: Node, path: Path) -> None:
        """Hold a value against `Flag`."""
        if node.kind != "boolean":
            self.wrong_type(node, path, "true or false")
        elif shape.only is not None and node.plain is not shape.only:
            allowed = "true" if shape.only else "false"
            self.findings.add(
                "not-allowed-value",
                node.position,
                path,
                f"only `{allowed}` is allowed here",
                value=node.plain,
                expected=allowed,
            )

    def length(self, shape: Length, node: Node, path: Path, view: View) -> None:
        """Hold a value against `Length`."""
        program = unwrap(node.plain) if node.kind == "string" else None
        if program is not None and not shape.fixed:
            self._expression(program, node, path, view, decides=False)
            return
        if node.kind not in {"string", "object"}:
            wanted = "a duration such as PT30S or { seconds: 30 }"
            self.wrong_type(node, path, wanted, "say in which unit it counts")
            return
        if program is not None:
            self._duration(node, path, "the length must be fixed here, not computed", "write PT30S")
            return
        if node.kind == "object" and not self._units(node, path):
            return
        try:
            milliseconds = to_milliseconds(node.plain)
        except DurationError as error:
            self._duration(node, path, error.message, error.hint)
            return
        if shape.positive and milliseconds == 0:
            self.findings.add(
                "out-of-range",
                node.position,
                path,
                "the duration is zero",
                value=node.plain,
                expected="a duration longer than zero",
            )

    def _duration(self, node: Node, path: Path, message: str, hint: str) -> None:
        self.findings.add(
            "duration",
            node.position,
            path,
            message,
            value=node.plain,
            expected="a duration between zero and a hundred years",
            hint=hint,
        )

    def _units(self, node: Node, path: Path) -> bool:
        """Return whether the keys and values of a duration object are right, after reporting."""
        right = True
        for key, child in node.fields.items():
            if key not in UNITS:
                right = False
                self.findings.add(
                    "unknown-property",
                    node.keys[key],
                    (path, key),
                    f"a duration has no `{key}`",
                    value=key,
                    expected=f"one of {listed(UNITS)}",
                    hint=did_you_mean(key, UNITS),
                )
            elif child.kind != "integer":
                right = False
                self.wrong_type(child, (path, key), "an integer", "use a smaller unit, or ISO 8601")
        return right
