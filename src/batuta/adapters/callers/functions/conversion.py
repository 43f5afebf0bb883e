"""Between plain JSON and the types of annotations.

Owns the rules of conversion, for arguments on their way in and results on their way out, and the
JSON Schema that says the same to readers. msgspec does the work; models in pydantic's style
(anything with `model_validate`, `model_dump` and `model_json_schema`) are met through those three
methods, so that library is used when a user has it and imported by us never.

Values pass through JSON *text* on purpose. It costs little more than walking the objects, and it
means that a function shares no list or dict with the run: what it changes or keeps cannot change
what is journaled.
"""

from __future__ import annotations

import math
from typing import Any, cast

import msgspec

_REF = "#/$defs/{name}"


class NotJsonError(ValueError):
    """A value that JSON has no word for; the text says which and where."""


def from_plain(kind: Any, value: Any) -> Any:
    """Validate for types that msgspec does not know; a hook of msgspec's decoder."""
    validate = getattr(kind, "model_validate", None)
    if validate is None:
        raise NotImplementedError(kind)
    return validate(value)


def to_plain(value: Any) -> Any:
    """Dump for types that msgspec does not know; a hook of msgspec's encoder."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"a value of type `{type(value).__name__}` has no form in JSON")
    return dump(mode="json")


def _schema_of_model(kind: Any) -> dict[str, Any]:
    schema = getattr(kind, "model_json_schema", None)
    if schema is None:
        raise NotImplementedError(kind)
    return schema(ref_template=_REF.replace("{name}", "{model}"))


encoder = msgspec.json.Encoder(enc_hook=to_plain)
_plain = msgspec.json.Decoder()


def decoder_for(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return a strict decoder of JSON text into `kind`."""
    return msgspec.json.Decoder(kind, dec_hook=from_plain)


def plain_result(result: Any) -> Any:
    """Return `result` as plain JSON that shares nothing with it.

    Dataclasses, structs and models become objects, enums their values; dates, times, UUIDs and
    decimals become text (RFC 3339, RFC 4122, and digits: money keeps its last one).

    Raises:
        NotJsonError: there is no such form; says what stands in the way.
    """
    try:
        text = encoder.encode(result)
        # JSON has no NaN and no infinity, and the encoder writes null in their place: a silent
        # change of data. The walk that finds them is paid only when a null is there to explain.
        if b"null" in text:
            _refuse_non_numbers(msgspec.to_builtins(result, enc_hook=to_plain), "")
        return _plain.decode(text)
    except RecursionError:
        raise NotJsonError("it contains itself") from None
    except UnicodeEncodeError as error:
        raise NotJsonError(f"it holds text that is not Unicode: {error.reason}") from None
    except (TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise NotJsonError(str(error)) from None


def _refuse_non_numbers(value: Any, path: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotJsonError(f"{path or 'it'} is {value}, and JSON has no word for that")
    if isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            _refuse_non_numbers(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("list[Any]", value)):
            _refuse_non_numbers(item, f"{path}[{index}]")


def integral(value: Any) -> Any:
    """Return `value` with every float that is a whole number as an int.

    To JSON Schema (2020-12, core, 4.2.3) and to jq 3.0 and 3 are one number; to Python they are
    two types. Used only after a value was refused as it came.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: integral(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [integral(item) for item in cast("list[Any]", value)]
    return value


def json_schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of `kind`, self-contained: its parts are under `$defs`.

    Raises:
        TypeError: `kind` has no form in JSON.
    """
    (root,), parts = msgspec.json.schema_components(
        (kind,), schema_hook=_schema_of_model, ref_template=_REF
    )
    pending: dict[str, Any] = dict(parts)
    schema: dict[str, Any] = _hoisted(root, pending)
    definitions: dict[str, Any] = {}
    while pending:
        name, part = pending.popitem()
        definitions[name] = _hoisted(part, pending)
    # A reference and nothing else is unfolded, except to a kind that refers to itself.
    reference = schema.get("$ref", "")
    if len(schema) == 1 and f"'{reference}'" not in str(definitions):
        schema = definitions.pop(reference.removeprefix("#/$defs/"), schema)
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    return schema


def _hoisted(schema: Any, top: dict[str, Any]) -> Any:
    """Return `schema` with the `$defs` of models inside it moved to `top`, where refs point."""
    if isinstance(schema, list):
        return [_hoisted(item, top) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = cast("dict[str, Any]", schema)
    inner = found.get("$defs")
    if isinstance(inner, dict):
        top.update(cast("dict[str, Any]", inner))
    return {key: _hoisted(item, top) for key, item in found.items() if key != "$defs"}
