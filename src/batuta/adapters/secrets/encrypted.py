"""Secrets on disk, encrypted.

Owns one file of rows `name -> (key id, nonce, ciphertext)`. Each value is encrypted by itself with
AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce; the associated data is the name, so a row
that somebody moves under another name does not decrypt. Names and the number of secrets are
visible, and an older copy of the file can be put back by whoever may write to it: the file's place
protects against that, not its contents.

Writes take a lock beside the file, change a fresh copy, and replace the file as a whole after
`fsync`: a crash leaves the old file or the new one.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from batuta.adapters.secrets.keys import Key, Keyring
from batuta.errors import CorruptError, NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.adapters.secrets.values import SecretValue

_FORMAT = "batuta-secrets/1"
_NONCE_SIZE = 12


class _Row(msgspec.Struct, frozen=True):
    key: str
    nonce: bytes
    data: bytes


class _File(msgspec.Struct, frozen=True):
    format: str = _FORMAT
    secrets: dict[str, _Row] = {}


class EncryptedStore:
    """Secrets in one encrypted file.

    Args:
        path: the file; made by the first `set`.
        key: what to encrypt with, or a keyring that also holds older keys.
    """

    def __init__(self, path: str | Path, key: Key | Keyring) -> None:
        self._path = Path(path)
        self._ring = key if isinstance(key, Keyring) else Keyring(key)

    def find(self, name: str) -> SecretValue | None:
        """Return the value, or None when there is none of that name.

        Raises:
            RequestError: it was encrypted with another key.
            CorruptError: it or the file cannot be read back.
        """
        row = self._read().secrets.get(name)
        return None if row is None else _opened(name, row, self._ring, self._path)

    def get(self, name: str) -> SecretValue:
        """Return the value.

        Raises:
            NotFoundError: there is none of that name.
            RequestError: it was encrypted with another key.
            CorruptError: it or the file cannot be read back.
        """
        value = self.find(name)
        if value is None:
            raise NotFoundError(f"there is no secret `{name}` in {self._path}", hint=self.way(name))
        return value

    def set(self, name: str, value: SecretValue) -> None:
        """Keep `value` under `name`, instead of what was there; on disk when this returns.

        Raises:
            RequestError: the name is empty.
            CorruptError: the file cannot be read back; it is left as it is.
        """
        if not name:
            raise RequestError("a secret needs a name", hint="`batuta secrets set NAME`")
        with self._changing() as rows:
            rows[name] = _closed(name, value, self._ring.primary)

    def delete(self, name: str) -> None:
        """Forget a secret.

        Raises:
            NotFoundError: there is none of that name.
        """
        with self._changing() as rows:
            if rows.pop(name, None) is None:
                raise NotFoundError(f"there is no secret `{name}` in {self._path}")

    def names(self) -> tuple[str, ...]:
        """Return the names of all secrets, sorted; needs no key."""
        return tuple(sorted(self._read().secrets))

    def rotate(self, key: Key) -> int:
        """Encrypt every secret again with `key`, in one write; return how many.

        Afterwards this store encrypts with `key`, and the keys before it are no longer needed.

        Raises:
            RequestError: a secret was encrypted with a key that this store does not have; nothing
                is changed.
        """
        with self._changing() as rows:
            for name, row in list(rows.items()):
                rows[name] = _closed(name, _opened(name, row, self._ring, self._path), key)
        self._ring = Keyring(key, (self._ring.primary, *self._ring.older))
        return len(rows)

    def way(self, name: str) -> str:
        """Return the command that puts a secret here."""
        return f"`batuta secrets set {name}`"

    def _read(self) -> _File:
        try:
            content = msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File()
        except msgspec.MsgspecError as error:
            raise CorruptError(
                f"{self._path} is no file of encrypted secrets: {error}",
                hint="keep it, and restore a copy",
            ) from None
        if content.format != _FORMAT:
            raise RequestError(
                f"{self._path} has format {content.format!r}, and this version reads {_FORMAT!r}",
                hint="use the version of Batuta that wrote it",
            )
        return content

    @contextmanager
    def _changing(self) -> Generator[dict[str, _Row]]:
        """Give the rows to change; write them back unless the block raises."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._path.with_name(self._path.name + ".lock")
        opened = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            rows = dict(self._read().secrets)
            yield rows
            _replace(self._path, msgspec.json.encode(_File(secrets=rows)))
        finally:
            os.close(opened)


def _closed(name: str, value: SecretValue, key: Key) -> _Row:
    nonce = secrets.token_bytes(_NONCE_SIZE)
    data = AESGCM(key.material).encrypt(nonce, msgspec.json.encode(value), _bound(name, key.id))
    return _Row(key.id, nonce, data)


def _opened(name: str, row: _Row, ring: Keyring, path: Path) -> SecretValue:
    key = ring.find(row.key)
    if key is None:
        raise RequestError(
            f"secret `{name}` in {path} was encrypted with key {row.key}, and the key in use is "
            f"{ring.primary.id}",
            hint=f"give key {row.key} (BATUTA_KEY or the key file), or set the secret again",
        )
    try:
        plain = AESGCM(key.material).decrypt(row.nonce, row.data, _bound(name, key.id))
    except (InvalidTag, ValueError):
        raise CorruptError(
            f"secret `{name}` in {path} does not decrypt: it was altered, moved from another name, "
            "or damaged",
            hint="set it again, or restore a copy of the file",
        ) from None
    return msgspec.json.decode(plain)


def _bound(name: str, key_id: str) -> bytes:
    return f"{_FORMAT}\0{key_id}\0{name}".encode()


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    # The new name is in the folder, and the folder has to be on disk too.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
