"""The shapes in which a secret's text turns up in answers.

A server that echoes a request shows a password as it was, or inside a header in base64, or in a URL
or a form with escapes, or in JSON with escapes. Each shape is a *form* with a name of its own, so
that what is found can be put back exactly.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 4
"""Shorter texts are found everywhere by chance, so they are not sought."""
_SHORTEST_INSIDE = 9
"""Inside longer base64, this many bytes leave enough letters to be telling."""


def forms(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) for every different form of `text`; the plain one has the name ""."""
    seen: set[str] = set()
    for name, form in _all(text):
        if len(form) >= SHORTEST and form not in seen:
            seen.add(form)
            yield name, form


def _all(text: str) -> Iterator[tuple[str, str]]:
    if len(text) < SHORTEST:
        return
    yield "", text
    raw = text.encode("utf-8", "surrogatepass")
    standard = base64.b64encode(raw).decode()
    yield "base64", standard
    yield "base64url", base64.urlsafe_b64encode(raw).decode()
    yield "base64-bare", standard.rstrip("=")
    yield "base64url-bare", base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if len(raw) >= _SHORTEST_INSIDE:
        # Three bytes become four letters: where the secret starts inside them decides the letters
        # (`user:password` in a Basic header). The letters it shares with its neighbours are left.
        for shift in range(3):
            inside = _inside(raw, shift)
            yield f"base64-in{shift}", inside
            yield f"base64url-in{shift}", inside.translate(str.maketrans("+/", "-_"))
    yield "url", quote(raw, safe="")
    yield "url-path", quote(raw)
    yield "form", quote_plus(raw)
    yield "json", json.dumps(text)[1:-1]
    yield "json-unicode", json.dumps(text, ensure_ascii=False)[1:-1]


def _inside(raw: bytes, shift: int) -> str:
    letters = base64.b64encode(b"\0" * shift + raw).decode()
    first = (0, 2, 3)[shift]
    whole = (len(raw) + shift) // 3 * 4
    return letters[first:whole]
