"""What stands for a secret inside a run, and the way back.

Secrets never enter the kernel or the journal. In their place stand *placeholders*, texts like
`[[secret:NONCE:database/password]]` (with U+27E6 and U+27E7 for the brackets), which expressions
can carry and join to other text. They are turned into values at the moment of use, by callers, and
values that come back in answers are turned into placeholders again.

- A placeholder counts only with the nonce of its own run, which nobody outside the run is told:
  text that merely looks like one, sent in by an attacker, stays text.
- One pass, never more: a value that itself looks like a placeholder is not expanded again.
- `redact` loses nothing. What it found is named exactly, with the form it had, so
  `reveal(redact(x)) == x`: a short secret found by chance inside a word does no harm to the data.
- What it shows to people is `mask`'s: three stars.

Numbers inside a secret get placeholders too, and come back as numbers when one stands alone; in
answers only their text is sought, for a number equal by chance must stay a number.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

import msgspec

from batuta.adapters.secrets.forms import SHORTEST, forms
from batuta.adapters.secrets.values import leaves
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.secrets.values import Leaf, SecretValue

_OPEN, _CLOSE = "\u27e6secret:", "\u27e7"
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,}")
_ANY = re.compile(f"{_OPEN}[^\u27e6\u27e7]*{_CLOSE}")
STARS = "***"


class SecretLookup(Protocol):
    """Where the values are; `SecretStore` is one."""

    def find(self, name: str) -> SecretValue | None:
        """Return the secret's value, or None."""
        ...

    def ways(self, name: str) -> tuple[str, ...]:
        """Return how the secret can be provided."""
        ...


def new_nonce() -> str:
    """Return a nonce for one run: 128 random bits."""
    return secrets.token_urlsafe(16)


def mask(value: Any) -> Any:
    """Return `value` with `***` for every placeholder of any run, for showing."""
    return _mapped(value, _OPEN, lambda text: _ANY.sub(STARS, text), None)


class RunSecrets:
    """The secrets of one run; a `SecretSource`.

    Values are read when this is made, and stay as they were.

    Args:
        store: where the values are.
        declared: the names in the workflow's `use.secrets`; no others can be had.
        nonce: of this run, at least 16 letters of the URL-safe base64 alphabet; the same after a
            restart, or the placeholders in the journal mean nothing.

    Raises:
        ValueError: the nonce is too short or has other letters.
        RequestError: a place of secrets cannot be used as it is.
        CorruptError: what it holds cannot be read back.
    """

    def __init__(self, store: SecretLookup, declared: tuple[str, ...], nonce: str) -> None:
        if not _NONCE.fullmatch(nonce):
            raise ValueError("a nonce has at least 16 letters out of A-Z a-z 0-9 _ -")
        self._store = store
        self._declared = declared
        self._start = f"{_OPEN}{nonce}:"
        found = {name: store.find(name) for name in declared}
        self._values = {name: value for name, value in found.items() if value is not None}
        self._typed: dict[str, Leaf] = {}
        self._texts: dict[str, str] = {}
        self._known: dict[str, str] = {}
        for name, value in self._values.items():
            for path, leaf in leaves(value):
                self._learn(name, path, leaf)
        own = re.escape(self._start) + f"[^\u27e6\u27e7]*{_CLOSE}"
        self._own = re.compile(own)
        # Placeholders come first, so that a secret whose value is part of one leaves them whole;
        # then the longest text, so that a secret inside another is not cut out of it.
        longest = sorted(self._known, key=len, reverse=True)
        self._sought = re.compile("|".join([own, *map(re.escape, longest)]))

    def placeholders(self) -> dict[str, Any]:
        """Return `$secrets`: the declared secrets that exist, each leaf a placeholder."""
        return {name: self._standing(name, value, ()) for name, value in self._values.items()}

    def missing(self) -> tuple[str, ...]:
        """Return the declared names for which no value exists."""
        return tuple(name for name in self._declared if name not in self._values)

    def require(self) -> None:
        """Check that every declared secret exists.

        Raises:
            Fault: `authorization` 403, naming those that do not and the ways to provide them.
        """
        missing = self.missing()
        if missing:
            raise self._absent(missing)

    def get(self, name: str) -> Any:
        """Return a secret's value (text or object).

        Raises:
            Fault: `authorization` 403 when the workflow does not declare it, or it has no value
                (DSL 1.0.3, "Secret").
        """
        if name not in self._declared:
            detail = f"the workflow does not declare secret `{name}`; add it to `use.secrets`"
            raise Fault("authorization", 403, "Secret not available", detail)
        if name not in self._values:
            raise self._absent((name,))
        value = self._values[name]
        return value if isinstance(value, str) else msgspec.json.decode(msgspec.json.encode(value))

    def reveal(self, value: Any) -> Any:
        """Return `value` with every placeholder of this run replaced.

        A text that is nothing but a placeholder gives the secret's own type; inside other text a
        number appears as JSON writes it. What needs no change is returned as it is.
        """
        if not self._typed:
            return value
        return _mapped(value, self._start, self._revealed, self._typed)

    def redact(self, value: Any) -> Any:
        """Return `value` with a placeholder for every secret text of 4 letters or more.

        Also found: its base64 (alone or inside longer), its URL-, form- and JSON-escaped forms.
        """
        if not self._known:
            return value
        return _mapped(value, "", self._redacted, None)

    def mask(self, value: Any) -> Any:
        """Return `value` with `***` for every placeholder, of this run or another, for showing."""
        return mask(value)

    def under(self, value: Any, nonce: str) -> Any:
        """Return `value` with this run's placeholders under another nonce.

        Whoever has secrets of these names, and that nonce, can reveal it with its own values.
        """
        start = f"{_OPEN}{nonce}:"
        kept = len(self._start)

        def renamed(text: str) -> str:
            return self._own.sub(lambda found: start + found[0][kept:], text)

        return _mapped(value, self._start, renamed, None)

    def _learn(self, name: str, path: tuple[str, ...], leaf: Leaf) -> None:
        typed = self._placeholder(name, path)
        text = leaf if isinstance(leaf, str) else msgspec.json.encode(leaf).decode()
        self._typed[typed] = leaf
        self._texts[typed] = text
        sought = forms(text) if isinstance(leaf, str) else [("text", text)]
        for form, written in sought:
            if len(written) >= SHORTEST:
                standing = self._placeholder(name, path, form)
                self._texts[standing] = written
                self._known.setdefault(written, standing)

    def _placeholder(self, name: str, path: tuple[str, ...], form: str = "") -> str:
        inside = "/".join(quote(part, safe="", errors="backslashreplace") for part in (name, *path))
        return f"{self._start}{inside}{'|' if form else ''}{form}{_CLOSE}"

    def _standing(self, name: str, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            items = cast("dict[str, Any]", value).items()
            return {key: self._standing(name, item, (*path, key)) for key, item in items}
        if isinstance(value, list):
            listed = enumerate(cast("list[Any]", value))
            return [self._standing(name, item, (*path, str(index))) for index, item in listed]
        if value is None or isinstance(value, bool):
            return value
        return self._placeholder(name, path)

    def _revealed(self, text: str) -> str:
        return self._own.sub(lambda found: self._texts.get(found[0], found[0]), text)

    def _redacted(self, text: str) -> str:
        return self._sought.sub(lambda found: self._known.get(found[0], found[0]), text)

    def _absent(self, names: tuple[str, ...]) -> Fault:
        told = [
            f"secret `{name}` has no value here; provide it with {' or '.join(ways)}"
            if (ways := self._store.ways(name))
            else f"secret `{name}` has no value here, and no place for secrets is set up"
            for name in names
        ]
        return Fault("authorization", 403, "Secret not available", "; ".join(told))


def _mapped(
    value: Any, mark: str, change: Callable[[str], str], whole: dict[str, Leaf] | None
) -> Any:
    """Apply `change` to every text that holds `mark`, keys too; `whole` replaces entire texts.

    What has no such text is returned itself, not copied: most data holds no secret.
    """
    if isinstance(value, str):
        if mark not in value:
            return value
        return whole[value] if whole is not None and value in whole else change(value)
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        mapped = {
            (change(key) if mark in key else key): _mapped(item, mark, change, whole)
            for key, item in items
        }
        same = all(
            key is new_key and item is new
            for (key, item), (new_key, new) in zip(items, mapped.items(), strict=False)
        )
        return cast("Any", value) if same and len(mapped) == len(items) else mapped
    if isinstance(value, list):
        listed = cast("list[Any]", value)
        changed = [_mapped(item, mark, change, whole) for item in listed]
        same = all(item is new for item, new in zip(listed, changed, strict=True))
        return listed if same else changed
    return value
