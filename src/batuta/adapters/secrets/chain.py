"""Several places of secrets, asked in order: the first that has a secret answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batuta.adapters.secrets.values import SecretProvider, SecretValue


class SecretStore:
    """All places where secrets are kept, as one.

    Args:
        providers: asked in this order; usually what was given by hand first, then the environment,
            then files, then the encrypted store.
    """

    def __init__(self, *providers: SecretProvider) -> None:
        self._providers = providers

    def find(self, name: str) -> SecretValue | None:
        """Return the secret's value from the first place that has it, or None.

        Raises:
            RequestError: a place asked before that cannot be used as it is.
            CorruptError: what a place holds cannot be read back.
        """
        for provider in self._providers:
            value = provider.find(name)
            if value is not None:
                return value
        return None

    def ways(self, name: str) -> tuple[str, ...]:
        """Return how somebody can provide the secret, one sentence part for each place."""
        return tuple(provider.way(name) for provider in self._providers)
