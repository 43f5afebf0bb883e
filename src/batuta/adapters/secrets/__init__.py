"""Secrets: where they are kept, and how a run uses them without holding them."""

from batuta.adapters.secrets.chain import SecretStore
from batuta.adapters.secrets.current import CurrentSecrets
from batuta.adapters.secrets.encrypted import EncryptedStore
from batuta.adapters.secrets.keys import Key, Keyring
from batuta.adapters.secrets.placeholders import RunSecrets, mask, new_nonce
from batuta.adapters.secrets.sources import EnvironmentSecrets, FileSecrets, GivenSecrets
from batuta.adapters.secrets.values import SecretProvider, SecretValue

__all__ = [
    "CurrentSecrets",
    "EncryptedStore",
    "EnvironmentSecrets",
    "FileSecrets",
    "GivenSecrets",
    "Key",
    "Keyring",
    "RunSecrets",
    "SecretProvider",
    "SecretStore",
    "SecretValue",
    "mask",
    "new_nonce",
]
