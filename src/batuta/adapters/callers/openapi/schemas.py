"""Schemas of an OpenAPI document as JSON Schemas that stand alone.

Owns the translation: what a schema refers to is gathered into its `definitions`, and what OpenAPI
says differently is put in the words of JSON Schema. OpenAPI 2.0 and 3.0 become draft 4, which they
are dialects of; 3.1 is draft 2020-12 as it is.

* `nullable: true` (3.0; `x-nullable` in 2.0) adds null to the type and to the enumeration.
* A `readOnly` property is not required: its `required` concerns answers only, and what is checked
  here is sent.
* Beside `$ref` nothing counts in 2.0 and 3.0.
* Formats are not asserted: servers differ in what they take for a date, and they decide.
* A schema that is itself not valid, or larger than is worth compiling, is not checked, and logged:
  documents in the wild are sloppy, and a wrong constraint must not make a service uncallable.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

from batuta.adapters.callers.openapi.document import Dialect
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.callers.openapi.document import ApiDocument

_log = logging.getLogger(__name__)

# Their values are data, or words for readers: nothing in them is a schema.
_NOT_SCHEMAS = frozenset(("enum", "const", "default", "required"))
_DROPPED = frozenset(("example", "examples", "description", "title", "$id", "$schema", "$anchor"))
_NAMED_SCHEMAS = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs"))
_MOST_PARTS = 50_000
_DEEPEST = 200
_PROBLEMS_TOLD = 3
_SHOWN = 80


def validator(schema: Any, document: ApiDocument) -> jsonschema_rs.Validator | None:
    """Return a validator for a schema that stands in `document`; None when it is no valid schema.

    Raises:
        Fault: `configuration` 400 when the schema refers to another document or to nothing.
    """
    # The schema is part of the document and lives as long, so that its identity is a key.
    key = ("validator", id(schema))
    if key not in document.derived:
        document.derived[key] = _compiled(schema, document)
    return document.derived[key]


def _compiled(schema: Any, document: ApiDocument) -> jsonschema_rs.Validator | None:
    draft = (
        jsonschema_rs.Draft202012Validator
        if document.dialect is Dialect.OPENAPI_3_1
        else jsonschema_rs.Draft4Validator
    )
    try:
        standalone = _Standalone(document).schema(schema)
        return draft(standalone, validate_formats=False, offline=True, mask="the value")
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        _log.warning("%s has a schema that is not checked: %s", document.uri, reason)
        return None


def property_names(schema: Any, document: ApiDocument) -> frozenset[str]:
    """Return the names of the properties that an object schema declares, also in compositions."""
    names: set[str] = set()
    pending: list[Any] = [schema]
    visited: set[int] = set()
    while pending and len(visited) < _MOST_PARTS:
        current = document.resolved(pending.pop())
        if not isinstance(current, dict) or id(current) in visited:
            continue
        visited.add(id(current))
        properties = current.get("properties")
        if isinstance(properties, dict):
            names.update(properties)
        for keyword in ("allOf", "anyOf", "oneOf"):
            parts = current.get(keyword)
            pending.extend(parts if isinstance(parts, list) else ())
    return frozenset(names)


class _Standalone:
    """One translation: the definitions gathered so far, and how much was seen."""

    def __init__(self, document: ApiDocument) -> None:
        self._document = document
        self._legacy = document.dialect is not Dialect.OPENAPI_3_1
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Any] = {}
        self._pending: list[tuple[str, str]] = []
        self._parts = 0

    def schema(self, schema: Any) -> dict[str, Any]:
        translated = self._translated(schema, 0)
        # One after the other and not inside each other: chains of references may be long.
        while self._pending:
            name, reference = self._pending.pop()
            self._definitions[name] = self._translated(self._document.at(reference), 0)
        if not isinstance(translated, dict):
            # `true` and `false` of 3.1.
            translated = {} if translated is not False else {"not": {}}
        return {**translated, "definitions": self._definitions}

    def _translated(self, schema: Any, depth: int) -> Any:
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            raise ValueError("it is too large, or nested too deep")
        if isinstance(schema, list):
            return [self._translated(item, depth + 1) for item in schema]
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = {"$ref": self._gathered(reference)}
            if self._legacy:
                return target
            return {
                **self._keywords({n: v for n, v in schema.items() if n != "$ref"}, depth),
                **target,
            }
        return self._keywords(schema, depth)

    def _gathered(self, reference: str) -> str:
        name = self._names.get(reference)
        if name is None:
            name = self._names[reference] = f"s{len(self._names)}"
            self._pending.append((name, reference))
        return f"#/definitions/{name}"

    def _keywords(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for keyword, value in schema.items():
            if keyword in _DROPPED or keyword.startswith("x-"):
                continue
            if keyword in _NOT_SCHEMAS:
                result[keyword] = value
            elif keyword in _NAMED_SCHEMAS and isinstance(value, dict):
                result[keyword] = {
                    name: self._translated(item, depth + 1) for name, item in value.items()
                }
            else:
                result[keyword] = self._translated(value, depth + 1)
        self._require_what_is_sent(schema, result)
        if self._legacy:
            _put_null_into_type(schema, result)
        return result

    def _require_what_is_sent(self, schema: dict[str, Any], result: dict[str, Any]) -> None:
        required, properties = schema.get("required"), schema.get("properties")
        if not isinstance(required, list):
            # In 2.0 a parameter is its own schema, and its `required` is a boolean.
            result.pop("required", None)
            return
        if not isinstance(properties, dict):
            return
        sent = [name for name in required if not self._read_only(properties.get(name))]
        if sent:
            result["required"] = sent
        else:
            # Draft 4 knows no empty list here.
            result.pop("required")

    def _read_only(self, schema: Any) -> bool:
        found = self._document.resolved(schema)
        return isinstance(found, dict) and found.get("readOnly") is True


def _put_null_into_type(schema: dict[str, Any], result: dict[str, Any]) -> None:
    kind = schema.get("type")
    if kind == "file":
        # 2.0's word for an upload; its content is a string here, as bytes are everywhere.
        result["type"] = "string"
        return
    if not (schema.get("nullable") is True or schema.get("x-nullable") is True):
        return
    if isinstance(kind, str):
        result["type"] = [kind, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        result["enum"] = [*schema["enum"], None]


def problems(
    check: jsonschema_rs.Validator, value: Any, where: str, redact: Callable[[Any], Any]
) -> list[str]:
    """Return what is wrong with `value`, at most a few things, in words that begin with `where`.

    Args:
        check: the validator of its schema.
        value: what is checked, with secrets revealed.
        where: the name of the argument.
        redact: hides secrets in what is shown, before it is shortened: half a secret is not found.
    """
    found: list[str] = []
    for error in itertools.islice(check.iter_errors(value), _PROBLEMS_TOLD):
        path = "".join(f"/{part}" for part in error.instance_path)
        shown = msgspec.json.encode(redact(error.instance)).decode()
        if len(shown) > _SHOWN:
            shown = shown[:_SHOWN] + "..."
        found.append(f"{where}{path}: {error.message}; it is {shown}")
    return found


def invalid(found: list[str]) -> Fault:
    """Return the fault that arguments do not fit their schemas."""
    return Fault("validation", 400, "Invalid parameters", "; ".join(found))
