"""How a run comes by its secrets: placeholders for the kernel, values for callers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from batuta.ports.caller import SecretSource

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from batuta.kernel.program import Program


class HeldSecrets(SecretSource, Protocol):
    """The secrets of one run."""

    def placeholders(self) -> dict[str, Any]:
        """Return `$secrets`: placeholders for the declared secrets that exist."""
        ...

    def require(self) -> None:
        """Check that every declared secret exists.

        Raises:
            Fault: `authorization` 403, naming those that do not and how to provide them.
        """
        ...

    def mask(self, value: Any) -> Any:
        """Return `value` with stars for every placeholder."""
        ...

    def under(self, value: Any, nonce: str) -> Any:
        """Return `value` with this run's placeholders under another nonce, for somebody else."""
        ...


class Keeper(Protocol):
    """Gives runs their secrets.

    Promises: placeholders of different nonces are different; values leave only through
        `HeldSecrets`.
    Failure: `RequestError` when a place of secrets cannot be used, `CorruptError` when what it
        holds cannot be read.
    Cancellation: none; the calls return at once.
    Order: none.
    Repetition: the same nonce gives the same placeholders.
    """

    def new_nonce(self) -> str:
        """Return a nonce for a new run, which nobody can guess."""
        ...

    def secrets_of(self, program: Program, nonce: str) -> HeldSecrets:
        """Return the secrets that a workflow declares."""
        ...

    def mask(self, value: Any) -> Any:
        """Return `value` with stars for every placeholder of any run."""
        ...

    def serving(self, secrets: HeldSecrets) -> AbstractContextManager[None]:
        """Let callers see these secrets inside the block, and in the tasks created in it."""
        ...
