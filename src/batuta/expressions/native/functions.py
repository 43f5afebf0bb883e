"""The builtins that take values: each is a plain function of its input and evaluated arguments.

A function that visits elements takes the meter too and makes its program framed. Arguments must
have one output each; programs that give several are for the sandbox.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from batuta.expressions.arithmetic import Meter, plus, spend, split
from batuta.expressions.failures import ExpressionFailure, decline
from batuta.expressions.native.code import weigh
from batuta.expressions.values import (
    as_double,
    equal,
    index,
    indices,
    is_number,
    kind,
    order,
    settle,
    show,
    sort,
    to_json,
    to_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANKS = (
    "".join(
        map(
            chr,
            (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F),
        ),
    )
    + chr(0x205F)
    + chr(0x3000)
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MAYBE_NUMBER = re.compile(r"[-+.0-9eEnaifNIFty\s]*")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


# -- of one value, without a loop ------------------------------------------------------------------


def length(value: Any) -> Any:
    """Return the size of a container or text, the absolute value of a number, 0 for null."""
    held = value.__class__
    if held is str or held is list or held is dict:
        return len(value)
    if value is None:
        return 0
    if is_number(value):
        return as_double(value) if abs(value) > 2**53 and held is int else abs(value)
    raise ExpressionFailure(f"{show(value)} has no length")


def error(value: Any) -> Any:
    """Raise the value."""
    raise ExpressionFailure(to_text(value), value)


def keys(value: Any) -> list[Any]:
    """Return the sorted keys of an object, or the indexes of an array."""
    if value.__class__ is dict:
        return sorted(value)
    if value.__class__ is list:
        return list(range(len(value)))
    raise ExpressionFailure(f"{show(value)} has no keys")


def keys_unsorted(value: Any) -> list[Any]:
    """Return the keys in their order."""
    return list(value) if value.__class__ is dict else keys(value)


def to_number(value: Any) -> Any:
    """Return a number, or the number that a text spells."""
    if is_number(value):
        return value
    if value.__class__ is str:
        if _NUMBER.fullmatch(value) and len(value) < 300:  # noqa: PLR2004 -- what a double can hold
            if value.lstrip("-").isdigit():
                return int(value) if value != "-0" else 0
            number = float(value)
            return settle(number) if "e" in value or "E" in value else number
        if _MAYBE_NUMBER.fullmatch(value):
            raise decline("a text that only some releases of jq take for a number")
    raise ExpressionFailure(f"{show(value)} cannot be parsed as a number")


def _reject(_text: str) -> Any:
    raise decline("a number that is not finite")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _reject(text)


def from_json(value: Any) -> Any:
    """Return the value that a JSON text spells; what is no JSON is for jq to judge."""
    if value.__class__ is not str:
        raise ExpressionFailure(f"{show(value)} only strings can be parsed")
    try:
        if "\\ud" in value.lower():
            raise decline("escaped surrogates")
        return json.loads(value, parse_constant=_reject, parse_float=_finite)
    except (ValueError, RecursionError):
        raise decline("a text that is no JSON") from None


def to_array(value: Any) -> list[Any]:
    """Return an array as it is, anything else as the only item of one."""
    return value if value.__class__ is list else [value]


def _numeric(operation: Callable[[float], float]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        if not is_number(value):
            raise ExpressionFailure(f"{show(value)} number required")
        return settle(float(operation(as_double(value))))

    return run


def _round(number: float) -> float:
    if abs(number) >= 2**52:
        return number
    whole = math.floor(abs(number))
    whole += abs(number) - whole >= 0.5  # noqa: PLR2004 -- half away from zero, as C's round()
    return math.copysign(whole, number)


def _whole(operation: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: number if abs(number) >= 2**53 else operation(number)


def _root(number: float) -> float:
    if number < 0:
        raise decline("the root of a negative number")
    return math.sqrt(number)


def absolute(value: Any) -> Any:
    """Return a number without its sign."""
    if not is_number(value):
        raise decline("the absolute value of something else than a number")
    return settle(abs(as_double(value))) if value < 0 else value


def _case(table: dict[int, int]) -> Callable[[Any], Any]:
    def run(value: Any) -> str:
        if value.__class__ is not str:
            raise ExpressionFailure("explode input must be a string")
        return value.translate(table)

    return run


def _trim(strip: Callable[[str], str]) -> Callable[[Any], Any]:
    def run(value: Any) -> str:
        if value.__class__ is not str:
            raise ExpressionFailure("trim input must be a string")
        return strip(value)

    return run


def _bytes(value: Any) -> int:
    if value.__class__ is not str:
        raise ExpressionFailure(f"{show(value)} only strings have UTF-8 byte length")
    return len(value.encode("utf-8", "replace"))


LIGHT: dict[str, Callable[[Any], Any]] = {
    "abs": absolute,
    "ascii_downcase": _case(_LOWER),
    "ascii_upcase": _case(_UPPER),
    "ceil": _numeric(_whole(math.ceil)),
    "error": error,
    "fabs": _numeric(abs),
    "first": lambda d: index(d, 0),
    "floor": _numeric(_whole(math.floor)),
    "fromjson": from_json,
    "keys": keys,
    "keys_unsorted": keys_unsorted,
    "last": lambda d: index(d, -1),
    "length": length,
    "ltrim": _trim(lambda t: t.lstrip(_BLANKS)),
    "not": lambda d: d is None or d is False,
    "round": _numeric(_round),
    "rtrim": _trim(lambda t: t.rstrip(_BLANKS)),
    "sqrt": _numeric(_root),
    "toarray": to_array,
    "tojson": to_json,
    "tonumber": to_number,
    "tostring": to_text,
    "trim": _trim(lambda t: t.strip(_BLANKS)),
    "type": kind,
    "utf8bytelength": _bytes,
}
READS_ALL = frozenset({"tojson", "tostring", "error"})
"""These read the whole value: charged for it when framed."""

SCALARS = frozenset(
    (
        "abs",
        "ceil",
        "fabs",
        "floor",
        "length",
        "not",
        "round",
        "sqrt",
        "tonumber",
        "type",
        "utf8bytelength",
    )
)
"""The light functions whose result is small; that of the others may be as big as their input."""


# -- of one value, with a loop ---------------------------------------------------------------------


def _array(value: Any, what: str) -> list[Any]:
    if value.__class__ is not list:
        raise ExpressionFailure(f"{show(value)} cannot be {what}, as it is not an array")
    return value


def elements(value: Any, meter: Meter) -> list[Any]:
    """Return what `.[]` yields, charged."""
    if value.__class__ is list:
        spend(meter, 1 + len(value))
        return value
    if value.__class__ is dict:
        spend(meter, 1 + len(value))
        return list(value.values())
    raise ExpressionFailure(f"Cannot iterate over {show(value)}")


def add(values: list[Any], meter: Meter) -> Any:
    """Return the sum of values, from the left, beginning with null."""
    if values and all(value.__class__ is str for value in values):
        spend(meter, sum(map(len, values)) >> 4)
        return "".join(values)
    if values and all(value.__class__ is list for value in values):
        spend(meter, sum(map(len, values)))
        return [item for value in values for item in value]
    total = None
    for value in values:
        total = plus(total, value, meter)
    return total


def sorted_array(value: Any, meter: Meter) -> list[Any]:
    """Return the items in jq's order."""
    return sort(weigh(_array(value, "sorted"), meter))


def unique(value: Any, meter: Meter) -> list[Any]:
    """Return the items in jq's order, the first of equal ones only."""
    made: list[Any] = []
    for item in sorted_array(value, meter):
        if not made or not equal(made[-1], item):
            made.append(item)
    return made


def least(value: Any, meter: Meter) -> Any:
    """Return the first of the smallest items, null if there are none."""
    if value.__class__ is not list:
        raise ExpressionFailure(f"{show(value)} and {show(value)} cannot be iterated over")
    weigh(value, meter)
    return min(value, key=order, default=None)


def greatest(value: Any, meter: Meter) -> Any:
    """Return the last of the greatest items, null if there are none."""
    if value.__class__ is not list:
        raise ExpressionFailure(f"{show(value)} and {show(value)} cannot be iterated over")
    weigh(value, meter)
    return max(reversed(value), key=order, default=None)


def reverse(value: Any, meter: Meter) -> list[Any]:
    """Return the items from last to first."""
    if value is None:
        return []
    if value.__class__ is not list:
        raise decline("the reverse of something else than an array")
    spend(meter, len(value))
    return value[::-1]


def flatten(value: Any, depth: Any, meter: Meter) -> list[Any]:
    """Return the items with nested arrays opened, up to a depth (-1: all)."""
    if value.__class__ is dict or depth.__class__ is not int:
        raise decline("flatten with an object or an odd depth")
    made: list[Any] = []
    pending = [(iter(elements(value, meter)), depth)]
    while pending:
        items, left = pending[-1]
        for item in items:
            if item.__class__ is list and left:
                pending.append((iter(elements(item, meter)), left - 1))
                break
            made.append(item)
        else:
            pending.pop()
    return made


def to_entries(value: Any, meter: Meter) -> list[Any]:
    """Return `{key, value}` for each entry of an object."""
    if value.__class__ is list:
        raise decline("the entries of an array")
    if value.__class__ is not dict:
        raise ExpressionFailure(f"{show(value)} has no keys")
    spend(meter, 3 * len(value))
    return [{"key": key, "value": item} for key, item in value.items()]


def from_entries(value: Any, meter: Meter) -> dict[str, Any]:
    """Return the object of `{key, value}` entries; other spellings of them are for the sandbox."""
    made: dict[str, Any] = {}
    for entry in elements(value, meter):
        if entry.__class__ is not dict or "value" not in entry:
            raise decline("entries of another form")
        key = entry.get("key")
        if key.__class__ is not str:
            raise decline("entries of another form")
        made[key] = entry["value"]
    return made


LOOPS: dict[str, Callable[[Any, Meter], Any]] = {
    "add": lambda d, e: add(elements(d, e), e),
    "all": lambda d, e: all(x is not None and x is not False for x in elements(d, e)),
    "any": lambda d, e: any(x is not None and x is not False for x in elements(d, e)),
    "flatten": lambda d, e: flatten(d, -1, e),
    "from_entries": from_entries,
    "max": greatest,
    "min": least,
    "reverse": reverse,
    "sort": sorted_array,
    "to_entries": to_entries,
    "unique": unique,
}
SCALAR_LOOPS = frozenset({"all", "any"})


# -- with arguments --------------------------------------------------------------------------------


def has(value: Any, key: Any, _meter: Any) -> bool:
    """Whether there is such a key or index, whatever stands there."""
    if value.__class__ is dict and key.__class__ is str:
        return key in value
    if value.__class__ is list and is_number(key):
        if key < 0 and int(key) != key:
            raise decline("a negative fraction as an index")
        return 0 <= key < len(value)
    if value is None:
        raise decline("the keys of null")
    raise ExpressionFailure(f"Cannot check whether {kind(value)} has a {kind(key)} key")


def contains(value: Any, part: Any, meter: Meter) -> bool:
    """Whether a value has another in it: part of a text, of items, of entries."""
    if kind(value) != kind(part) or (value.__class__ is bool and value is not part):
        raise ExpressionFailure(
            f"{show(value)} and {show(part)} cannot have their containment checked",
        )
    return _contains(value, part, meter)


def _contains(value: Any, part: Any, meter: Meter) -> bool:
    spend(meter, 1)
    held = value.__class__
    if held is dict and part.__class__ is dict:
        return all(
            key in value and _contains(value[key], item, meter) for key, item in part.items()
        )
    if held is list and part.__class__ is list:
        return all(any(_contains(item, wanted, meter) for item in value) for wanted in part)
    if held is str and part.__class__ is str:
        return part in value
    return equal(value, part)


def _texts(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any, Any], bool]:
    def run(value: Any, part: Any, _meter: Any) -> bool:
        if value.__class__ is not str or part.__class__ is not str:
            raise ExpressionFailure(f"{name}() requires string inputs")
        return test(value, part)

    return run


def _cut(cut: Callable[[str, str], str]) -> Callable[[Any, Any, Any], str]:
    def run(value: Any, part: Any, _meter: Any) -> str:
        if value.__class__ is not str or part.__class__ is not str:
            raise decline("trimming something else than text")
        return cut(value, part)

    return run


def _split(value: Any, separator: Any, meter: Meter) -> list[str]:
    if value.__class__ is not str or separator.__class__ is not str:
        raise ExpressionFailure("split input and separator must be strings")
    return split(value, separator, meter)


def join(value: Any, separator: Any, meter: Meter) -> str:
    """Return the texts of scalars with a separator between them; null is no text."""
    if separator.__class__ is not str:
        raise decline("joining by something else than text")
    parts: list[str] = []
    for item in elements(value, meter):
        if item.__class__ is list or item.__class__ is dict:
            so_far = "".join(f"{part[:64]}{separator[:64]}" for part in parts[:64])
            raise ExpressionFailure(f"{show(so_far)} and {show(item)} cannot be added")
        parts.append("" if item is None else to_text(item))
    spend(meter, (len(separator) * len(parts) + sum(map(len, parts))) >> 4)
    return separator.join(parts)


def _places(value: Any, wanted: Any, meter: Meter) -> Any:
    if value.__class__ is list:
        spend(meter, len(value) * (len(wanted) if wanted.__class__ is list else 1))
    elif value.__class__ is str:
        spend(meter, len(value) >> 2)
    return indices(value, wanted)


def _place(at: int) -> Callable[[Any, Any, Meter], Any]:
    def run(value: Any, wanted: Any, meter: Meter) -> Any:
        found = _places(value, wanted, meter)
        if found is not None and found.__class__ is not list:
            raise decline("the place of something in an object")
        return found[at] if found else None

    return run


WITH_ONE: dict[str, tuple[Callable[[Any, Any, Any], Any], bool]] = {
    # name: (function of input, argument and meter; whether it needs the meter)
    "contains": (contains, True),
    "endswith": (_texts("endswith", str.endswith), False),
    "flatten": (lambda d, x, e: flatten(d, x if x.__class__ is int and x >= 0 else None, e), True),
    "has": (has, False),
    "in": (lambda d, x, e: has(x, d, e), False),
    "index": (_place(0), True),
    "indices": (_places, True),
    "inside": (lambda d, x, e: contains(x, d, e), True),
    "join": (join, True),
    "ltrimstr": (_cut(str.removeprefix), False),
    "rindex": (_place(-1), True),
    "rtrimstr": (_cut(str.removesuffix), False),
    "split": (_split, True),
    "startswith": (_texts("startswith", str.startswith), False),
    "nth": (lambda d, x, _e: index(d, x), False),
}
SCALAR_WITH_ONE = frozenset(
    {"contains", "endswith", "has", "in", "index", "inside", "rindex", "startswith"},
)
