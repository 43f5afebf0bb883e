"""What a secret's value is, and how it is read from text.

A secret is a text or a JSON object (user and password, a key and its id). In places that hold only
text a value that reads as a JSON object is one; every other text is itself, so a number or `true`
on a command line stays the text it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import msgspec

from batuta.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

SecretValue: TypeAlias = str | dict[str, Any]
Leaf: TypeAlias = str | int | float


class SecretProvider(Protocol):
    """One place where secrets are kept.

    Promises: the same answer until the place changes; no value in any error's text.
    Failure: `RequestError` when the place cannot be used as it is, `CorruptError` when what it
        holds cannot be read back.
    Cancellation: nothing waits.
    Order: free.
    Repetition: asking changes nothing.
    """

    def find(self, name: str) -> SecretValue | None:
        """Return the secret's value, or None when it is not kept here."""
        ...

    def way(self, name: str) -> str:
        """Return how somebody puts this secret here, to follow the word "with"."""
        ...


def from_text(text: str) -> SecretValue:
    """Return the JSON object that `text` is, or else `text`."""
    if text.lstrip().startswith("{"):
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
    return text


def from_data(name: str, value: Any, place: str) -> SecretValue:
    """Return `value` of a parsed file when it is a text or an object.

    Raises:
        RequestError: it is neither; the value is not told.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        # Through JSON, so that what TOML knows beyond it (dates) becomes text.
        return msgspec.json.decode(msgspec.json.encode(value))
    raise RequestError(
        f"secret `{name}` in {place} is of type {type(value).__name__}",
        hint="a secret is a text or an object: put quotes around it",
    )


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Yield (path, leaf) for each text and number in `value`; true, false and null hide nothing."""
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from leaves(item, (*path, str(index)))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value
