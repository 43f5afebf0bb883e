"""Where this machine keeps secrets: which places there are, and in which order they are asked.

Owns the order (what was given by hand, the environment, the settings' file, the encrypted store),
and where the encrypted store lies: `.batuta/secrets.json` under the current folder, beside the
default store of runs, with its key in `.batuta/key` unless `BATUTA_KEY` holds it. Does not own how
a place is read (`batuta.adapters.secrets`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batuta.adapters.secrets import (
    EncryptedStore,
    EnvironmentSecrets,
    FileSecrets,
    GivenSecrets,
    Key,
    Keyring,
)
from batuta.adapters.secrets.values import from_text
from batuta.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.adapters.secrets import SecretProvider, SecretValue
    from batuta.wiring.settings import Settings

SECRETS_FILE = Path(".batuta/secrets.json")
KEY_FILE = Path(".batuta/key")


def places(settings: Settings, given: Mapping[str, Any]) -> tuple[SecretProvider, ...]:
    """Return the places of secrets, in the order in which they are asked.

    Args:
        settings: names the file of secrets, if there is one.
        given: secrets by name, each a text or a JSON object.

    Raises:
        RequestError: something given has no name, or is neither a text nor an object.
    """
    named = (FileSecrets(settings.secrets_file),) if settings.secrets_file is not None else ()
    return (GivenSecrets(_as_given(given)), EnvironmentSecrets(), *named, KeptSecrets())


def _as_given(given: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    for name, value in given.items():
        if not isinstance(value, str | dict):
            raise RequestError(
                f"secret `{name}` is of type {type(value).__name__}",
                hint="a secret is a text or an object",
            )
        texts.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    return texts


class KeptSecrets:
    """The encrypted store of this folder; empty until the first secret is set.

    The key is read when a secret is asked for and not before: a run that needs none of them must
    not fail because the key is elsewhere, and a process that is up sees what is set later.
    """

    def find(self, name: str) -> SecretValue | None:
        """Return the value, or None when it is not kept here.

        Raises:
            NotFoundError: there are secrets and no key.
            RequestError: it was encrypted with another key.
            CorruptError: it or the file cannot be read back.
        """
        if not SECRETS_FILE.exists():
            return None
        return EncryptedStore(SECRETS_FILE, _ring()).find(name)

    def way(self, name: str) -> str:
        """Return the command that puts a secret here."""
        return f"`batuta secrets set {name}`"

    def set(self, name: str, text: str) -> bool:
        """Keep a secret, as text or as the JSON object that the text is; say if a key was made.

        Raises:
            RequestError: the name is empty, or the key cannot be used.
        """
        fresh = not SECRETS_FILE.exists() and Keyring.from_environment() is None
        fresh = fresh and not KEY_FILE.exists()
        if fresh:
            KEY_FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Keyring.create(KEY_FILE)
        EncryptedStore(SECRETS_FILE, _ring()).set(name, from_text(text))
        return fresh

    def names(self) -> tuple[str, ...]:
        """Return the names of all secrets kept here, sorted."""
        return _without_key().names()

    def delete(self, name: str) -> None:
        """Forget a secret.

        Raises:
            NotFoundError: there is none of that name.
        """
        if not SECRETS_FILE.exists():
            raise NotFoundError(
                f"there is no secret `{name}`: none was set in this folder",
                hint="`batuta secrets list` shows the names of those that are kept",
            )
        _without_key().delete(name)


def _ring() -> Keyring:
    ring = Keyring.from_environment()
    if ring is not None:
        return ring
    if not KEY_FILE.exists():
        raise NotFoundError(
            f"{SECRETS_FILE} holds secrets and their key is not at {KEY_FILE}",
            hint=f"put the key back, or give it in the environment as BATUTA_KEY; without it, "
            f"delete {SECRETS_FILE} and set the secrets again",
        )
    return Keyring.from_file(KEY_FILE)


def _without_key() -> EncryptedStore:
    # Names are in the clear and forgetting decrypts nothing, so a lost key stands in nobody's way.
    return EncryptedStore(SECRETS_FILE, Key.generate())
