"""The text by which a store finds who waits for a value in an event.

Two values that a listen takes for equal have the same text, whichever way they were written: `1`
and `1.0`, and objects whose members stand in another order.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode


def correlation_text(value: Any) -> str:
    """Return the text of a JSON value, the same for all equal values."""
    return _encode(_canonical(value)).decode()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _canonical(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    return value
