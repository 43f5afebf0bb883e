"""Reading the properties of `run.shell`, `run.script` and `run.container`.

Owns turning evaluated JSON into what a process takes: texts without NUL. A text is taken as it is;
anything else as JSON writes it. In an environment null leaves the variable out, as `stdin: null`
leaves standard input empty.

`arguments` is a list, as DSL 1.0.3 has it. Earlier and later drafts have a map there, with a
meaning that no two runtimes share, so a map is refused and not guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from batuta.ports.caller import Fault

_RETURNS = ("stdout", "stderr", "code", "all", "none")
_VARIABLE = re.compile(r"[^=\0]+")


def invalid(detail: str) -> Fault:
    """Return the fault for a property that cannot be used."""
    return Fault("validation", 400, "Invalid process", detail)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task asks for, checked.

    Attributes:
        properties: the rest of them, as given.
        arguments: what follows the program's name.
        environment: variables declared by the workflow.
        stdin: what the process reads, in UTF-8; None for nothing.
        returns: stdout, stderr, code, all or none.
    """

    properties: dict[str, Any]
    arguments: tuple[str, ...]
    environment: dict[str, str]
    stdin: bytes | None
    returns: str

    @classmethod
    def of(cls, properties: dict[str, Any]) -> Asked:
        """Check the properties.

        Raises:
            Fault: `validation` 400, naming the property and what was expected.
        """
        returns = properties.get("return") or "stdout"
        if returns not in _RETURNS:
            raise invalid(f"`return` is {_json(returns)}; it is one of {', '.join(_RETURNS)}")
        stdin = properties.get("stdin")
        return cls(
            properties,
            _arguments(properties.get("arguments")),
            _environment(properties.get("environment")),
            None if stdin is None else as_text(stdin, "stdin", nul=True).encode(),
            returns,
        )

    def text(self, name: str) -> str | None:
        """Return a property that is a text, or None when it is absent.

        Raises:
            Fault: `validation` 400 when it is something else.
        """
        value = self.properties.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise invalid(f"`{name}` is {_json(value)}; a text was expected")
        return as_text(value, name)

    def required(self, name: str) -> str:
        """Return a property that is a text.

        Raises:
            Fault: `validation` 400 when it is absent or something else.
        """
        value = self.text(name)
        if value is None:
            raise invalid(f"`{name}` is missing")
        return value

    def mapping(self, name: str) -> dict[str, str]:
        """Return a property that maps texts to texts; empty when it is absent.

        Raises:
            Fault: `validation` 400 when it is something else.
        """
        value = self.properties.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid(f"`{name}` is {_json(value)}; an object was expected")
        items = cast("dict[str, Any]", value).items()
        return {as_text(key, name): as_text(item, f"{name}.{key}") for key, item in items}


def as_text(value: Any, name: str, *, nul: bool = False) -> str:
    """Return `value` as a process takes it.

    Raises:
        Fault: `validation` 400 when no process can (NUL ends a text there, and text that is not
            Unicode has no bytes).
    """
    text = value if isinstance(value, str) else _json(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise invalid(f"`{name}` holds text that is not Unicode") from None
    if "\0" in text and not nul:
        raise invalid(f"`{name}` holds the character NUL, which ends a text for a process")
    return text


def _arguments(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, dict):
        raise invalid(
            "`arguments` is an object, and DSL 1.0.3 has a list there; write "
            '["--name", "${ .name }"], or hand over names with `environment`'
        )
    if not isinstance(value, list):
        raise invalid(f"`arguments` is {_json(value)}; a list was expected")
    listed = enumerate(cast("list[Any]", value))
    return tuple(as_text(item, f"arguments[{index}]") for index, item in listed)


def _environment(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"`environment` is {_json(value)}; an object was expected")
    found: dict[str, str] = {}
    for name, item in cast("dict[str, Any]", value).items():
        if not _VARIABLE.fullmatch(name):
            raise invalid(f"`environment` has {_json(name)}, which cannot be a variable's name")
        if item is not None:
            found[name] = as_text(item, f"environment.{name}")
    return found


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return ascii(value)
