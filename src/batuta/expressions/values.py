"""jq's values in Python: their kinds, order, text, and how they are indexed.

JSON is plain Python here: None, bool, int, float, str, list, dict, and nothing else. `True` is not
`1` (Python thinks it is), numbers compare by value, texts by code point, arrays item by item,
objects by their sorted keys and then by the values of those. Everything here is pure and never
changes what it is given. Where releases of jq disagree, `decline` leaves the answer to the sandbox.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from batuta.expressions.failures import ExpressionFailure, decline

if TYPE_CHECKING:
    from collections.abc import Iterator

EXACT = 2**53
"""Up to here every integer is a double; beyond, arithmetic rounds as IEEE 754 says."""

_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_RANKS: dict[type, int] = {int: 3, float: 3, str: 4, list: 5, dict: 6}
_CONTAINERS = frozenset({list, dict})
_EXPONENT = re.compile(r"[0-9]e\+")
_SHOWN_BYTES = 29
_SEARCHED = 20_000
_WRITTEN = 200_000


def kind(value: Any) -> str:
    """Return jq's name for the type of a value."""
    try:
        return _KINDS[value.__class__]
    except KeyError:
        raise ExpressionFailure(f"{type(value).__name__} is no JSON value") from None


def is_number(value: Any) -> bool:
    """Whether the value is a number; booleans are not."""
    return value.__class__ is int or value.__class__ is float


# -- text ------------------------------------------------------------------------------------------


def to_json(value: Any) -> str:
    """Return a value as jq writes it: no blanks, keys in their order, numbers as short as they go.

    One difference from jq: a number that was written `1.10` or `1E2` in the source is written `1.1`
    or `100` here, since a workflow's data keeps a number's value, not its spelling.
    """
    try:
        text = _encode(value)
    except RecursionError:
        raise decline("a value is nested very deeply") from None
    if "\x7f" in text:
        text = text.replace("\x7f", "\\u007f")
    if _EXPONENT.search(text):
        if len(text) > _WRITTEN:
            raise decline("a long text with numbers of many digits")
        return "".join(_pieces(value))
    return text


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _pieces(value: Any) -> Iterator[str]:
    """Yield the JSON text of a value bit by bit."""
    if value.__class__ is float:
        yield _write_float(value)
    elif value.__class__ is list:
        separator = "["
        for item in value:
            yield separator
            yield from _pieces(item)
            separator = ","
        yield "]" if value else "[]"
    elif value.__class__ is dict:
        separator = "{"
        for key, item in value.items():
            yield separator
            yield _encode(key).replace("\x7f", "\\u007f")
            yield ":"
            yield from _pieces(item)
            separator = ","
        yield "}" if value else "{}"
    else:
        yield _encode(value).replace("\x7f", "\\u007f")


def _write_float(value: float) -> str:
    """Write a double as jq does: no exponent as long as its digits reach far enough."""
    text = repr(value)
    mantissa, mark, exponent = text.partition("e+")
    if not mark:
        return text
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    point = int(exponent) + 1
    if point <= len(digits) + 15:  # David Gay's rule, as in jq's jv_dtoa.c (freedtoa format)
        return sign + digits + "0" * (point - len(digits))
    return text


def to_text(value: Any) -> str:
    """Return jq's `tostring`: a string is itself, anything else its JSON."""
    if value.__class__ is str:
        return value
    return str(value) if value.__class__ is int else to_json(value)


def show(value: Any) -> str:
    """Return `type (value)` as jq's messages have it, shortened to 29 bytes."""
    text = ""
    for piece in _pieces(value[:64] if value.__class__ is str else value):
        text += piece
        if len(text) > 2 * _SHOWN_BYTES:
            break
    raw = text.encode("utf-8", "replace")
    if len(raw) > _SHOWN_BYTES:
        closing = {str: '"', list: "]", dict: "}"}.get(value.__class__, "")
        room = _SHOWN_BYTES - 3 - len(closing)
        text = raw[:room].decode("utf-8", "ignore") + "..." + closing
    return f"{kind(value)} ({text})"


# -- order -----------------------------------------------------------------------------------------


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same for jq."""
    a, b = left.__class__, right.__class__
    if a is str or b is str or a is type(None) or b is type(None):
        return left == right
    if a is bool or b is bool:
        return left is right
    try:
        # Python's own comparison is coarser only where it takes True for 1: then look again.
        return left == right and (a not in _CONTAINERS or _same(left, right))
    except RecursionError:
        raise decline("a value is nested very deeply") from None


def _same(left: Any, right: Any) -> bool:
    if left is right:
        return True
    if left.__class__ is list:
        return all(map(_same, left, right))
    if left.__class__ is dict:
        return all(_same(item, right[key]) for key, item in left.items())
    return (left.__class__ is bool) == (right.__class__ is bool)


def order(value: Any) -> tuple[Any, ...]:
    """Return a key by which Python sorts as jq does: null, false, true, numbers, ..., objects."""
    try:
        return _order(value)
    except RecursionError:
        raise decline("a value is nested very deeply") from None


def _order(value: Any) -> tuple[Any, ...]:
    if value is None:
        return (0,)
    if value is False:
        return (1,)
    if value is True:
        return (2,)
    if value.__class__ is list:
        return (5, [_order(item) for item in value])
    if value.__class__ is dict:
        keys = sorted(value)
        return (6, keys, [_order(value[key]) for key in keys])
    return (_RANKS[value.__class__], value)


def less(left: Any, right: Any) -> bool:
    """Whether one value comes before another in jq's total order."""
    a, b = left.__class__, right.__class__
    if a is b and (a is int or a is str or a is float):
        return left < right
    return order(left) < order(right)


def sort(values: list[Any]) -> list[Any]:
    """Return the values in jq's order; equal ones keep their places."""
    kinds = {value.__class__ for value in values}
    if kinds <= {str} or kinds <= {int, float}:
        return sorted(values)
    return sorted(values, key=order)


# -- numbers ---------------------------------------------------------------------------------------


def settle(number: float) -> int | float:
    """Return the result of an IEEE operation as JSON: integral and exact ones are ints.

    Raises:
        TooMuchWork: for infinity and "not a number", which only jq itself can print.
    """
    if number.is_integer():
        return int(number) if -EXACT <= number <= EXACT else number
    if math.isfinite(number):
        return number
    raise decline("the result is no finite number")


def as_double(number: float) -> float:
    """Return a JSON number as the double that jq calculates with."""
    try:
        return float(number)
    except OverflowError:
        raise decline("a number is beyond all doubles") from None


# -- indexing --------------------------------------------------------------------------------------


def cannot_index(target: Any, key: Any) -> ExpressionFailure:
    """Return the failure for a key that the target cannot have."""
    return ExpressionFailure(f"Cannot index {kind(target)} with {show(key)}")


def index(target: Any, key: Any) -> Any:
    """Return `target[key]`."""
    held, by = target.__class__, key.__class__
    if by is str:
        if held is dict:
            return target.get(key)
        if target is None:
            return None
    elif by is int or by is float:
        if held is list:
            return _item(target, key)
        if target is None:
            return None
    elif by is dict and (target is None or held is list):
        raise decline("a slice given as an object")
    elif by is list and held is list:
        return _run_indices(target, key)
    raise cannot_index(target, key)


def _run_indices(target: list[Any], wanted: list[Any]) -> Any:
    if not wanted:
        raise decline("the places of an empty array")
    if len(wanted) * len(target) > _SEARCHED:
        raise decline("the places of a long array")
    return indices(target, wanted)


def _item(items: list[Any], key: float) -> Any:
    if key.__class__ is float:
        if key < 0 and not key.is_integer():
            raise decline("a negative fraction as an index")
        key = math.floor(key)
    size = len(items)
    if -size <= key < size:
        return items[key]  # pyright: ignore[reportCallIssue, reportArgumentType] -- floored above
    return None


def bounds(size: int, start: Any, stop: Any) -> tuple[int, int]:
    """Return the slice `[start:stop]` of something of this size as whole, clamped numbers."""
    for bound in (start, stop):
        if bound is not None and not is_number(bound):
            raise ExpressionFailure("Array/string slice indices must be integers")
    first = 0 if start is None else start
    last = size if stop is None else stop
    first = min(max(first + size if first < 0 else first, 0), size)
    last = min(max(last + size if last < 0 else last, 0), size)
    return math.floor(first), math.ceil(max(first, last))


def slice_of(target: Any, start: Any, stop: Any) -> Any:
    """Return `target[start:stop]`; texts are cut by code point."""
    if target is None:
        return None
    if target.__class__ is not list and target.__class__ is not str:
        raise cannot_index(target, {"start": start, "end": stop})
    first, last = bounds(len(target), start, stop)
    return target[first:last]


def indices(target: Any, wanted: Any) -> Any:
    """Return every place where a value, a run of values or a text occurs."""
    if target.__class__ is str and wanted.__class__ is str:
        return _text_indices(target, wanted)
    if target.__class__ is list:
        if wanted.__class__ is not list:
            return [at for at, item in enumerate(target) if equal(item, wanted)]
        size = len(wanted)
        return [
            at
            for at in range(len(target) - size + 1 if size else 0)
            if all(equal(target[at + n], wanted[n]) for n in range(size))
        ]
    return index(target, wanted)


def _text_indices(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found
