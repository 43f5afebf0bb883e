"""Binding: a call's `parameters` to an operation's parameters and body, pure.

The DSL has one flat map for everything that an operation takes. The rules by which a name finds its
place, in this order:

1. A declared parameter of that name, wherever it goes (header names in any case). If several
   places declare the name, each gets the value; `query.name`, `path.name`, `header.name` and
   `cookie.name` mean one of them.
2. The whole body: 2.0's body parameter by its own name, and `body` everywhere.
3. A property that the body's object schema declares, also in a composition. Such values make up the
   body, on top of the object under `body` if there is one.
4. Nothing else: an unknown name is a fault, with the name that was probably meant.

One value where an array is declared is an array of one, as the DSL's own examples write it. A
parameter that is null is not given. What is required and not given is named, all of it at once;
what is given is checked against its schema before anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.openapi.operation import Parameter
from batuta.adapters.callers.openapi.schemas import invalid, problems, property_names, validator
from batuta.definition.suggest import did_you_mean, listed
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.callers.openapi.document import ApiDocument
    from batuta.adapters.callers.openapi.operation import Operation


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """Values at their places; `body` is None when none is sent."""

    parameters: tuple[tuple[Parameter, Any], ...]
    body: Any = None


def bind(
    operation: Operation,
    arguments: dict[str, Any],
    document: ApiDocument,
    redact: Callable[[Any], Any],
) -> Bound:
    """Return the arguments of a call at their places in the operation.

    Args:
        operation: what is called.
        arguments: names and values, with secrets revealed.
        document: where the operation stands.
        redact: hides secrets in the values that faults show.

    Raises:
        Fault: `validation` 400 for unknown, missing and ill-fitting arguments.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    places = _Places(operation, document)
    parameters: list[tuple[Parameter, Any]] = []
    whole: Any = None
    properties: dict[str, Any] = {}
    unknown: list[str] = []
    for name, value in given.items():
        declared = places.parameters(name)
        if declared:
            parameters += [
                (parameter, _fitted(parameter, value, document)) for parameter in declared
            ]
        elif name in places.body_names:
            whole = value
        elif name in places.properties:
            properties[name] = value
        else:
            unknown.append(name)
    if unknown:
        raise _unknown(operation, unknown, places.names())
    body = _merged(whole, properties)
    _check_presence(operation, parameters, body, places)
    bound = Bound(parameters=tuple(parameters), body=body)
    _check_values(operation, bound, document, redact)
    return bound


def _fitted(parameter: Parameter, value: Any, document: ApiDocument) -> Any:
    if isinstance(value, (dict, list)) or parameter.schema is None:
        return value
    schema = document.resolved(parameter.schema)
    takes_list = isinstance(schema, dict) and schema.get("type") == "array"
    return [value] if takes_list else value


class _Places:
    """Where the names of an operation's arguments lead."""

    def __init__(self, operation: Operation, document: ApiDocument) -> None:
        self._declared = operation.parameters
        body = operation.body
        self.body_names: frozenset[str] = frozenset()
        self.properties: frozenset[str] = frozenset()
        if body is not None:
            self.body_names = frozenset({"body"} | ({body.name} if body.name else set()))
            self.properties = property_names(body.schema, document)

    def parameters(self, name: str) -> list[Parameter]:
        found = [parameter for parameter in self._declared if _is_named(parameter, name)]
        place, _, rest = name.partition(".")
        return found or [
            parameter
            for parameter in self._declared
            if parameter.place == place and _is_named(parameter, rest)
        ]

    def names(self) -> list[str]:
        declared = [parameter.name for parameter in self._declared]
        return list(dict.fromkeys((*declared, *sorted(self.properties), *sorted(self.body_names))))


def _is_named(parameter: Parameter, name: str) -> bool:
    if parameter.place == "header":
        return parameter.name.lower() == name.lower()
    return parameter.name == name


def _merged(whole: Any, properties: dict[str, Any]) -> Any:
    if not properties:
        return whole
    if whole is not None and not isinstance(whole, dict):
        raise invalid(
            [f"{listed(properties)} belong into the body, and `body` is no object to add them to"]
        )
    return {**(whole or {}), **properties}


def _check_presence(
    operation: Operation, given: list[tuple[Parameter, Any]], body: Any, places: _Places
) -> None:
    present = {(parameter.place, parameter.name) for parameter, _ in given}
    missing = [
        parameter.name
        for parameter in operation.parameters
        if parameter.required and (parameter.place, parameter.name) not in present
    ]
    if operation.body is not None and operation.body.required and body is None:
        fields = [field.name for field in operation.body.fields if field.required]
        missing += fields or [operation.body.name or "body"]
    if missing:
        raise Fault(
            "validation",
            400,
            "Missing parameters",
            f"{operation.id} needs {listed(missing)}; it takes {listed(places.names())}",
        )


def _check_values(
    operation: Operation, bound: Bound, document: ApiDocument, redact: Callable[[Any], Any]
) -> None:
    checked: list[tuple[str, Any, Any]] = [
        (parameter.name, parameter.schema, value) for parameter, value in bound.parameters
    ]
    if operation.body is not None and bound.body is not None:
        checked.append(("body", operation.body.schema, bound.body))
    found: list[str] = []
    for name, schema, value in checked:
        check = None if schema is None else validator(schema, document)
        if check is not None:
            found += problems(check, value, name, redact)
    for parameter, value in bound.parameters:
        if parameter.place == "path" and value in ("", ".", ".."):
            found.append(f"{parameter.name}: {value!r} would lead to another path")
    if found:
        raise invalid(found)


def _unknown(operation: Operation, unknown: list[str], known: list[str]) -> Fault:
    named = ", ".join(
        f"`{name}`" + (f" ({hint})" if (hint := did_you_mean(name, known)) else "")
        for name in unknown
    )
    takes = f"it takes {listed(known)}" if known else "it takes none"
    return Fault(
        "validation",
        400,
        "Unknown parameters",
        f"{operation.id} does not know {named}; {takes}",
    )
