"""Data on its way through a task: schemas, transformations and computed durations.

Owns what the DSL's "Data Flow" does at each gate; `flow` owns the order of the gates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.definition.duration import DurationError, to_milliseconds
from batuta.kernel.faults import configuration_fault, validation_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.kernel.program import DurationCode, Flow
    from batuta.kernel.state import Frame, Token
    from batuta.kernel.transition import Transition

_PLACES = 3
"""How many places a validation fault names."""

_NOTHING: Mapping[str, Any] = {}


def transformed(
    t: Transition,
    flow: Flow,
    value: Any,
    token: Token,
    frame: Frame | None,
    given: dict[str, Any],
    *,
    before: bool = False,
    absent: Any = None,
) -> Any:
    """Apply a compiled input (schema before transformation), output or export (schema after).

    `absent` is the result of an export without `as`, which keeps the context.
    """
    if flow.unreadable is not None:
        raise configuration_fault(flow.unreadable)
    if before and flow.check is not None:
        validate(flow.check, value)
    if flow.transform is not None:
        value = flow.transform.evaluate(t, value, token, frame, given)
    elif "output" in given:
        value = absent
    if not before and flow.check is not None:
        validate(flow.check, value)
    return value


def validate(check: Any, value: Any) -> None:
    """Raise a validation fault unless the value matches; names the first three places."""
    if check.is_valid(value):
        return
    reasons: list[str] = []
    for error in check.iter_errors(value):
        place = "/".join(str(part) for part in error.instance_path)
        reasons.append(f"{error.message} at /{place}")
        if len(reasons) == _PLACES:
            break
    raise validation_fault("; ".join(reasons))


def duration_ms(
    t: Transition,
    duration: DurationCode,
    data: Any,
    token: Token,
    frame: Frame | None,
    given: Mapping[str, Any] = _NOTHING,
) -> int:
    """Return a duration in milliseconds, evaluating it when it is an expression."""
    if duration.code is None:
        return duration.fixed
    value = duration.code.evaluate(t, data, token, frame, {"input": data, **given})
    try:
        return to_milliseconds(value)
    except DurationError as error:
        raise configuration_fault(f"{error}") from None
