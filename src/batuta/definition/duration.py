"""Lengths of time: the DSL's objects and ISO 8601, to milliseconds.

Owns reading a duration, in a document and as the result of an expression at run time. Does not own
waiting. Rulings where the DSL says nothing (`dsl-reference.md`, "Duration"):

- Years and months have no fixed length, so a duration that uses them is refused unless they are
  zero; a week is seven days, a day is 24 hours.
- A fraction may stand on any component, as the DSL's pattern allows; what is left below a
  millisecond is rounded half to even.
- A duration is never negative, and at most a hundred years: longer is a mistake, and would
  overflow somebody's clock.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from batuta.errors import RequestError

LONGEST_MS = 100 * 365 * 86_400_000

_UNITS_MS = MappingProxyType(
    {
        "days": 86_400_000,
        "hours": 3_600_000,
        "minutes": 60_000,
        "seconds": 1_000,
        "milliseconds": 1,
    }
)
UNITS = tuple(_UNITS_MS)
"""The keys of a duration object."""

_NUMBER = r"\d{1,15}(?:[.,]\d{1,15})?"
_ISO = re.compile(
    rf"P(?=.)(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?(?:(?P<weeks>{_NUMBER})W)?"
    rf"(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=\d)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER})S)?)?",
    re.ASCII,
)
_EXAMPLE = "an ISO 8601 duration such as PT1M30S, or an object such as { minutes: 1, seconds: 30 }"


class DurationError(RequestError):
    """A value is no duration; `hint` says how to write one."""

    code = "duration"


def to_milliseconds(value: Any) -> int:
    """Return a duration as milliseconds.

    Args:
        value: an ISO 8601 text (`P1DT2H`), or an object with any of days, hours, minutes, seconds
            and milliseconds, each a number that is not negative.

    Raises:
        DurationError: it is neither, has no fixed length, or is longer than a hundred years.
    """
    if isinstance(value, str):
        exact = _from_iso(value.strip())
    elif isinstance(value, dict):
        exact = _from_object(value)
    else:
        raise DurationError(f"{value!r} is not a duration", hint=f"write {_EXAMPLE}")
    milliseconds = int(exact.to_integral_value())
    if milliseconds > LONGEST_MS:
        raise DurationError("the duration is longer than a hundred years")
    return milliseconds


def _from_iso(text: str) -> Decimal:
    found = _ISO.fullmatch(text)
    if found is None:
        raise DurationError(f"{text!r} is not a duration", hint=f"write {_EXAMPLE}")
    parts = {unit: Decimal(part.replace(",", ".")) for unit, part in found.groupdict("0").items()}
    if parts.pop("years") + parts.pop("months"):
        raise DurationError(
            f"{text!r} counts in years or months, which have no fixed length",
            hint="count in days: P30D, P365D",
        )
    weeks = parts.pop("weeks")
    return sum(
        (part * _UNITS_MS[unit] for unit, part in parts.items()), weeks * 7 * _UNITS_MS["days"]
    )


def _from_object(value: dict[str, Any]) -> Decimal:
    if not value:
        raise DurationError("a duration object is empty", hint=f"write {_EXAMPLE}")
    total = Decimal(0)
    for unit, amount in value.items():
        if unit not in _UNITS_MS:
            raise DurationError(
                f"a duration has no {unit!r}", hint=f"use {', '.join(UNITS)} (each a number)"
            )
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise DurationError(f"{unit} is {amount!r}, not a number")
        exact = Decimal(str(amount))
        if not exact.is_finite() or exact < 0 or exact > LONGEST_MS:
            raise DurationError(f"{unit} is {amount!r}, not between 0 and a hundred years")
        total += exact * _UNITS_MS[unit]
    return total
