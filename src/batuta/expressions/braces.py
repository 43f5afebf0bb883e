"""Braces: the construction of objects, and patterns that take values apart."""

from __future__ import annotations

from abc import ABC, abstractmethod

from batuta.errors import ExpressionSyntaxError
from batuta.expressions import syntax as s
from batuta.expressions.cursor import Cursor
from batuta.expressions.tokens import KEYWORDS


class Braces(Cursor, ABC):
    """The part of the grammar that `{` and `as` begin."""

    @abstractmethod
    def pipe(self) -> s.Node:
        """Read a whole program."""

    @abstractmethod
    def binary(self, least: int) -> s.Node:
        """Read operands joined by operators that bind at least so strongly."""

    @abstractmethod
    def string(self) -> s.Node:
        """Read a string or a format."""

    @abstractmethod
    def variable(self) -> s.Node:
        """Read a variable."""

    def construction(self) -> s.Node:
        """Read `{...}`."""
        self.enter()
        self.advance()
        entries: list[tuple[s.Node, s.Node]] = []
        while not self.accept("}"):
            entries.append(self.entry())
            if self.token.kind != "}":
                self.expect(",", "or } after an entry")
        self.leave()
        return s.ObjectOf(tuple(entries))

    def entry(self) -> tuple[s.Node, s.Node]:
        """Read one entry: its key and its value."""
        token = self.token
        if token.kind == "variable":
            value = self.variable()
            if self.accept(":"):
                return value, self.entry_value()
            return s.Text("text", (token.text,)), value
        if token.kind == "(":
            self.advance()
            key = self.pipe()
            self.expect(")", "after a key")
            self.expect(":", "after a key in parentheses")
            if isinstance(key, s.Literal | s.ArrayOf | s.ObjectOf):
                raise ExpressionSyntaxError("a key is text", token.start, hint='write "..."')
            return key, self.entry_value()
        key = self.key()
        if self.accept(":"):
            return key, self.entry_value()
        return key, s.Index(s.Identity(), key)

    def key(self) -> s.Node:
        """Read a key that is no expression."""
        token = self.token
        if token.kind in {"quote", "format"}:
            key = self.string()
            if isinstance(key, s.Format):
                raise ExpressionSyntaxError("a format is no key", token.start, hint="add a string")
            return key
        if token.kind == "name" or token.kind in KEYWORDS:
            self.advance()
            return s.Text("text", (token.text,))
        if token.kind == "number":
            raise ExpressionSyntaxError(
                "a number is no key", token.start, hint=f'write "{token.text}"'
            )
        raise self.unexpected("expected a key or }")

    def entry_value(self) -> s.Node:
        """Read a value: everything but commas and bindings."""
        parts = [self.binary(1)]
        while self.accept("|"):
            parts.append(self.binary(1))
        return parts[0] if len(parts) == 1 else s.Pipe(tuple(parts))

    def patterns(self) -> tuple[s.Pattern, ...]:
        """Read patterns, with `?//` between them."""
        found = [self.pattern()]
        while self.accept("?//"):
            found.append(self.pattern())
        return tuple(found)

    def pattern(self) -> s.Pattern:
        """Read one pattern; what it binds is in scope from here."""
        self.enter()
        if self.token.kind == "variable":
            name = self.advance().text
            self.bound.append(name)
            found: s.Pattern = s.NamePattern(name)
        elif self.accept("["):
            items = [self.pattern()]
            while self.accept(","):
                items.append(self.pattern())
            self.expect("]", "to close the pattern")
            found = s.ArrayPattern(tuple(items))
        elif self.accept("{"):
            entries = [self.pattern_entry()]
            while self.accept(","):
                entries.append(self.pattern_entry())
            self.expect("}", "to close the pattern")
            found = s.ObjectPattern(tuple(entries))
        else:
            raise self.unexpected("expected $name, [...] or {...}")
        self.leave()
        return found

    def pattern_entry(self) -> tuple[str | None, s.Node, s.Pattern | None]:
        """Read one entry of an object pattern."""
        if self.token.kind == "variable":
            name = self.advance().text
            self.bound.append(name)
            key = s.Text("text", (name,))
            return name, key, self.pattern() if self.accept(":") else None
        if self.accept("("):
            computed = self.pipe()
            self.expect(")", "after a key")
            self.expect(":", "after a key")
            return None, computed, self.pattern()
        key = self.key()
        self.expect(":", "after a key")
        return None, key, self.pattern()
