"""`+ - * / %` on any two values, as jq defines them.

Numbers: jq calculates with doubles. Ints whose result stays within 2**53 are exact either way and
stay ints; beyond that the result is rounded as a double and is one. There is no negative zero: `0 *
-1` is `0` here and `-0` in jq, which compare equal. A meter is charged for every element and
character that is built; without one (outside loops) growth is bounded by the program itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.expressions.failures import ExpressionFailure, TooMuchWork, decline
from batuta.expressions.values import EXACT, as_double, equal, is_number, settle, show

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = 20_000
"""Elements visited and built that one evaluation may have; sixteen characters count as one."""

Meter = list[Any]
"""What an evaluation keeps: its remaining work first. See `native.code`."""


def spend(meter: Meter, work: int) -> None:
    """Charge some work.

    Raises:
        TooMuchWork: when the budget is used up.
    """
    left = meter[0] - work
    meter[0] = left
    if left < 0:
        raise TooMuchWork(f"more than {BUDGET:,} elements and characters: the sandbox takes over")


def spend_text(meter: Meter, text: str) -> str:
    """Charge a text that was built, and return it.

    Raises:
        TooMuchWork: when the budget is used up.
    """
    spend(meter, len(text) >> 4)
    return text


def _refuse(left: Any, right: Any, what: str) -> ExpressionFailure:
    return ExpressionFailure(f"{show(left)} and {show(right)} cannot be {what}")


def plus(left: Any, right: Any, meter: Meter | None = None) -> Any:
    """Return `left + right`."""
    a, b = left.__class__, right.__class__
    if a is int and b is int and -EXACT <= left <= EXACT and -EXACT <= right <= EXACT:
        total = left + right
        return total if -EXACT <= total <= EXACT else settle(float(total))
    if is_number(left) and is_number(right):
        return settle(as_double(left) + as_double(right))
    if left is None:
        return right
    if right is None:
        return left
    if a is b and (a is str or a is list or a is dict):
        return _joined(left, right, meter)
    raise _refuse(left, right, "added")


def _joined(left: Any, right: Any, meter: Meter | None) -> Any:
    if left.__class__ is str:
        return left + right if meter is None else spend_text(meter, left + right)
    if meter is not None:
        spend(meter, len(left) + len(right))
    return left + right if left.__class__ is list else {**left, **right}


def minus(left: Any, right: Any, meter: Meter | None = None) -> Any:
    """Return `left - right`: the difference of numbers, or the array without certain items."""
    if is_number(left) and is_number(right):
        if left.__class__ is int and right.__class__ is int:
            return plus(left, -right)
        return settle(as_double(left) - as_double(right))
    if left.__class__ is list and right.__class__ is list:
        if meter is None:
            if len(left) * len(right) > BUDGET:
                raise decline("a difference of long arrays")
        else:
            spend(meter, len(left) * (1 + len(right)))
        return [item for item in left if not any(equal(item, gone) for gone in right)]
    raise _refuse(left, right, "subtracted")


def times(left: Any, right: Any, meter: Meter | None = None) -> Any:
    """Return `left * right`: a product, a repeated text, or two objects merged deeply."""
    a, b = left.__class__, right.__class__
    if a is int and b is int and -EXACT <= left <= EXACT and -EXACT <= right <= EXACT:
        product = left * right
        return product if -EXACT <= product <= EXACT else settle(float(product))
    if is_number(left) and is_number(right):
        return settle(as_double(left) * as_double(right))
    if a is str and is_number(right):
        return _repeat(left, right, meter)
    if b is str and is_number(left):
        return _repeat(right, left, meter)
    if a is dict and b is dict:
        try:
            return _merge(left, right, meter)
        except RecursionError:
            raise decline("a value is nested very deeply") from None
    raise _refuse(left, right, "multiplied")


def _repeat(text: str, count: float, meter: Meter | None) -> str:
    if len(text) * count > BUDGET or count > BUDGET:
        raise TooMuchWork(f"a text of more than {BUDGET:,} characters: the sandbox takes over")
    if count < 1 or int(count) != count:
        raise decline("a text repeated a fraction of a time, or not at all")
    if meter is not None:
        spend(meter, len(text) * int(count) >> 4)
    return text * int(count)


def _merge(left: dict[str, Any], right: dict[str, Any], meter: Meter | None) -> dict[str, Any]:
    if meter is not None:
        spend(meter, len(left) + len(right))
    merged = left.copy()
    for key, item in right.items():
        old = merged.get(key)
        if old.__class__ is dict and item.__class__ is dict:
            merged[key] = _merge(old, item, meter)  # pyright: ignore[reportArgumentType] -- a dict
        else:
            merged[key] = item
    return merged


def divided(left: Any, right: Any, meter: Meter | None = None) -> Any:
    """Return `left / right`: a quotient, or a text split."""
    if is_number(left) and is_number(right):
        if right == 0:
            raise _refuse(left, right, "divided because the divisor is zero")
        return settle(as_double(left) / as_double(right))
    if left.__class__ is str and right.__class__ is str:
        return split(left, right, meter)
    raise _refuse(left, right, "divided")


def split(text: str, separator: str, meter: Meter | None = None) -> list[str]:
    """Return the parts of a text between separators; an empty separator gives its characters."""
    if not text:
        return []
    found = text.split(separator) if separator else list(text)
    if meter is not None:
        spend(meter, len(found) + (len(text) >> 4))
    return found


def remainder(left: Any, right: Any, _meter: Meter | None = None) -> Any:
    """Return `left % right`, of both truncated to integers; the sign is the dividend's."""
    if not (is_number(left) and is_number(right)):
        raise _refuse(left, right, "divided (remainder)")
    dividend, divisor = _truncate(left), abs(_truncate(right))
    if divisor == 0:
        raise _refuse(left, right, "divided (remainder) because the divisor is zero")
    result = abs(dividend) % divisor
    return settle(float(-result if dividend < 0 else result))


def _truncate(number: float) -> int:
    if number.__class__ is int and -EXACT <= number <= EXACT:
        return int(number)
    whole = as_double(number)
    return max(-(2**63), min(2**63 - 1, int(whole)))


def negated(value: Any) -> Any:
    """Return `-value`."""
    if not is_number(value):
        raise ExpressionFailure(f"{show(value)} cannot be negated")
    return minus(0, value)


OPERATIONS: dict[str, Callable[[Any, Any, Meter | None], Any]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "%": remainder,
}
