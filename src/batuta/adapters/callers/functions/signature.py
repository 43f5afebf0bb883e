"""How a function's parameters meet the arguments of a call.

Owns reading a signature once (`Signature.of`), turning arguments into keyword arguments on every
call (`bind`), and saying what is wrong with arguments that do not fit (`explain`). Does not own the
rules of conversion (`conversion`).

The parameters become the fields of one msgspec struct, so names, types, defaults and unknown
arguments are all checked in one pass of C. When every annotation is `str`, `int` or `bool`, looking
at the exact types is quicker still, and enough: such values cannot be changed by the function.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.functions.context import Context
from batuta.adapters.callers.functions.conversion import (
    decoder_for,
    encoder,
    from_plain,
    integral,
    json_schema,
)
from batuta.errors import RequestError
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

_SCALARS = (str, int, bool)
_SHOWN = 120
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_TYPES = (
    "use a dataclass, a TypedDict, a msgspec.Struct, a pydantic model, an Enum, Literal, Optional, "
    "list, dict, str, int, float, bool, Decimal, datetime, date, UUID or Any"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that a workflow may give. `kind` is its annotation, Any when it has none."""

    name: str
    kind: Any
    required: bool
    default: Any = None


class Signature:
    """What a function takes and gives, in the form that calls need.

    Attributes:
        parameters: the arguments that a workflow may give, in order.
        context_name: the parameter that receives the Context, or None.
        accepts_others: whether arguments of other names go into `**parameter`.
        input_schema: JSON Schema of `with`.
        output_schema: JSON Schema of the result; `{}` when it has no annotation.
    """

    def __init__(
        self,
        owner: str,
        parameters: tuple[Parameter, ...],
        context_name: str | None,
        accepts_others: bool,
        returns: Any,
    ) -> None:
        self.owner = owner
        self.parameters = parameters
        self.context_name = context_name
        self.accepts_others = accepts_others
        struct = _struct(owner, parameters, accepts_others)
        self._fields = frozenset(parameter.name for parameter in parameters)
        self._decode = msgspec.json.Decoder(struct, dec_hook=from_plain).decode
        self._scalars: tuple[tuple[str, type], ...] | None = None
        if not accepts_others and all(p.kind in _SCALARS for p in parameters):
            self._scalars = tuple((p.name, p.kind) for p in parameters)
        self.input_schema = _input_schema(struct, parameters, accepts_others)
        self.output_schema = _schema(owner, "its result", returns)

    @classmethod
    def of(cls, target: Callable[..., Any], owner: str) -> Signature:
        """Read the signature of `target`, which workflows call `owner`.

        Raises:
            RequestError: no workflow could call it, or an annotation has no form in JSON.
        """
        hints = _hints(target, owner)
        parameters: list[Parameter] = []
        context_name: str | None = None
        accepts_others = False
        for name, parameter in inspect.signature(target).parameters.items():
            kind = hints.get(name, Any)
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                accepts_others = True
            elif _is_context(kind):
                context_name = name
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                raise RequestError(
                    f"function `{owner}` takes `{name}` by position only, and a workflow gives "
                    "arguments by name",
                    hint="remove the `/` from its parameters",
                )
            else:
                required = parameter.default is parameter.empty
                default = None if required else parameter.default
                parameters.append(Parameter(name, kind, required, default))
        returns = hints.get("return", Any)
        return cls(owner, tuple(parameters), context_name, accepts_others, returns)

    def bind(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments for `arguments`, checked and converted.

        Raises:
            msgspec.ValidationError: they do not fit; `explain` says why to a reader.
        """
        if self._scalars is not None and len(arguments) == len(self._scalars):
            for name, kind in self._scalars:
                if type(arguments.get(name)) is not kind:
                    break
            else:
                return arguments
        return self._convert(arguments)

    def _convert(self, arguments: dict[str, Any]) -> dict[str, Any]:
        text = encoder.encode(arguments)
        try:
            struct = self._decode(text)
        except msgspec.ValidationError:
            # 6 / 2 is 3.0 in Python: an int parameter takes it, as JSON Schema's integer does.
            struct = self._decode(encoder.encode(integral(arguments)))
        bound = {name: getattr(struct, name) for name in struct.__struct_fields__}
        if self.accepts_others:
            everything = msgspec.json.decode(text)
            bound |= {name: everything[name] for name in everything.keys() - self._fields}
        return bound

    def explain(
        self, arguments: dict[str, Any], written: dict[str, Any], redact: Callable[[Any], Any]
    ) -> Fault:
        """Return the fault that says everything that is wrong with `arguments`.

        Args:
            arguments: what `bind` refused.
            written: the same with secrets still as placeholders; values are shown from here.
            redact: removes known secrets from what is shown.
        """
        wrong = [*self._unknown(arguments), *self._missing(arguments)]
        for parameter in self.parameters:
            name = parameter.name
            if name in arguments:
                wrong += _misfit(parameter, arguments[name], written.get(name), redact)
        detail = "; ".join(wrong) or "they cannot be read"
        return Fault("validation", 400, "Invalid arguments", f"`{self.owner}`: {detail}")

    def _unknown(self, arguments: dict[str, Any]) -> list[str]:
        if self.accepts_others:
            return []
        names = [parameter.name for parameter in self.parameters]
        found: list[str] = []
        for name in arguments.keys() - set(names):
            near = difflib.get_close_matches(name, names, n=1)
            guess = f"; did you mean `{near[0]}`?" if near else ""
            takes = ", ".join(f"`{known}`" for known in names) or "no arguments"
            found.append(f"unknown argument `{name}`{guess} (it takes {takes})")
        return sorted(found)

    def _missing(self, arguments: dict[str, Any]) -> list[str]:
        return [
            f"missing argument `{parameter.name}`"
            for parameter in self.parameters
            if parameter.required and parameter.name not in arguments
        ]


def _is_context(kind: Any) -> bool:
    return kind is Context or Context in typing.get_args(kind)


def _hints(target: Callable[..., Any], owner: str) -> dict[str, Any]:
    subject = target if hasattr(target, "__annotations__") else getattr(target, "func", target)
    try:
        return typing.get_type_hints(subject, include_extras=True)
    except NameError as error:
        raise RequestError(
            f"an annotation of function `{owner}` cannot be read: {error}",
            hint="import that name when the module runs (not under TYPE_CHECKING), and define it "
            "at the top level of a module",
        ) from None
    except TypeError:
        # Not a function, a module or a class: an object with `__call__`.
        return typing.get_type_hints(type(subject).__call__, include_extras=True)


def _struct(owner: str, parameters: tuple[Parameter, ...], others: bool) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for parameter in parameters:
        _schema(owner, f"argument `{parameter.name}`", parameter.kind)
        if parameter.required:
            fields.append((parameter.name, parameter.kind))
        else:
            # The default object itself, as in a plain Python call; a factory because msgspec
            # refuses mutable ones.
            keep = msgspec.field(default_factory=lambda value=parameter.default: value)
            fields.append((parameter.name, parameter.kind, keep))
    # A name that no type of the user has: it must not meet theirs among the schema's parts.
    name = f"arguments of {owner}"
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=not others)


def _schema(owner: str, what: str, kind: Any) -> dict[str, Any]:
    try:
        return json_schema(kind)
    except TypeError as error:
        reason = str(error).splitlines()[-1]
        raise RequestError(
            f"function `{owner}`: {what} is annotated `{_spelt(kind)}`, which has no form in "
            f"JSON ({reason})",
            hint=_TYPES,
        ) from None


def _spelt(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) else str(kind)


def _input_schema(
    struct: type[msgspec.Struct], parameters: tuple[Parameter, ...], others: bool
) -> dict[str, Any]:
    schema = json_schema(struct)
    schema.pop("title", None)
    schema["additionalProperties"] = others
    for parameter in parameters:
        if not parameter.required:
            try:
                default = msgspec.json.decode(encoder.encode(parameter.default))
            except (TypeError, ValueError):
                continue  # a default that JSON cannot say still works, it is only not shown
            schema["properties"][parameter.name]["default"] = default
    return schema


def _misfit(
    parameter: Parameter, value: Any, written: Any, redact: Callable[[Any], Any]
) -> list[str]:
    decoder = decoder_for(parameter.kind)
    refusal = ""
    for candidate in (value, integral(value)):
        try:
            decoder.decode(encoder.encode(candidate))
        except (msgspec.MsgspecError, ValueError) as error:
            refusal = str(error)
        else:
            return []
    reason, _, path = refusal.partition(" - at `$")
    place, offending = parameter.name, written
    for key, index in _STEP.findall(path.removesuffix("`")):
        try:
            offending = offending[key] if key else offending[int(index)]
        except (KeyError, IndexError, TypeError):
            break
        place += f".{key}" if key else f"[{index}]"
    # Redacted before it is cut: the first half of a secret is no longer recognised as one.
    return [f"argument `{place}` is {_shown(redact(offending))}: {redact(_lower(reason))}"]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
