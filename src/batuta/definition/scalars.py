"""What a plain scalar is: the core schema of YAML 1.2.

Owns the resolution of unquoted text to null, boolean, integer, number or string (YAML 1.2.2,
section 10.3.2), and of the explicit tags that JSON has a type for. YAML 1.1 knew more words (`no`,
`on`, `12:30:00`, dates); here they are strings, which is what a workflow's author means. Values
that JSON cannot carry (infinities, numbers past a double) are refused, not rounded.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import Any, NamedTuple

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = MappingProxyType(
    {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
)
_WHOLE = (
    (re.compile(r"[-+]?[0-9]+"), 0, 10),
    (re.compile(r"0o[0-7]+"), 2, 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 2, 16),
)
"""How an integer is written: its form, the length of its prefix, its base."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TOO_LARGE = "the number is too large for a JSON number"
_MOST_DIGITS = 300
"""No double has more digits before its point; Python refuses to read far longer ones."""
_TAGS = MappingProxyType(
    {
        "tag:yaml.org,2002:null": "null",
        "tag:yaml.org,2002:bool": "boolean",
        "tag:yaml.org,2002:int": "integer",
        "tag:yaml.org,2002:float": "number",
    }
)
_COLLECTION_TAGS = MappingProxyType(
    {"tag:yaml.org,2002:map": "object", "tag:yaml.org,2002:seq": "array"}
)
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


class Scalar(NamedTuple):
    """A resolved scalar: its JSON type, its value, and why it is refused (empty if it is not)."""

    kind: str
    value: Any
    refusal: str = ""


def resolve(text: str, tag: str | None, *, plain: bool) -> Scalar:
    """Return what a scalar is; `tag` is its explicit tag, `plain` that it is not quoted."""
    if tag is None:
        return _plain(text) if plain else Scalar("string", text)
    if tag in _STRING_TAGS:
        return Scalar("string", text)
    found = _plain(text)
    wanted = _TAGS[tag]
    if wanted == "number" and found.kind == "integer":
        return Scalar("number", float(found.value))
    if found.kind != wanted:
        return Scalar("string", text, f"{text!r} is not of the type {wanted} that its tag names")
    return found


def scalar_tag_known(tag: str | None) -> bool:
    """Return whether a scalar may have this tag."""
    return tag is None or tag in _STRING_TAGS or tag in _TAGS


def collection_tag_known(tag: str | None, kind: str) -> bool:
    """Return whether an object or array may have this tag."""
    return tag is None or tag == "!" or _COLLECTION_TAGS.get(tag) == kind


def _plain(text: str) -> Scalar:
    if text in _NULLS:
        return Scalar("null", None)
    if text in _TRUTHS:
        return Scalar("boolean", _TRUTHS[text])
    # Nearly every plain scalar of a workflow is a word: one look at its first character settles it.
    if text[0] not in "+-.0123456789":
        return Scalar("string", text)
    return _number(text)


def _number(text: str) -> Scalar:
    for pattern, skipped, base in _WHOLE:
        if pattern.fullmatch(text):
            return _bounded(text[skipped:], base)
    if _FLOAT.fullmatch(text):
        value = float(text)
        finite = not math.isinf(value)
        return Scalar("number", value) if finite else Scalar("number", 0.0, _TOO_LARGE)
    if _NOT_FINITE.fullmatch(text):
        return Scalar("number", 0.0, "JSON has no infinity and no not-a-number")
    return Scalar("string", text)


def _bounded(digits: str, base: int) -> Scalar:
    if len(digits) > _MOST_DIGITS:
        return Scalar("integer", 0, _TOO_LARGE)
    return Scalar("integer", int(digits, base))
