"""Texts with a form of their own: names, versions, addresses, cron expressions.

Owns one function per form: text in, what is wrong with it out (or None). A form is named in the
grammar (`shapes.Text.form`). Sources stand with each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from cronsim import CronSim, CronSimError


class Misfit(NamedTuple):
    """Why a text does not have its form; `code` when it is not `wrong-format`."""

    expected: str
    hint: str = ""
    code: str = "wrong-format"


Form: TypeAlias = Callable[[str], Misfit | None]

_LABEL = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_WORD = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_BRACES = re.compile(r"\{([^{}]*)\}")
_TEMPLATE_NAME = re.compile(r"([A-Za-z0-9_.-]|%[0-9A-Fa-f]{2})+")
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""The parser wants a moment to count from; whether an expression is right does not depend on it."""

STANDARD_VARIABLES = frozenset(
    {
        "context",
        "input",
        "output",
        "secrets",
        "authorization",
        "task",
        "workflow",
        "runtime",
    }
)
"""The runtime expression arguments (`dsl.md`, "Runtime expression arguments")."""


def _matches(pattern: re.Pattern[str], expected: str, hint: str = "") -> Form:
    def form(text: str) -> Misfit | None:
        return None if pattern.fullmatch(text) else Misfit(expected, hint)

    return form


def _some(text: str) -> Misfit | None:
    return None if text.strip() else Misfit("a text that is not empty")


def _dsl(text: str) -> Misfit | None:
    if not _VERSION.fullmatch(text):
        return Misfit("a version of the DSL such as '1.0.3'", "quote it, so that it stays a text")
    if not text.startswith("1."):
        return Misfit("a version 1.x of the DSL", "convert the document", "dsl-version")
    return None


def _uri(text: str) -> Misfit | None:
    """RFC 6570, level 1: an address with `{name}` for top-level keys of the task's input."""
    if not text or re.search(r"\s", text):
        return Misfit(
            "an address without spaces, such as https://example.com/pets/{petId}",
            'for a computed address write one expression: ${ "https://example.com/\\(.id)" }',
        )
    names = _BRACES.findall(text)
    if len(names) != text.count("{") or len(names) != text.count("}"):
        return Misfit("an address with balanced braces, `{name}`")
    wrong = [name for name in names if not _TEMPLATE_NAME.fullmatch(name)]
    if wrong:
        return Misfit(
            f"`{{name}}`, a top-level key of the input, where it says `{{{wrong[0]}}}`",
            "only level 1 of RFC 6570 is defined; else use one expression for the whole address",
        )
    return None


def _variable(text: str) -> Misfit | None:
    if text in STANDARD_VARIABLES:
        return Misfit("a name that the DSL does not use itself", "choose another", "reserved-name")
    if not _VARIABLE.fullmatch(text):
        hint = "leave the `$` away" if text.startswith("$") else ""
        return Misfit("the name of a variable: letters, digits and `_`", hint)
    return None


def _cron(text: str) -> Misfit | None:
    """Five fields, UTC: minute, hour, day of month, month, day of week."""
    expected = "five fields: minute hour day-of-month month day-of-week"
    if len(text.split()) != 5:  # noqa: PLR2004 -- the five of `expected`
        return Misfit(expected, "for example `0 6 * * MON-FRI`, in UTC", "cron")
    try:
        CronSim(text, _SOME_DAY)
    except CronSimError as error:
        return Misfit(expected, f"the parser says: {error}", "cron")
    return None


def _catalog(text: str) -> Misfit | None:
    if text == "default":
        expected = "a name other than `default`, which is the runtime's own catalogue"
        return Misfit(expected, code="reserved-name")
    return _label(text)


def _function(text: str) -> Misfit | None:
    if text in BUILT_IN_CALLS:
        expected = "a name that is not one of the built-in calls"
        return Misfit(expected, f"`call: {text}` would never reach it", "reserved-name")
    return _some(text)


def is_json_schema(schema_format: str) -> bool:
    """Return whether a schema's `format` names JSON Schema: `json`, or `json:` and a version."""
    return schema_format.partition(":")[0] == "json"


def _schema_format(text: str) -> Misfit | None:
    if is_json_schema(text):
        return None
    hint = "data that meets it will fault: convert the schema"
    return Misfit("`json`, or `json:` and a version", hint, "schema-format")


def _language(text: str) -> Misfit | None:
    return None if text == "jq" else Misfit("`jq`", "rewrite the expressions", "unsupported")


BUILT_IN_CALLS = ("http", "openapi", "asyncapi", "grpc", "a2a", "mcp")

_label = _matches(
    _LABEL, "1 to 63 letters, digits and hyphens, with a letter or digit at both ends"
)

FORMS: MappingProxyType[str, Form] = MappingProxyType(
    {
        "some": _some,
        "label": _label,
        "word": _matches(_WORD, "1 to 63 letters, digits, `_` and `-`"),
        "version": _matches(
            _VERSION, "a semantic version such as '1.0.0'", "write all three numbers, in quotes"
        ),
        "dsl": _dsl,
        "uri": _uri,
        "variable": _variable,
        "host": _matches(_HOST, "a host name"),
        "pointer": _matches(_POINTER, "a JSON Pointer such as /do/0/reserve"),
        "cron": _cron,
        "catalog": _catalog,
        "function": _function,
        "schema-format": _schema_format,
        "language": _language,
        "attribute": lambda text: (
            None
            if _ATTRIBUTE.fullmatch(text)
            else Misfit(
                "1 to 20 lower-case letters and digits (CloudEvents 1.0, section 3.1)",
                "what has another name belongs into `data`",
                "event-attribute",
            )
        ),
        "event-type": _matches(
            re.compile(r"\S+"), "an event type without spaces", "for example com.acme.order.paid.v1"
        ),
    }
)
"""Form by the name that the grammar uses."""
