"""A folder with workflows: its `batuta.toml`, with every relative path meant from there.

Owns where settings are looked for and what their paths are relative to. Does not own which settings
there are (`settings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from batuta.wiring.settings import DEFAULT_STORE, Settings, from_file, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE = "batuta.toml"


def settings_of(*folders: Path) -> Settings:
    """Return the settings of the first folder that has a `batuta.toml`.

    Without one: the defaults, with resources of workflows beside them, in the first folder. The
    default store lies under the current folder whatever the folder of the workflows is, so that
    every command finds it from where it is typed.

    Raises:
        RequestError: the file is not TOML, or has a setting that does not exist.
    """
    for folder in folders:
        path = folder / SETTINGS_FILE
        if path.is_file():
            return _from(folder, from_file(path))
    return Settings(folder=str(folders[0]))


def _from(folder: Path, written: Settings) -> Settings:
    store = written.store
    if store != DEFAULT_STORE:
        store = f"sqlite:///{folder / sqlite_path(store)}"
    bus = written.bus
    if bus is not None and bus.startswith("sqlite:"):
        bus = f"sqlite:///{folder / sqlite_path(bus)}"
    secrets = written.secrets_file
    return msgspec.structs.replace(
        written,
        store=store,
        bus=bus,
        folder=str(folder / written.folder),
        functions=tuple(
            str(folder / one) if one.endswith(".py") else one for one in written.functions
        ),
        secrets_file=None if secrets is None else str(folder / secrets),
    )
