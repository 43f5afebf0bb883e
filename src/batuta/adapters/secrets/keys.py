"""Keys of the encrypted store: where they come from, and which one is meant.

A key is 32 random bytes (AES-256), written as base64. Its id is the first 4 bytes of a hash of it
and tells nothing about it; every encrypted row names the id, so several keys can be in use while
one replaces another. A file of keys has one per line, the one to encrypt with first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.errors import ConflictError, NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 32
VARIABLE = "BATUTA_KEY"
_NEW_KEY = "create one with batuta.adapters.secrets.Keyring.create, or `openssl rand -base64 32`"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `material` is 32 bytes and never shown."""

    material: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.material) != SIZE:
            raise RequestError(
                f"a key has {SIZE} bytes, and this one {len(self.material)}", hint=_NEW_KEY
            )

    @property
    def id(self) -> str:
        """8 hexadecimal digits that name the key."""
        return hashlib.sha256(b"batuta-key-id\0" + self.material).hexdigest()[:8]

    @classmethod
    def generate(cls) -> Key:
        """Return a new random key."""
        return cls(secrets.token_bytes(SIZE))

    @classmethod
    def from_text(cls, text: str) -> Key:
        """Read base64, standard or URL-safe, padded or not.

        Raises:
            RequestError: it is no key; the text is not repeated.
        """
        plain = text.strip().translate(str.maketrans("-_", "+/")).rstrip("=")
        try:
            material = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise RequestError("a key is not written in base64", hint=_NEW_KEY) from None
        return cls(material)

    def to_text(self) -> str:
        """Return the key as base64."""
        return base64.b64encode(self.material).decode()


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key to encrypt with, and older ones that still decrypt."""

    primary: Key
    older: tuple[Key, ...] = ()

    def find(self, key_id: str) -> Key | None:
        """Return the key of that id."""
        return next((key for key in (self.primary, *self.older) if key.id == key_id), None)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Keyring | None:
        """Read `BATUTA_KEY` (several keys with spaces between); None when it is not set."""
        text = (os.environ if environ is None else environ).get(VARIABLE, "")
        keys = [Key.from_text(part) for part in text.split()]
        return cls(keys[0], tuple(keys[1:])) if keys else None

    @classmethod
    def from_file(cls, path: str | Path) -> Keyring:
        """Read a file of keys.

        Raises:
            NotFoundError: there is no such file.
            RequestError: others than its owner may open it, or it holds no key.
        """
        place = Path(path)
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            raise NotFoundError(f"there is no file of keys at {place}", hint=_NEW_KEY) from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise RequestError(
                f"{place} holds keys and others than its owner may open it",
                hint=f"chmod 600 {place}",
            )
        keys = [Key.from_text(line) for line in place.read_text(encoding="ascii").split()]
        if not keys:
            raise RequestError(f"{place} holds no key", hint=_NEW_KEY)
        return cls(keys[0], tuple(keys[1:]))

    @classmethod
    def create(cls, path: str | Path) -> Keyring:
        """Write a new random key to a new file that only its owner may open.

        Raises:
            ConflictError: the file exists; a key that is written over is lost, and with it all
                that it encrypted.
        """
        ring = cls(Key.generate())
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConflictError(
                f"{path} exists already", hint="use it, or name another file"
            ) from None
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write(ring.primary.to_text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return ring
