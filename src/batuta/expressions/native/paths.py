"""Paths as values: reading, setting and deleting at them, never changing what is given.

A path is a tuple of keys and indexes. Every change copies the containers on its way, which is
charged by their length.
"""

from __future__ import annotations

from typing import Any

from batuta.expressions.arithmetic import Meter, spend
from batuta.expressions.failures import ExpressionFailure, decline
from batuta.expressions.values import cannot_index, index, is_number, kind, order

Path = tuple[Any, ...]
_LONGEST = 100_000


def get_at(value: Any, path: Path) -> Any:
    """Return what stands at a path; null when some part of it is missing."""
    for key in path:
        if value is None:
            return None
        value = index(value, key)
    return value


def set_at(value: Any, path: Path, new: Any, meter: Meter) -> Any:
    """Return the value with `new` at the path, making what is missing on the way."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if key.__class__ is str and (value is None or value.__class__ is dict):
        held: dict[str, Any] = value or {}
        spend(meter, 1 + len(held))
        return {**held, key: set_at(held.get(key), rest, new, meter)}
    if is_number(key) and (value is None or value.__class__ is list):
        return _set_item(value or [], key, rest, new, meter)
    if key.__class__ is dict:
        raise decline("a change to a slice")
    raise cannot_index(value, key)


def _set_item(items: list[Any], key: float, rest: Path, new: Any, meter: Meter) -> list[Any]:
    if key.__class__ is float:
        raise decline("a fraction as an index to set")
    at = int(key)
    if at < 0:
        at += len(items)
        if at < 0:
            raise ExpressionFailure("Out of bounds negative array index")
    if at > _LONGEST:
        raise decline("a very long array")
    spend(meter, 1 + max(len(items), at))
    made = items + [None] * (at + 1 - len(items))
    made[at] = set_at(made[at], rest, new, meter)
    return made


def delete_all(value: Any, paths: list[Path], meter: Meter) -> Any:
    """Return the value without what stands at the paths, deleting the last ones first."""
    if any(not isinstance(key, str | int) for path in paths for key in path):
        raise decline("a deletion by something else than keys and whole numbers")
    for path in sorted(paths, key=lambda path: order(list(path)), reverse=True):
        value = _delete(value, path, meter)
    return value


def _delete(value: Any, path: Path, meter: Meter) -> Any:
    if not path:
        return None
    key, rest = path[0], path[1:]
    if value is None:
        return None
    if rest:
        inner = index(value, key)
        if inner is None:
            return value
        return set_at(value, (key,), _delete(inner, rest, meter), meter)
    if value.__class__ is dict and key.__class__ is str:
        spend(meter, 1 + len(value))
        return {name: item for name, item in value.items() if name != key}
    if value.__class__ is list and key.__class__ is int:
        spend(meter, 1 + len(value))
        at = key + len(value) if key < 0 else key
        return value[:at] + value[at + 1 :] if 0 <= at < len(value) else value
    if value.__class__ is list or value.__class__ is dict:
        what = "element of array" if value.__class__ is list else "field of object"
        raise ExpressionFailure(f"Cannot delete {kind(key)} {what}")
    raise ExpressionFailure(f"Cannot delete fields from {kind(value)}")
