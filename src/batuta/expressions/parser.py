"""From tokens to the syntax tree: the grammar of jq 1.7 and 1.8.

A Pratt parser: binary operators by a table of binding powers, everything else by what it begins
with. It also resolves names (variables, functions, labels), because only here is the place in the
text known that a message should point to. Two things differ from jq on purpose:

- `.a?//b` is read as `.a? // b`. jq's own lexer takes `?//` for the sign between destructuring
  alternatives and then gives up; `Program.source` is spaced so that the sandbox reads it too.
- `1 + . as $x | ...` is refused: releases of jq disagree on whether `$x` is `.` or `1 + .`.

Nesting is limited, so that no text, however hostile, exhausts the stack.
"""

from __future__ import annotations

from dataclasses import dataclass

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import syntax as s
from batuta.expressions.braces import Braces
from batuta.expressions.cursor import banned
from batuta.expressions.names import (
    BANNED,
    BANNED_VARIABLES,
    FORMATS,
    FUNCTIONS,
    explain_unknown,
)
from batuta.expressions.optional import optional
from batuta.expressions.tokens import KEYWORDS, Token

MAX_LENGTH = 65_536
"""Characters in one expression."""

_RIGHT, _LEFT, _NONE = "right", "left", "none"
_ASSIGNMENTS = frozenset({"=", "|=", "+=", "-=", "*=", "/=", "%=", "//="})
_POWERS: dict[str, tuple[int, str]] = {
    "//": (1, _RIGHT),
    **dict.fromkeys(_ASSIGNMENTS, (2, _NONE)),
    "or": (3, _LEFT),
    "and": (4, _LEFT),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (5, _NONE)),
    "+": (6, _LEFT),
    "-": (6, _LEFT),
    "*": (7, _LEFT),
    "/": (7, _LEFT),
    "%": (7, _LEFT),
}
_CONSTANTS = {"null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Program:
    """What was read: the tree, the free variables, and the text as the sandbox should get it."""

    tree: s.Node
    variables: frozenset[str]
    source: str


def parse(text: str) -> Program:
    """Read one jq program.

    Raises:
        ExpressionSyntaxError: with the offset, in characters, of what cannot be read or is refused.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(
            f"the expression has {len(text):,} characters; {MAX_LENGTH:,} are allowed",
            MAX_LENGTH,
            hint="split it over several tasks",
        )
    parser = _Parser(text)
    try:
        tree = parser.program()
    except RecursionError:
        raise parser.too_deep() from None
    source = text
    for position in reversed(parser.spaced):
        source = f"{source[: position + 1]} {source[position + 1 :]}"
    return Program(tree, frozenset(parser.free), source)


class _Parser(Braces):
    # -- pipes and what binds over the rest of one -------------------------------------------------

    def program(self) -> s.Node:
        if not self.token.kind:
            raise ExpressionSyntaxError("the expression is empty", 0, hint="`.` is the whole input")
        tree = self.pipe()
        if self.token.kind:
            raise self.unexpected("expected an operator or the end")
        return tree

    def pipe(self) -> s.Node:
        self.enter()
        parts = [self.definition() if self.token.kind == "def" else self.comma()]
        while self.accept("|"):
            parts.append(self.definition() if self.token.kind == "def" else self.comma())
        self.leave()
        return parts[0] if len(parts) == 1 else s.Pipe(tuple(parts))

    def comma(self) -> s.Node:
        parts = [self.operand()]
        while self.accept(","):
            parts.append(self.operand())
        return parts[0] if len(parts) == 1 else s.Comma(tuple(parts))

    def operand(self) -> s.Node:
        if self.token.kind == "label":
            return self.label()
        start = self.token.start
        node = self.binary(1)
        if self.token.kind != "as":
            return node
        if self.compound:
            raise ExpressionSyntaxError(
                "`as` after an operator can be read in two ways",
                self.token.start,
                hint=f"put parentheses around {self.text[start : self.token.start].strip()}"[:120],
            )
        self.advance()
        marker = len(self.bound)
        patterns = self.patterns()
        self.expect("|", "after a binding")
        body = self.pipe()
        del self.bound[marker:]
        return s.Bind(node, patterns, body)

    def label(self) -> s.Node:
        self.advance()
        name = self.expect("variable", "after label").text
        self.expect("|", "after a label")
        self.labels.append(name)
        body = self.pipe()
        self.labels.pop()
        return s.Label(name, body)

    def definition(self) -> s.Node:
        self.enter()
        self.advance()
        if self.token.kind not in {"name", *KEYWORDS}:
            raise self.unexpected("expected the name of the function")
        name = self.advance().text
        parameters = self.parameters() if self.accept("(") else ()
        self.expect(":", "after the head of a function")
        signature = f"{name}/{len(parameters)}"
        marker, variables = len(self.functions), len(self.bound)
        self.functions.append(signature)
        self.functions.extend(f"{parameter.lstrip('$')}/0" for parameter in parameters)
        self.bound.extend(p[1:] for p in parameters if p.startswith("$"))
        body = self.pipe()
        del self.functions[marker:]
        del self.bound[variables:]
        self.expect(";", "after the body of a function")
        self.functions.append(signature)
        rest = self.pipe()
        del self.functions[marker:]
        self.leave()
        return s.Function(name, parameters, body, rest)

    def parameters(self) -> tuple[str, ...]:
        found: list[str] = []
        while True:
            if self.token.kind == "variable":
                found.append("$" + self.advance().text)
            else:
                found.append(self.expect("name", "for a parameter").text)
            if not self.accept(";"):
                self.expect(")", "after the parameters")
                return tuple(found)

    # -- operators ---------------------------------------------------------------------------------

    def binary(self, least: int) -> s.Node:
        self.enter()
        left = self.unary()
        compound = self.compound
        blocked = 0
        while True:
            operator = self.token.kind
            power, side = _POWERS.get(operator, (0, _LEFT))
            if power < least or not power:
                break
            if power == blocked:
                raise ExpressionSyntaxError(
                    f"{operator} cannot be chained",
                    self.token.start,
                    hint="use parentheses, or `and`",
                )
            self.advance()
            right = self.binary(power if side == _RIGHT else power + 1)
            left = _combine(operator, left, right)
            compound = True
            blocked = power if side == _NONE else 0
        self.compound = compound
        self.leave()
        return left

    def unary(self) -> s.Node:
        if self.token.kind != "-":
            return self.postfix()
        self.enter()
        self.advance()
        # Binds as `*` does: `-a * b` is `-(a * b)`, which has the same value.
        node = s.Negate(self.binary(7))
        self.leave()
        return node

    # -- terms -------------------------------------------------------------------------------------

    def postfix(self) -> s.Node:
        # Whether the last thing read is a step: then `?` is about that step alone.
        step = self.token.kind in {"field", "."}
        node = self.primary()
        while True:
            kind = self.token.kind
            if kind == "field":
                node = s.Index(node, s.Text("text", (self.advance().text,)))
            elif kind == "[":
                node = self.bracket(node)
            elif kind == ".":
                self.advance()
                if self.token.kind in {"quote", "format"}:
                    node = s.Index(node, self.string())
                elif self.token.kind != "[":
                    raise self.unexpected("expected a name or [ right after the dot")
            elif kind == "?":
                self.advance()
                node, step = optional(node) if step else s.Try(node, None), False
                continue
            elif kind == "?//":
                node = optional(node) if step else s.Try(node, None)
                self.divide()
            else:
                # Brackets inside may have said otherwise: from outside, this is one term.
                self.compound = False
                return node
            step = True

    def divide(self) -> None:
        """Turn the `?//` here into `//` (or `//=`), and remember to space it for the sandbox."""
        token = self.token
        self.spaced.append(token.start)
        follower = self.tokens[self.at + 1]
        if follower.kind == "=" and follower.start == token.start + 3:
            self.at += 1
            self.token = Token("//=", "//=", token.start + 1)
        else:
            self.token = Token("//", "//", token.start + 1)
        self.tokens[self.at] = self.token

    def bracket(self, target: s.Node) -> s.Node:
        self.advance()
        if self.accept("]"):
            return s.Iterate(target)
        if self.accept(":"):
            stop = self.pipe()
            self.expect("]", "after a slice")
            return s.Slice(target, None, stop)
        first = self.pipe()
        if self.accept("]"):
            return s.Index(target, first)
        if not self.accept(":"):
            raise self.unexpected("expected ] or :")
        if self.accept("]"):
            return s.Slice(target, first, None)
        stop = self.pipe()
        self.expect("]", "after a slice")
        return s.Slice(target, first, stop)

    def primary(self) -> s.Node:  # noqa: C901, PLR0911, PLR0912 -- one branch for each kind of term
        token = self.token
        match token.kind:
            case "field":
                self.advance()
                return s.Index(s.Identity(), s.Text("text", (token.text,)))
            case ".":
                self.advance()
                if self.token.kind in {"quote", "format"}:
                    return s.Index(s.Identity(), self.string())
                return s.Identity()
            case "..":
                self.advance()
                return s.Descend()
            case "number":
                self.advance()
                return s.Literal(_number(token))
            case "quote":
                return self.string()
            case "format":
                return self.string()
            case "(":
                self.advance()
                node = self.pipe()
                self.expect(")", "to close the parenthesis")
                return node
            case "[":
                self.advance()
                body = None if self.token.kind == "]" else self.pipe()
                self.expect("]", "to close the array")
                return s.ArrayOf(body)
            case "{":
                return self.construction()
            case "variable":
                return self.variable()
            case "name" | "__loc__":
                return self.call()
            case "if":
                return self.conditional()
            case "try":
                return self.attempt()
            case "reduce" | "foreach":
                return self.fold()
            case "break":
                return self.jump()
            case "import" | "include" | "module":
                raise ExpressionSyntaxError(
                    f"{token.kind} is not allowed: expressions have no modules",
                    token.start,
                    hint="define the function in the expression: def f: ...; f",
                )
            case "def":
                raise self.unexpected("a def stands at the beginning of a pipe or in parentheses")
            case _:
                raise self.unexpected("expected a value")

    def variable(self) -> s.Node:
        token = self.advance()
        name = token.text
        if name == "__loc__":
            line = self.text.count("\n", 0, token.start) + 1
            return s.Literal({"file": "<top-level>", "line": line})
        if name not in self.bound:
            if name in BANNED_VARIABLES:
                raise banned(f"${name}", *BANNED_VARIABLES[name], token)
            self.free.add(name)
        return s.Variable(name)

    def call(self) -> s.Node:
        token = self.advance()
        name = token.text
        arguments: list[s.Node] = []
        if self.accept("("):
            arguments.append(self.pipe())
            while self.accept(";"):
                arguments.append(self.pipe())
            self.expect(")", f"after the arguments of {name}")
        signature = f"{name}/{len(arguments)}"
        if signature in self.functions:
            return s.Call(name, tuple(arguments), own=True)
        if name in BANNED:
            raise banned(name, *BANNED[name], token)
        if signature not in FUNCTIONS:
            message, hint = explain_unknown(name, len(arguments), frozenset(self.functions))
            raise ExpressionSyntaxError(message, token.start, hint=hint)
        if name in _CONSTANTS:
            return s.Literal(_CONSTANTS[name])
        return s.Call(name, tuple(arguments))

    def string(self) -> s.Node:
        name = "text"
        if self.token.kind == "format":
            token = self.advance()
            name = token.text
            if name not in FORMATS:
                raise ExpressionSyntaxError(
                    f"@{name} is no format",
                    token.start,
                    hint=f"known are {', '.join('@' + f for f in sorted(FORMATS))}",
                )
            if not self.at_kind("quote"):
                return s.Format(name)
        self.expect("quote", "to begin a string")
        parts: list[str | s.Node] = []
        while True:
            token = self.advance()
            if token.kind == "unquote":
                return s.Text(name, tuple(parts) or ("",))
            if token.kind == "text":
                if token.text:
                    parts.append(token.text)
                continue
            parts.append(self.pipe())
            self.expect("close", "to close \\(")

    def conditional(self) -> s.Node:
        self.advance()
        branches: list[tuple[s.Node, s.Node]] = []
        otherwise: s.Node | None = None
        while True:
            condition = self.pipe()
            self.expect("then", "after the condition")
            branches.append((condition, self.pipe()))
            if self.accept("elif"):
                continue
            if self.accept("else"):
                otherwise = self.pipe()
            self.expect("end", "to close the if")
            return s.If(tuple(branches), otherwise)

    def attempt(self) -> s.Node:
        self.enter()
        self.advance()
        body = self.unary() if self.token.kind == "-" else self.postfix()
        handler = None
        if self.accept("catch"):
            handler = self.unary() if self.token.kind == "-" else self.postfix()
        self.leave()
        return s.Try(body, handler)

    def fold(self) -> s.Node:
        self.enter()
        kind = self.advance().kind
        source = self.unary() if self.token.kind == "-" else self.postfix()
        self.expect("as", f"after the source of {kind}")
        marker = len(self.bound)
        patterns = self.patterns()
        self.expect("(", f"before the body of {kind}")
        bound = self.bound[marker:]
        del self.bound[marker:]
        start = self.pipe()
        self.bound.extend(bound)
        self.expect(";", "after the first value")
        update = self.pipe()
        extract = None
        if kind == "foreach" and self.accept(";"):
            extract = self.pipe()
        self.expect(")", f"to close {kind}")
        del self.bound[marker:]
        self.leave()
        if kind == "reduce":
            return s.Reduce(source, patterns, start, update)
        return s.Foreach(source, patterns, start, update, extract)

    def jump(self) -> s.Node:
        self.advance()
        token = self.expect("variable", "after break")
        if token.text not in self.labels:
            raise ExpressionSyntaxError(
                f"break ${token.text} is outside label ${token.text}", token.start
            )
        return s.Break(token.text)


def _combine(operator: str, left: s.Node, right: s.Node) -> s.Node:
    if operator == "//":
        return s.Alternative(left, right)
    if operator in _ASSIGNMENTS:
        return s.Assign(operator, left, right)
    if operator in {"and", "or"}:
        return s.Logic(operator, left, right)
    return s.Binary(operator, left, right)


def _number(token: Token) -> int | float:
    text = token.text
    if text.isdigit() and len(text) < 300:  # noqa: PLR2004 -- beyond that no double can follow
        return int(text)
    value = float(text)
    if value.is_integer() and abs(value) < 2**53 and ("e" in text or "E" in text):
        return int(value)
    return value
