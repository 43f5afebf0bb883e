"""Settings: where the store is, which functions and secrets there are, what is allowed.

From what the caller says, else from `batuta.toml` beside the workflows, else the defaults.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from batuta.errors import RequestError

DEFAULT_STORE = "sqlite:///.batuta/batuta.db"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engine is built from.

    `folder` is where relative resources of workflows lie. `retention_days` is how long ended runs
    are kept (0: for ever). `network` is `local` (private addresses may be called) or `public`.
    `allow` lists what `run` may start: shell, script, container.
    """

    store: str = DEFAULT_STORE
    folder: str = "."
    functions: tuple[str, ...] = ()
    secrets_file: str | None = None
    retention_days: int = 30
    network: str = "local"
    allow: tuple[str, ...] = ("shell", "script", "container")


def from_file(path: Path) -> Settings:
    """Read a `batuta.toml`.

    Raises:
        RequestError: it is not TOML, or has a setting that does not exist.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(table, Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        known = ", ".join(Settings.__struct_fields__)
        raise RequestError(f"{path}: {error}", hint=f"the settings are: {known}") from error


def sqlite_path(url: str) -> Path:
    """Return the file that a store URL names: `sqlite:///relative` or `sqlite:////absolute`.

    Raises:
        RequestError: it is another kind of store, or names no file.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or parts.path in {"", "/"}:
        raise RequestError(
            f"{url!r} is no store that this version knows",
            hint="use sqlite:///FILE (relative) or sqlite:////FILE (absolute)",
        )
    return Path(parts.path[1:])
