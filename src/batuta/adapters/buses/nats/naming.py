"""Names as NATS can carry them, and back. Pure.

Ids, types and consumers' names are any text; NATS has characters that mean something in a subject,
in a header or in a file's name. What it cannot carry is written as percent signs and hexadecimal
digits, as in a URL, so that different names stay different and the usual ones stay as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, unquote

IN_SUBJECTS = "!#$&'()+,-./:;<=?@[]^_`{|}~"
"""Printable ASCII but for space, `*`, `>`, the quotation mark, the backslash and the percent sign;
`<` would be allowed, but looks like a mistake beside an escaped `>`."""

IN_HEADERS = IN_SUBJECTS + '*>"<\\'
"""Printable ASCII but for space and the percent sign."""

LONGEST_DURABLE = 200
"""A durable's name becomes a file's name on the server."""

STREAM = re.compile(r"[A-Za-z0-9_-]{1,100}")

NO_TYPE = "%"
"""A token that no type becomes: what a consumer of no type at all listens to."""


def prefix(stream: str) -> str:
    """Return what the subjects of a stream's messages begin with."""
    return f"{stream}.events."


@lru_cache(maxsize=4_096)
def subject_token(kind: str) -> str:
    """Return a type as the rest of a subject: its dots separate tokens, of which none is empty."""
    quoted = quote(kind, safe=IN_SUBJECTS)
    quoted = re.sub(r"(?<=\.)\.", "%2E", quoted)
    return re.sub(r"^\.|\.$", "%2E", quoted)


@lru_cache(maxsize=4_096)
def type_of(token: str) -> str:
    """Return the type that became the rest of a subject."""
    return unquote(token)


def header_value(identity: str) -> str:
    """Return an id as a header's value."""
    # Most ids are a source, a line feed and more: quoting that letter by letter takes long.
    value = identity.replace("%", "%25").replace("\n", "%0A")
    if value.isascii() and value.isprintable() and " " not in value:
        return value
    return quote(identity, safe=IN_HEADERS)


def id_of(value: str) -> str:
    """Return the id that became a header's value."""
    identity = value.replace("%0A", "\n")
    return unquote(identity) if "%" in identity else identity


def durable_name(name: str) -> str:
    """Return a consumer's name as a durable's; one that would be too long becomes a digest."""
    quoted = quote(name, safe="").replace(".", "%2E")
    if len(quoted) > LONGEST_DURABLE:
        return f"%%{sha256(name.encode()).hexdigest()}"
    return quoted
