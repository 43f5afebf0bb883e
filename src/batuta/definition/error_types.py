"""The standard error types of the DSL, under whatever address they are written.

Owns their names, statuses and canonical URIs (`dsl.md`, "Errors"; `dsl-reference.md`, "Standard
Error Types"). The same eight errors occur under several addresses: the specification's text, its
conformance kit, a slip in an example, and the address after the project was renamed. A `catch` must
match whichever its author used, so both sides of a comparison go through `canonical_error_type`.
"""

from __future__ import annotations

import re
from types import MappingProxyType

BASE = "https://serverlessworkflow.io/spec/1.0.0/errors/"
"""What the canonical URI of a standard error type begins with."""

STATUSES = MappingProxyType(
    {
        "configuration": 400,
        "validation": 400,
        "expression": 400,
        "authentication": 401,
        "authorization": 403,
        "timeout": 408,
        "communication": 500,
        "runtime": 500,
    }
)
"""Each standard error's name and its usual status."""

CONFIGURATION = BASE + "configuration"
VALIDATION = BASE + "validation"
EXPRESSION = BASE + "expression"
AUTHENTICATION = BASE + "authentication"
AUTHORIZATION = BASE + "authorization"
TIMEOUT = BASE + "timeout"
COMMUNICATION = BASE + "communication"
RUNTIME = BASE + "runtime"

_STANDARD = re.compile(
    r"https?://(?:https?://)?"
    r"(?:www\.)?(?:serverlessworkflow\.io(?:\.io)?|open-workflow-specification\.org)"
    r"/(?:spec/[0-9.]+/errors|(?:dsl/)?errors(?:/types)?)"
    rf"/(?P<name>{'|'.join(STATUSES)})"
)


def canonical_error_type(uri: str) -> str:
    """Return the one URI of a standard error type, or any other URI unchanged."""
    found = _STANDARD.fullmatch(uri)
    return BASE + found["name"] if found is not None else uri
