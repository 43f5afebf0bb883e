"""Places where secrets are kept in the clear: the command line, the environment, a file.

Owns reading each. Does not own the order in which they are asked (`chain`), nor the encrypted
store (`encrypted`). Errors name the secret and the place, never the value.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batuta.adapters.secrets.values import from_data, from_text
from batuta.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batuta.adapters.secrets.values import SecretValue

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)")
PREFIX = "BATUTA_SECRET_"


class GivenSecrets:
    """Secrets given as `NAME=VALUE`, on a command line.

    Args:
        given: the texts, in order; a later one of the same name wins.

    Raises:
        RequestError: a text has no name; the text is not repeated, for it may be a value.
    """

    def __init__(self, given: Iterable[str] = ()) -> None:
        self._values: dict[str, SecretValue] = {}
        for position, text in enumerate(given, start=1):
            name, equals, value = text.partition("=")
            if not name or not equals:
                raise RequestError(
                    f"secret number {position} on the command line is not NAME=VALUE",
                    hint="write --secret NAME=VALUE; quote it when it holds spaces",
                )
            self._values[name] = from_text(value)

    def find(self, name: str) -> SecretValue | None:
        """Return the value given for `name`."""
        return self._values.get(name)

    def way(self, name: str) -> str:
        """Return the option to write."""
        return f"`--secret {name}=VALUE` on the command line"


class EnvironmentSecrets:
    """Secrets in variables `BATUTA_SECRET_<NAME>`.

    The name is taken as it is, or else in capitals with `_` for what a shell does not allow:
    `my-token` is found in `BATUTA_SECRET_MY_TOKEN`. Nothing is enumerated, so only names that a
    workflow declares are ever read.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def find(self, name: str) -> SecretValue | None:
        """Return the variable's value."""
        for variable in (PREFIX + name, _variable(name)):
            text = self._environ.get(variable)
            if text is not None:
                return from_text(text)
        return None

    def way(self, name: str) -> str:
        """Return the variable to set."""
        return f"the environment variable {_variable(name)}"


def _variable(name: str) -> str:
    return PREFIX + re.sub(r"\W", "_", name).upper()


class FileSecrets:
    """Secrets in a file: TOML (`.toml`), JSON (`.json`), or lines `NAME=VALUE` (any other name).

    It is read again when it changes. A file that everybody on the machine may read is refused: its
    secrets are none.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stamp: tuple[int, int, int] | None = None
        self._values: dict[str, SecretValue] = {}

    def find(self, name: str) -> SecretValue | None:
        """Return the value in the file.

        Raises:
            NotFoundError: there is no such file.
            RequestError: everybody may read it, or it cannot be parsed (with the line).
        """
        self._refresh()
        return self._values.get(name)

    def way(self, name: str) -> str:
        """Return the entry to write."""
        return f"an entry `{name}` in {self._path}"

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise NotFoundError(
                f"there is no file of secrets at {self._path}", hint="create it, or name another"
            ) from None
        if found.st_mode & stat.S_IRWXO:
            raise RequestError(
                f"{self._path} holds secrets and everybody on this machine may open it",
                hint=f"chmod 600 {self._path}",
            )
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._values = _parsed(self._path)
            self._stamp = stamp


def _parsed(path: Path) -> dict[str, SecretValue]:
    text = path.read_text(encoding="utf-8")
    if path.suffix not in (".toml", ".json"):
        return _lines(text, path)
    try:
        data: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        # Both parsers tell what is wrong and where, and quote at most one character.
        raise RequestError(f"{path} cannot be read: {error}", hint="mend it there") from None
    if not isinstance(data, dict):
        raise RequestError(f"{path} holds no object", hint='write {"NAME": "VALUE"}')
    return {str(name): from_data(str(name), value, str(path)) for name, value in data.items()}


def _lines(text: str, path: Path) -> dict[str, SecretValue]:
    values: dict[str, SecretValue] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise RequestError(f"{path}:{number} is not NAME=VALUE", hint="a comment begins with #")
        name, value = found.groups()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[name] = from_text(value)
    return values
