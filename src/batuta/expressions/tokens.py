"""From the text of an expression to a flat list of tokens.

Owns the lexical part of jq 1.7 and 1.8, nothing of the grammar. Strings are taken apart here, with
a stack instead of recursion: a string is `quote`, then `text` and `open ... close` in turn, then
`unquote`; text arrives with its escapes resolved. A token's `start` counts characters from the
beginning of the expression, as `ExpressionSyntaxError.offset` does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from batuta.errors import ExpressionSyntaxError

_KEYWORDS = """
as and break catch def elif else end foreach if import include label module or reduce then try
__loc__
"""
KEYWORDS = frozenset(_KEYWORDS.split())


class Token(NamedTuple):
    """One token: `kind` is the text itself for keywords and operators."""

    kind: str
    text: str
    start: int


_BLANK = re.compile(r"(?:[ \t\r\n]+|#(?:[^\\\n]|\\[\s\S]?)*)+")
_TOKEN = re.compile(
    r"""
      (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>(?:[A-Za-z_][A-Za-z0-9_]*::)*[A-Za-z_][A-Za-z0-9_]*)
    | (?P<variable>\$(?:[A-Za-z_][A-Za-z0-9_]*::)*[A-Za-z_][A-Za-z0-9_]*)
    | (?P<format>@[A-Za-z0-9_]+)
    | (?P<quote>")
    | (?P<operator>//=|\?//|!=|==|//|\|=|\+=|-=|\*=|/=|%=|<=|>=|\.\.|[.\[\](){}|,:;=<>+\-*/%?])
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def tokenize(text: str) -> list[Token]:  # noqa: C901 -- one loop that reads best in one piece
    """Return the tokens of an expression, ended by one without a kind.

    Raises:
        ExpressionSyntaxError: a character that begins nothing, a string left open, a bad escape.
    """
    tokens: list[Token] = []
    # For every string that is open: how many parentheses are open in its current interpolation.
    depths: list[int] = []
    position, size = 0, len(text)
    while True:
        blank = _BLANK.match(text, position)
        if blank:
            position = blank.end()
        if position >= size:
            break
        found = _TOKEN.match(text, position)
        if found is None:
            raise _stray(text, position)
        kind = found.lastgroup or ""
        lexeme = found.group()
        start, position = position, found.end()
        if kind == "quote":
            tokens.append(Token("quote", lexeme, start))
            position = _string(text, position, tokens, depths)
            continue
        if kind == "operator" and depths:
            if lexeme == "(":
                depths[-1] += 1
            elif lexeme == ")":
                if depths[-1] == 0:
                    depths.pop()
                    tokens.append(Token("close", lexeme, start))
                    position = _string(text, position, tokens, depths)
                    continue
                depths[-1] -= 1
        tokens.append(_classify(kind, lexeme, start))
    if depths:
        raise ExpressionSyntaxError(
            "the expression ends inside a string's \\( ... )", size, hint="close it with )"
        )
    tokens.append(Token("", "", size))
    return tokens


def _classify(kind: str, lexeme: str, start: int) -> Token:
    if kind == "operator" or (kind == "name" and lexeme in KEYWORDS):
        return Token(lexeme, lexeme, start)
    if kind in {"field", "variable", "format"}:
        return Token(kind, lexeme[1:], start)
    return Token(kind, lexeme, start)


def _string(text: str, position: int, tokens: list[Token], depths: list[int]) -> int:
    """Read on inside a string, up to its end or its next interpolation."""
    pieces: list[str] = []
    start = position
    while True:
        plain = _PLAIN.match(text, position)
        if plain:
            pieces.append(plain.group())
            position = plain.end()
        if position >= len(text):
            raise ExpressionSyntaxError("a string is not closed", start, hint='end it with "')
        if text[position] == '"':
            tokens.append(Token("text", "".join(pieces), start))
            tokens.append(Token("unquote", '"', position))
            return position + 1
        if text.startswith("(", position + 1):
            tokens.append(Token("text", "".join(pieces), start))
            tokens.append(Token("open", "\\(", position))
            depths.append(0)
            return position + 2
        piece, position = _escape(text, position)
        pieces.append(piece)


def _escape(text: str, position: int) -> tuple[str, int]:
    letter = text[position + 1 : position + 2]
    simple = _ESCAPES.get(letter)
    if simple is not None:
        return simple, position + 2
    digits = _HEX.match(text, position + 2) if letter == "u" else None
    if digits is None:
        raise ExpressionSyntaxError(
            f"\\{letter} is no escape in a string",
            position,
            hint='known are \\n \\t \\r \\b \\f \\/ \\\\ \\" \\uXXXX and \\( ... )',
        )
    unit = int(digits.group(), 16)
    after = digits.end()
    if 0xD800 <= unit < 0xDC00:  # noqa: PLR2004 -- the high surrogates of UTF-16
        low = _LOW_SURROGATE.match(text, after)
        if low:
            unit = 0x10000 + ((unit - 0xD800) << 10) + (int(low.group(1), 16) - 0xDC00)
            return chr(unit), low.end()
    if 0xD800 <= unit < 0xE000:  # noqa: PLR2004 -- a surrogate without its other half
        return "\ufffd", after
    return chr(unit), after


def _stray(text: str, position: int) -> ExpressionSyntaxError:
    character = text[position]
    hint = ""
    if character == "'":
        hint = 'strings stand in double quotes: "..."'
    elif character in "&!":
        hint = "write `and`, `or`, `not` and `!=`"
    elif character == "$":
        hint = "a variable's name follows its $ directly; ${ ... } only wraps a whole value"
    return ExpressionSyntaxError(f"{character!r} has no meaning here", position, hint=hint)
