"""What lies around an engine: its settings, the stores of participants beside it, its secrets.

For what looks after a whole place (a server), not for driving runs. Stores are opened when they are
first looked at, and stay open until this is closed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from batuta.adapters.secrets import SecretStore
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.lease import is_claimed
from batuta.app.participants import Home
from batuta.ports.caller import Fault
from batuta.wiring.secret_places import places
from batuta.wiring.settings import participants_beside, sqlite_path, token_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from batuta.ports.identity import IdentityProvider
    from batuta.wiring.settings import Settings


class Surroundings:
    """The place that an engine works in."""

    def __init__(self, settings: Settings, secrets: Mapping[str, Any] | None = None) -> None:
        """Look around; nothing is opened yet.

        Args:
            settings: those that the engine is opened with.
            secrets: secrets that were given by hand.

        Raises:
            RequestError: the store's URL names none.
        """
        self.settings = settings
        self._path = sqlite_path(settings.store)
        self._secrets = SecretStore(*places(settings, secrets or {}))
        self._stores: dict[str, SqliteStore] = {}

    @property
    def token_file(self) -> Path:
        """Where the local token is."""
        return token_beside(self._path)

    @property
    def remote(self) -> frozenset[str]:
        """The participants that have processes of their own elsewhere."""
        return self.settings.remote

    def homes(self) -> dict[str, Home]:
        """Return where participants live on this machine, by their names.

        The store of the engine itself goes by the name of its file.

        Raises:
            UnavailableError: a store cannot be opened now.
            CorruptError: one is damaged.
        """
        found = {unquote(one.stem): one for one in participants_beside(self._path).glob("*.db")}
        found.setdefault(self._path.stem, self._path)
        homes: dict[str, Home] = {}
        for name, file in sorted(found.items()):
            if name not in self._stores:
                self._stores[name] = SqliteStore(file)
            homes[name] = Home(self._stores[name], is_claimed(file), _written_at(file))
        return homes

    def secret(self, name: str) -> str | None:
        """Return a secret that is text, None when there is none such."""
        try:
            value = self._secrets.find(name)
        except Fault:
            return None
        return value if isinstance(value, str) else None

    def provider(self, now: Callable[[], float]) -> IdentityProvider | None:
        """Return who logs people in, None when the settings name nobody.

        Args:
            now: the time in seconds.
        """
        oidc = self.settings.server.oidc
        if oidc is None:
            return None
        # Its library is loaded where somebody logs in elsewhere, and nowhere else.
        from batuta.adapters.identity.oidc import OidcProvider  # noqa: PLC0415 -- as it says

        name = oidc.secret
        return OidcProvider(
            oidc.issuer,
            oidc.client_id,
            lambda: None if name is None else self.secret(name),
            scope=oidc.scope,
            now=now,
        )

    def shown(self) -> dict[str, Any]:
        """Return the settings as anybody may see them: without what is in addresses besides."""
        shown: dict[str, Any] = _redacted(msgspec.to_builtins(self.settings))
        return shown

    def close(self) -> None:
        """Close the stores that were opened."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()


@contextmanager
def surroundings(
    settings: Settings, secrets: Mapping[str, Any] | None = None
) -> Generator[Surroundings]:
    """Look around until the block ends. See `Surroundings`."""
    around = Surroundings(settings, secrets)
    try:
        yield around
    finally:
        around.close()


def _written_at(file: Path) -> int:
    """Return when a store was last written (epoch milliseconds)."""
    log = file.with_name(f"{file.name}-wal")
    times = [one.stat().st_mtime_ns for one in (file, log) if one.is_file()]
    return max(times, default=0) // 1_000_000


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _redacted(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_redacted(one) for one in value]
    if isinstance(value, str) and "@" in value and "://" in value:
        parts = urlsplit(value)
        if parts.username is not None or parts.password is not None:
            host = parts.netloc.rpartition("@")[2]
            return urlunsplit(parts._replace(netloc=f"***@{host}"))
    return value
