"""Where the parser stands: the token at hand, how deep it is, which names are in scope.

Owns moving through the tokens and the words of what is refused on the way; the grammar is
`parser`'s.
"""

from __future__ import annotations

from batuta.errors import ExpressionSyntaxError
from batuta.expressions.tokens import Token, tokenize

MAX_NESTING = 128
"""Levels of operands inside each other; a bracket costs two, of seven Python frames together."""


class Cursor:
    """A place in the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.token = self.tokens[0]
        self.depth = 0
        self.free: set[str] = set()
        self.bound: list[str] = []
        self.labels: list[str] = []
        self.functions: list[str] = []
        self.spaced: list[int] = []
        # Whether the operand read last was more than one term: `as` may not follow it then.
        self.compound = False

    def advance(self) -> Token:
        """Take the token at hand."""
        token = self.token
        self.at += 1
        self.token = self.tokens[self.at]
        return token

    def at_kind(self, kind: str) -> bool:
        """Whether the token at hand is of a kind."""
        return self.token.kind == kind

    def accept(self, kind: str) -> bool:
        """Take the token at hand if it is of a kind, and say so."""
        if self.token.kind == kind:
            self.advance()
            return True
        return False

    def expect(self, kind: str, why: str) -> Token:
        """Take the token at hand, which must be of a kind."""
        if self.token.kind != kind:
            raise self.unexpected(f"expected {spell(kind)} {why}")
        return self.advance()

    def unexpected(self, wanted: str) -> ExpressionSyntaxError:
        """Return the refusal of the token at hand."""
        token = self.token
        if not token.kind:
            return ExpressionSyntaxError(f"the expression ends too early: {wanted}", token.start)
        shown = self.text[token.start : token.start + max(len(token.text), 1)]
        hint = ""
        if token.kind == "=" and self.tokens[self.at - 1].kind == "=":
            hint = "equality is written =="
        return ExpressionSyntaxError(f"unexpected {shown!r}: {wanted}", token.start, hint=hint)

    def too_deep(self) -> ExpressionSyntaxError:
        """Return the refusal of nesting."""
        return ExpressionSyntaxError(
            f"nested deeper than {MAX_NESTING} levels",
            self.token.start,
            hint="split the expression over several tasks",
        )

    def enter(self) -> None:
        """Go one level deeper."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.too_deep()

    def leave(self) -> None:
        """Come back from a level."""
        self.depth -= 1


def spell(kind: str) -> str:
    """Return what a kind of token is called in a message."""
    names = {"name": "a name", "variable": "a $name", "quote": "a string"}
    return names.get(kind, ")" if kind == "close" else kind)


def banned(name: str, reason: str, instead: str, token: Token) -> ExpressionSyntaxError:
    """Return the refusal of a name that no workflow may use."""
    return ExpressionSyntaxError(f"{name} is not allowed: {reason}", token.start, hint=instead)
