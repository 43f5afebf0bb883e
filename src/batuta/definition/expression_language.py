"""The door to `batuta.expressions`: the names that checking a definition needs of it.

Owns nothing; one module imports the expression language, so the rest of the package can be read
without knowing it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from batuta.errors import ExpressionSyntaxError

__all__ = ["compile_expression", "has_embedded", "unwrap"]


class _Scanned(NamedTuple):
    source: str
    variables: frozenset[str]


_STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)


def compile_expression(text: str) -> _Scanned:
    bare = _STRING.sub(lambda found: "0" * len(found[0]), text)
    depth: list[str] = []
    for offset, character in enumerate(bare):
        if character in "([{":
            depth.append({"(": ")", "[": "]", "{": "}"}[character])
        elif character in ")]}" and (not depth or depth.pop() != character):
            raise ExpressionSyntaxError(f"unexpected {character!r}", offset)
    if depth or not bare.strip():
        raise ExpressionSyntaxError("unexpected end", len(text))
    bound = set(re.findall(r"\bas\s+\$(\w+)", text))
    names = {name for part in [text] for name in re.findall(r"\$(\w+)", part)}
    return _Scanned(text, frozenset(names - bound))


def unwrap(text: str) -> str | None:
    stripped = text.strip()
    return stripped[2:-1].strip() if stripped[:2] == "${" and stripped[-1:] == "}" else None


def has_embedded(text: str) -> bool:
    return "${" in text and unwrap(text) is None
